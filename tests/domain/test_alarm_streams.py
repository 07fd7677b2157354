"""Any stream of samples, silence and acts of people, against a simulation that counts every microsecond."""

from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pdm_app.domain.alarm_entries import alarm_after, entry_of
from pdm_app.domain.alarm_holds import expired, lifted, put_back, shelved, suppressed, taken_out, unshelved
from pdm_app.domain.alarm_steps import acknowledge, reset, step, tick
from pdm_app.domain.alarm_transitions import Transition
from pdm_app.domain.alarms import Alarm, AlarmRule, AlarmState, JournalKind, RuleMemory
from pdm_app.domain.conditions.any_condition import AnyCondition
from pdm_app.domain.conditions.limits import HighLimit, LowLimit
from pdm_app.domain.samples import Micros, Quality, Sample, SignalId
from tests.domain.bearing import S, bearing_rule

A, B, C, D, E, F, G, H, OUT = AlarmState
HELD = (G, H, OUT)

ALLOWED = {
    *((state, B, JournalKind.RAISED) for state in (A, D, E, F)),
    *((B, after, JournalKind.RETURNED) for after in (A, D, E, F)),
    *((C, after, JournalKind.RETURNED) for after in (A, F)),
    (B, C, JournalKind.ACKNOWLEDGED),
    (D, A, JournalKind.ACKNOWLEDGED),
    (E, F, JournalKind.ACKNOWLEDGED),
    (F, A, JournalKind.RESET),
    *((state, state, kind) for state in HELD for kind in (JournalKind.RAISED, JournalKind.RETURNED)),
    *((before, G, JournalKind.SHELVED) for before in (A, B, C, D, E, F, G)),
    *((state, state, JournalKind.SHELVED) for state in (H, OUT)),
    *((before, H, JournalKind.SUPPRESSED) for before in (A, B, C, D, E, F, G)),
    (OUT, OUT, JournalKind.SUPPRESSED),
    *((before, OUT, JournalKind.OUT_OF_SERVICE) for before in (A, B, C, D, E, F, G, H)),
    *((G, after, JournalKind.UNSHELVED) for after in (A, B, E)),
    *((state, state, JournalKind.UNSHELVED) for state in (H, OUT)),
    *((H, after, JournalKind.UNSUPPRESSED) for after in (A, B, E, G)),
    (OUT, OUT, JournalKind.UNSUPPRESSED),
    *((OUT, after, JournalKind.IN_SERVICE) for after in (A, B, E, G, H)),
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
        self.abnormal = False
        self.latched = False
        self.shelved_until: int | None = None
        self.one_shot = False
        self.causes: set[str] = set()
        self.is_out = False
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
        if self.state in (B, D, E):
            self.state = {B: C, D: A, E: F}[self.state]
            self.seen.append((JournalKind.ACKNOWLEDGED, self.state, self.now))

    def reset(self) -> None:
        if self.state is F:
            self.state = A
            self.seen.append((JournalKind.RESET, A, self.now))

    def hold(self, kind: JournalKind) -> None:
        """Go silent for the strongest reason there now is."""
        if self.state not in HELD:
            self.latched = self.state in (E, F) or (self.abnormal and self.rule.latching)
        self.state = self._reason() or self.state
        self.seen.append((kind, self.state, self.now))

    def release(self, kind: JournalKind, at: int) -> None:
        reason = self._reason()
        if reason is None:
            self.state = B if self.abnormal else E if self.latched else A
        else:
            self.state = reason
        self.seen.append((kind, self.state, at))

    def _reason(self) -> AlarmState | None:
        return OUT if self.is_out else H if self.causes else G if self.shelved_until is not None else None

    def _look(self) -> None:
        if not self.usable or self.value is None:
            return
        active = self.abnormal
        condition = self.rule.condition
        if not (condition.is_normal(self.value) if active else condition.is_abnormal(self.value)):
            self.counted = None
            return
        self.counted = self.counted or 0
        if self.counted >= round((self.rule.off_delay_s if active else self.rule.on_delay_s) * S):
            self.counted = None
            self.abnormal = not active
            kind = JournalKind.RETURNED if active else JournalKind.RAISED
            if self.state in HELD:
                self.latched = self.latched or (self.abnormal and self.rule.latching)
                self.seen.append((kind, self.state, self.now))
                if active and self.one_shot:
                    self.shelved_until, self.one_shot = None, False
                    self.release(JournalKind.UNSHELVED, self.now + 1)
                return
            self.state = self._returned() if active else B
            self.seen.append((kind, self.state, self.now))

    def _returned(self) -> AlarmState:
        if self.rule.latching:
            return E if self.state is B and self.rule.ack_required else F
        return D if self.state is B and self.rule.ack_required else A


class AnyStream(RuleBasedStateMachine):
    """Samples of any value, quality and distance, duplicates, ticks and acknowledgements in any order."""

    @initialize(
        condition=st.one_of(
            st.builds(HighLimit, limit=st.sampled_from([0.0, 2.0]), deadband=st.sampled_from([0.0, 1.0])),
            st.builds(LowLimit, limit=st.sampled_from([0.0, 2.0]), deadband=st.sampled_from([0.0, 1.0])),
        ),
        on_delay=st.sampled_from([0, 1, 3, 8]),
        off_delay=st.sampled_from([0, 1, 3, 8]),
        latching=st.booleans(),
        ack_required=st.sampled_from([True, True, False]),
    )
    def begin(self, condition: AnyCondition, on_delay: int, off_delay: int, latching: bool, ack_required: bool) -> None:
        rule_said = bearing_rule(condition, on_delay / S, off_delay / S)
        self.rule = rule_said.model_copy(update={"latching": latching, "ack_required": ack_required})
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
            assert before.state in (A, C, F, *HELD)
        else:
            self.transitions.append(transition)
        self.reference.acknowledge()

    @rule()
    def somebody_resets(self) -> None:
        self._a_moment_later()
        self._did(*reset(self.memory, Micros(self.now), "anna"))
        self.reference.reset()

    @rule(after=st.integers(1, 9), one_shot=st.booleans())
    def somebody_shelves(self, after: int, one_shot: bool) -> None:
        self._a_moment_later()
        until = Micros(self.now + after)
        self._did(*shelved(self.rule, self.memory, Micros(self.now), until, "anna", "x", one_shot=one_shot))
        self.reference.shelved_until, self.reference.one_shot = until, one_shot
        self.reference.hold(JournalKind.SHELVED)

    @rule()
    def somebody_unshelves(self) -> None:
        self._a_moment_later()
        self._did(*unshelved(self.memory, Micros(self.now), "anna"))
        if self.reference.shelved_until is not None:
            self.reference.shelved_until, self.reference.one_shot = None, False
            self.reference.release(JournalKind.UNSHELVED, self.now)

    @rule()
    def the_clock_ends_a_shelving(self) -> None:
        self._a_moment_later()
        self._did(*expired(self.memory, Micros(self.now)))
        until = self.reference.shelved_until
        if until is not None and until <= self.now:
            self.reference.shelved_until, self.reference.one_shot = None, False
            self.reference.release(JournalKind.UNSHELVED, until)

    @rule(cause=st.sampled_from(["pump", "valve"]), begins=st.booleans())
    def the_design_says_so(self, cause: str, begins: bool) -> None:
        self._a_moment_later()
        causes, was_silent = self.reference.causes, bool(self.reference.causes)
        if begins:
            self._did(*suppressed(self.rule, self.memory, Micros(self.now), cause, cause))
            causes.add(cause)
            if not was_silent:
                self.reference.hold(JournalKind.SUPPRESSED)
        else:
            self._did(*lifted(self.memory, Micros(self.now), cause))
            causes.discard(cause)
            if was_silent and not causes:
                self.reference.release(JournalKind.UNSUPPRESSED, self.now)

    @rule(out=st.booleans())
    def maintenance_comes_and_goes(self, out: bool) -> None:
        self._a_moment_later()
        at = Micros(self.now)
        self._did(*(taken_out(self.rule, self.memory, at, "tom", "x", "") if out else put_back(self.memory, at, "tom")))
        if out != self.reference.is_out:
            self.reference.is_out = out
            if out:
                self.reference.hold(JournalKind.OUT_OF_SERVICE)
            else:
                self.reference.release(JournalKind.IN_SERVICE, self.now)

    def _a_moment_later(self) -> None:
        """No two acts fall into one microsecond."""
        self.now += 1
        self._tick()

    def _did(self, memory: RuleMemory, transition: Transition | None) -> None:
        assert transition is not None or memory.state is self.memory.state
        self.memory = memory
        self.transitions += () if transition is None else (transition,)

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
        last = self.transitions[-1].after if self.transitions else A
        assert self.memory.state is last

    @invariant()
    def the_memory_agrees_with_itself(self) -> None:
        if not hasattr(self, "memory"):
            return
        memory = self.memory
        assert (memory.alarm_id is None) == (memory.state is A)
        assert not (memory.is_abnormal and memory.abnormal_since is not None)
        assert not (not memory.is_abnormal and memory.normal_since is not None)
        assert memory.is_abnormal == self.reference.abnormal or memory.delay_runs
        is_silent = memory.out_of_service or bool(memory.suppressed_by) or memory.shelved_until is not None
        assert memory.state.is_held == is_silent
        assert memory.state.is_held or not (memory.abnormal or memory.latched)
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
            alarm = alarm_after(self.rule, alarms.get(transition.alarm_id), transition, simulated=False)
            alarms[transition.alarm_id] = alarm
            assert alarm.abnormal == transition.abnormal
            assert (alarm.held_at is not None) == alarm.state.is_held
            ids.append(entry_of(alarm, transition, Micros(0)).id)
        return ids


TestAnyStream = AnyStream.TestCase
TestAnyStream.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
