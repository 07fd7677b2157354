"""What is changed in history past the recorder reaches the sinks: imports, takings-back and spans that are put anew."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.past import IMPORT_SEQ
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Quality, Sample, SignalId
from pdm_app.domain.signals import Signal
from pdm_app.domain.sinks import Value
from pdm_app.engine.sink_feed import CONSUMER
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.contracts.historian_checks import damage
from tests.counterparts.clocks import NOON, HandClock
from tests.counterparts.sink_servers import (
    FileSide,
    InfluxdbSide,
    PostgresqlSide,
    Row,
    Server,
    Side,
    influxdb,
    postgresql,
    sink,
)
from tests.engine.sink_plant import FIRMWARE, OPTIONS, RSSI, Plant

__all__ = ["influxdb", "postgresql"]

MARK = Micros(NOON + 40 * 86_400 * MICROS_PER_S)
Known = dict[tuple[str, float], Value]
"""By signal and second: what is to be there."""


@pytest.fixture(params=["csv", "postgresql", "influxdb"])
def side(request: pytest.FixtureRequest, tmp_path: Path) -> Side:
    if request.param == "csv":
        return FileSide(tmp_path, OPTIONS)
    server: Server = request.getfixturevalue(request.param)
    return PostgresqlSide(server) if request.param == "postgresql" else InfluxdbSide(server)


@pytest.fixture
async def plant(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, tmp_path: Path, clock: HandClock, side: Side
) -> AsyncIterator[Plant]:
    plant = Plant(sqlite_work, sqlite_url, tmp_path, clock, side)
    await plant.put(sink(side.options, pattern="G-1.*", begins_at=NOON))
    await plant.start()
    yield plant
    await plant.close()


def at(second: float) -> Micros:
    return Micros(NOON + round(second * MICROS_PER_S))


def batch(signal: Signal, values: dict[float, float | str], received_at: Micros, seq: int) -> Batch:
    rows = [Sample(SignalId(signal.id), value, Quality.GOOD, at(second)) for second, value in values.items()]
    return Batch.of("file", rows, received_at).numbered(seq)


async def bring_in(plant: Plant, signal: Signal, values: dict[float, float | str], number: int = 1) -> None:
    """Import samples, as a person has it done."""
    await plant.historian.import_past([batch(signal, values, MARK, IMPORT_SEQ + number)], await plant.held())


async def put_anew(plant: Plant, signal: Signal, begin: float, end: float, values: dict[float, float | str]) -> None:
    """Put a span anew, as a recalculation does."""
    given = batch(signal, values or {begin: 0.0}, Micros(MARK + 1), 0)
    given = given if values else given.rows(np.zeros(1, bool))
    await plant.historian.rewrite(signal.id, at(begin), at(end), given, await plant.held())


async def there(plant: Plant) -> list[Row]:
    if isinstance(plant.side, FileSide):
        return await asyncio.to_thread(plant.in_files)
    return await plant.side.rows()


def known(rows: Sequence[Row]) -> Known:
    return {(name.split(".")[1], (when - NOON) / MICROS_PER_S): value for name, when, value, _ in rows}


async def arrives(plant: Plant, wanted: Known) -> None:
    """Wait until the other side tells the same as history; files may tell of samples that are gone, too."""
    found: Known = {}
    async with asyncio.timeout(60):
        while True:
            found = known(await there(plant))
            if isinstance(plant.side, FileSide):
                found = {key: value for key, value in found.items() if key in wanted}
            if found == wanted and not plant.status().behind and not await noted(plant):
                return
            await plant.clock.advance(0.5)
            await asyncio.sleep(0.005)


async def followed(plant: Plant) -> None:
    """Wait until the places of all sinks say what was changed."""
    async with asyncio.timeout(60):
        while await noted(plant):
            await plant.clock.advance(0.5)
            await asyncio.sleep(0.005)


async def noted(plant: Plant) -> int:
    async with plant.work(EVERY_SITE) as work:
        return len(await work.sinks.changes(10))


async def test_imports_takings_back_and_what_is_put_anew_reach_the_other_side(plant: Plant) -> None:
    await plant.record(RSSI, 1.0, 2.0, 3.0, at_s=1000)
    await plant.record(FIRMWARE, "v1", at_s=1000)
    live: Known = {
        ("rssi_dbm", 1000): 1.0, ("rssi_dbm", 1001): 2.0, ("rssi_dbm", 1002): 3.0, ("firmware", 1000): "v1"
    }  # fmt: skip
    await arrives(plant, live)
    await bring_in(plant, RSSI, {-5.0: 9.0, 10: 0.25, 11: 0.5, 1001: 2.5})  # The first is before the sink begins.
    await bring_in(plant, FIRMWARE, {20: "v0", 2000: "v2"}, 2)
    whole = live | {
        ("rssi_dbm", 10): 0.25, ("rssi_dbm", 11): 0.5, ("rssi_dbm", 1001): 2.5, ("firmware", 20): "v0",
        ("firmware", 2000): "v2",
    }  # fmt: skip
    await arrives(plant, whole)
    await put_anew(plant, RSSI, 10, 12, {10.5: 7.0})
    anew = {key: value for key, value in whole.items() if key not in {("rssi_dbm", 10), ("rssi_dbm", 11)}}
    await arrives(plant, anew | {("rssi_dbm", 10.5): 7.0})
    await plant.record(RSSI, 4.0, at_s=3000)
    span = (Micros(0), at(5000))
    assert await plant.historian.take_back([RSSI.id, FIRMWARE.id], *span, MARK, await plant.held()) == 4
    await arrives(plant, live | {("rssi_dbm", 10.5): 7.0, ("rssi_dbm", 3000): 4.0})
    status = plant.status()
    assert (status.anew, status.problem) == (0, "")
    if isinstance(plant.side, FileSide):
        assert "up to 2 signals" in status.outdated or "one signal" in status.outdated
        assert "Files keep what was written" in status.outdated
    else:
        assert status.outdated == ""
        assert len(await there(plant)) == 6, "and nothing else"


@pytest.mark.parametrize("side", ["csv", "postgresql"], indirect=True)
async def test_a_change_is_not_forgotten_by_a_crash_while_the_target_is_away(plant: Plant) -> None:
    await plant.record(RSSI, 1.0, 2.0, at_s=1000)
    await arrives(plant, {("rssi_dbm", 1000): 1.0, ("rssi_dbm", 1001): 2.0})
    plant.gate.shut = "away"
    await bring_in(plant, RSSI, {10: 0.5, 1001: 2.5})
    await followed(plant)
    await plant.crash()
    plant.gate.shut = ""
    await arrives(plant, {("rssi_dbm", 10): 0.5, ("rssi_dbm", 1000): 1.0, ("rssi_dbm", 1001): 2.5})
    plant.gate.shut = "away"
    await plant.historian.take_back([RSSI.id], Micros(0), at(5000), MARK, await plant.held())
    await plant.crash()  # Before it was noticed, or after.
    plant.gate.shut = ""
    await arrives(plant, {("rssi_dbm", 1000): 1.0, ("rssi_dbm", 1001): 2.0})


@pytest.mark.parametrize("side", ["csv"], indirect=True)
async def test_what_is_put_anew_where_nothing_was_sent_yet_is_sent_once_and_leaves_nothing_outdated(
    plant: Plant,
) -> None:
    await plant.record(RSSI, 1.0, at_s=1000)
    await arrives(plant, {("rssi_dbm", 1000): 1.0})
    plant.gate.shut = "away"
    await plant.record(RSSI, 2.0, 3.0, at_s=2000)
    await plant.until(lambda: plant.buffer.positions.get(CONSUMER) == 2)
    await put_anew(plant, RSSI, 1999, 2002, {2000.5: 7.0})
    await followed(plant)
    plant.gate.shut = ""
    await arrives(plant, {("rssi_dbm", 1000): 1.0, ("rssi_dbm", 2000.5): 7.0})
    assert [row[2] for row in await there(plant)] == [1.0, 7.0]
    assert plant.status().outdated == ""


@pytest.mark.parametrize("side", ["postgresql"], indirect=True)
async def test_where_a_cold_file_cannot_be_read_nothing_is_deleted_over_there_and_the_file_is_named(
    plant: Plant,
) -> None:
    await plant.record(RSSI, 1.0, 2.0, at_s=1000)
    await plant.record(RSSI, 3.0, at_s=5 * 86_400)
    live: Known = {("rssi_dbm", 1000): 1.0, ("rssi_dbm", 1001): 2.0, ("rssi_dbm", 5 * 86_400): 3.0}
    await arrives(plant, live)
    plant.clock.at = max(plant.clock.at, at(6 * 86_400))
    fence = await plant.held()
    while await plant.historian.roll_up(fence):
        pass
    await bring_in(plant, RSSI, {500: 0.5})
    await arrives(plant, live | {("rssi_dbm", 500): 0.5})
    (path,) = (await asyncio.to_thread(lambda: list(plant.cold.folder.glob("*.parquet"))),)[0]
    await asyncio.to_thread(damage, path)
    await put_anew(plant, RSSI, 400, 1001, {600: 0.75})
    await plant.until(lambda: path.name in plant.status().outdated)
    assert "nothing was deleted" in plant.status().outdated
    assert not plant.gate.erased
    await arrives(plant, live | {("rssi_dbm", 500): 0.5, ("rssi_dbm", 600): 0.75})
