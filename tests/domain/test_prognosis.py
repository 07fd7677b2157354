"""Carrying wear on to its limit: numbers where theory knows them, and no number where there is none."""

import numpy as np
import pytest

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.prognosis import Curve, NoPrognosis, Prognosis, prognosis
from pdm_app.domain.samples import F8

HOUR = 3600.0
DAY = 24 * HOUR


def readings(hours: int, noise: float = 0.02, seed: int = 0) -> tuple[F8, F8]:
    return np.arange(hours, dtype=np.float64) * HOUR, noise * np.random.default_rng(seed).standard_normal(hours)


def told(answer: Prognosis | NoPrognosis) -> Prognosis:
    assert isinstance(answer, Prognosis), answer
    return answer


def test_a_line_reaches_its_limit_when_it_should() -> None:
    at, noise = readings(240)
    value = 2 + 0.1 * at / DAY + noise  # 2.99 now; 4.5 at day 25, 15.04 days on.
    answer = told(prognosis(at, value, 4.5, 90 * DAY))
    assert answer.middle_s == pytest.approx(15.04 * DAY, rel=0.1)
    assert answer.low_10_s < answer.middle_s
    assert answer.high_90_s is not None
    assert answer.high_90_s > answer.middle_s


def test_an_exponential_is_told_from_a_line() -> None:
    at, noise = readings(20 * 24)
    value = np.exp(at / (10 * DAY) + noise)  # Doubles in a week; 7.39 at day 20, 11 at day 23.98.
    answer = told(prognosis(at, value, 11.0, 90 * DAY))
    assert answer.curve is Curve.EXPONENTIAL
    assert answer.middle_s == pytest.approx(3.98 * DAY, rel=0.15)


def test_about_eight_of_ten_lives_lie_in_the_eighty_percent_interval() -> None:
    inside = answered = 0
    for seed in range(40):
        at, noise = readings(120, noise=0.2, seed=seed)
        answer = prognosis(at, 2 + 0.2 * at / DAY + noise, 4.0, 400 * DAY, seed)
        if isinstance(answer, Prognosis):
            answered += 1
            inside += answer.low_10_s <= 10 * DAY - at[-1] <= (answer.high_90_s or np.inf)
    assert answered >= 36
    assert 0.62 <= inside / answered <= 0.98


@pytest.mark.parametrize("slope", [0.0, -0.1])
def test_without_growth_there_is_not_enough_trend(slope: float) -> None:
    at, noise = readings(240)
    assert prognosis(at, 2 + slope * at / DAY + noise, 4.5, 90 * DAY) is NoPrognosis.NOT_ENOUGH_TREND


def test_a_slow_wander_is_no_trend() -> None:
    at = np.arange(200, dtype=np.float64) * HOUR
    answers = [
        prognosis(at, 2 + 0.01 * np.cumsum(np.random.default_rng(seed).standard_normal(200)), 4.5, 30 * DAY)
        for seed in range(20)
    ]
    assert sum(isinstance(answer, Prognosis) for answer in answers) <= 3


@pytest.mark.parametrize("day", [19, 20, 21, 22])
def test_a_bearing_is_told_within_a_quarter_though_its_machine_shook_before(day: int) -> None:
    at, noise = readings(day * 24, noise=0.08)
    defect = 9.3 * np.exp((at / DAY - 27) / 7.4)
    true = 27 + 7.4 * np.log(np.sqrt(7.1**2 - 1.5**2) / 9.3) - at[-1] / DAY
    answer = told(prognosis(at, np.hypot(1.5, defect) + noise, 7.1, 60 * DAY))
    assert answer.middle_s / DAY == pytest.approx(true, rel=0.25)


def test_wear_that_began_lately_is_told_from_its_own_stretch() -> None:
    at, noise = readings(400)
    value = 2 + np.maximum(0, at - 300 * HOUR) * 0.02 / HOUR + noise  # 3.98 now; 5 after 51 h more.
    answer = told(prognosis(at, value, 5.0, 90 * DAY))
    assert answer.from_s >= 290 * HOUR
    assert answer.middle_s == pytest.approx(51 * HOUR, rel=0.15)


def test_too_few_readings_and_far_away_limits_are_said_to_be_so() -> None:
    at, noise = readings(19)
    assert prognosis(at, 2 + at / DAY + noise, 9, 90 * DAY) is NoPrognosis.TOO_FEW_READINGS
    at, noise = readings(240)
    assert prognosis(at, 2 + 0.1 * at / DAY + noise, 400, 90 * DAY) is NoPrognosis.BEYOND_HORIZON


def test_a_limit_that_has_been_passed_leaves_nothing() -> None:
    at, noise = readings(240)
    assert told(prognosis(at, 2 + 0.1 * at / DAY + noise, 2.5, 90 * DAY)).middle_s == 0


def test_readings_that_are_no_numbers_are_left_out() -> None:
    at, noise = readings(240)
    value = 2 + 0.1 * at / DAY + noise
    value[::3] = np.nan
    assert told(prognosis(at, value, 4.5, 90 * DAY)).middle_s == pytest.approx(15.04 * DAY, rel=0.2)


def test_readings_out_of_order_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="order of their times"):
        prognosis(np.array([1.0, 0.0]), np.array([1.0, 2.0]), 3, DAY)
