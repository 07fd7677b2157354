"""What a model would have done, counted by hand."""

import numpy as np
import pytest

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.model_replays import Failure, failures_of, replay, threshold_range
from pdm_app.domain.thresholds import SECONDS_A_MONTH, VerdictRule

RULE = VerdictRule(on_count=1, of_rows=1, clear_at=0.0, rearm_margin=0.0, peak_forgets=0.0)
DAY = 86_400.0


def scores(*spans: tuple[int, int, float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Ninety days, a row a day, quiet but for some spans."""
    days = np.full(90, -1.0)
    for start, end, height in spans:
        days[start:end] = height
    return days


def test_alarms_failures_and_forewarning_are_counted() -> None:
    past = scores((10, 11, 1.0), (30, 42, 2.0), (60, 61, 0.4))
    told = replay(past, RULE, (Failure(38, 42), Failure(80, 82)), DAY, before_s=10 * DAY)
    assert (told.alarms, told.false_alarms, told.seen, told.missed) == (3, 2, 1, 1)
    assert told.forewarning_s == 12 * DAY
    assert [(each.start, each.end) for each in told.episodes] == [(10, 11), (30, 42), (60, 61)]
    assert (told.is_false, told.is_seen) == ((True, False, True), (True, False))
    # 90 days without 14 and 12 of failures and the time before them are 64: two alarms in 64 days.
    assert told.false_per_month == pytest.approx(2 * 30 / 64)
    assert SECONDS_A_MONTH == 30 * DAY


def test_a_higher_threshold_has_fewer_false_alarms_and_less_forewarning() -> None:
    past = scores((10, 11, 0.4), (34, 36, 0.9), (36, 42, 2.0))
    told = threshold_range(past, RULE, (Failure(38, 42),), DAY, before_s=5 * DAY)
    assert [figures.false_alarms for figures in told] == [1, 1, 1, 1, 0, 0, 0]
    assert told[2].forewarning_s == 8 * DAY
    assert told[5].forewarning_s == 6 * DAY
    assert [figures.seen for figures in told] == [1] * 7


def test_masked_rows_are_neither_alarms_nor_time_without_one() -> None:
    past = scores()
    past[45:] = np.nan
    told = replay(past, RULE, (), DAY)
    assert (told.alarms, told.false_per_month) == (0, 0.0)
    assert replay(np.full(9, np.nan), RULE, (), DAY).false_per_month is None


def test_spans_are_found_at_both_ends() -> None:
    assert failures_of(np.array([True, False, True, True])) == (Failure(0, 1), Failure(2, 4))
    assert failures_of(np.zeros(3, dtype=np.bool_)) == ()


def test_a_failure_outside_of_the_rows_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="outside of 90 rows"):
        replay(scores(), RULE, (Failure(80, 91),), DAY)
