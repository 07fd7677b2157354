"""Every historian gives the same answers, whatever was sent how often, in which order and cut."""

import asyncio

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import text

from pdm_app.domain.errors import FencedError, InvalidInputError
from pdm_app.domain.history import HistoryQuery, Tier
from pdm_app.domain.ports import Fence, Historian
from pdm_app.domain.samples import Batch, Micros, Quality
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from tests.contracts.historian_checks import (
    QUERIES,
    TABLES,
    assert_answers,
    assert_rollups,
    assert_rows,
    deliveries,
    rolled_up,
    table,
)
from tests.storage.data import NOON, S, SteppedClock, batch, ramp
from tests.storage.reference import Reference


@pytest.fixture
async def fence(database: Database) -> Fence:
    fence = await SqlLease(database, SteppedClock()).acquire("test", 3600)
    assert fence is not None
    return fence


@pytest.fixture
def historian(database: Database) -> Historian:
    return SqlHistorian(database, SteppedClock())


# --- any order, duplication and split ------------------------------------------------------------------------------

ONE_DATABASE = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@settings(ONE_DATABASE, max_examples=12)
@given(writes=deliveries())
async def test_any_order_duplication_and_split_of_batches_gives_the_same_answers(
    database: Database, fence: Fence, writes: list[tuple[list[Batch], bool]]
) -> None:
    await assert_same_answers(database, fence, writes)


@pytest.mark.long
@settings(ONE_DATABASE, max_examples=300)
@given(writes=deliveries())
async def test_any_order_duplication_and_split_gives_the_same_answers_hundreds_of_times(
    database: Database, fence: Fence, writes: list[tuple[list[Batch], bool]]
) -> None:
    await assert_same_answers(database, fence, writes)


async def assert_same_answers(database: Database, fence: Fence, writes: list[tuple[list[Batch], bool]]) -> None:
    async with database.writing("forget the example before") as connection:
        for name in TABLES:
            await connection.execute(text(f"DELETE FROM {name}"))  # noqa: S608
    historian, reference = SqlHistorian(database, SteppedClock()), Reference()
    if len(writes) % 2:
        await historian.roll_up(fence)  # Now it knows that nothing was there, and reads back as little as it can.
    for batches, rolls in writes:
        recorded = await historian.write(batches, fence)
        known = len(reference.instants)
        reference.deliver(batches)
        assert recorded.samples - recorded.duplicates == len(reference.instants) - known
        if rolls:
            await historian.roll_up(fence)
        await assert_answers(historian, reference, [QUERIES[1], QUERIES[-3]])
    await rolled_up(historian, fence)
    await assert_answers(historian, reference, QUERIES)
    await assert_rows(database, reference)
    await assert_rollups(database, reference)
    newest = {sample.signal: (sample.source_at, sample.value, sample.quality) for sample in await historian.latest()}
    assert newest == reference.latest()


# --- single promises, worked out by hand ---------------------------------------------------------------------------


async def test_of_two_samples_in_one_microsecond_the_later_received_counts_and_both_are_kept(
    historian: Historian, fence: Fence, database: Database
) -> None:
    early, late = batch([(1, 5, 10.0)], seq=1, received_s=6), batch([(1, 5, 20.0)], seq=2, received_s=7)
    await historian.write([late], fence)
    recorded = await historian.write([early], fence)
    assert (recorded.samples, recorded.duplicates, recorded.superseded) == (1, 1, 1)
    (row,) = await table(database, "SELECT * FROM samples")
    assert (row["value"], row["other_value"]) == (20.0, 10.0)
    assert [sample.value for sample in await historian.latest([1])] == [20.0]


async def test_a_replay_changes_nothing_and_is_counted_as_duplicates(historian: Historian, fence: Fence) -> None:
    batches = [ramp(1, 0, 30), ramp(2, 0, 30, seq=2)]
    assert (await historian.write(batches, fence)).duplicates == 0
    again = await historian.write(batches, fence)
    assert (again.samples, again.duplicates, again.superseded) == (60, 60, 0)
    assert await historian.count(1, NOON, Micros(NOON + 30 * S)) == 30


async def test_the_same_reading_delivered_twice_is_a_duplicate_but_contradicts_nothing(
    historian: Historian, fence: Fence
) -> None:
    await historian.write([batch([(1, 5, 10.0)], seq=1, received_s=6)], fence)
    recorded = await historian.write([batch([(1, 5, 10.0)], seq=2, received_s=9)], fence)
    assert (recorded.duplicates, recorded.superseded) == (1, 0)


