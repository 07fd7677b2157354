"""Retention: exactly what is due goes, the rest answers as before, and nothing goes that is not in a coarser tier."""

from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from pdm_app.domain.errors import FencedError
from pdm_app.domain.history import HistoryQuery, Tier
from pdm_app.domain.ports import Fence
from pdm_app.domain.removals import RemovalOrder, Removed
from pdm_app.storage.compaction import DAY_US
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.removal import Removal
from tests.contracts.cold_stores import each_store_in_time, names_kept
from tests.contracts.historian_checks import rolled_up, table
from tests.contracts.test_cold_tier import DAY, cold_historian, compacted, hot_rows, roll_over
from tests.contracts.test_historian import fence
from tests.counterparts.s3_server import s3_server
from tests.storage.data import NOON, S, batch, ramp

__all__ = ["each_store_in_time", "fence", "s3_server"]

pytestmark = pytest.mark.usefixtures("each_store_in_time")

HOUR_US = 3600 * S
WHOLE = HistoryQuery(signals=(1, 2), start_at=DAY, end_at=DAY + DAY_US, buckets=24 * 60)


@pytest.fixture
def historian(database: Database, tmp_path: Path) -> SqlHistorian:
    return cold_historian(database, tmp_path)


def removal_of(historian: SqlHistorian) -> Removal:
    assert historian.removal is not None
    return historian.removal


def order(tier: Tier, *signals: int, held: Sequence[tuple[tuple[int, ...], int, int]] = ()) -> RemovalOrder:
    return RemovalOrder(rule_id="rule", tier=tier, signals=signals, before_at=DAY + DAY_US, held=tuple(held))


async def carried_out(historian: SqlHistorian, fence: Fence, *orders: RemovalOrder) -> list[Removed]:
    return [step for one in orders async for step in removal_of(historian).remove(one, fence)]


async def two_signals(historian: SqlHistorian, fence: Fence, *, cold: bool = True) -> None:
    """Have a closed day with 300 samples of signal 1, and 40 of signal 2 of which 20 lie an hour later."""
    given = [ramp(1, 0, 300, seq=1), ramp(2, 0, 20, seq=2), ramp(2, 3600, 20, seq=3)]
    await historian.write(given, fence)
    await roll_over(historian, fence)
    if cold:
        await compacted(historian, fence)


async def rows_of(database: Database, name: str, signal: int) -> int:
    where = f"signal_id = {signal} AND {'source_at' if name == 'samples' else 'bucket_at'} < {DAY + DAY_US}"
    return int((await table(database, f"SELECT COUNT(*) AS rows_there FROM {name} WHERE {where}"))[0]["rows_there"])  # noqa: S608


async def raw_of(historian: SqlHistorian, signal: int) -> int:
    found = await historian.samples([signal], NOON, NOON + 7200 * S, 100_000)  # type: ignore[arg-type]
    return int((found[signal].source_at >= NOON).sum())


@pytest.mark.parametrize("cold", [True, False], ids=["in a file", "in hot rows"])
async def test_what_is_due_is_counted_and_goes_and_the_rollups_still_say_what_there_was(
    database: Database, historian: SqlHistorian, fence: Fence, cold: bool
) -> None:
    await two_signals(historian, fence, cold=cold)
    before = await historian.envelope(WHOLE)
    due = await removal_of(historian).due(order(Tier.RAW, 1))
    assert (due.rows, due.signals, due.files_rewritten) == (300, 1, int(cold))
    assert due.bytes > 0
    [step] = await carried_out(historian, fence, order(Tier.RAW, 1))
    assert (step.rows, step.blocked, step.day_at) == (300, 0, DAY)
    assert (await raw_of(historian, 1), await raw_of(historian, 2)) == (0, 40)
    assert await rows_of(database, "samples", 1) == 0
    after = await historian.envelope(WHOLE)
    assert sum(after[0].count) == sum(before[0].count) == 300
    assert max(value for value in after[0].high if value is not None) == 299.0
    assert after[1] == before[1]
    assert (await removal_of(historian).due(order(Tier.RAW, 1))).rows == 0


async def test_a_zoom_into_a_time_without_samples_is_answered_from_the_finest_tier_that_is_left(
    historian: SqlHistorian, fence: Fence
) -> None:
    await two_signals(historian, fence)
    await carried_out(historian, fence, order(Tier.RAW, 1))
    zoom = HistoryQuery(signals=(1, 2), start_at=NOON, end_at=NOON + 60 * S, buckets=600)
    one, two = await historian.envelope(zoom)
    assert (one.tier, one.bucket_us, sum(one.count)) == (Tier.ROLLUP_10S, 10 * S, 60)
    assert (two.tier, two.bucket_us) == (Tier.RAW, 0)
    await carried_out(historian, fence, order(Tier.ROLLUP_10S, 1))
    one, _ = await historian.envelope(zoom)
    assert (one.tier, one.bucket_us, sum(one.count)) == (Tier.ROLLUP_60S, 60 * S, 60)
    await carried_out(historian, fence, order(Tier.ROLLUP_60S, 1))
    one, _ = await historian.envelope(zoom)
    assert (one.tier, sum(one.count)) == (Tier.ROLLUP_1H, 300)


