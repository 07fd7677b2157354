"""Every target: what goes in comes out by the target's own client, again and again, and trouble says what to do."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pdm_app.domain.samples import Quality
from pdm_app.domain.signals import DataType
from pdm_app.domain.sinks import (
    CannotEraseError,
    FileOptions,
    SentSamples,
    SentSignal,
    SentSpan,
    SinkError,
    Value,
)
from pdm_app.sinks.doors import SinkDoors
from tests.counterparts.clocks import NOON, HandClock
from tests.counterparts.sink_servers import FileSide, InfluxdbSide, PostgresqlSide, Row, Side, sink

S = 1_000_000
SIGNALS = {
    1: SentSignal(1, "PNQ", "G-1", "rssi_dbm", "dBm", DataType.NUMBER),
    2: SentSignal(2, "PNQ", "G-1", "uptime_s", "s", DataType.INTEGER),
    3: SentSignal(3, "PNQ", "G-1", "door_open", "", DataType.BOOLEAN),
    4: SentSignal(4, "PNQ", "G-1", "firmware", "", DataType.TEXT),
}
GOOD, CLAMPED, LOST = Quality.GOOD, Quality.UNCERTAIN_CLAMPED, Quality.BAD_CONNECTION_LOST
NASTY = 'a "quoted", \\backslashed\\ line\r\nof two;\ttabs, = and ünïcödé 🏭, ending in a backslash \\'
SAMPLES: list[tuple[int, float, Value, Quality]] = [
    (1, 0.0, -71.25, GOOD), (1, 1.0, 1e300, GOOD), (1, 2.0, 5e-324, CLAMPED), (1, 3.0, None, LOST),
    (1, 3.000001, 0.1 + 0.2, GOOD), (1, 4.0, -0.0, GOOD), (1, 5.0, 42.0, GOOD),
    (2, 0.0, 0, GOOD), (2, 1.0, 2**53, GOOD), (2, 2.0, -(2**53), GOOD), (2, 3.0, None, LOST),
    (3, 0.0, True, GOOD), (3, 1.0, False, GOOD), (3, 2.0, None, LOST),
    (4, 0.0, "v1.2", GOOD), (4, 1.0, NASTY, CLAMPED), (4, 2.0, None, LOST), (4, 3.0, "=1+1", GOOD),
    (4, 4.0, "x" * 1000, GOOD),
]  # fmt: skip


def samples(given: list[tuple[int, float, Value, Quality]]) -> SentSamples:
    """Make what a sender hands over, in the order of time."""
    given = sorted(given, key=lambda row: row[1])
    return SentSamples(
        SIGNALS,
        np.array([row[0] for row in given], np.int64),
        np.array([NOON + round(row[1] * S) for row in given], np.int64),
        np.array([math.nan if row[2] is None or isinstance(row[2], str) else row[2] for row in given], np.float64),
        np.array([row[3] for row in given], np.int64),
        {place: row[2] for place, row in enumerate(given) if isinstance(row[2], str)},
    )


def rows(given: list[tuple[int, float, Value, Quality]]) -> list[Row]:
    found = [(SIGNALS[row[0]].full_name, NOON + round(row[1] * S), row[2], int(row[3])) for row in given]
    return sorted(found, key=lambda row: row[:2])


@pytest.fixture(params=["csv", "parquet", "postgresql", "influxdb"])
def side(request: pytest.FixtureRequest, tmp_path: Path) -> Side:
    match request.param:
        case "postgresql":
            return PostgresqlSide(request.getfixturevalue("postgresql"))
        case "influxdb":
            return InfluxdbSide(request.getfixturevalue("influxdb"))
        case kind:
            return FileSide(tmp_path, FileOptions(kind=kind, folder="copy"))


class Desk:
    """Opens targets as the engine does, and keeps the checkpoint for it."""

    def __init__(self, side: Side, root: Path, clock: HandClock) -> None:
        self.side = side
        self.doors = SinkDoors(root, clock)
        self.checkpoint = ""
        self._target: Any = None

    async def open(self) -> None:
        self._target = self.doors.target(sink(self.side.options), self.side.secret)
        await self._target.open(self.checkpoint)

    async def write(self, given: SentSamples) -> None:
        await self._keep(await self._target.write(given))

    async def erase(self, spans: list[SentSpan]) -> None:
        await self._keep(await self._target.erase(spans))

    async def end(self) -> None:
        await self._keep(await self._target.settle(at_once=True))
        await self._target.close()

    async def crash(self) -> None:
        await self._target.close()

    async def _keep(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            self.checkpoint = checkpoint
            await self._target.confirm(checkpoint)


@pytest.fixture
async def desk(side: Side, tmp_path: Path, clock: HandClock) -> Desk:
    desk = Desk(side, tmp_path, clock)
    await desk.open()
    return desk


def same(found: list[Row], given: list[Row]) -> bool:
    """Whether rows are the same, with the same types; -0.0 and 0.0 too."""
    return [repr(row) for row in found] == [repr(row) for row in given]


async def test_what_goes_in_comes_out_with_its_type_time_and_quality(desk: Desk) -> None:
    await desk.write(samples(SAMPLES))
    await desk.end()
    assert same(await desk.side.rows(), rows(SAMPLES))


async def test_it_goes_on_where_it_was_after_it_was_opened_again(desk: Desk) -> None:
    early, late = SAMPLES[:9], SAMPLES[9:]
    await desk.write(samples(early))
    await desk.end()
    await desk.open()
    await desk.write(samples(late))
    await desk.end()
    assert same(await desk.side.rows(), rows(SAMPLES))


async def test_ten_thousand_samples_in_one_call_all_arrive(desk: Desk) -> None:
    many = [(1, place / 100, float(place), GOOD) for place in range(12_345)]
    await desk.write(samples(many))  # type: ignore[arg-type]
    await desk.end()
    found = await desk.side.rows()
    assert len(found) == len(many)
    assert [row[2] for row in found] == [row[2] for row in many]


async def test_a_trial_says_who_answers_and_leaves_nothing(side: Side, tmp_path: Path, clock: HandClock) -> None:
    target = SinkDoors(tmp_path, clock).target(sink(side.options), side.secret)
    try:
        said = await target.probe()
        again = await target.probe()
    finally:
        await target.close()
    assert re.sub("[0-9,]+ MB", "", again) == re.sub("[0-9,]+ MB", "", said)  # The disk is everybody's.
    assert any(words in said for words in ("can be written", "version 15", "version 1.6", "answers"))
    if isinstance(side, FileSide):
        assert side.names() == []


async def test_nobody_there_is_told_with_what_to_do(side: Side, tmp_path: Path, clock: HandClock) -> None:
    target = SinkDoors(tmp_path, clock).target(sink(side.away), side.secret)
    for attempt in (target.probe(), target.open("")):
        with pytest.raises(SinkError, match=r"(Start it|Make room|rights)"):
            await attempt
    await target.close()


async def test_what_went_from_history_is_forgotten_there_or_is_said_to_stay(desk: Desk) -> None:
    await desk.write(samples(SAMPLES))
    spans = [(SIGNALS[1], NOON + S, NOON + 4 * S), (SIGNALS[4], NOON, NOON + S)]
    gone = [row for row in SAMPLES if (row[0] == 1 and 1 <= row[1] < 4) or (row[0] == 4 and row[1] < 1)]
    kept = [row for row in SAMPLES if row not in gone]
    if isinstance(desk.side, FileSide):
        with pytest.raises(CannotEraseError, match="Files keep what was written"):
            await desk.erase(spans)
        kept = SAMPLES
    else:
        assert len(gone) == 5
        await desk.erase(spans)
        await desk.erase(spans)
    await desk.end()
    assert same(await desk.side.rows(), rows(kept))
