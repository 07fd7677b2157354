"""What each kind of condition says of a stream of samples, by worked examples."""

import pytest
from pydantic import TypeAdapter, ValidationError

from pdm_app.domain.alarm_steps import begun, step, tick
from pdm_app.domain.alarm_transitions import Transition
from pdm_app.domain.alarms import AlarmState, RuleMemory
from pdm_app.domain.conditions.any_condition import AnyCondition
from pdm_app.domain.conditions.deviation import Deviation
from pdm_app.domain.conditions.discrete import Calculated, Discrete, Mismatch
from pdm_app.domain.conditions.instrument import BadQuality, CommunicationLost, CounterStopped, Stale, Stuck
from pdm_app.domain.conditions.limits import HighHighLimit, LowLowLimit, ScoreLimit
from pdm_app.domain.conditions.rate_of_change import RateOfChange
from pdm_app.domain.samples import Micros, Quality, Sample, SignalId
from tests.domain.bearing import NOON, S, bearing_rule

B, D = AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED_UNACKNOWLEDGED
OWN, OTHER = 7, 8
GOOD, BAD, LOST = Quality.GOOD, Quality.BAD, Quality.BAD_CONNECTION_LOST
Reading = tuple[float, float | None] | tuple[float, float | None, Quality] | tuple[float, float | None, Quality, int]


def told(condition: AnyCondition, *readings: Reading, until: float | None = None, on_delay_s: float = 0.0) -> list[str]:
    """Return what happens, as ``kind@second``; readings are second, value, quality and signal."""
    rule = bearing_rule(condition, on_delay_s)
    memory = begun(rule, RuleMemory(rule_id=rule.id), Micros(NOON))
    happened: list[Transition] = []
    for reading in readings:
        second, value, quality, signal = (*reading, *(GOOD, OWN)[len(reading) - 2 :])  # type: ignore[misc]
        sample = Sample(SignalId(signal), value, Quality(quality), Micros(NOON + round(second * S)))
        memory, transitions = step(rule, RuleMemory.model_validate_json(memory.model_dump_json()), sample)
        happened += transitions
    if until is not None:
        memory, transitions = tick(rule, memory, Micros(NOON + round(until * S)))
        happened += transitions
    return [f"{transition.kind}@{(transition.at - NOON) / S:g}" for transition in happened]


def test_the_outer_limits_judge_like_the_inner_ones() -> None:
    assert told(HighHighLimit(limit=90), (1, 91), (2, 89)) == ["raised@1", "returned@2"]
    assert told(LowLowLimit(limit=1, deadband=0.5), (1, 0.9), (2, 1.4), (3, 1.6)) == ["raised@1", "returned@3"]
    assert told(ScoreLimit(limit=0.8), (1, 0.81), (2, 0.5)) == ["raised@1", "returned@2"]


def test_a_deviation_counts_to_both_sides_of_a_fixed_setpoint() -> None:
    band = Deviation(limit=2, deadband=0.5, setpoint=10)
    assert told(band, (1, 12), (2, 12.1), (3, 11.6), (4, 11.4), (5, 7.9)) == ["raised@2", "returned@4", "raised@5"]


def test_a_deviation_follows_the_signal_that_says_the_setpoint() -> None:
    band = Deviation(limit=2, setpoint_signal=OTHER)
    assert told(band, (1, 50), (2, 50)) == []  # Nothing is known of the setpoint.
    assert told(band, (1, 10, GOOD, OTHER), (2, 11), (3, 20, GOOD, OTHER), (4, 19)) == ["raised@3", "returned@4"]


def test_value_and_setpoint_of_the_same_moment_are_both_judged() -> None:
    band = Deviation(limit=2, setpoint_signal=OTHER)
    assert told(band, (1, 10), (1, 20, GOOD, OTHER), (1, 20, GOOD, OTHER)) == ["raised@1"]
    late = told(band, (1, 10), (1, 10, GOOD, OTHER), (5, 20, GOOD, OTHER), (3, 20))
    assert late == ["raised@5", "returned@5"]  # The value of second 3 is news although the setpoint is newer.


def test_a_deviation_from_a_setpoint_of_bad_quality_says_nothing() -> None:
    band = Deviation(limit=2, setpoint_signal=OTHER)
    assert told(band, (1, 10, GOOD, OTHER), (2, 20), (3, 20, BAD, OTHER), (4, 10)) == ["raised@2"]


