"""Figures of any span are those of all its samples, wherever these lie: rolled up, raw, late, or not recorded yet."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from pdm_app.domain.aggregates import weighted
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.history import HistoryQuery, Tier
from pdm_app.domain.history_facts import SpanSummaries
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Batch, Micros, Quality
from pdm_app.storage import pyramid
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from tests.contracts.historian_checks import SIGNALS, TABLES, assert_answers, deliveries, rolled_up
from tests.contracts.test_historian import fence
from tests.storage.data import NOON, S, SteppedClock, batch, ramp
from tests.storage.reference import Reference

__all__ = ["fence"]

LATER = NOON + 10**6 * S
LENGTHS_US = (1, 5 * S, 10 * S, 17 * S + 3, 60 * S, 90 * S, 3600 * S, 7300 * S)
ONE_DATABASE = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Waiting:
    """Batches that the durable buffer holds and nobody has recorded."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    async def __call__(self) -> Sequence[Batch]:
        return self.batches


@st.composite
def edges(draw: st.DrawFn) -> list[int]:
    """Edges of stretches: on whole buckets of some tier, or anywhere."""
    at = draw(st.sampled_from([-7200, -100, 0, 3, 55]))
    found = [NOON + at * S + draw(st.sampled_from([0, 0, 1, 499_999]))]
    for _ in range(draw(st.integers(1, 6))):
        found.append(
            found[-1] + draw(st.sampled_from([1, 5 * S, 10 * S, 17 * S + 3, 60 * S, 90 * S, 3600 * S, 7300 * S]))
        )
    return found


@settings(ONE_DATABASE, max_examples=8)
@given(writes=deliveries(), cuts=st.lists(edges(), min_size=2, max_size=4))
async def test_figures_of_any_span_are_those_of_all_its_samples(
    database: Database, fence: Fence, writes: list[tuple[list[Batch], bool]], cuts: list[list[int]]
) -> None:
    await assert_figures(database, fence, writes, cuts)


@pytest.mark.long
@settings(ONE_DATABASE, max_examples=300)
@given(writes=deliveries(), cuts=st.lists(edges(), min_size=2, max_size=4))
async def test_figures_of_any_span_are_those_of_all_its_samples_hundreds_of_times(
    database: Database, fence: Fence, writes: list[tuple[list[Batch], bool]], cuts: list[list[int]]
) -> None:
    await assert_figures(database, fence, writes, cuts)


async def assert_figures(
    database: Database, fence: Fence, writes: list[tuple[list[Batch], bool]], cuts: list[list[int]]
) -> None:
    async with database.writing("forget the example before") as connection:
        for name in TABLES:
            await connection.execute(text(f"DELETE FROM {name}"))  # noqa: S608
    waiting, reference = Waiting(), Reference()
    historian = SqlHistorian(database, SteppedClock(), waiting)
    for batches, rolls in writes:
        reference.deliver(batches)
        waiting.batches = batches
        await assert_same_figures(historian, reference, cuts[0])
        await historian.write(batches, fence)
        if rolls:
            await historian.roll_up(fence)
        await assert_answers(historian, reference, QUERIES)  # Recorded while somebody reads: it is in both.
        waiting.batches = []
        await assert_same_figures(historian, reference, cuts[0])
    await rolled_up(historian, fence)
    for edge in cuts:
        await assert_same_figures(historian, reference, edge)


QUERIES = [
    HistoryQuery(signals=SIGNALS, start_at=NOON - 5 * S, end_at=NOON + 4000 * S, buckets=buckets) for buckets in (2, 60)
] + [HistoryQuery(signals=SIGNALS, start_at=NOON, end_at=NOON + 40 * S, buckets=9)]


