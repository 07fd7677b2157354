"""Samples that are left out: what history draws stays within the bound, however samples are cut into batches."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdm_app.domain.samples import QUALITY_BAD_MIN, Batch, Micros, Quality, Sample, SignalId
from pdm_app.domain.storage_rules import Method, Plan
from pdm_app.stream.thinning import Thinning

S = 1_000_000
NOON = 1_800_000_000 * S


def plan(signal: int = 1, **facts: Any) -> Plan:
    return Plan(signal=signal, rule_id="rule", **{"method": Method.DOOR, "bound": 1.0, **facts})


def rows(values: list[float | None], signal: int = 1, every_s: float = 1.0, at: int = NOON) -> list[Sample]:
    """Samples of one signal, one after the other; None is the beginning of a gap."""
    return [
        Sample(SignalId(signal), value, Quality.BAD_STALE if value is None else Quality.GOOD,
               Micros(at + int(place * every_s * S)))
        for place, value in enumerate(values)
    ]  # fmt: skip


def batches(samples: list[Sample], cuts: list[int] | None = None) -> list[Batch]:
    edges = [0, *sorted(cuts or []), len(samples)]
    pieces = [samples[begin:end] for begin, end in pairwise(edges)]
    return [Batch.of("line-1", piece, Micros(NOON)).numbered(place + 1) for place, piece in enumerate(pieces)]


def stored(thinning: Thinning, some: list[Batch]) -> list[Sample]:
    return [sample for batch in thinning.take(some) for sample in batch.samples()]


def drawn(thinning: Thinning, samples: list[Sample]) -> list[Sample]:
    """Everything that a reader sees of the samples, in the order of time."""
    seen = stored(thinning, batches(samples)) + list(thinning.waiting(NOON).samples())
    return sorted(seen, key=lambda sample: (sample.signal, sample.source_at))


def test_a_straight_line_is_its_two_ends() -> None:
    thinning = Thinning({1: plan(bound=0.01)})
    seen = drawn(thinning, rows([float(step) * 0.5 for step in range(100)]))
    assert [sample.value for sample in seen] == [0.0, 49.5]
    assert thinning.thinned.tolist() == [99], "the last of them still waits"


def test_a_corner_is_kept_where_it_is() -> None:
    seen = drawn(Thinning({1: plan(bound=0.01)}), rows([0.0, 1.0, 2.0, 3.0, 2.0, 1.0, 0.0]))
    assert [sample.value for sample in seen] == [0.0, 3.0, 0.0]


def test_the_edges_of_a_gap_and_the_gap_itself_are_kept() -> None:
    seen = drawn(Thinning({1: plan(bound=5.0)}), rows([1.0, 1.1, 1.2, None, 1.3, 1.4, 1.5]))
    assert [sample.value for sample in seen] == [1.0, 1.2, None, 1.3, 1.5]


def test_a_change_of_quality_is_kept_with_what_stood_before_it() -> None:
    samples = rows([1.0, 1.0, 1.0, 1.0])
    uncertain = Sample(SignalId(1), 1.0, Quality.UNCERTAIN, Micros(NOON + 10 * S))
    seen = drawn(Thinning({1: plan(bound=5.0)}), [*samples, uncertain])
    assert [(sample.source_at, sample.quality) for sample in seen] == [
        (NOON, Quality.GOOD),
        (NOON + 3 * S, Quality.GOOD),
        (NOON + 10 * S, Quality.UNCERTAIN),
    ]


@pytest.mark.parametrize("method", [Method.DOOR, Method.CHANGE])
def test_a_level_signal_is_kept_as_often_as_the_rule_says(method: Method) -> None:
    seen = drawn(Thinning({1: plan(method=method, at_least_us=10 * S)}), rows([5.0] * 61))
    assert max(np.diff([sample.source_at for sample in seen])) <= 10 * S
    assert len(seen) <= 8


def test_a_step_stays_a_step_and_a_jump_begins_where_the_old_value_was_left() -> None:
    values = [0.0, 0.0, 0.0, 9.0, 9.0]
    steps = drawn(Thinning({1: plan(method=Method.CHANGE, bound=0.0, is_step=True)}), rows(list(values)))
    assert [(s.source_at - NOON, s.value) for s in steps] == [(0, 0.0), (3 * S, 9.0), (4 * S, 9.0)]
    lines = drawn(Thinning({1: plan(method=Method.CHANGE, bound=0.5)}), rows(list(values)))
    assert [(s.source_at - NOON, s.value) for s in lines] == [(0, 0.0), (2 * S, 0.0), (3 * S, 9.0), (4 * S, 9.0)]


def test_an_interval_keeps_its_first_sample_and_no_peak_vanishes() -> None:
    values = [5.0, 5.0, 99.0, 5.0, -7.0, 5.0, 5.0, 5.0, 5.0, 5.0, 6.0]
    kept = stored(Thinning({1: plan(method=Method.INTERVAL, every_us=10 * S)}), batches(rows(list(values))))
    assert {sample.value for sample in kept} == {5.0, 99.0, -7.0, 6.0}
    assert len(kept) == 4
    plain = Thinning({1: plan(method=Method.INTERVAL, every_us=10 * S, keep_peaks=False)})
    assert [sample.value for sample in stored(plain, batches(rows(list(values))))] == [5.0, 6.0]


def test_what_comes_late_is_stored_as_it_is() -> None:
    thinning = Thinning({1: plan(bound=9.0)})
    stored(thinning, batches(rows([1.0, 1.0, 1.0, 1.0])))
    late = Sample(SignalId(1), 4.0, Quality.GOOD, Micros(NOON + S // 2))
    assert stored(thinning, batches([late])) == [late]


def test_signals_without_a_rule_and_texts_are_left_alone() -> None:
    other = rows([1.0, 1.0, 1.0], signal=2)
    words = [Sample(SignalId(1), "running", Quality.GOOD, Micros(NOON + step)) for step in range(3)]
    thinning = Thinning({1: plan()})
    assert stored(thinning, batches(other + words)) == other + words


def test_a_change_of_the_rule_stores_what_waits_with_the_next_sample() -> None:
    thinning = Thinning({1: plan(bound=9.0)})
    stored(thinning, batches(rows([1.0, 2.0, 3.0])))
    changed = thinning.planned({1: plan(bound=0.1)})
    after = stored(changed, batches(rows([4.0], at=NOON + 3 * S)))
    assert sorted(sample.value for sample in after if isinstance(sample.value, float)) == [3.0, 4.0]
    gone = thinning.planned({})
    assert [sample.value for sample in gone.waiting(NOON).samples()] == [3.0]
    after = stored(gone, batches(rows([4.0, 5.0], at=NOON + 3 * S)))
    assert sorted(sample.value for sample in after if isinstance(sample.value, float)) == [3.0, 4.0, 5.0]
    assert gone.planned({}).is_idle


def test_memory_that_is_damaged_is_refused() -> None:
    whole = Thinning({1: plan()}).packed()
    for spoiled in (b"", b"nonsense", whole[: len(whole) // 2]):
        with pytest.raises(ValueError, match="memory of storage rules"):
            Thinning.unpacked(spoiled)


# --- properties -------------------------------------------------------------------------------------------------------

WALKS = st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=120).map(lambda steps: np.cumsum(steps).tolist())
SECONDS = st.lists(st.integers(0, 40), min_size=1, max_size=9)
GAPS = st.sets(st.integers(0, 119), max_size=4)
CUTS = st.lists(st.integers(0, 240), max_size=12)


def mixed(one: list[float], other: list[float], gaps: set[int], seconds: list[int]) -> list[Sample]:
    """Two signals by turns, with gaps in the first, at uneven times."""
    at = np.cumsum([1 + seconds[place % len(seconds)] for place in range(max(len(one), len(other)))]) * S // 7
    samples: list[Sample] = []
    for place, moment in enumerate(at.tolist()):
        for signal, values in ((1, one), (2, other)):
            if place < len(values):
                gone = signal == 1 and place in gaps
                value, quality = (None, Quality.BAD_STALE) if gone else (values[place], Quality.GOOD)
                samples.append(Sample(SignalId(signal), value, quality, Micros(NOON + int(moment))))
    return samples


@settings(max_examples=150, deadline=None)
@given(WALKS, WALKS, GAPS, SECONDS, st.floats(0, 6), st.sampled_from(Method))
def test_nothing_that_is_left_out_lies_farther_from_what_is_drawn_than_the_bound(
    one: list[float], other: list[float], gaps: set[int], seconds: list[int], bound: float, method: Method
) -> None:
    samples = mixed(one, other, gaps, seconds)
    is_step = method is Method.CHANGE
    plans = {n: plan(n, method=method, bound=bound, every_us=3 * S, is_step=is_step) for n in (1, 2)}
    seen = drawn(Thinning(plans), samples)
    for number in (1, 2):
        mine = [sample for sample in seen if sample.signal == number]
        at = np.array([sample.source_at for sample in mine])
        truth = [sample for sample in samples if sample.signal == number]
        kept = {sample.source_at for sample in mine}
        assert kept <= {sample.source_at for sample in truth}, "nothing is invented"
        assert len(kept) == len(mine), "nothing is stored twice"
        bad = {sample.source_at for sample in truth if sample.quality >= QUALITY_BAD_MIN}
        assert bad <= kept
        for sample in truth:
            if sample.source_at in kept or not isinstance(sample.value, float):
                continue
            before = int(np.searchsorted(at, sample.source_at)) - 1
            left, right = mine[before], mine[before + 1] if before + 1 < len(mine) else mine[before]
            assert isinstance(left.value, float)
            assert isinstance(right.value, float), "the edge of a gap was left out"
            if method is Method.CHANGE:
                assert abs(sample.value - left.value) <= bound
            elif method is Method.DOOR:
                line = np.interp(sample.source_at, [left.source_at, right.source_at], [left.value, right.value])
                assert abs(sample.value - line) <= bound + 1e-9


@settings(max_examples=150, deadline=None)
@given(WALKS, WALKS, GAPS, SECONDS, CUTS, st.sampled_from(Method))
def test_batches_and_restarts_may_cut_anywhere(
    one: list[float], other: list[float], gaps: set[int], seconds: list[int], cuts: list[int], method: Method
) -> None:
    samples = mixed(one, other, gaps, seconds)
    plans = {n: plan(n, method=method, bound=0.7, every_us=3 * S) for n in (1, 2)}

    def keys(some: list[Sample]) -> list[tuple[int, int, object]]:
        return sorted((s.signal, s.source_at, repr(s.value)) for s in some)

    whole = Thinning(plans)
    expected = keys(stored(whole, batches(samples)))
    thinning, found = Thinning(plans), []
    for batch in batches(samples, [min(cut, len(samples)) for cut in cuts]):
        found += stored(thinning, [batch])
        thinning = Thinning.unpacked(thinning.packed()).planned(plans)
    assert keys(found) == expected
    assert keys(list(thinning.waiting(NOON).samples())) == keys(list(whole.waiting(NOON).samples()))


def test_extremes_of_every_interval_are_those_of_all_samples() -> None:
    random = np.random.default_rng(5)
    samples = rows(random.normal(size=1000).tolist(), every_s=0.25)
    seen = drawn(Thinning({1: plan(method=Method.INTERVAL, every_us=10 * S)}), samples)
    for find in (min, max):
        for begin in range(NOON, NOON + 250 * S, 10 * S):
            inside = [s.value for s in samples if begin <= s.source_at < begin + 10 * S if isinstance(s.value, float)]
            kept = [s.value for s in seen if begin <= s.source_at < begin + 10 * S if isinstance(s.value, float)]
            assert find(kept) == find(inside)
    assert len(seen) <= 3 * 25 + 1
