"""The life of an alarm as pure steps: what a sample, the passing of time or a person does to the memory of one rule.

Time is source time, and a value holds until the next one replaces it, so a device that reports only changes is judged
like one that is polled. From this follow the rules of the delays:

* A delay starts at the source time of the first sample that calls for it: abnormal while the alarm is off, back to
  normal beyond the deadband while it is on. A usable sample that says otherwise stops it.
* It is over at its start plus its length, to the microsecond, whenever that is noticed: by the next sample of the
  signal or, when none comes, by `tick`. The transition carries that time, not the time of noticing, and its identity
  is derived from it. A replay after a crash therefore finds the same transitions.
* A sample exactly at the end of a delay is judged before the delay is: a value that returns in that microsecond stops
  it.
* Bad quality, or a sample without a number, says nothing about the process: the state stays and a running delay is held
  until the next usable sample; the time in between does not count. Uncertain values are judged: a reading clamped at
  the end of its range is exactly what a limit is for.
* A sample that is not newer than what was judged already is ignored, whether late or a duplicate.

Source: ANSI/ISA-18.2-2016, alarm state model, states A to D, on-delay and off-delay.
"""

import math
from dataclasses import dataclass

from pdm_app.domain.alarms import Alarm, AlarmRule, AlarmState, JournalEntry, JournalKind, RuleMemory
from pdm_app.domain.identifiers import derived_id
from pdm_app.domain.samples import MICROS_PER_S, QUALITY_BAD_MIN, Micros, Sample

