"""Every historian gives the same answers, whatever was sent how often, in which order and cut."""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from pdm_app.domain.errors import FencedError, InvalidInputError
from pdm_app.domain.history import Envelope, HistoryQuery, Tier
from pdm_app.domain.ports import Fence, Historian
from pdm_app.domain.samples import Batch, Micros, Quality
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from tests.storage.data import NOON, S, SteppedClock, batch, ramp
from tests.storage.reference import BUCKET_US, Reference, ascending

TABLES = ("samples", "latest", "rollups_10s", "rollup_marks", "rollup_positions")


@pytest.fixture
async def fence(database: Database) -> Fence:
    fence = await SqlLease(database, SteppedClock()).acquire("test", 3600)
    assert fence is not None
    return fence


@pytest.fixture
def historian(database: Database) -> Historian:
    return SqlHistorian(database, SteppedClock())


async def rolled_up(historian: Historian, fence: Fence) -> int:
    """Roll up until nothing is due, and return the steps it took."""
    steps = 0
    while await historian.roll_up(fence):
        steps += 1
        assert steps < 1000
    return steps


async def table(database: Database, statement: str) -> list[dict[str, Any]]:
    async with database.connected("look") as connection:
        return [dict(row) for row in (await connection.execute(text(statement))).mappings()]


def assert_same(found: Envelope, wanted: Envelope) -> None:
    exact = {"mean"}
    assert found.model_dump(exclude=exact) == wanted.model_dump(exclude=exact)
    assert [mean is None for mean in found.mean] == [mean is None for mean in wanted.mean]
    np.testing.assert_allclose(_numbers(found.mean), _numbers(wanted.mean), rtol=1e-9, atol=1e-9)


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


# --- any order, duplication and split ------------------------------------------------------------------------------

SIGNALS = (1, 2, 4_000_000_000)
rows: st.SearchStrategy[Any] = st.tuples(
    st.sampled_from(SIGNALS),
    st.integers(0, 90).map(lambda halves: halves / 2),
    st.one_of(
        st.floats(-1e6, 1e6),
        st.sampled_from([0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, 1e22, 2**53 + 2.0]).filter(
            lambda v: abs(v) < 1e300
        ),
        st.sampled_from([float("nan"), float("inf"), "läuft", 'a "quoted" \\ text\n%s', "🏭", ""]),
    ),
    st.sampled_from([0, 0, 0, 100, 101, 200, 204]),
)


@st.composite
def deliveries(draw: st.DrawFn) -> list[tuple[list[Batch], bool]]:
    """Batches in any order, some more than once, in writes of any size, with or without a roll-up in between."""
    batches = [
        batch(draw(st.lists(rows, min_size=1, max_size=25)), seq=seq, received_s=draw(st.integers(0, 120)))
        for seq in range(1, draw(st.integers(2, 6)))
    ]
    again = draw(st.lists(st.sampled_from(batches), max_size=4))
    order = draw(st.permutations([*batches, *again]))
    writes: list[tuple[list[Batch], bool]] = []
    while order:
        size = draw(st.integers(1, 4))
        writes.append((order[:size], draw(st.booleans())))
        order = order[size:]
    return writes


QUERIES = [
    HistoryQuery(signals=SIGNALS, start_at=NOON, end_at=NOON + 50 * S, buckets=buckets)
    for buckets in (1, 2, 4, 5, 9, 40, 500)
] + [
    HistoryQuery(signals=(2, 1), start_at=NOON + 7 * S + 1, end_at=NOON + 33 * S, buckets=buckets)
    for buckets in (2, 3, 7)
]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=deliveries())
async def test_any_order_duplication_and_split_of_batches_gives_the_same_answers(
    database: Database, fence: Fence, writes: list[tuple[list[Batch], bool]]
) -> None:
    async with database.writing("forget the example before") as connection:
        for name in TABLES:
            await connection.execute(text(f"DELETE FROM {name}"))  # noqa: S608
    historian, reference = SqlHistorian(database, SteppedClock()), Reference()
    for batches, rolls in writes:
        recorded = await historian.write(batches, fence)
        known = len(reference.instants)
        reference.deliver(batches)
        assert recorded.samples - recorded.duplicates == len(reference.instants) - known
        if rolls:
            await historian.roll_up(fence)
        await assert_answers(historian, reference, QUERIES[:3])
    await rolled_up(historian, fence)
    await assert_answers(historian, reference, QUERIES)
    await assert_rows(database, reference)
    await assert_rollups(database, reference)
    newest = {sample.signal: (sample.source_at, sample.value, sample.quality) for sample in await historian.latest()}
    assert newest == reference.latest()


async def assert_answers(historian: Historian, reference: Reference, queries: Sequence[HistoryQuery]) -> None:
    for query in queries:
        found = await historian.envelope(query)
        assert [envelope.signal for envelope in found] == list(query.signals)
        for envelope in found:
            assert ascending(envelope.at)
            assert_same(envelope, reference.envelope(query, envelope.signal))


async def assert_rows(database: Database, reference: Reference) -> None:
    """The row holds the two latest candidates, to the last bit."""
    stored = {(row["signal_id"], row["source_at"]): row for row in await table(database, "SELECT * FROM samples")}
    wanted = reference.kept()
    assert stored.keys() == wanted.keys()
    for key, row in stored.items():
        for prefix, place in (("", 0), ("other_", 1)):
            names = ("received_at", "place", "value", "text", "quality")
            found = tuple(row[prefix + name] for name in names)
            if place >= len(wanted[key]):
                assert found == (None,) * 5
            else:
                received_at, seq, number, value, words, quality = wanted[key][place]
                assert found == (received_at, (seq << 20) | number, value, words, quality)


async def assert_rollups(database: Database, reference: Reference) -> None:
    """Every rollup row that readers would take is what raw gives."""
    marked = {(row["signal_id"], row["bucket_at"]) for row in await table(database, "SELECT * FROM rollup_marks")}
    assert not marked
    for row in await table(database, "SELECT * FROM rollups_10s"):
        series = reference.series(row["signal_id"], row["bucket_at"], row["bucket_at"] + BUCKET_US)
        usable = [(at, value) for at, value, quality in series if value is not None and quality < 200]
        assert row["samples"] == len(series)
        assert row["good"] == sum(quality < 100 for _, _, quality in series)
        assert row["usable"] == len(usable)
        assert row["good_us"] == reference.good_us(row["signal_id"], row["bucket_at"])
        assert (row["first_at"], row["first"]) == (usable[0] if usable else (None, None))
        assert (row["last_at"], row["last"]) == (usable[-1] if usable else (None, None))
        assert row["low"] == (min(value for _, value in usable) if usable else None)
        assert row["high"] == (max(value for _, value in usable) if usable else None)
        if usable:
            assert row["total"] == pytest.approx(sum(value for _, value in usable), rel=1e-9, abs=1e-9)


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
            assert envelope.tier is (Tier.ROLLUP_10S if buckets <= 60 else Tier.RAW)


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
    assert before[0].high == [99.0, 1e6, 299.0]
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