def test_a_rate_of_change_fits_a_slope_so_that_a_spike_raises_nothing() -> None:
    rising = RateOfChange(limit_per_s=0.5, window_s=10)
    climbing: list[Reading] = [(second, 60 + second) for second in range(12)]
    assert told(rising, *climbing)[0] == "raised@5"  # Half of the window is known then.
    level: list[Reading] = [(second, 64.0 if second == 6 else 60.0) for second in range(12)]
    assert told(rising, *level) == []
    assert told(RateOfChange(limit_per_s=0.5, window_s=10, direction="falling"), *climbing) == []


def test_a_discrete_condition_knows_its_wrong_states() -> None:
    assert told(Discrete(abnormal=(3, 4)), (1, 2), (2, 3), (3, 4), (4, 0)) == ["raised@2", "returned@4"]


def test_a_command_without_its_feedback_is_a_mismatch_after_the_on_delay() -> None:
    moves = ((0, 0), (0, 0, GOOD, OTHER), (10, 1, GOOD, OTHER), (13, 1), (20, 0, GOOD, OTHER))
    assert told(Mismatch(expected_signal=OTHER), *moves, until=30, on_delay_s=5) == ["raised@25"]


def test_a_calculated_condition_holds_while_its_formula_is_true() -> None:
    assert told(Calculated(), (1, 0), (2, 1), (3, 1), (4, 0)) == ["raised@2", "returned@4"]


def test_bad_quality_is_an_alarm_of_its_own() -> None:
    assert told(BadQuality(), (1, 5), (2, None, BAD), (3, 5), (4, 5, Quality.UNCERTAIN)) == ["raised@2", "returned@3"]
    assert told(BadQuality(uncertain_too=True), (1, 5, Quality.UNCERTAIN)) == ["raised@1"]


def test_a_lost_connection_is_told_from_other_bad_quality() -> None:
    assert told(CommunicationLost(), (1, None, BAD), (2, None, LOST), (3, 5)) == ["raised@2", "returned@3"]


def test_a_signal_that_falls_silent_is_stale_and_its_next_sample_ends_that() -> None:
    stale = Stale(after_s=30)
    assert told(stale, (0, 1), (20, 1), until=50) == []
    assert told(stale, (0, 1), (20, 1), until=51) == ["raised@50"]
    assert told(stale, (0, 1), (40, None, BAD), (60, 1), until=80) == ["raised@30", "returned@60"]


def test_a_signal_that_never_says_anything_is_stale_too() -> None:
    assert told(Stale(after_s=30), until=31) == ["raised@30"]


def test_a_stuck_value_is_found_after_its_time_and_a_real_move_ends_it() -> None:
    stuck = Stuck(after_s=60, tolerance=0.1)
    readings: list[Reading] = [(second, 5.0 + 0.05 * (second % 2)) for second in range(0, 90, 10)]
    assert told(stuck, *readings, (90, 5.2)) == ["raised@60", "returned@90"]


def test_a_counter_that_stands_still_is_found_and_a_reset_counts_as_moving() -> None:
    still = CounterStopped(after_s=60, step=2)
    assert told(still, (0, 100), (50, 101), (70, 102), (100, 0), (120, 1)) == ["raised@60", "returned@70"]


def test_bad_quality_holds_the_time_of_a_stuck_value() -> None:
    assert told(Stuck(after_s=60), (0, 5), (30, None, BAD), (80, 5), until=109) == []
    assert told(Stuck(after_s=60), (0, 5), (30, None, BAD), (80, 5), until=111) == ["raised@110"]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"kind": "deviation", "limit": 2}, "setpoint"),
        ({"kind": "deviation", "limit": 2, "setpoint": 1, "setpoint_signal": 4}, "setpoint"),
        ({"kind": "deviation", "limit": 2, "deadband": 2, "setpoint": 1}, "deadband"),
        ({"kind": "discrete", "abnormal": []}, "abnormal"),
        ({"kind": "stale", "after_s": 0}, "after_s"),
        ({"kind": "high", "limit": float("nan")}, "limit"),
        ({"kind": "sorcery"}, "kind"),
    ],
)
def test_a_condition_that_makes_no_sense_is_refused_by_its_field(said: dict[str, object], field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        TypeAdapter(AnyCondition).validate_python(said)
