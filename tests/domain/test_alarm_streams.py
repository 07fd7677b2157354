"""Any stream of samples, silence and acknowledgements, against a simulation that counts every microsecond."""

from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pdm_app.domain.alarm_steps import Transition, acknowledge, changed_alarm, entry_of, raised_alarm, step, tick
from pdm_app.domain.alarms import Alarm, AlarmRule, AlarmState, JournalKind, RuleMemory
from pdm_app.domain.conditions.any_condition import AnyCondition
from pdm_app.domain.conditions.limits import HighLimit, LowLimit
from pdm_app.domain.samples import Micros, Quality, Sample, SignalId
from tests.domain.bearing import S, bearing_rule

A, B, C, D = AlarmState

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
