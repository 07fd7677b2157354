"""Days that are shorter or longer, and clocks that are set back: no sample is lost, doubled, or in a wrong day."""

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from pdm_app.domain.history import HistoryQuery
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Batch, Micros
from pdm_app.storage.cold import ColdTier
from pdm_app.storage.compaction import DAY_US
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from tests.contracts.historian_checks import assert_answers, assert_rollups, rolled_up
from tests.contracts.test_cold_tier import compaction_of
from tests.contracts.test_historian import fence
from tests.storage.data import NOON, S, SteppedClock, batch, ramp
from tests.storage.reference import Reference

__all__ = ["fence"]

VIENNA = ZoneInfo("Europe/Vienna")
HOUR_US = 3600 * S
EVERY_US = 300 * S


def midnight(day: date) -> int:
    """Return when a day begins on the clocks of Vienna, microseconds UTC."""
    return round(datetime(day.year, day.month, day.day, tzinfo=VIENNA).timestamp()) * S


@pytest.mark.parametrize(("changes", "hours"), [(date(2025, 3, 30), 23), (date(2025, 10, 26), 25)])
async def test_the_day_on_which_clocks_change_has_its_hours_and_each_sample_lies_in_one_day(
    database: Database, fence: Fence, tmp_path: Path, changes: date, hours: int
) -> None:
    edges = [midnight(changes + timedelta(days=days)) for days in (-1, 0, 1, 2)]
    assert np.diff(edges).tolist() == [24 * HOUR_US, hours * HOUR_US, 24 * HOUR_US]
    clock = SteppedClock(edges[0])
    historian = SqlHistorian(database, clock, cold=ColdTier(database, tmp_path / "cold"))
    for _ in range(3):  # As the product does while these days pass; they are days of UTC.
        await historian.partitions.roll_forward(fence, clock.now(), 2)
        clock.at += DAY_US
    times = np.arange(edges[0], edges[-1], EVERY_US)
    await historian.write([every_five_minutes(times)], fence)
    later_s = (edges[-1] - NOON) / S + 2 * 86_400
    await historian.write([batch([(77, later_s, 1.0)], seq=2, received_s=later_s + 60)], fence)
    await rolled_up(historian, fence)
    await assert_days(historian, edges, hours)
    clock.at = edges[-1] + 5 * DAY_US
    compaction = compaction_of(historian)
    due = await compaction.due(hot_days=2)
    of_utc, counts = np.unique(times - times % DAY_US, return_counts=True)
    assert [(day.start_at, day.samples) for day in due] == list(zip(of_utc.tolist(), counts.tolist(), strict=True))
    for day in due:
        assert await compaction.compact(fence, day.start_at) is not None
    await assert_days(historian, edges, hours)
    await historian.partitions.roll_forward(fence, clock.now(), 2)
    await assert_days(historian, edges, hours)


def every_five_minutes(times: np.ndarray) -> Batch:
    value = np.arange(len(times), dtype=np.float64)
    signal, quality = np.ones(len(times), np.uint32), np.zeros(len(times), np.uint16)
    return Batch("press-07", signal, times, value, quality, received_at=Micros(int(times[-1]) + S), seq=1)


async def assert_days(historian: SqlHistorian, edges: list[int], hours: int) -> None:
    """Each day of Vienna has as many samples as five minutes fit into it, each of its hours twelve."""
    for start, end, length in zip(edges[:-1], edges[1:], (24, hours, 24), strict=True):
        assert await historian.count(1, Micros(start), Micros(end)) == 12 * length
        found = await historian.samples([1], Micros(start), Micros(end), 1000)
        assert sum(start <= at < end for at in found[1].source_at.tolist()) == 12 * length
        [envelope] = await historian.envelope(HistoryQuery(signals=(1,), start_at=start, end_at=end, buckets=length))
        assert list(envelope.count) == [12] * length
        assert list(envelope.at) == list(range(start, end, HOUR_US))


async def test_a_clock_that_is_set_back_by_an_hour_costs_no_sample_and_rollups_agree(
    database: Database, tmp_path: Path
) -> None:
    clock, reference = SteppedClock(NOON + 7200 * S), Reference()
    lease = SqlLease(database, clock)
    fence = await lease.acquire("test", 60)
    assert fence is not None
    historian = SqlHistorian(database, clock, cold=ColdTier(database, tmp_path / "cold"))
    await historian.partitions.roll_forward(fence, clock.now(), 2)
    before = [ramp(1, minute * 60, 60, seq=1 + minute) for minute in range(0, 120, 20)]
    await historian.write(before, fence)
    reference.deliver(before)
    await rolled_up(historian, fence)
    clock.at -= HOUR_US
    again = await lease.acquire("test", 60)
    assert again == fence, "whoever collects goes on"
    # The hour comes a second time: some instants meet those of before, others lie between them.
    after = [
        batch([(1, minute * 60 + at / 2, -1.0) for at in range(60)], seq=500 + minute, received_s=minute * 60 + 30)
        for minute in range(60, 120, 10)
    ]
    for one in after:
        await historian.write([one], fence)
        reference.deliver([one])
        await historian.roll_up(fence)
    await historian.partitions.roll_forward(fence, clock.now(), 2)
    await rolled_up(historian, fence)
    queries = [
        HistoryQuery(signals=(1,), start_at=NOON, end_at=NOON + 7200 * S, buckets=buckets) for buckets in (1, 12, 720)
    ]
    await assert_answers(historian, reference, queries)
    await assert_rollups(database, reference)
