"""Formulas over time, held against a reference that walks through every millisecond."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdm_app.domain.formulas.compiler import Described, compile_formula
from pdm_app.domain.formulas.parts import Formula
from pdm_app.domain.formulas.series import Column, Series
from pdm_app.domain.formulas.syntax import Reference, parse
from pdm_app.domain.samples import F8, I8, Quality

MS = 1_000
SPAN_MS = 40
Points = list[tuple[int, float | None]]


def described(is_step: bool) -> Callable[[Reference], Described]:
    numbers = {"x": 1, "y": 2, "on": 3}

    def describe(reference: Reference) -> Described:
        is_truth = reference.name == "on"
        return Described(numbers[reference.name], is_truth=is_truth, is_step=is_step or is_truth)

    return describe


def compiled(formula: str, is_step: bool = True) -> Formula:
    return compile_formula(parse(formula), described(is_step))


def series(points: Points, is_step: bool = True, uncertain: tuple[int, ...] = ()) -> Series:
    at = np.array([at for at, _ in points], np.int64) * MS
    value = np.array([np.nan if value is None else value for _, value in points], float)
    doubt = np.array([at in uncertain for at, _ in points], bool)
    return Series(at, Column(value, np.isfinite(value), doubt), is_step)


# --- the reference: what holds in each millisecond --------------------------------------------------------------------


def value_at(points: Points, at: float, seen_to: int, is_step: bool) -> float | None:
    """Return the value at a moment as it was known at ``seen_to``."""
    before = [point for point in points if point[0] <= at]
    if not before or before[-1][1] is None:
        return None
    stood_at, stood = before[-1]
    after = [point for point in points if point[0] > at]
    if stood is None or is_step or not after:
        return stood
    next_at, next_value = after[0]
    if next_value is None or next_at > seen_to:
        return stood
    return stood + (next_value - stood) * (at - stood_at) / (next_at - stood_at)


def middles(points: Points, now: int, width: int, is_step: bool) -> list[float]:
    """Return the value in the middle of each millisecond of a window; exact for areas under straight lines."""
    found = [value_at(points, at + 0.5, now, is_step) for at in range(now - width, now)]
    return [value for value in found if value is not None]


def naive_average(points: Points, now: int, width: int, is_step: bool) -> float | None:
    values = middles(points, now, width, is_step)
    return sum(values) / len(values) if values else None


def naive_integral(points: Points, now: int, width: int, is_step: bool) -> float | None:
    values = middles(points, now, width, is_step)
    return sum(values) / 1000 if values else None


def naive_extreme(pick: Callable[[list[float]], float]) -> Callable[[Points, int, int, bool], float | None]:
    def found(points: Points, now: int, width: int, is_step: bool) -> float | None:
        begin = value_at(points, now - width, now, is_step)
        values = [value for at, value in points if now - width < at <= now and value is not None]
        values += [] if begin is None else [begin]
        return pick(values) if values else None

    return found


def naive_deviation(points: Points, now: int, width: int, is_step: bool) -> float | None:
    values = [value for at, value in points if now - width < at <= now and value is not None]
    return float(np.std(values)) if values else None


def naive_count(points: Points, now: int, width: int, is_step: bool) -> float | None:
    return float(len([value for at, value in points if now - width < at <= now and value is not None]))


def naive_previous(points: Points, now: int, width: int, is_step: bool) -> float | None:
    return value_at(points, now - width, now, is_step)


def naive_delta(points: Points, now: int, width: int, is_step: bool) -> float | None:
    here, there = value_at(points, now, now, is_step), value_at(points, now - width, now, is_step)
    return None if here is None or there is None else here - there


NAIVE = {
    "avg": naive_average,
    "integral": naive_integral,
    "min": naive_extreme(min),
    "max": naive_extreme(max),
    "stdev": naive_deviation,
    "count": naive_count,
    "previous": naive_previous,
    "delta": naive_delta,
}
POINTS = st.lists(
    st.tuples(st.integers(0, SPAN_MS), st.none() | st.integers(-1000, 1000).map(float)),
    min_size=1, max_size=12, unique_by=lambda point: point[0],
).map(sorted)  # fmt: skip


@settings(deadline=None)  # The first formula loads the units.
@given(POINTS, st.integers(1, SPAN_MS), st.booleans(), st.sampled_from(sorted(NAIVE)))
def test_every_window_gives_what_a_walk_through_its_milliseconds_gives(
    points: Points, width: int, is_step: bool, function: str
) -> None:
    formula = compiled(f"{function}(x, {width}ms)", is_step)
    instants = np.arange(0, SPAN_MS + 10, dtype=np.int64)
    value, quality = formula.evaluate({1: series(points, is_step)}, instants * MS)
    for now in instants.tolist():
        wanted = NAIVE[function](points, now, width, is_step)
        if wanted is None:
            assert quality[now] == Quality.BAD_WAITING
        else:
            assert value[now] == pytest.approx(wanted, abs=1e-4 if function == "stdev" else 1e-6), (now, points)


@settings(deadline=None)  # The first formula loads the units.
@given(POINTS, POINTS, st.booleans())
def test_what_was_reckoned_as_samples_came_is_what_is_reckoned_afterwards(
    points: Points, others: Points, is_step: bool
) -> None:
    formula = compiled("avg(x + y, 7ms) - previous(x, 3ms) + max(y, 9ms)", is_step)
    whole = {1: series(points, is_step), 2: series(others, is_step)}
    instants = formula.instants(whole, 0, (SPAN_MS + 1) * MS)
    afterwards = formula.evaluate(whole, instants)
    for row, now in enumerate(instants.tolist()):
        known = {1: cut(whole[1], now), 2: cut(whole[2], now)}
        value, quality = formula.evaluate(known, np.array([now], np.int64))
        assert quality[0] == afterwards[1][row]
        assert value[0] == pytest.approx(afterwards[0][row], nan_ok=True, abs=1e-6)


@settings(deadline=None)  # The first formula loads the units.
@given(POINTS, st.integers(0, SPAN_MS))
def test_samples_before_the_lookback_change_nothing(points: Points, now: int) -> None:
    formula = compiled("avg(x, 6ms) + max(x, 11ms)")
    assert formula.lookback_us == 11 * MS
    begin = now * MS - formula.lookback_us
    whole = series(points)
    first = max(0, int(np.searchsorted(whole.at, begin, side="right")) - 1)
    column = Column(whole.column.value[first:], whole.column.known[first:], whole.column.uncertain[first:])
    at = np.array([now * MS], np.int64)
    short, long = (formula.evaluate({1: one}, at) for one in (Series(whole.at[first:], column, True), whole))
    assert short[1][0] == long[1][0]
    assert short[0][0] == pytest.approx(long[0][0], nan_ok=True)


def cut(whole: Series, now: int) -> Series:
    rows = int(np.searchsorted(whole.at, now, side="right"))
    column = whole.column
    return Series(
        whole.at[:rows], Column(column.value[:rows], column.known[:rows], column.uncertain[:rows]), whole.is_step
    )


# --- quality ----------------------------------------------------------------------------------------------------------


def outcome(formula: str, at_ms: int, **signals: Series) -> tuple[float, int]:
    numbers = {"x": 1, "y": 2, "on": 3}
    value, quality = compiled(formula).evaluate(
        {numbers[name]: one for name, one in signals.items()}, np.array([at_ms * MS], np.int64)
    )
    return float(value[0]), int(quality[0])


def test_a_signal_without_a_value_leaves_none_and_says_why() -> None:
    value, quality = outcome("x + 1", 5, x=series([(10, 1.0)]))
    assert np.isnan(value)
    assert quality == Quality.BAD_WAITING
    assert outcome("x + 1", 20, x=series([(10, None)]))[1] == Quality.BAD_WAITING


def test_what_has_no_number_is_bad_and_never_infinite() -> None:
    for formula in ("x / 0", "0 * x / 0", "log(0 - x)", "sqrt(0 - x)", "x ** 1000", "x % 0"):
        value, quality = outcome(formula, 5, x=series([(0, 9.0)]))
        assert (np.isnan(value), quality) == (True, Quality.BAD_NOT_A_NUMBER), formula


def test_doubt_is_passed_on() -> None:
    doubtful = series([(0, 1.0), (10, 2.0)], uncertain=(10,))
    assert outcome("x * 2", 5, x=doubtful)[1] == Quality.GOOD
    assert outcome("x * 2", 15, x=doubtful) == (4.0, Quality.UNCERTAIN)
    assert outcome("avg(x, 5ms)", 12, x=doubtful)[1] == Quality.UNCERTAIN
    assert outcome("avg(x, 5ms)", 9, x=doubtful)[1] == Quality.GOOD


def test_a_window_that_is_covered_in_part_is_uncertain() -> None:
    assert outcome("avg(x, 20ms)", 30, x=series([(0, 1.0)])) == (1.0, Quality.GOOD)
    assert outcome("avg(x, 20ms)", 30, x=series([(15, 1.0)])) == (1.0, Quality.UNCERTAIN)
    assert outcome("avg(x, 20ms)", 30, x=series([(0, 1.0), (25, None)])) == (1.0, Quality.UNCERTAIN)


def test_only_the_branch_that_is_taken_must_be_known() -> None:
    on = series([(0, 1.0), (10, 0.0)])
    assert outcome("x if on else y", 5, on=on, x=series([(0, 7.0)]), y=series([])) == (7.0, Quality.GOOD)
    assert outcome("x if on else y", 15, on=on, x=series([(0, 7.0)]), y=series([]))[1] == Quality.BAD_WAITING


def test_the_time_a_condition_held() -> None:
    x = series([(0, 1.0), (10, 5.0), (14, 1.0), (20, 6.0)])
    assert outcome("time(x > 4, 25ms)", 25, x=x)[0] == pytest.approx(0.009)


def test_a_counter_gives_a_rate() -> None:
    x = series([(at, float(at)) for at in range(0, 50, 10)], is_step=False)
    value, _ = compiled("rate(x, 20ms)", is_step=False).evaluate({1: x}, np.array([40 * MS], np.int64))
    assert value[0] == pytest.approx(1_000.0)


def test_large_offsets_cost_no_digits() -> None:
    """A level of a billion with a ripple of one, over a month of seconds."""
    at: I8 = np.arange(30 * 86_400, dtype=np.int64) * 1_000_000
    value: F8 = 1e9 + np.tile([0.0, 1.0], len(at) // 2)
    formula = compiled("avg(x, 1m) - 1000000000")
    found, _ = formula.evaluate({1: Series.of(at, value, is_step=True)}, at[-1:])
    assert found[0] == pytest.approx(0.5, abs=1e-5)
