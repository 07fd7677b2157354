"""What the transitions of alarms make of the alarm that is shown, and of the journal."""

from pdm_app.domain.alarm_transitions import Transition
from pdm_app.domain.alarms import Alarm, AlarmRule, AlarmState, JournalEntry, JournalKind, RuleMemory
from pdm_app.domain.identifiers import derived_id
from pdm_app.domain.samples import Micros


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
        limit=rule.condition.shown_limit,
        raised_at=transition.at,
        times_raised=1 if standing is None else standing.times_raised + 1,
        value=transition.value,
        comment="" if standing is None else standing.comment,
        cause=rule.cause,
        consequence=rule.consequence,
        action=rule.action,
        comment_required=rule.comment_required,
        simulated=simulated,
        kind=rule.condition.kind,
        group=rule.group,
        latching=rule.latching,
        shelvable=rule.shelvable,
        shelve_s_max=rule.shelve_s_max,
        **({} if standing is None else {name: getattr(standing, name) for name in _HELD}),
    )


_HELD = ("shelved_until", "one_shot", "suppressed_by", "held_at", "held_by", "hold_reason", "permit")
_HOLDING = (JournalKind.SHELVED, JournalKind.SUPPRESSED, JournalKind.OUT_OF_SERVICE)
_RELEASING = (JournalKind.UNSHELVED, JournalKind.UNSUPPRESSED, JournalKind.IN_SERVICE)


def silenced_alarm(rule: AlarmRule, transition: Transition, *, simulated: bool) -> Alarm:
    """Return the alarm of a rule that is kept silent while nothing stands: not raised yet."""
    raised = raised_alarm(rule, None, transition, simulated=simulated)
    nothing_yet = {"state": transition.before, "times_raised": 0, "abnormal": False}
    return changed_alarm(raised.model_copy(update=nothing_yet), transition)


def alarm_after(rule: AlarmRule, standing: Alarm | None, transition: Transition, *, simulated: bool) -> Alarm:
    """Return the alarm after any transition; ``standing`` is the same one before, None where there was none."""
    if transition.kind is JournalKind.RAISED:
        return raised_alarm(rule, standing, transition, simulated=simulated)
    if standing is None:
        return silenced_alarm(rule, transition, simulated=simulated)
    return changed_alarm(standing, transition)


def changed_alarm(alarm: Alarm, transition: Transition) -> Alarm:
    """Return ``alarm`` after any transition but a raising."""
    update: dict[str, object] = {"state": transition.after, "abnormal": transition.abnormal}
    if transition.kind is JournalKind.RETURNED:
        update["returned_at"] = transition.at
    elif transition.kind is JournalKind.ACKNOWLEDGED:
        update |= {"acknowledged_at": transition.at, "acknowledged_by": transition.actor}
    elif transition.kind in _HOLDING:
        update |= _held_so(alarm, transition)
    elif transition.kind in _RELEASING:
        update |= _released_so(transition)
    if transition.comment and transition.kind in (JournalKind.ACKNOWLEDGED, JournalKind.RESET, JournalKind.CLEARED):
        update["comment"] = transition.comment
    return alarm.model_copy(update=update)


def _held_so(alarm: Alarm, transition: Transition) -> dict[str, object]:
    said: dict[str, object] = {"held_by": transition.actor, "hold_reason": transition.comment}
    if not alarm.state.is_held:
        said["held_at"] = transition.at
    if transition.kind is JournalKind.SHELVED:
        return said | {"shelved_until": transition.until, "one_shot": transition.one_shot}
    if transition.kind is JournalKind.SUPPRESSED:
        return said | {"suppressed_by": transition.comment}
    return said | {"permit": transition.permit}


def _released_so(transition: Transition) -> dict[str, object]:
    said: dict[JournalKind, dict[str, object]] = {
        JournalKind.UNSHELVED: {"shelved_until": None, "one_shot": False},
        JournalKind.UNSUPPRESSED: {"suppressed_by": ""},
        JournalKind.IN_SERVICE: {"permit": ""},
    }
    gone = said[transition.kind]
    if not transition.after.is_held:
        gone |= {"held_at": None, "held_by": "", "hold_reason": "", "acknowledged_at": None, "acknowledged_by": None}
    return gone


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


def memory_of_alarm(alarm: Alarm, evaluated_to: int) -> RuleMemory:
    """Return what a rule would remember that had made this alarm stand as it does."""
    state = alarm.state
    return RuleMemory(
        rule_id=alarm.rule_id,
        state=state,
        alarm_id=alarm.id,
        abnormal=state.is_held and alarm.abnormal,
        shelved_until=alarm.shelved_until,
        one_shot=alarm.one_shot,
        suppressed_by=("lost",) if state is AlarmState.SUPPRESSED else (),
        out_of_service=state is AlarmState.OUT_OF_SERVICE,
        evaluated_to=evaluated_to,
    )