async def test_a_write_with_an_outdated_fence_stores_nothing(historian: Historian, fence: Fence) -> None:
    await historian.write([ramp(1, 0, 3)], fence)
    with pytest.raises(FencedError, match="Another process collects now"):
        await historian.write([ramp(1, 10, 3, seq=2)], Fence(token=fence.token - 1))
    assert await historian.count(1, NOON, Micros(NOON + 60 * S)) == 3
    with pytest.raises(FencedError):
        await historian.roll_up(Fence(token=fence.token - 1))


async def test_nothing_to_write_is_no_error(historian: Historian, fence: Fence) -> None:
    assert (await historian.write([], fence)).samples == 0
    assert (await historian.write([batch([])], fence)).samples == 0


async def test_a_peak_of_one_sample_is_seen_at_every_resolution(
    historian: Historian, fence: Fence, database: Database
) -> None:
    values = [(1, second / 10, 20.0) for second in range(6000)]
    values[3333] = (1, 333.3, 99.0)
    await historian.write([batch(values, received_s=700)], fence)
    for rolled in (False, True):
        if rolled:
            await rolled_up(historian, fence)
            assert len(await table(database, "SELECT * FROM rollups_10s")) == 60
        for buckets in (1, 7, 20, 59, 60, 61, 200, 1000):
            query = HistoryQuery(signals=(1,), start_at=NOON, end_at=NOON + 600 * S, buckets=buckets)
            (envelope,) = await historian.envelope(query)
            assert max(high for high in envelope.high if high is not None) == 99.0
            assert min(low for low in envelope.low if low is not None) == 20.0
            assert sum(envelope.count) == 6000
            assert len(envelope.at) >= buckets
            coarsest = Tier.ROLLUP_60S if buckets <= 10 else Tier.ROLLUP_10S
            assert envelope.tier is (coarsest if buckets <= 60 else Tier.RAW)


