"""Closed hours of fast signals go to the file of their day while it is still going on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from pdm_app.domain.history import HistoryQuery
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Batch, Micros
from pdm_app.storage import compaction as compaction_module
from pdm_app.storage.cold import ColdTier
from pdm_app.storage.compaction import DAY_US, HOUR_US, Compaction
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from tests.contracts.cold_stores import each_store, place_at
from tests.contracts.historian_checks import rolled_up, table
from tests.contracts.test_historian import fence
from tests.counterparts.s3_server import s3_server
from tests.storage.data import NOON, S, SteppedClock, batch

__all__ = ["each_store", "fence", "s3_server"]

pytestmark = pytest.mark.usefixtures("each_store")

DAY = NOON - NOON % DAY_US
SIX = DAY + 6 * HOUR_US
FAST, SLOW = 1, 2


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(SIX)


@pytest.fixture
def historian(database: Database, tmp_path: Path, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch) -> SqlHistorian:
    monkeypatch.setattr(compaction_module, "FAST_SAMPLES_MIN", 720)  # 0.2 Hz stands for 5 Hz, and spares rows.
    return SqlHistorian(database, clock, cold=ColdTier(database, place_at(tmp_path / "cold")))


def compaction_of(historian: SqlHistorian) -> Compaction:
    return historian.ways_to_cold()[0]


def hour_of(signal: int, begin: int, every_s: int, seq: int) -> Batch:
    at = np.arange(begin, begin + HOUR_US, every_s * S, dtype=np.int64)
    number = np.full(len(at), signal, np.uint32)
    value = np.sin(at / 6e8)
    return Batch("d", number, at, value, np.zeros(len(at), np.uint16), received_at=Micros(begin + HOUR_US), seq=seq)


async def goes_on(historian: SqlHistorian, fence: Fence, clock: SteppedClock, hours: Sequence[int]) -> None:
    for hour in hours:
        begin = SIX + hour * HOUR_US
        await historian.write([hour_of(FAST, begin, 5, 2 * hour + 1), hour_of(SLOW, begin, 60, 2 * hour + 2)], fence)
        clock.at = begin + HOUR_US + 10 * 60 * S
        seen = batch([(77, (clock.at - NOON) / S, 1.0)], seq=500 + hour, received_s=(clock.at - NOON) / S + 60)
        await historian.write([seen], fence)
    await rolled_up(historian, fence)


async def hot_rows(database: Database, signal: int) -> int:
    return int((await table(database, f"SELECT COUNT(*) AS hot FROM samples WHERE signal_id = {signal}"))[0]["hot"])  # noqa: S608


async def test_closed_hours_of_fast_signals_go_to_a_file_that_grows_and_answers_stay_the_same(
    database: Database, historian: SqlHistorian, fence: Fence, clock: SteppedClock
) -> None:
    compaction = compaction_of(historian)
    await goes_on(historian, fence, clock, [0, 1])
    queries = [
        HistoryQuery(signals=(FAST, SLOW), start_at=SIX, end_at=SIX + 6 * HOUR_US, buckets=buckets)
        for buckets in (50, 300, 5_000, 20_000)
    ]
    before = [await historian.envelope(query) for query in queries]
    due = await compaction.due_hours()
    assert due is not None
    assert (due.signals, due.end_at, due.samples) == ((FAST,), SIX + 2 * HOUR_US, 1_440)
    done = await compaction.compact_hours(fence, due)
    assert done is not None
    assert (done.file.start_at, done.file.end_at, done.samples) == (DAY, SIX + 2 * HOUR_US, 1_440)
    assert (await hot_rows(database, FAST), await hot_rows(database, SLOW)) == (0, 120)
    assert [await historian.envelope(query) for query in queries] == before
    assert await compaction.due_hours() is None

    await goes_on(historian, fence, clock, [2])
    before = [await historian.envelope(query) for query in queries]
    due = await compaction.due_hours()
    assert due is not None
    grown = await compaction.compact_hours(fence, due)
    assert grown is not None
    assert (grown.file.samples, grown.file.end_at) == (2_160, SIX + 3 * HOUR_US)
    assert [await historian.envelope(query) for query in queries] == before

    clock.at = DAY + 3 * DAY_US
    late = batch([(77, (clock.at - NOON) / S, 1.0)], seq=900, received_s=(clock.at - NOON) / S + 60)
    await historian.write([late], fence)
    await rolled_up(historian, fence)
    whole = await compaction.compact(fence, DAY)
    assert whole is not None
    assert (whole.file.end_at, whole.file.samples) == (DAY + DAY_US, 2_160 + 180 + 3)
    assert (await hot_rows(database, FAST), await hot_rows(database, SLOW)) == (0, 0)
    assert [await historian.envelope(query) for query in queries] == before


async def test_a_late_sample_keeps_the_hours_of_its_signal_hot_until_it_is_rolled_up(
    database: Database, historian: SqlHistorian, fence: Fence, clock: SteppedClock
) -> None:
    compaction = compaction_of(historian)
    await goes_on(historian, fence, clock, [0])
    due = await compaction.due_hours()
    assert due is not None
    await historian.write([batch([(FAST, (SIX - NOON) / S + 3, 7.0)], seq=700, received_s=9000)], fence)
    assert await compaction.compact_hours(fence, due) is None
    assert await hot_rows(database, FAST) == 721
    await rolled_up(historian, fence)
    again = await compaction.due_hours()
    assert again is not None
    assert await compaction.compact_hours(fence, again) is not None
    assert await hot_rows(database, FAST) == 0
