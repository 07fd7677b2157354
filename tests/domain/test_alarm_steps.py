"""The steps of an alarm's life, by worked examples and against a simulation that counts every microsecond."""

from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pdm_app.domain.alarm_steps import (
    Transition,
    acknowledge,
    changed_alarm,
    deadline,
    entry_of,
    raised_alarm,
    step,
    tick,
    withdraw,
)
from pdm_app.domain.alarms import Alarm, AlarmRule, AlarmState, JournalKind, RuleMemory
from pdm_app.domain.conditions.any_condition import AnyCondition
from pdm_app.domain.conditions.limits import HighLimit, LowLimit
from pdm_app.domain.samples import Micros, Quality, Sample, SignalId

A, B, C, D = AlarmState
S = 1_000_000
NOON = 1_800_000_000 * S


def bearing_rule(
    condition: AnyCondition | None = None, on_delay_s: float = 0.0, off_delay_s: float = 0.0, comment: bool = False
) -> AlarmRule:
    """A bearing that is too hot above 80 °C and well again below 78 °C."""
    return AlarmRule(
        id="bearing-hot",
        site_id="graz",
        asset_id="p-101a",
        signal_id=7,
        name="Bearing hot",
        condition=condition or HighLimit(limit=80.0, deadband=2.0),
        priority=2,
        on_delay_s=on_delay_s,
        off_delay_s=off_delay_s,
        comment_required=comment,
        action="Check the oil.",
    )


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


# --- any stream ---------------------------------------------------------------------------------------------------

ALLOWED = {
    (A, B, JournalKind.RAISED),
    (D, B, JournalKind.RAISED),
    (B, D, JournalKind.RETURNED),
    (C, A, JournalKind.RETURNED),
    (B, C, JournalKind.ACKNOWLEDGED),
    (D, A, JournalKind.ACKNOWLEDGED),
}


class Microseconds:
    """The same rule, simulated microsecond by microsecond with counters instead of deadlines."""

    def __init__(self, alarm_rule: AlarmRule) -> None:
        self.rule = alarm_rule
        self.state = A
        self.now = 0
        self.value: float | None = None
        self.usable = False
        self.counted: int | None = None
        self.seen: list[tuple[JournalKind, AlarmState, int]] = []

    def sample(self, at: int, value: float, quality: Quality) -> None:
        self.pass_to(at - 1)
        self.now = at
        if self.counted is not None and self.usable:
            self.counted += 1
        self.usable = not quality.is_bad
        if self.usable:
            self.value = value
        self._look()

    def pass_to(self, at: int) -> None:
        while self.now < at:
            self.now += 1
            if self.counted is not None and self.usable:
                self.counted += 1
            self._look()

    def acknowledge(self) -> None:
        if self.state in (B, D):
            self.state = C if self.state is B else A
            self.seen.append((JournalKind.ACKNOWLEDGED, self.state, self.now))

    def _look(self) -> None:
        if not self.usable or self.value is None:
            return
        active = self.state in (B, C)
        condition = self.rule.condition
        if not (condition.is_normal(self.value) if active else condition.is_abnormal(self.value)):
            self.counted = None
            return
        self.counted = self.counted or 0
        if self.counted >= round((self.rule.off_delay_s if active else self.rule.on_delay_s) * S):
            self.counted = None
            if active:
                self.state = D if self.state is B else A
            else:
                self.state = B
            self.seen.append((JournalKind.RETURNED if active else JournalKind.RAISED, self.state, self.now))