async def assert_same_figures(historian: SqlHistorian, reference: Reference, cuts: list[int]) -> None:
    found = await historian.summaries(SIGNALS, np.array(cuts, np.int64))
    for signal in SIGNALS:
        for is_step in (False, True):
            assert_weighted(found, reference, signal, cuts, is_step=is_step)
        rows = found.rows.take(found.rows.signal == signal)
        by_start = {int(at): row for row, at in enumerate(rows.at)}
        for start, end in pairwise(cuts):
            series = reference.series(signal, start, end)
            usable = [value for _, value, quality in series if value is not None and quality < 200]
            if not series:
                assert start not in by_start
                continue
            row = by_start[start]
            assert (rows.samples[row], rows.usable[row]) == (len(series), len(usable))
            assert rows.good[row] == sum(quality < 100 for _, _, quality in series)
            assert rows.good_us[row] == reference.good_us(signal, start, end)
            if usable:
                assert (rows.low[row], rows.high[row]) == (min(usable), max(usable))
                assert (rows.first[row], rows.last[row]) == (usable[0], usable[-1])


def assert_weighted(found: SpanSummaries, reference: Reference, signal: int, cuts: list[int], *, is_step: bool) -> None:
    rows = found.rows.take(found.rows.signal == signal)
    time = weighted(rows, np.array(cuts), found.before[signal], found.after[signal], is_step=is_step, now=LATER)
    size = max((abs(value) for _, value, _ in reference.series(signal, 0, LATER) if value is not None), default=0.0)
    for place, (start, end) in enumerate(pairwise(cuts)):
        area, known_us = reference.weighted(signal, start, end, is_step=is_step)
        assert time.known_us[place] == known_us
        if not known_us:
            assert np.isnan(time.average[place])
        else:
            assert time.average[place] == pytest.approx(area / known_us * 1e6, rel=1e-9, abs=1e-9 * size + 1e-9)


async def test_a_long_span_is_read_from_hours_and_its_edges_from_finer_tiers(database: Database, fence: Fence) -> None:
    historian = SqlHistorian(database, SteppedClock())
    await historian.write([batch([(1, 0.5, 0.0)])], fence)
    await historian.write([ramp(1, 1, 4 * 3600, seq=2)], fence)
    await rolled_up(historian, fence)
    found = await historian.summaries([1], np.array([NOON + 1805 * S, NOON + 3 * 3600 * S + 7]))
    assert found.tiers == (Tier.ROLLUP_1H, Tier.ROLLUP_60S, Tier.ROLLUP_10S, Tier.RAW)
    assert found.rows_read < 120
    assert found.rows.samples.tolist() == [3 * 3600 - 1805 + 1]


async def test_a_question_that_would_take_too_many_rows_is_refused_before_they_are_all_read(
    database: Database, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    historian = SqlHistorian(database, SteppedClock())
    await historian.write([ramp(1, 0, 50)], fence)
    monkeypatch.setattr(pyramid, "ROWS_MAX", 20)
    with pytest.raises(InvalidInputError, match="more than 20 samples"):
        await historian.summaries([1], np.array([NOON, NOON + 50 * S]))


async def test_what_waits_is_seen_beside_what_is_recorded_and_nothing_twice(database: Database, fence: Fence) -> None:
    waiting = Waiting()
    historian = SqlHistorian(database, SteppedClock(), waiting)
    await historian.write([ramp(1, 0, 100)], fence)
    await rolled_up(historian, fence)
    late = batch([(1, 5.5, 1e3), (1, 99.0, 99.0), (1, 101.0, 7.0, int(Quality.BAD))], seq=5, received_s=120)
    waiting.batches = [late]
    query = HistoryQuery(signals=(1,), start_at=NOON, end_at=NOON + 120 * S, buckets=2)
    before = await historian.envelope(query)
    assert sum(before[0].count) == 102
    assert before[0].high[0] == 1000.0
    stretches = await historian.samples([1], Micros(NOON + 98 * S), Micros(NOON + 110 * S), 10)
    assert ((stretches[1].source_at - NOON) // S).tolist() == [97, 98, 99, 101]
    await historian.write([late], fence)
    assert await historian.envelope(query) == before
    waiting.batches = []
    assert await historian.envelope(query) == before
