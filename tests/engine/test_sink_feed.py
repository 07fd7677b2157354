"""Sinks get what the recorder has stored: in order, once, late ones too, over crashes, and without holding it up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pdm_app.domain.history import Tier
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.sinks import Sink
from pdm_app.engine.sink_feed import CONSUMER
from pdm_app.storage.removed_spans import note_removed
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import NOON, HandClock
from tests.counterparts.installation import SIGNALS
from tests.counterparts.sink_servers import CODES, FileSide, Row, sink
from tests.engine.sink_plant import DOOR, FIRMWARE, OPTIONS, RSSI, UPTIME, Plant


def seconds(rows: Sequence[Row]) -> list[tuple[str, float, Any]]:
    return [(name.split(".")[1], (at - NOON) / MICROS_PER_S, value) for name, at, value, _ in rows]


def suffixes(plant: Plant) -> list[str]:
    assert isinstance(plant.side, FileSide)
    return [Path(name).suffix for name in plant.side.names()]


Begin = Callable[..., Awaitable[Plant]]


@pytest.fixture
async def begin(sqlite_work: SqlUnitOfWork, sqlite_url: str, tmp_path: Path, clock: HandClock) -> AsyncIterator[Begin]:
    plants: list[Plant] = []

    async def one(*sinks: Sink) -> Plant:
        plant = Plant(sqlite_work, sqlite_url, tmp_path, clock)
        plants.append(plant)
        for each in sinks or (sink(OPTIONS, pattern="G-1.*", begins_at=NOON),):
            await plant.put(each)
        await plant.start()
        return plant

    yield one
    for plant in plants:
        await plant.close()


async def test_what_was_recorded_is_sent_with_its_type_and_in_order(begin: Begin) -> None:
    plant = await begin()
    await plant.record(RSSI, -70.5, None, -71.25, at_s=0)
    await plant.record(UPTIME, 1, 2, at_s=0)
    await plant.record(DOOR, True, False, at_s=0)
    await plant.record(FIRMWARE, "v1", "v2", at_s=0)
    await plant.record(SIGNALS[0], 9.0, at_s=0)  # Of a machine that the sink does not take.
    rows = await plant.sent(9)
    assert sorted(seconds(rows)) == [
        ("door_open", 0.0, True), ("door_open", 1.0, False), ("firmware", 0.0, "v1"), ("firmware", 1.0, "v2"),
        ("rssi_dbm", 0.0, -70.5), ("rssi_dbm", 1.0, None), ("rssi_dbm", 2.0, -71.25),
        ("uptime_s", 0.0, 1), ("uptime_s", 1.0, 2),
    ]  # fmt: skip
    assert [row[3] for row in rows if row[2] is None] == [CODES["bad_stale"]]
    status = plant.status()
    assert (status.behind, status.problem, status.samples_total, status.signals) == (0, "", 9, 4)
    assert status.newest_at == NOON + 2 * MICROS_PER_S


async def test_what_is_not_recorded_yet_is_not_sent(begin: Begin) -> None:
    plant = await begin()
    plant.offer(RSSI, 1.0, at_s=0)
    await plant.settled()
    assert plant.in_files() == []
    assert plant.buffer.positions.get(CONSUMER, 0) == 0, "it is noticed once it is recorded"


async def test_a_crash_at_any_moment_leaves_each_sample_in_the_files_once(begin: Begin) -> None:
    plant = await begin()
    sent: list[float] = []
    for turn in range(6):
        values = [float(10 * turn + place) for place in range(5)]
        await plant.record(RSSI, *values, at_s=10 * turn)
        sent += values
        for _ in range(turn):  # Ends ever later in what a sender does.
            await plant.clock.advance(0.25)
            await asyncio.sleep(0.003)
        await plant.crash()
    rows = await plant.sent(len(sent))
    assert [row[2] for row in rows] == sent


async def test_a_crash_before_the_buffer_knows_that_anybody_listens_sends_nothing_twice(begin: Begin) -> None:
    plant = await begin()
    await plant.record(RSSI, 1.0, 2.0, at_s=0)
    await plant.sent(2)
    plant.buffer.positions.pop(CONSUMER, None)  # The place of the sink was stored, and then it ended.
    await plant.crash()
    await plant.record(RSSI, 3.0, at_s=10)
    assert [row[2] for row in await plant.sent(3)] == [1.0, 2.0, 3.0]


async def test_a_target_that_is_away_holds_nothing_up_and_gets_everything_later(begin: Begin) -> None:
    plant = await begin()
    plant.gate.shut = "The server does not answer. Start it."
    for turn in range(5):
        await plant.record(RSSI, float(turn), at_s=3600 * turn)
    await plant.until(lambda: plant.buffer.positions.get(CONSUMER) == 5 and plant.status().problem)
    status = plant.status()
    assert status.problem == "The server does not answer. Start it."
    assert status.failing_since is not None
    assert (status.is_sending, status.behind, round(status.lag_s)) == (False, 1, 4 * 3600)
    await plant.crash()
    plant.gate.shut = ""
    rows = await plant.sent(5)
    assert [row[2] for row in rows] == [0.0, 1.0, 2.0, 3.0, 4.0]
    await plant.until(lambda: not plant.status().problem)


async def test_a_fault_nobody_foresaw_in_a_target_ends_neither_the_product_nor_another_sink(begin: Begin) -> None:
    plant = await begin()
    plant.gate.breaks = True
    await plant.record(RSSI, 1.0, at_s=0)
    await plant.until(lambda: "nobody foresaw" in plant.status().problem)
    assert not plant.died
    plant.gate.breaks = False
    assert [row[2] for row in await plant.sent(1)] == [1.0]


async def test_late_samples_are_sent_when_they_have_come(begin: Begin) -> None:
    plant = await begin()
    await plant.record(RSSI, 1.0, 2.0, at_s=1000)
    await plant.sent(2)
    await plant.record(RSSI, 0.5, at_s=10)
    await plant.record(RSSI, 3.0, at_s=1002)
    rows = await plant.sent(4)
    assert seconds(rows) == [
        ("rssi_dbm", 1000.0, 1.0), ("rssi_dbm", 1001.0, 2.0), ("rssi_dbm", 10.0, 0.5), ("rssi_dbm", 1002.0, 3.0)
    ]  # fmt: skip
    assert plant.status().late == 0


async def test_late_samples_are_not_forgotten_by_a_crash_while_the_target_is_away(begin: Begin) -> None:
    plant = await begin()
    await plant.record(RSSI, 1.0, at_s=1000)
    await plant.sent(1)
    plant.gate.shut = "away"
    await plant.record(RSSI, 0.5, at_s=10)
    await plant.until(lambda: plant.buffer.positions.get(CONSUMER) == 2)
    await plant.crash()
    plant.gate.shut = ""
    assert [row[2] for row in await plant.sent(2)] == [1.0, 0.5]


async def test_a_sink_that_begins_in_the_past_gets_what_history_has_since(begin: Begin) -> None:
    plant = await begin()
    for hour in range(30):
        await plant.record(RSSI, *(float(place) for place in range(20)), at_s=hour * 3600, every_s=60)
    await plant.sent(600)
    other = sink(OPTIONS.model_copy(update={"folder": "other"}), id="sink-2", name="Other", pattern="G-1.*",
                 begins_at=NOON + 10 * 3600 * MICROS_PER_S)  # fmt: skip
    await plant.put(other)
    await plant.feed.reload()
    await plant.until(lambda: plant.status("sink-2").samples_total == 400)
    assert plant.status("sink-2").behind == 0


async def test_a_sink_that_is_switched_off_keeps_its_place_and_ends_its_file(begin: Begin) -> None:
    plant = await begin()
    given = sink(OPTIONS, pattern="G-1.*", begins_at=NOON)
    await plant.record(RSSI, 1.0, at_s=0)
    await plant.sent(1)
    assert suffixes(plant) == [".part"]
    await plant.put(given.model_copy(update={"enabled": False}))
    await plant.feed.reload()
    assert suffixes(plant) == [".csv"]
    await plant.record(RSSI, 2.0, at_s=5)
    await plant.record(RSSI, 0.5, at_s=-0.5)  # Before the sink begins.
    await plant.settled()
    assert [row[2] for row in plant.in_files()] == [1.0]
    assert plant.status().is_sending is False
    await plant.put(given.model_copy(update={"revision": 9}))
    await plant.feed.reload()
    assert [row[2] for row in await plant.sent(2)] == [1.0, 2.0]


async def test_a_sink_goes_on_from_a_time_that_somebody_says(begin: Begin) -> None:
    plant = await begin()
    await plant.record(RSSI, 1.0, 2.0, 3.0, at_s=0)
    await plant.sent(3)
    await plant.put(sink(OPTIONS, pattern="G-1.*", begins_at=NOON + MICROS_PER_S))
    await plant.feed.reload()
    assert [row[2] for row in await plant.sent(5)] == [1.0, 2.0, 3.0, 2.0, 3.0]
    plant.gate.shut = "away"
    await plant.record(RSSI, 4.0, 5.0, at_s=10)
    await plant.until(lambda: plant.status().behind)
    await plant.put(sink(OPTIONS, pattern="G-1.*", begins_at=NOON + 11 * MICROS_PER_S))
    await plant.feed.reload()
    plant.gate.shut = ""
    assert [row[2] for row in await plant.sent(6)] == [1.0, 2.0, 3.0, 2.0, 3.0, 5.0]


async def test_what_was_removed_before_it_could_be_sent_is_said(begin: Begin) -> None:
    plant = await begin()
    plant.gate.shut = "away"
    await plant.record(RSSI, 1.0, at_s=0)
    await plant.record(RSSI, 2.0, at_s=86_400)
    async with plant.database.writing("remove a day") as connection:
        await note_removed(connection, Tier.RAW, {RSSI.id: [(NOON - 1, NOON + 3600 * MICROS_PER_S)]})
    await plant.until(lambda: plant.status().behind)
    plant.gate.shut = ""
    await plant.sent(2)
    assert "2027-01-15 08:00 to 2027-01-15 09:00 UTC were removed from history" in plant.status().gap
    await plant.crash()
    assert plant.status().gap, "it is remembered"
