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
* A sample that is not newer than what was judged already is ignored, whether late or a duplicate. A condition that
  reads several signals asks that of each of them alone; a sample of one that is older than the newest of another is
  judged a microsecond after that, so that source time only ever goes forward.
* An alarm that is kept silent (`alarm_holds`) is judged like any other: its delays run, and it is journalled.

Source: ANSI/ISA-18.2-2016, alarm state model, states A to I, on-delay and off-delay.
"""

import math

from pdm_app.domain.alarm_holds import unshelved
from pdm_app.domain.alarm_transitions import Step, Transition, entered
from pdm_app.domain.alarms import AlarmRule, AlarmState, JournalKind, RuleMemory
from pdm_app.domain.conditions.base import Verdict
from pdm_app.domain.identifiers import derived_id
from pdm_app.domain.samples import MICROS_PER_S, QUALITY_BAD_MIN, Micros, Sample

JUDGING = ("signal_id", "condition", "on_delay_s", "off_delay_s")
_RETURNED = {
    AlarmState.UNACKNOWLEDGED: AlarmState.RETURNED_UNACKNOWLEDGED,
    AlarmState.ACKNOWLEDGED: AlarmState.NORMAL,
}
_LATCHED = {
    AlarmState.UNACKNOWLEDGED: AlarmState.LATCHED_UNACKNOWLEDGED,
    AlarmState.ACKNOWLEDGED: AlarmState.LATCHED_ACKNOWLEDGED,
}
_ACKNOWLEDGED = {
    AlarmState.UNACKNOWLEDGED: AlarmState.ACKNOWLEDGED,
    AlarmState.RETURNED_UNACKNOWLEDGED: AlarmState.NORMAL,
    AlarmState.LATCHED_UNACKNOWLEDGED: AlarmState.LATCHED_ACKNOWLEDGED,
}


def step(rule: AlarmRule, memory: RuleMemory, sample: Sample) -> Step:
    """Judge one sample of the rule's signal, or of another one that its condition reads.

    Returns:
        The new memory and the transitions in order: of a delay that ended before the sample, then what the sample
        itself did.
    """
    memory, at = _heard(rule, memory, sample)
    if at is None:
        return memory, ()
    memory, elapsed = _elapse(rule, memory, at)
    recall, verdict = rule.condition.look(memory.recall, sample, usable(sample))
    if recall != memory.recall:
        memory = memory.model_copy(update={"recall": recall})
    if verdict is Verdict.UNKNOWN:
        return _frozen(memory, at), elapsed
    if verdict is Verdict.NOTHING:
        return memory.model_copy(update={"evaluated_to": at}), elapsed
    memory, transitions = _judge(rule, _thawed(memory, at), verdict, usable(sample), at)
    return memory, (*elapsed, *transitions)


def usable(sample: Sample) -> float | None:
    """Return the number a sample says of the process; None where quality or value make it say nothing."""
    value = sample.value
    if sample.quality >= QUALITY_BAD_MIN or not isinstance(value, float | int) or not math.isfinite(value):
        return None
    return value


def _heard(rule: AlarmRule, memory: RuleMemory, sample: Sample) -> tuple[RuleMemory, Micros | None]:
    """Return the source time at which a sample is judged; None where it is late or was judged already."""
    at = sample.source_at
    others = rule.condition.inputs()
    if not others:
        return memory, at if at > memory.evaluated_to else None
    heard = memory.heard or (0,) * (len(others) + 1)
    place = 1 + others.index(sample.signal) if sample.signal in others else 0
    if at <= heard[place]:
        return memory, None
    heard = (*heard[:place], at, *heard[place + 1 :])
    return memory.model_copy(update={"heard": heard}), Micros(max(at, memory.evaluated_to + 1))


def begun(rule: AlarmRule, memory: RuleMemory, now: Micros) -> RuleMemory:
    """Return the memory as the rule comes into force: what waits for samples waits from now on, also for the first."""
    if not rule.condition.begins_at_once or memory.evaluated_to or memory.delay_runs:
        return memory
    return memory.model_copy(update={"abnormal_since": now})


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
        return Micros(memory.abnormal_since + delay_us(rule.on_delay_whole_s))
    if memory.normal_since is not None:
        return Micros(memory.normal_since + delay_us(rule.off_delay_whole_s))
    return None


def acknowledge(memory: RuleMemory, at: Micros, actor: str, comment: str = "") -> tuple[RuleMemory, Transition | None]:
    """Take note that a person has seen the alarm; no transition, and the same memory, where nothing awaits it."""
    after = _ACKNOWLEDGED.get(memory.state)
    if after is None or memory.alarm_id is None:
        return memory, None
    transition = Transition(
        JournalKind.ACKNOWLEDGED,
        memory.alarm_id,
        memory.state,
        after,
        at,
        actor=actor,
        comment=comment,
        abnormal=memory.is_abnormal,
    )
    return entered(memory, after, memory.alarm_id), transition


def reset(memory: RuleMemory, at: Micros, actor: str, comment: str = "") -> tuple[RuleMemory, Transition | None]:
    """Let a latched alarm go that was acknowledged; no transition, and the same memory, where there is none."""
    if memory.state is not AlarmState.LATCHED_ACKNOWLEDGED or memory.alarm_id is None:
        return memory, None
    after = AlarmState.NORMAL
    transition = Transition(
        JournalKind.RESET, memory.alarm_id, memory.state, after, at, actor=actor, comment=comment, abnormal=False
    )
    return entered(memory, after, memory.alarm_id), transition


def withdraw(memory: RuleMemory, at: Micros, actor: str, comment: str) -> tuple[RuleMemory, Transition | None]:
    """Take a standing alarm back because its rule is no longer in force; it is as if it had never judged."""
    if memory.alarm_id is None:
        return fresh(memory), None
    transition = Transition(
        JournalKind.CLEARED,
        memory.alarm_id,
        memory.state,
        AlarmState.NORMAL,
        at,
        actor=actor,
        comment=comment,
        abnormal=False,
    )
    return fresh(memory), transition


def fresh(memory: RuleMemory) -> RuleMemory:
    """Return the memory of a rule that begins anew; what it has judged stays judged."""
    return RuleMemory(rule_id=memory.rule_id, evaluated_to=memory.evaluated_to)


def without_delays(memory: RuleMemory) -> RuleMemory:
    """Return the memory without running delays and without what the condition remembers."""
    return memory.model_copy(update={**_CALM, "recall": (), "heard": ()})


_CALM: dict[str, object] = {"abnormal_since": None, "normal_since": None, "frozen_at": None, "value": None}


def delay_us(seconds: float) -> int:
    return round(seconds * MICROS_PER_S)


def _elapse(rule: AlarmRule, memory: RuleMemory, before: Micros) -> Step:
    end = deadline(rule, memory)
    if end is None or end >= before:
        return memory, ()
    memory, transitions = _turned(rule, memory, memory.value, end)
    return memory.model_copy(update={"evaluated_to": max(memory.evaluated_to, end)}), transitions


def _judge(rule: AlarmRule, memory: RuleMemory, verdict: Verdict, value: float | None, at: Micros) -> Step:
    """Apply one verdict to a memory whose delay, if one runs, is not over before ``at``."""
    if verdict is Verdict.ANEW:
        return _anew(rule, memory, value, at)
    if memory.is_abnormal:
        name, since, delay_s = "normal_since", memory.normal_since, rule.off_delay_whole_s
        calls = verdict is Verdict.NORMAL
    else:
        name, since, delay_s = "abnormal_since", memory.abnormal_since, rule.on_delay_whole_s
        calls = verdict is Verdict.ABNORMAL
    if not calls:
        return memory.model_copy(update={name: None, "value": None, "evaluated_to": at}), ()
    since = at if since is None else since
    if at - since >= delay_us(delay_s):
        turned, transitions = _turned(rule, memory, value, at)
        return turned.model_copy(update={"evaluated_to": at}), transitions
    return memory.model_copy(update={name: since, "value": value, "evaluated_to": at}), ()


def _anew(rule: AlarmRule, memory: RuleMemory, value: float | None, at: Micros) -> Step:
    """The process is as it should be; from now on it has to show that again in time."""
    transitions: tuple[Transition, ...] = ()
    if memory.is_abnormal:
        memory, transitions = _turned(rule, memory, value, at)
    return memory.model_copy(update={"abnormal_since": at, "value": value, "evaluated_to": at}), transitions


def _turned(rule: AlarmRule, memory: RuleMemory, value: float | None, at: Micros) -> Step:
    """Raise what is off, return what is on; while it is kept silent, only take note."""
    before, is_abnormal = memory.state, not memory.is_abnormal
    alarm_id = memory.alarm_id or derived_id(at, rule.id)
    calm = memory.model_copy(update=_CALM)
    kind = JournalKind.RAISED if is_abnormal else JournalKind.RETURNED
    if before.is_held:
        silent = calm.model_copy(
            update={"abnormal": is_abnormal, "latched": memory.latched or (is_abnormal and rule.latching)}
        )
        noted = Transition(kind, alarm_id, before, before, at, value, abnormal=is_abnormal)
        if is_abnormal or not memory.one_shot:
            return silent, (noted,)
        after_it = Micros(at + 1)  # So that the journal tells the two in this order.
        released, ended = unshelved(silent, after_it, "system", "The process has returned.")
        return released, (noted,) if ended is None else (noted, ended)
    after = AlarmState.UNACKNOWLEDGED if is_abnormal else _returned(rule, before)
    turned = entered(calm, after, alarm_id)
    return turned, (Transition(kind, alarm_id, before, after, at, value, abnormal=is_abnormal),)


def _returned(rule: AlarmRule, before: AlarmState) -> AlarmState:
    if not rule.ack_required:
        return AlarmState.LATCHED_ACKNOWLEDGED if rule.latching else AlarmState.NORMAL
    return (_LATCHED if rule.latching else _RETURNED)[before]


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


def run(rule: AlarmRule, memory: RuleMemory, cause: Sample | Micros) -> Step:
    """Let a sample, or the passing of source time, do what it does to a rule."""
    return step(rule, memory, cause) if isinstance(cause, Sample) else tick(rule, memory, cause)


def judges_otherwise(before: AlarmRule, after: AlarmRule) -> bool:
    """Whether two states of a rule judge a value differently; words and priority leave a running delay alone."""
    return any(getattr(before, name) != getattr(after, name) for name in JUDGING)