async def test_a_gap_stays_a_gap_and_bad_samples_count_but_give_no_value(historian: Historian, fence: Fence) -> None:
    first = [(1, second / 2, 1.0) for second in range(40)]
    bad = [(1, 40 + second / 2, 7.0, int(Quality.BAD_DEVICE_FAILURE)) for second in range(40)]
    await historian.write([batch([*first, *bad], received_s=200)], fence)
    await rolled_up(historian, fence)
    query = HistoryQuery(signals=(1,), start_at=NOON, end_at=NOON + 100 * S, buckets=10)
    (envelope,) = await historian.envelope(query)
    assert [(at - NOON) // S for at in envelope.at] == [0, 10, 40, 50]
    assert envelope.high == [1.0, 1.0, None, None]
    assert envelope.good == [20, 20, 0, 0]
    assert envelope.count == [20, 20, 20, 20]


async def test_few_samples_are_answered_as_they_are_so_that_steps_stay_steps(
    historian: Historian, fence: Fence
) -> None:
    await historian.write([batch([(1, 3.25, 0.0), (1, 17.5, 1.0), (1, 18.0, 0.0)], received_s=900)], fence)
    await rolled_up(historian, fence)
    (envelope,) = await historian.envelope(HistoryQuery(signals=(1,), start_at=NOON, end_at=NOON + 600 * S, buckets=10))
    assert envelope.bucket_us == 0
    assert [(at - NOON) / S for at in envelope.at] == [3.25, 17.5, 18.0]
    assert envelope.last == [0.0, 1.0, 0.0]


async def test_late_samples_reach_buckets_that_were_rolled_up_before(historian: Historian, fence: Fence) -> None:
    await historian.write([ramp(1, 0, 300)], fence)
    await rolled_up(historian, fence)
    await historian.write([batch([(1, 100.5, 1e6)], seq=9, received_s=310)], fence)
    query = HistoryQuery(signals=(1,), start_at=NOON, end_at=NOON + 300 * S, buckets=3)
    before = await historian.envelope(query)
    assert before[0].high == [59.0, 1e6, 179.0, 239.0, 299.0]
    await rolled_up(historian, fence)
    assert await historian.envelope(query) == before


async def test_rolling_up_leaps_over_a_week_without_samples(historian: Historian, fence: Fence) -> None:
    week_s = 7 * 86_400
    await historian.write([ramp(1, 0, 60)], fence)
    await rolled_up(historian, fence)
    await historian.write([ramp(1, week_s, 60, seq=2)], fence)
    assert await rolled_up(historian, fence) < 20
    query = HistoryQuery(signals=(1,), start_at=NOON, end_at=NOON + (week_s + 60) * S, buckets=7)
    (envelope,) = await historian.envelope(query)
    assert sum(envelope.count) == 120


async def test_a_step_of_rolling_up_that_died_half_way_is_taken_up_by_the_next_process(
    database: Database, fence: Fence
) -> None:
    historian = SqlHistorian(database, SteppedClock())
    await historian.write([batch([(1, 0.5, 0.0)], seq=7)], fence)
    await historian.write([ramp(1, 0, 300)], fence)
    died = SqlHistorian(database, SteppedClock())
    died._rollups.note(NOON + 300 * S)
    assert await died._rollups._open_span(fence) is not None  # Announced, never derived: kill -9 here.
    await historian.write([batch([(1, 3.5, 500.0)], seq=2, received_s=301)], fence)
    query = HistoryQuery(signals=(1,), start_at=NOON, end_at=NOON + 300 * S, buckets=30)
    before = await historian.envelope(query)
    assert before[0].high[0] == 500.0
    await rolled_up(SqlHistorian(database, SteppedClock()), fence)
    assert await historian.envelope(query) == before
    rows = await table(database, "SELECT SUM(samples) AS samples FROM rollups_10s")
    assert int(rows[0]["samples"]) == 282  # 28 closed buckets of 10, and two single samples.


async def test_writing_and_rolling_up_at_once_leaves_them_in_agreement(
    historian: Historian, fence: Fence, database: Database
) -> None:
    reference = Reference()
    done = asyncio.Event()

    async def roll_up() -> None:
        while not done.is_set():
            await historian.roll_up(fence)

    async def write() -> None:
        random = np.random.default_rng(42)
        for seq in range(1, 40):
            now_s = seq * 5
            rows = [
                (int(random.integers(1, 4)), round(float(now_s - random.exponential(15)), 3), float(seq))
                for _ in range(60)
            ]
            given = batch(rows, seq=seq, received_s=now_s)
            reference.deliver([given])
            await historian.write([given], fence)
        done.set()

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(roll_up())
        group.create_task(write())
    queries = [
        HistoryQuery(signals=(1, 2, 3), start_at=NOON, end_at=NOON + 200 * S, buckets=buckets) for buckets in (3, 20)
    ]
    await assert_answers(historian, reference, queries)
    await rolled_up(historian, fence)
    await assert_answers(historian, reference, queries)
    await assert_rollups(database, reference)


async def test_the_samples_of_a_span_come_as_they_are_after_what_stood_when_it_began(
    historian: Historian, fence: Fence
) -> None:
    nothing = float("nan")
    await historian.write(
        [
            batch([(1, 5, 1.0), (1, 8, 2.0), (1, 10, 3.0), (1, 12, nothing, 204), (1, 20, 4.0), (2, 30, 5.0)]),
        ],
        fence,
    )
    found = await historian.samples([1, 2, 3], Micros(NOON + 10 * S), Micros(NOON + 20 * S), rows_max=2)
    assert found[1].source_at.tolist() == [NOON + 8 * S, NOON + 10 * S, NOON + 12 * S]
    assert found[1].quality.tolist() == [0, 0, 204]
    np.testing.assert_array_equal(found[1].value, [2.0, 3.0, np.nan])
    assert (len(found[2]), len(found[3])) == (0, 0)
    with pytest.raises(InvalidInputError, match="more than 1 samples"):
        await historian.samples([1], Micros(NOON + 10 * S), Micros(NOON + 20 * S), rows_max=1)


async def test_the_latest_value_of_a_signal_is_not_moved_back_by_late_samples(
    historian: Historian, fence: Fence
) -> None:
    await historian.write([batch([(1, 10, 1.0), (2, 10, "läuft")], received_s=11)], fence)
    await historian.write([batch([(1, 9, 2.0), (3, 1, 3.0)], seq=2, received_s=12)], fence)
    assert [(sample.signal, sample.value) for sample in await historian.latest()] == [(1, 1.0), (2, "läuft"), (3, 3.0)]
    assert [sample.signal for sample in await historian.latest([3, 1, 99])] == [1, 3]


async def test_a_write_larger_than_one_statement_keeps_every_sample(historian: Historian, fence: Fence) -> None:
    large = ramp(1, 0, 25_000, every_s=0.001)
    words = batch([(2, number / 100, "langer Text " * 60) for number in range(9000)], seq=2, received_s=200)
    recorded = await historian.write([large, words], fence)
    assert (recorded.samples, recorded.duplicates) == (34_000, 0)
    assert await historian.count(1, NOON, Micros(NOON + 25 * S)) == 25_000
    assert await historian.count(2, NOON, Micros(NOON + 90 * S)) == 9000


async def test_a_text_beyond_the_limit_is_cut_and_says_so(historian: Historian, fence: Fence) -> None:
    await historian.write([batch([(1, 1, "ä" * 5000)])], fence)
    (sample,) = await historian.latest()
    assert isinstance(sample.value, str)
    assert len(sample.value) == 1000
    assert sample.value.endswith("…")
