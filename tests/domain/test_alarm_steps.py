"""The steps of an alarm's life, by worked examples."""

import pytest

from pdm_app.domain.alarm_entries import changed_alarm, entry_of, raised_alarm
from pdm_app.domain.alarm_steps import acknowledge, deadline, step, tick, withdraw
from pdm_app.domain.alarm_transitions import Transition
from pdm_app.domain.alarms import AlarmRule, AlarmState, JournalKind, RuleMemory
from pdm_app.domain.conditions.limits import HighLimit, LowLimit
from pdm_app.domain.samples import Micros, Quality, Sample, SignalId
from tests.domain.bearing import NOON, S, bearing_rule

A, B, C, D, *_ = AlarmState


def reading(second: float, value_c: float | None, quality: Quality = Quality.GOOD) -> Sample:
    return Sample(SignalId(7), value_c, quality, Micros(NOON + round(second * S)))


def run(alarm_rule: AlarmRule, *samples: Sample) -> tuple[RuleMemory, list[Transition]]:
    memory = RuleMemory(rule_id=alarm_rule.id)
    found: list[Transition] = []
    for sample in samples:
        memory, transitions = step(alarm_rule, memory, sample)
        found += transitions
    return memory, found


def seconds(transitions: list[Transition]) -> list[tuple[str, float]]:
    return [(transition.kind.value, (transition.at - NOON) / S) for transition in transitions]


# --- limits and deadband ------------------------------------------------------------------------------------------


def test_a_value_on_the_limit_is_still_normal() -> None:
    memory, transitions = run(bearing_rule(), reading(0, 80.0))
    assert (memory.state, transitions) == (A, [])


def test_a_value_above_the_limit_raises_at_its_source_time() -> None:
    memory, transitions = run(bearing_rule(), reading(0, 79.0), reading(1, 80.5))
    assert memory.state is B
    assert seconds(transitions) == [("raised", 1.0)]
    assert transitions[0].value == 80.5


def test_inside_the_deadband_the_alarm_neither_returns_nor_is_raised_again() -> None:
    memory, transitions = run(bearing_rule(), reading(0, 81.0), reading(1, 79.0), reading(2, 78.0), reading(3, 80.5))
    assert memory.state is B
    assert seconds(transitions) == [("raised", 0.0)]


def test_below_the_deadband_the_alarm_returns() -> None:
    memory, transitions = run(bearing_rule(), reading(0, 81.0), reading(1, 77.9))
    assert memory.state is D
    assert seconds(transitions) == [("raised", 0.0), ("returned", 1.0)]


def test_without_deadband_the_limit_itself_is_normal_again() -> None:
    memory, _ = run(bearing_rule(HighLimit(limit=80.0)), reading(0, 81.0), reading(1, 80.0))
    assert memory.state is D


def test_a_low_limit_mirrors_a_high_one() -> None:
    low = bearing_rule(LowLimit(limit=1.2, deadband=0.1))
    memory, transitions = run(low, reading(0, 1.2), reading(1, 1.1), reading(2, 1.25), reading(3, 1.31))
    assert memory.state is D
    assert seconds(transitions) == [("raised", 1.0), ("returned", 3.0)]


# --- delays -------------------------------------------------------------------------------------------------------


def test_the_on_delay_counts_from_the_first_abnormal_sample() -> None:
    delayed = bearing_rule(on_delay_s=3.0)
    samples = [reading(second, 85.0) for second in range(4)]
    memory, transitions = run(delayed, *samples[:3])
    assert (memory.state, transitions) == (A, [])
    memory, transitions = run(delayed, *samples)
    assert seconds(transitions) == [("raised", 3.0)]


def test_an_excursion_shorter_than_the_on_delay_raises_nothing() -> None:
    _, transitions = run(
        bearing_rule(on_delay_s=3.0), reading(0, 85.0), reading(2.9, 79.0), reading(3.5, 85.0), reading(6, 70.0)
    )
    assert transitions == []