_RAISED = {
    AlarmState.NORMAL: AlarmState.UNACKNOWLEDGED,
    AlarmState.RETURNED_UNACKNOWLEDGED: AlarmState.UNACKNOWLEDGED,
}
_RETURNED = {
    AlarmState.UNACKNOWLEDGED: AlarmState.RETURNED_UNACKNOWLEDGED,
    AlarmState.ACKNOWLEDGED: AlarmState.NORMAL,
}
_ACKNOWLEDGED = {
    AlarmState.UNACKNOWLEDGED: AlarmState.ACKNOWLEDGED,
    AlarmState.RETURNED_UNACKNOWLEDGED: AlarmState.NORMAL,
}


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of state.

    Attributes:
        at: Source time of the cause, or the time of the person's act; microseconds UTC.
        value: The value that caused it, in the signal's unit; None for a person's act.
        actor: Who did it; empty where the process did.
    """

    kind: JournalKind
    alarm_id: str
    before: AlarmState
    after: AlarmState
    at: Micros
    value: float | None = None
    actor: str = ""
    comment: str = ""


Step = tuple[RuleMemory, tuple[Transition, ...]]


def step(rule: AlarmRule, memory: RuleMemory, sample: Sample) -> Step:
    """Judge one sample of the rule's signal.

    Returns:
        The new memory and zero to two transitions in order: a delay that ended before the sample, then what the sample
        itself did.
    """
    at = sample.source_at
    if at <= memory.evaluated_to:
        return memory, ()
    memory, elapsed = _elapse(rule, memory, at)
    value = sample.value
    if sample.quality >= QUALITY_BAD_MIN or not isinstance(value, float | int) or not math.isfinite(value):
        return _frozen(memory, at), elapsed
    memory, transition = _judge(rule, _thawed(memory, at), value, at)
    return memory, elapsed if transition is None else (*elapsed, transition)


def tick(rule: AlarmRule, memory: RuleMemory, horizon: Micros) -> Step:
    """End a delay that is over although no sample came.

    Args:
        rule: The rule.
        memory: Its memory.
        horizon: Source time before which no further sample of this signal is expected. One that comes nevertheless,
            older than a transition made here, is late and ignored.
    """
    return _elapse(rule, memory, horizon)


def deadline(rule: AlarmRule, memory: RuleMemory) -> Micros | None:
    """Return the source time at which the running delay is over; None if none runs or bad quality holds it."""
    if memory.frozen_at is not None:
        return None
    if memory.abnormal_since is not None:
        return Micros(memory.abnormal_since + delay_us(rule.on_delay_s))
    if memory.normal_since is not None:
        return Micros(memory.normal_since + delay_us(rule.off_delay_s))
    return None


def acknowledge(memory: RuleMemory, at: Micros, actor: str, comment: str = "") -> tuple[RuleMemory, Transition | None]:
    """Take note that a person has seen the alarm; no transition, and the same memory, where nothing awaits it."""
    after = _ACKNOWLEDGED.get(memory.state)
    if after is None or memory.alarm_id is None:
        return memory, None
    transition = Transition(
        JournalKind.ACKNOWLEDGED, memory.alarm_id, memory.state, after, at, actor=actor, comment=comment
    )
    return _entered(memory, after, memory.alarm_id), transition


def withdraw(memory: RuleMemory, at: Micros, actor: str, comment: str) -> tuple[RuleMemory, Transition | None]:
    """Take a standing alarm back because its rule is no longer in force; delays are forgotten."""
    calm = without_delays(memory)
    if memory.alarm_id is None:
        return calm, None
    after = AlarmState.NORMAL
    transition = Transition(JournalKind.CLEARED, memory.alarm_id, memory.state, after, at, actor=actor, comment=comment)
    return _entered(calm, after, memory.alarm_id), transition


def without_delays(memory: RuleMemory) -> RuleMemory:
    return memory.model_copy(update={"abnormal_since": None, "normal_since": None, "frozen_at": None, "value": None})


def delay_us(seconds: float) -> int:
    return round(seconds * MICROS_PER_S)


def _elapse(rule: AlarmRule, memory: RuleMemory, before: Micros) -> Step:
    end = deadline(rule, memory)
    if end is None or end >= before:
        return memory, ()
    memory, transition = _turned(rule, memory, memory.value, end)
    return memory.model_copy(update={"evaluated_to": max(memory.evaluated_to, end)}), (transition,)


def _judge(rule: AlarmRule, memory: RuleMemory, value: float, at: Micros) -> tuple[RuleMemory, Transition | None]:
    """Apply one usable value to a memory whose delay, if one runs, is not over before ``at``."""
    if memory.state.is_active:
        name, since, delay_s = "normal_since", memory.normal_since, rule.off_delay_s
        calls = rule.condition.is_normal(value)
    else:
        name, since, delay_s = "abnormal_since", memory.abnormal_since, rule.on_delay_s
        calls = rule.condition.is_abnormal(value)
    if not calls:
        return memory.model_copy(update={name: None, "value": None, "evaluated_to": at}), None
    since = at if since is None else since
    if at - since >= delay_us(delay_s):
        turned, transition = _turned(rule, memory, value, at)
        return turned.model_copy(update={"evaluated_to": at}), transition
    return memory.model_copy(update={name: since, "value": value, "evaluated_to": at}), None


def _turned(rule: AlarmRule, memory: RuleMemory, value: float | None, at: Micros) -> tuple[RuleMemory, Transition]:
    """Raise what is off, return what is on."""
    before = memory.state
    if before.is_active:
        kind, after = JournalKind.RETURNED, _RETURNED[before]
    else:
        kind, after = JournalKind.RAISED, _RAISED[before]
    alarm_id = memory.alarm_id or derived_id(at, rule.id)
    turned = _entered(without_delays(memory), after, alarm_id)
    return turned, Transition(kind, alarm_id, before, after, at, value)


def _entered(memory: RuleMemory, state: AlarmState, alarm_id: str) -> RuleMemory:
    return memory.model_copy(update={"state": state, "alarm_id": None if state is AlarmState.NORMAL else alarm_id})


def _frozen(memory: RuleMemory, at: Micros) -> RuleMemory:
    runs = memory.abnormal_since is not None or memory.normal_since is not None
    if runs and memory.frozen_at is None:
        return memory.model_copy(update={"frozen_at": at, "evaluated_to": at})
    return memory.model_copy(update={"evaluated_to": at})


def _thawed(memory: RuleMemory, at: Micros) -> RuleMemory:
    """Let a held delay run on: its start moves by as long as it was held."""
    if memory.frozen_at is None:
        return memory
    held_us = at - memory.frozen_at
    return memory.model_copy(
        update={
            "frozen_at": None,
            "abnormal_since": None if memory.abnormal_since is None else memory.abnormal_since + held_us,
            "normal_since": None if memory.normal_since is None else memory.normal_since + held_us,
        }
    )


def raised_alarm(rule: AlarmRule, standing: Alarm | None, transition: Transition, *, simulated: bool) -> Alarm:
    """Return the alarm that a RAISED transition makes.

    Args:
        rule: Gives it words, priority and limit, as they are now.
        standing: The same alarm where it had returned unacknowledged and is raised again; else None.
        transition: The raising.
        simulated: Whether the signal belongs to a simulated plant.
    """
    return Alarm(
        id=transition.alarm_id,
        rule_id=rule.id,
        site_id=rule.site_id,
        asset_id=rule.asset_id,
        signal_id=rule.signal_id,
        name=rule.name,
        priority=rule.priority,
        state=transition.after,
        limit=rule.condition.limit,
        raised_at=transition.at,
        times_raised=1 if standing is None else standing.times_raised + 1,
        value=transition.value,
        comment="" if standing is None else standing.comment,
        cause=rule.cause,
        consequence=rule.consequence,
        action=rule.action,
        comment_required=rule.comment_required,
        simulated=simulated,
    )


def changed_alarm(alarm: Alarm, transition: Transition) -> Alarm:
    """Return ``alarm`` after any transition but a raising."""
    update: dict[str, object] = {"state": transition.after}
    if transition.kind is JournalKind.RETURNED:
        update["returned_at"] = transition.at
    elif transition.kind is JournalKind.ACKNOWLEDGED:
        update |= {"acknowledged_at": transition.at, "acknowledged_by": transition.actor}
    if transition.comment:
        update["comment"] = transition.comment
    return alarm.model_copy(update=update)


def entry_of(alarm: Alarm, transition: Transition, recorded_at: Micros) -> JournalEntry:
    """Return the journal entry of one transition of ``alarm``; the same transition always gives the same id."""
    return journal_entry(
        alarm,
        transition.kind,
        transition.at,
        recorded_at,
        value=transition.value,
        actor=transition.actor,
        comment=transition.comment,
    )


def journal_entry(
    alarm: Alarm,
    kind: JournalKind,
    at: Micros,
    recorded_at: Micros,
    *,
    value: float | None = None,
    actor: str = "",
    comment: str = "",
) -> JournalEntry:
    """Return an entry about ``alarm`` as it now is."""
    return JournalEntry(
        id=derived_id(at, alarm.id, kind, actor),
        alarm_id=alarm.id,
        rule_id=alarm.rule_id,
        site_id=alarm.site_id,
        asset_id=alarm.asset_id,
        at=at,
        recorded_at=recorded_at,
        kind=kind,
        state=alarm.state,
        priority=alarm.priority,
        name=alarm.name,
        value=value,
        limit=alarm.limit,
        actor=actor,
        comment=comment,
    )
