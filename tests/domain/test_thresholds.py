"""Thresholds and verdicts, by hand."""

import numpy as np
import pytest

from pdm_app.domain.scores import confidence_of, health_of
from pdm_app.domain.thresholds import ThresholdRule, Verdict, VerdictRule, operating_point

RULE = VerdictRule(on_count=2, of_rows=3, clear_at=0.5, rearm_margin=1.0, peak_forgets=0.0)


def run(*log_scores: float) -> list[int]:
    return [int(is_on) for is_on in Verdict(RULE).run(np.array(log_scores))]


def test_one_high_row_is_no_alarm_and_two_of_three_are() -> None:
    assert run(-1, 2, -1, -1, 2, -1, 2) == [0, 0, 0, 0, 0, 0, 1]


def test_an_alarm_clears_when_half_of_its_height_is_gone() -> None:
    assert run(4, 4, 3, 2.1, 1.9, 1.9, 1.9) == [0, 1, 1, 1, 0, 0, 0]


def test_after_it_has_cleared_it_comes_back_only_above_where_it_had_fallen_to() -> None:
    assert run(4, 4, 1.5, 2.0, 2.0, 2.6, 2.6) == [0, 1, 0, 0, 0, 0, 1]  # 1.5 and a margin of 1.


def test_the_level_it_comes_back_at_falls_with_the_score_to_the_threshold() -> None:
    assert run(4, 4, 1.5, -3, 0.1, 0.1) == [0, 1, 0, 0, 0, 1]


def test_a_masked_row_is_no_alarm_and_ends_none() -> None:
    nan = float("nan")
    assert run(4, nan, 4, nan, 4) == [0, 0, 1, 0, 1]


def test_a_high_spike_does_not_hold_the_clearing_level_up_for_good() -> None:
    forgets = RULE.model_copy(update={"peak_forgets": 0.5})
    on = Verdict(forgets).run(np.array([9.0, 9.0, 5.0, 4.0, 3.9, 3.9, 3.9]))
    assert on.tolist() == [False, True, True, True, True, True, True]


def test_the_threshold_is_the_highest_held_out_score_and_a_margin() -> None:
    point = operating_point(np.array([0.0, 0.7, 0.2]), np.zeros(3), VerdictRule(margin=0.25), 1.0)
    assert point == pytest.approx(0.95)


def test_the_classic_threshold_looks_at_the_fitted_rows_alone() -> None:
    rule = VerdictRule(rule=ThresholdRule.CLASSIC)
    assert operating_point(np.full(9, 50.0), np.arange(101.0), rule, 1.0) == pytest.approx(99.0)


def test_a_smaller_budget_of_false_alarms_asks_for_a_higher_threshold() -> None:
    held_out = np.random.default_rng(0).exponential(0.2, 3000)
    points = [
        operating_point(held_out, held_out, VerdictRule(rule=ThresholdRule.BUDGET, false_alarms_per_month=budget), 10.0)
        for budget in (1000, 10, 0.1)
    ]
    assert points == sorted(points)
    # An exponential tail of mean 0.2: a hundredth of the alarms lie 0.2 · ln 100 = 0.92 higher.
    assert points[2] - points[1] == pytest.approx(0.92, abs=0.25)


def test_confidence_is_half_on_the_threshold_and_grows_with_the_score() -> None:
    assert confidence_of(np.array([-0.5, 0.0, 0.5]), 0.5).round(3).tolist() == [0.018, 0.5, 0.982]


def test_health_is_full_as_usual_and_gone_four_spreads_above_the_threshold() -> None:
    assert health_of(np.array([-0.5, 0.0, 1.0, 2.0, 9.0]), 0.5).tolist() == [100, 60, 30, 0, 0]
    assert np.isnan(health_of(np.array([np.nan]), 0.5)[0])
