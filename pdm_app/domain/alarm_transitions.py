"""One change of an alarm's state, as every kind of step reports it."""

from dataclasses import dataclass

from pdm_app.domain.alarms import AlarmState, JournalKind, RuleMemory
from pdm_app.domain.samples import Micros


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of state.

    Attributes:
        at: Source time of the cause, or the time of the person's act; microseconds UTC.
        value: The value that caused it, in the signal's unit; None for a person's act.
        actor: Who did it; empty where the process did.
        comment: What was said, or why it is kept silent.
        until: When the shelving ends by itself, by the clock.
        permit: Work permit under which it is out of service.
        one_shot: The shelving ends when the process returns.
    """

    kind: JournalKind
    alarm_id: str
    before: AlarmState
    after: AlarmState
    at: Micros
    value: float | None = None
    actor: str = ""
    comment: str = ""
    until: Micros | None = None
    permit: str = ""
    one_shot: bool = False
    abnormal: bool = True


Step = tuple[RuleMemory, tuple[Transition, ...]]


def entered(memory: RuleMemory, state: AlarmState, alarm_id: str) -> RuleMemory:
    return memory.model_copy(update={"state": state, "alarm_id": None if state is AlarmState.NORMAL else alarm_id})