def test_a_value_that_returns_exactly_at_the_end_of_the_delay_raises_nothing() -> None:
    _, transitions = run(bearing_rule(on_delay_s=3.0), reading(0, 85.0), reading(3, 70.0))
    assert transitions == []


def test_a_value_holds_until_the_next_so_a_late_return_still_raised_at_the_end_of_the_delay() -> None:
    _, transitions = run(bearing_rule(on_delay_s=3.0), reading(0, 85.0), reading(10, 70.0))
    assert seconds(transitions) == [("raised", 3.0), ("returned", 10.0)]
    assert [transition.value for transition in transitions] == [85.0, 70.0]


def test_a_silent_signal_is_raised_by_the_passing_of_source_time() -> None:
    delayed = bearing_rule(on_delay_s=3.0)
    memory, _ = run(delayed, reading(0, 85.0))
    assert tick(delayed, memory, Micros(NOON + 3 * S)) == (memory, ())
    memory, transitions = tick(delayed, memory, Micros(NOON + 3 * S + 1))
    assert memory.state is B
    assert seconds(list(transitions)) == [("raised", 3.0)]
    assert tick(delayed, memory, Micros(NOON + 99 * S)) == (memory, ())


def test_a_sample_older_than_a_transition_that_time_made_is_late() -> None:
    delayed = bearing_rule(on_delay_s=3.0)
    memory, _ = run(delayed, reading(0, 85.0))
    memory, _ = tick(delayed, memory, Micros(NOON + 5 * S))
    assert step(delayed, memory, reading(2, 70.0)) == (memory, ())


def test_a_tick_and_a_later_sample_find_the_same_transition() -> None:
    delayed = bearing_rule(on_delay_s=3.0)
    before, _ = run(delayed, reading(0, 85.0))
    _, by_tick = tick(delayed, before, Micros(NOON + 5 * S))
    _, by_sample = step(delayed, before, reading(8, 86.0))
    assert by_tick == by_sample


def test_the_off_delay_is_restarted_by_a_value_inside_the_deadband() -> None:
    delayed = bearing_rule(off_delay_s=5.0)
    _, transitions = run(
        delayed, *(reading(at, v) for at, v in [(0, 85), (1, 70), (4, 79), (5, 70), (9, 70), (10, 70)])
    )
    assert seconds(transitions) == [("raised", 0.0), ("returned", 10.0)]


def test_bad_quality_holds_a_delay_and_the_time_in_between_does_not_count() -> None:
    delayed = bearing_rule(on_delay_s=10.0)
    samples = [
        reading(0, 85.0),
        reading(4, None, Quality.BAD_CONNECTION_LOST),
        reading(50, None, Quality.BAD),
        reading(100, 85.0),
    ]
    memory, transitions = run(delayed, *samples)
    assert transitions == []
    assert deadline(delayed, memory) == NOON + 106 * S
    assert deadline(delayed, run(delayed, *samples[:2])[0]) is None


def test_bad_quality_never_changes_the_state() -> None:
    memory, transitions = run(bearing_rule(), reading(0, 85.0), reading(1, 10.0, Quality.BAD), reading(2, None))
    assert memory.state is B
    assert seconds(transitions) == [("raised", 0.0)]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "hot"])
def test_a_sample_without_a_number_says_nothing(value: float | str | None) -> None:
    memory, transitions = run(bearing_rule(), Sample(SignalId(7), value, Quality.GOOD, Micros(NOON)))
    assert (memory.state, transitions, memory.evaluated_to) == (A, [], NOON)


def test_a_value_clamped_at_the_end_of_its_range_is_judged() -> None:
    memory, _ = run(bearing_rule(), reading(0, 120.0, Quality.UNCERTAIN_CLAMPED))
    assert memory.state is B


