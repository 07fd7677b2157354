"""Alarms that are kept silent: shelved by an operator, suppressed by design, out of service for maintenance.

While it is silent, an alarm is judged on, and the journal takes note. The three reasons may hold at once; the alarm
shows the strongest: out of service, then by design, then shelved. When the last one ends, an abnormal process is
announced anew, whatever had been acknowledged before; a latched alarm whose process has returned waits to be
acknowledged and reset; anything else is over.

Source: ANSI/ISA-18.2-2016, alarm state model, states G, H and I.
"""

from pdm_app.domain.alarm_transitions import Transition, entered
from pdm_app.domain.alarms import AlarmRule, AlarmState, JournalKind, RuleMemory
from pdm_app.domain.identifiers import derived_id
from pdm_app.domain.samples import Micros


def shelved(
    rule: AlarmRule, memory: RuleMemory, at: Micros, until: Micros, actor: str, reason: str, *, one_shot: bool = False
) -> tuple[RuleMemory, Transition]:
    """Shelve until a time by the clock or, with ``one_shot``, until the process returns, whichever is first.

    Shelving again replaces the time.
    """
    after = memory.model_copy(update={"shelved_until": until, "one_shot": one_shot})
    return _hold(rule, memory, after, at, JournalKind.SHELVED, actor, reason, until=until, one_shot=one_shot)


def unshelved(memory: RuleMemory, at: Micros, actor: str, reason: str = "") -> tuple[RuleMemory, Transition | None]:
    """End a shelving; no transition, and the same memory, where there is none."""
    if memory.shelved_until is None:
        return memory, None
    after = memory.model_copy(update={"shelved_until": None, "one_shot": False})
    return _release(memory, after, at, JournalKind.UNSHELVED, actor, reason)


def expired(memory: RuleMemory, now: Micros) -> tuple[RuleMemory, Transition | None]:
    """End a shelving whose time is over; the transition carries that time, whenever it is noticed."""
    if memory.shelved_until is None or memory.shelved_until > now:
        return memory, None
    return unshelved(memory, Micros(memory.shelved_until), "system", "The time is over.")


def suppressed(
    rule: AlarmRule, memory: RuleMemory, at: Micros, cause: str, words: str
) -> tuple[RuleMemory, Transition | None]:
    """Suppress by design; no transition where another cause does so already."""
    if cause in memory.suppressed_by:
        return memory, None
    after = memory.model_copy(update={"suppressed_by": (*memory.suppressed_by, cause)})
    if memory.suppressed_by:
        return after, None
    return _hold(rule, memory, after, at, JournalKind.SUPPRESSED, "system", words)


def lifted(memory: RuleMemory, at: Micros, cause: str) -> tuple[RuleMemory, Transition | None]:
    """End one cause of suppression; no transition while another one holds."""
    if cause not in memory.suppressed_by:
        return memory, None
    causes = tuple(other for other in memory.suppressed_by if other != cause)
    after = memory.model_copy(update={"suppressed_by": causes})
    if causes:
        return after, None
    return _release(memory, after, at, JournalKind.UNSUPPRESSED, "system", "")


def taken_out(
    rule: AlarmRule, memory: RuleMemory, at: Micros, actor: str, reason: str, permit: str
) -> tuple[RuleMemory, Transition | None]:
    """Take out of service; no transition, and the same memory, where it is so already."""
    if memory.out_of_service:
        return memory, None
    after = memory.model_copy(update={"out_of_service": True})
    return _hold(rule, memory, after, at, JournalKind.OUT_OF_SERVICE, actor, reason, permit=permit)


def put_back(memory: RuleMemory, at: Micros, actor: str, reason: str = "") -> tuple[RuleMemory, Transition | None]:
    """Put back into service; no transition, and the same memory, where it is in service."""
    if not memory.out_of_service:
        return memory, None
    after = memory.model_copy(update={"out_of_service": False})
    return _release(memory, after, at, JournalKind.IN_SERVICE, actor, reason)


def _letter(memory: RuleMemory) -> AlarmState | None:
    """Return the strongest reason for silence; None where there is none left."""
    if memory.out_of_service:
        return AlarmState.OUT_OF_SERVICE
    if memory.suppressed_by:
        return AlarmState.SUPPRESSED
    return AlarmState.SHELVED if memory.shelved_until is not None else None


def _hold(
    rule: AlarmRule,
    memory: RuleMemory,
    after: RuleMemory,
    at: Micros,
    kind: JournalKind,
    actor: str,
    reason: str,
    *,
    until: Micros | None = None,
    permit: str = "",
    one_shot: bool = False,
) -> tuple[RuleMemory, Transition]:
    before = memory.state
    letter = _letter(after) or before
    if not before.is_held:
        latched = before.is_latched or (before.is_active and rule.latching)
        after = after.model_copy(update={"abnormal": before.is_active, "latched": latched})
    alarm_id = memory.alarm_id or derived_id(at, rule.id, "silent")
    after = entered(after, letter, alarm_id)
    return after, Transition(
        kind,
        alarm_id,
        before,
        letter,
        at,
        actor=actor,
        comment=reason,
        until=until,
        permit=permit,
        one_shot=one_shot,
        abnormal=after.abnormal,
    )


def _release(
    memory: RuleMemory, after: RuleMemory, at: Micros, kind: JournalKind, actor: str, reason: str
) -> tuple[RuleMemory, Transition]:
    alarm_id = memory.alarm_id or ""
    abnormal = memory.abnormal
    letter = _letter(after)
    if letter is None:
        if abnormal:
            letter = AlarmState.UNACKNOWLEDGED
        else:
            letter = AlarmState.LATCHED_UNACKNOWLEDGED if memory.latched else AlarmState.NORMAL
        after = after.model_copy(update={"abnormal": False, "latched": False})
    transition = Transition(kind, alarm_id, memory.state, letter, at, actor=actor, comment=reason, abnormal=abnormal)
    return entered(after, letter, alarm_id), transition