class AnyStream(RuleBasedStateMachine):
    """Samples of any value, quality and distance, duplicates, ticks and acknowledgements in any order."""

    @initialize(
        condition=st.one_of(
            st.builds(HighLimit, limit=st.sampled_from([0.0, 2.0]), deadband=st.sampled_from([0.0, 1.0])),
            st.builds(LowLimit, limit=st.sampled_from([0.0, 2.0]), deadband=st.sampled_from([0.0, 1.0])),
        ),
        on_delay=st.sampled_from([0, 1, 3, 8]),
        off_delay=st.sampled_from([0, 1, 3, 8]),
    )
    def begin(self, condition: AnyCondition, on_delay: int, off_delay: int) -> None:
        self.rule = bearing_rule(condition, on_delay / S, off_delay / S)
        self.memory = RuleMemory(rule_id=self.rule.id)
        self.reference = Microseconds(self.rule)
        self.now = 0
        self.transitions: list[Transition] = []
        self.last: Sample | None = None

    @rule(
        after=st.integers(1, 6),
        value=st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0]),
        quality=st.sampled_from([Quality.GOOD, Quality.GOOD, Quality.UNCERTAIN, Quality.BAD]),
    )
    def sample(self, after: int, value: float, quality: Quality) -> None:
        self.now += after
        self.last = Sample(SignalId(7), value, quality, Micros(self.now))
        self.memory, transitions = step(self.rule, self.memory, self.last)
        self.transitions += transitions
        self.reference.sample(self.now, value, quality)

    @rule(back=st.integers(0, 5))
    def late_or_repeated_sample(self, back: int) -> None:
        if self.last is not None:
            late = Sample(SignalId(7), 9.0, Quality.GOOD, Micros(self.last.source_at - back))
            assert step(self.rule, self.memory, late) == (self.memory, ())

    @rule(after=st.integers(0, 4))
    def time_passes(self, after: int) -> None:
        self.now += after
        self._tick()

    @rule()
    def somebody_acknowledges(self) -> None:
        self._tick()
        before = self.memory
        self.memory, transition = acknowledge(self.memory, Micros(self.now), "anna")
        if transition is None:
            assert self.memory == before
            assert before.state in (A, C)
        else:
            self.transitions.append(transition)
        self.reference.acknowledge()

    def _tick(self) -> None:
        self.memory, transitions = tick(self.rule, self.memory, Micros(self.now + 1))
        self.transitions += transitions
        self.reference.pass_to(self.now)

    @invariant()
    def every_transition_is_defined_and_follows_the_one_before(self) -> None:
        if not hasattr(self, "memory"):
            return
        assert all((t.before, t.after, t.kind) in ALLOWED for t in self.transitions)
        assert all(one.after is other.before for one, other in pairwise(self.transitions))
        assert all(one.at <= other.at for one, other in pairwise(self.transitions))
        last = self.transitions[-1].after if self.transitions else A
        assert self.memory.state is last

    @invariant()
    def the_memory_agrees_with_itself(self) -> None:
        if not hasattr(self, "memory"):
            return
        memory = self.memory
        assert (memory.alarm_id is None) == (memory.state is A)
        assert not (memory.state.is_active and memory.abnormal_since is not None)
        assert not (not memory.state.is_active and memory.normal_since is not None)
        runs = memory.abnormal_since is not None or memory.normal_since is not None
        assert runs == (memory.value is not None)
        assert runs or memory.frozen_at is None
        assert RuleMemory.model_validate_json(memory.model_dump_json()) == memory

    def teardown(self) -> None:
        if not hasattr(self, "memory"):
            return
        self._tick()
        assert [(t.kind, t.after, t.at) for t in self.transitions] == self.reference.seen
        ids = self._journal_ids()
        assert len(set(ids)) == len(ids)

    def _journal_ids(self) -> list[str]:
        ids = []
        alarms: dict[str, Alarm] = {}
        for transition in self.transitions:
            alarm = alarms.get(transition.alarm_id)
            if transition.kind is JournalKind.RAISED or alarm is None:
                alarm = raised_alarm(self.rule, alarm, transition, simulated=False)
            else:
                alarm = changed_alarm(alarm, transition)
            alarms[transition.alarm_id] = alarm
            ids.append(entry_of(alarm, transition, Micros(0)).id)
        return ids


TestAnyStream = AnyStream.TestCase
TestAnyStream.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