def test_late_and_repeated_samples_are_ignored() -> None:
    memory, transitions = run(bearing_rule(), reading(5, 70.0), reading(4, 99.0), reading(5, 99.0))
    assert (memory.state, transitions) == (A, [])


# --- people -------------------------------------------------------------------------------------------------------


def test_acknowledging_an_active_alarm_keeps_it_listed_until_it_returns() -> None:
    memory, _ = run(bearing_rule(), reading(0, 85.0))
    memory, acknowledged = acknowledge(memory, Micros(NOON + S), "anna", "on my way")
    assert acknowledged is not None
    assert (acknowledged.before, acknowledged.after, acknowledged.actor) == (B, C, "anna")
    memory, transitions = step(bearing_rule(), memory, reading(2, 70.0))
    assert [(transition.before, transition.after) for transition in transitions] == [(C, A)]
    assert (memory.state, memory.alarm_id) == (A, None)


def test_acknowledging_a_returned_alarm_ends_it() -> None:
    memory, _ = run(bearing_rule(), reading(0, 85.0), reading(1, 70.0))
    memory, acknowledged = acknowledge(memory, Micros(NOON + 2 * S), "anna")
    assert acknowledged is not None
    assert (acknowledged.before, acknowledged.after, memory.alarm_id) == (D, A, None)


@pytest.mark.parametrize("state", [A, C])
def test_acknowledging_what_awaits_nothing_changes_nothing(state: AlarmState) -> None:
    memory = RuleMemory(rule_id="bearing-hot", state=state, alarm_id="x" if state is C else None)
    assert acknowledge(memory, Micros(NOON), "anna") == (memory, None)


def test_a_returned_alarm_is_raised_again_as_the_same_alarm() -> None:
    hot = bearing_rule()
    _, transitions = run(hot, reading(0, 85.0), reading(1, 70.0), reading(2, 90.0))
    assert [(transition.before, transition.after) for transition in transitions] == [(A, B), (B, D), (D, B)]
    assert len({transition.alarm_id for transition in transitions}) == 1
    alarm = raised_alarm(hot, None, transitions[0], simulated=False)
    alarm = raised_alarm(hot, changed_alarm(alarm, transitions[1]), transitions[2], simulated=False)
    assert (alarm.times_raised, alarm.value, alarm.raised_at, alarm.returned_at) == (2, 90.0, NOON + 2 * S, None)


def test_an_alarm_after_an_acknowledged_one_is_another_alarm() -> None:
    memory, first = run(bearing_rule(), reading(0, 85.0))
    memory, _ = acknowledge(memory, Micros(NOON), "anna")
    memory, _ = step(bearing_rule(), memory, reading(1, 70.0))
    memory, second = step(bearing_rule(), memory, reading(2, 85.0))
    assert first[0].alarm_id != second[0].alarm_id


def test_a_withdrawn_rule_clears_its_alarm_and_forgets_its_delay() -> None:
    delayed = bearing_rule(off_delay_s=60)
    memory, _ = run(delayed, reading(0, 85.0), reading(1, 70.0))
    memory, cleared = withdraw(memory, Micros(NOON + 5 * S), "system", "switched off")
    assert cleared is not None
    assert (cleared.kind, cleared.after) == (JournalKind.CLEARED, A)
    assert (memory.state, memory.alarm_id, memory.normal_since, memory.value) == (A, None, None, None)
    assert withdraw(memory, Micros(NOON + 6 * S), "system", "") == (memory, None)


def test_the_journal_names_the_limit_and_the_value_and_is_the_same_on_replay() -> None:
    hot = bearing_rule()
    first, again = (
        [
            entry_of(raised_alarm(hot, None, transition, simulated=False), transition, recorded_at)
            for transition in run(hot, reading(0, 85.0))[1]
        ]
        for recorded_at in (Micros(NOON), Micros(NOON + 9 * S))
    )
    assert first[0].id == again[0].id
    assert (first[0].value, first[0].limit, first[0].state, first[0].priority) == (85.0, 80.0, B, 2)