async def test_a_file_of_which_nothing_is_left_goes_as_a_whole(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await two_signals(historian, fence)
    [file] = await table(database, "SELECT * FROM cold_files")
    due = await removal_of(historian).due(order(Tier.RAW, 1, 2))
    assert (due.rows, due.files, due.files_rewritten, due.bytes) == (340, 1, 0, file["bytes"])
    [step] = await carried_out(historian, fence, order(Tier.RAW, 1, 2))
    assert (step.rows, step.bytes) == (340, file["bytes"])
    assert await table(database, "SELECT * FROM cold_files") == []
    assert await names_kept(historian) == []


async def test_samples_stay_until_their_rollups_are_derived(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await historian.write([ramp(1, 0, 300)], fence)
    [step] = await carried_out(historian, fence, order(Tier.RAW, 1))
    assert (step.rows, step.blocked) == (0, 300)
    assert "not derived yet" in step.reason
    await roll_over(historian, fence)
    [step] = await carried_out(historian, fence, order(Tier.RAW, 1))
    assert (step.rows, await hot_rows(database)) == (300, 0)


async def test_samples_stay_where_their_rollups_disagree(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await two_signals(historian, fence)
    async with database.writing("spoil a rollup") as connection:
        await connection.execute(text(f"DELETE FROM rollups_10s WHERE signal_id = 1 AND bucket_at = {NOON}"))  # noqa: S608
    [step] = await carried_out(historian, fence, order(Tier.RAW, 1, 2))
    assert (step.rows, step.blocked) == (40, 300)
    assert "disagree" in step.reason
    assert (await raw_of(historian, 1), await raw_of(historian, 2)) == (300, 0)


async def test_held_spans_stay_whole_and_the_rest_of_the_day_goes(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await two_signals(historian, fence)
    held = [((2,), NOON, NOON + HOUR_US)]
    due = await removal_of(historian).due(order(Tier.RAW, 1, 2, held=held))
    assert due.rows == 320
    [step] = await carried_out(historian, fence, order(Tier.RAW, 1, 2, held=held))
    assert (step.rows, step.blocked) == (320, 0)
    assert (await raw_of(historian, 1), await raw_of(historian, 2)) == (0, 20)
    inside = HistoryQuery(signals=(2,), start_at=NOON, end_at=NOON + 60 * S, buckets=600)
    [envelope] = await historian.envelope(inside)
    assert (envelope.tier, len(envelope.at)) == (Tier.RAW, 20)
    assert (await removal_of(historian).due(order(Tier.RAW, 1, 2, held=held))).rows == 0
    [step] = await carried_out(historian, fence, order(Tier.RAW, 1, 2))  # The hold was released.
    assert (step.rows, await raw_of(historian, 2)) == (20, 0)
    assert len(await table(database, "SELECT * FROM removed_spans WHERE signal_id = 2")) == 1


async def test_what_comes_late_for_a_removed_span_changes_no_rollup_and_goes_next_time(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await two_signals(historian, fence)
    await carried_out(historian, fence, order(Tier.RAW, 1))
    before = await historian.envelope(WHOLE)
    await historian.write([batch([(1, 3.5, 1e6)], seq=950, received_s=3 * 86_400)], fence)
    assert await historian.envelope(WHOLE) == before
    await rolled_up(historian, fence)
    assert await historian.envelope(WHOLE) == before
    [step] = await carried_out(historian, fence, order(Tier.RAW, 1))
    assert (step.rows, step.blocked, await rows_of(database, "samples", 1)) == (1, 0, 0)


async def test_a_sample_that_comes_while_a_day_is_removed_keeps_the_day(
    historian: SqlHistorian, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    await two_signals(historian, fence)
    removal = removal_of(historian)
    take_out = removal._take_out

    async def interrupted(*arguments: Any) -> Any:
        await historian.write([batch([(1, 3.5, 1e6)], seq=950, received_s=3 * 86_400)], fence)
        await historian.roll_up(fence)  # Leaves the mark alone, and with it the proof.
        return await take_out(*arguments)

    monkeypatch.setattr(removal, "_take_out", interrupted)
    [step] = await carried_out(historian, fence, order(Tier.RAW, 1))
    assert (step.rows, step.blocked) == (0, 300)
    monkeypatch.setattr(removal, "_take_out", take_out)
    assert await raw_of(historian, 1) == 301
    await rolled_up(historian, fence)
    [step] = await carried_out(historian, fence, order(Tier.RAW, 1))
    assert (step.rows, await raw_of(historian, 1)) == (301, 0)


@pytest.mark.parametrize("cold", [True, False], ids=["in a file", "in hot rows"])
async def test_a_removal_that_died_is_not_to_be_seen_and_the_next_one_ends_it(
    database: Database, historian: SqlHistorian, fence: Fence, cold: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await two_signals(historian, fence, cold=cold)
    removal = removal_of(historian)
    delete = removal._delete

    async def died(*_: Any) -> int:
        raise KeyboardInterrupt

    for tier in (Tier.RAW, Tier.ROLLUP_10S):
        monkeypatch.setattr(removal, "_delete", died)
        with pytest.raises(KeyboardInterrupt):
            await carried_out(historian, fence, order(tier, 1))
        monkeypatch.setattr(removal, "_delete", delete)
        [envelope] = await historian.envelope(WHOLE.model_copy(update={"signals": (1,)}))
        assert sum(envelope.count) == 300
        await carried_out(historian, fence, order(tier, 1))
        assert (await removal.due(order(tier, 1))).rows == 0
    assert await rows_of(database, "rollups_60s", 1) == 5


async def test_rollups_go_when_the_coarser_ones_stand_for_the_same_samples(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await two_signals(historian, fence)
    assert (await removal_of(historian).due(order(Tier.ROLLUP_10S, 1))).rows == 30
    async with database.writing("spoil a rollup") as connection:
        await connection.execute(text("UPDATE rollups_60s SET samples = samples + 1 WHERE signal_id = 2"))
    steps = await carried_out(historian, fence, order(Tier.ROLLUP_10S, 1, 2))
    assert [(step.rows, step.blocked > 0) for step in steps] == [(30, True)]
    assert (await rows_of(database, "rollups_10s", 1), await rows_of(database, "rollups_10s", 2)) == (0, 4)


async def test_who_lost_the_lease_removes_nothing(database: Database, historian: SqlHistorian, fence: Fence) -> None:
    await two_signals(historian, fence)
    with pytest.raises(FencedError):
        await carried_out(historian, Fence(fence.token + 1), order(Tier.RAW, 1))
    assert await raw_of(historian, 1) == 300
    assert await table(database, "SELECT * FROM removed_spans") == []


async def test_whoever_stops_after_a_day_leaves_whole_days(historian: SqlHistorian, fence: Fence) -> None:
    await historian.write([ramp(1, -86_400, 50, seq=1), ramp(1, 0, 300, seq=2)], fence)
    await roll_over(historian, fence)
    await compacted(historian, fence)
    async with aclosing(removal_of(historian).remove(order(Tier.RAW, 1), fence)) as steps:
        async for step in steps:
            assert (step.day_at, step.rows) == (DAY - DAY_US, 50)
            break
    assert await raw_of(historian, 1) == 300


async def test_sizes_add_up_to_what_there_is(historian: SqlHistorian, fence: Fence) -> None:
    await two_signals(historian, fence)
    sizes = {(size.tier, size.place): size for size in await removal_of(historian).sizes()}
    cold = sizes[Tier.RAW, "cold"]
    assert (cold.rows, cold.first_at) == (340, DAY)
    assert sizes[Tier.ROLLUP_10S, "hot"].rows >= 34
    assert sizes[Tier.ROLLUP_10S, "hot"].first_at == NOON
    assert all(size.bytes > 0 for size in sizes.values())


async def test_what_was_remembered_of_a_span_goes_with_it(historian: SqlHistorian, fence: Fence) -> None:
    await two_signals(historian, fence)
    ten_seconds = HistoryQuery(signals=(1,), start_at=DAY, end_at=DAY + DAY_US // 2, buckets=4_320)
    wide = HistoryQuery(signals=(1,), start_at=NOON - 7200 * S, end_at=NOON + 7200 * S, buckets=20)
    for query in (ten_seconds, wide):
        await historian.envelope(query)
    await carried_out(historian, fence, order(Tier.RAW, 1), order(Tier.ROLLUP_10S, 1), order(Tier.ROLLUP_60S, 1))
    [left] = await historian.envelope(ten_seconds)
    assert left.tier is Tier.ROLLUP_1H
    [left] = await historian.envelope(wide)
    assert (left.tier, sum(left.count)) == (Tier.ROLLUP_1H, 300)
