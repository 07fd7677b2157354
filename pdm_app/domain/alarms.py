"""Alarms: rules, the nine states of the life of an alarm, and the journal.

Source: ANSI/ISA-18.2-2016, alarm state model, states A to I.
"""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from pdm_app.domain.conditions.any_condition import AnyCondition
from pdm_app.domain.conditions.base import Recall
from pdm_app.domain.rationale import ConsequenceLevel, Priority, RespondWithin
from pdm_app.domain.record import Facts, Id, Instant, Name, Record, Revision, SignalNumber, Text
from pdm_app.domain.suppression import SUPPRESSIONS_MAX, AnySuppression

JOURNAL_PAGE_MAX = 500
PRIORITIES = (1, 2, 3, 4)
Delay = Annotated[float, Field(ge=0, le=86_400, description="Seconds.")]
SHELVE_S_MAX = 7 * 86_400
SHELVE_S_DEFAULT = 8 * 3600
ShelveSpan = Annotated[float, Field(ge=60, le=SHELVE_S_MAX, description="Seconds.")]
Words = Annotated[str, Field(max_length=120)]


class AlarmState(StrEnum):
    """The letters of ISA-18.2."""

    NORMAL = "A"
    UNACKNOWLEDGED = "B"
    ACKNOWLEDGED = "C"
    RETURNED_UNACKNOWLEDGED = "D"
    LATCHED_UNACKNOWLEDGED = "E"
    LATCHED_ACKNOWLEDGED = "F"
    SHELVED = "G"
    SUPPRESSED = "H"
    OUT_OF_SERVICE = "I"

    @property
    def is_active(self) -> bool:
        """Whether it is announced because the process is abnormal."""
        return self in (AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED)

    @property
    def is_held(self) -> bool:
        """Whether it is kept silent: shelved, suppressed by design, or out of service."""
        return self in (AlarmState.SHELVED, AlarmState.SUPPRESSED, AlarmState.OUT_OF_SERVICE)

    @property
    def is_latched(self) -> bool:
        return self in (AlarmState.LATCHED_UNACKNOWLEDGED, AlarmState.LATCHED_ACKNOWLEDGED)

    @property
    def is_announced(self) -> bool:
        """Whether it stands in the list of alarms."""
        return self is not AlarmState.NORMAL and not self.is_held

    @property
    def awaits_acknowledgement(self) -> bool:
        return self in (
            AlarmState.UNACKNOWLEDGED,
            AlarmState.RETURNED_UNACKNOWLEDGED,
            AlarmState.LATCHED_UNACKNOWLEDGED,
        )


class AlarmRuleFacts(Facts):
    """What is said of a rule: an entry of the master alarm database.

    Source: ANSI/ISA-18.2-2016, attributes that rationalisation documents.
    """

    signal_id: SignalNumber
    name: Name
    condition: AnyCondition
    priority: Priority
    on_delay_s: Delay = 0.0
    off_delay_s: Delay = 0.0
    comment_required: bool = False
    cause: Text = ""
    consequence: Text = ""
    action: Text = Field(default="", description="What the operator does; one step per line.")
    enabled: bool = True
    latching: bool = Field(default=False, description="Stays after the process has returned, until it is reset.")
    ack_required: bool = Field(default=True, description="False: it ends with the process, seen or not.")
    alarm_class: Words = ""
    group: Words = Field(default="", description="Alarms that one cause raises together.")
    first_out: bool = Field(default=False, description="While the first of its group stands, it is silent.")
    suppressions: tuple[AnySuppression, ...] = Field(default=(), max_length=SUPPRESSIONS_MAX)
    shelvable: bool = True
    shelve_s_max: ShelveSpan = SHELVE_S_DEFAULT
    consequence_level: ConsequenceLevel | None = None
    respond_within: RespondWithin | None = None
    owner_role: Words = ""
    notification: Words = Field(default="", description="Who is told, by the name of a policy.")
    escalation: Words = ""
    review_at: Instant | None = Field(default=None, description="When the rule is to be looked at again.")


class AlarmRule(AlarmRuleFacts):
    """When a signal calls for an operator, how urgently, and what the operator is to do."""

    id: Id
    site_id: Id
    asset_id: Id
    revision: Revision = 0
    approved_by: Words = ""
    approved_at: Instant | None = None

    @property
    def on_delay_whole_s(self) -> float:
        """Seconds from the first abnormal moment to the alarm: what the condition itself needs, and the on-delay."""
        return self.condition.lasts_s + self.on_delay_s

    @property
    def off_delay_whole_s(self) -> float:
        return 0.0 if self.condition.is_expiry else self.off_delay_s


class RuleMemory(Record):
    """What the evaluation of one rule must remember, so that delays and states survive a crash.

    Times are source times in microseconds UTC. At most one of the two delays runs at a time.
    """

    rule_id: Id
    state: AlarmState = AlarmState.NORMAL
    alarm_id: str | None = None
    abnormal_since: int | None = Field(default=None, description="Start of the running on-delay.")
    normal_since: int | None = Field(default=None, description="Start of the running off-delay.")
    frozen_at: int | None = Field(default=None, description="Since when bad quality holds the running delay.")
    value: float | None = Field(default=None, description="Newest usable value while a delay runs.")
    abnormal: bool = Field(default=False, description="The process, while the alarm is kept silent.")
    latched: bool = Field(default=False, description="While kept silent: it has to be reset afterwards.")
    shelved_until: int | None = Field(default=None, description="By the clock; None while it is not shelved.")
    one_shot: bool = Field(default=False, description="The shelving ends when the process returns.")
    suppressed_by: tuple[str, ...] = Field(default=(), description="Causes by design that hold now.")
    out_of_service: bool = False
    recall: Recall = Field(default=(), description="What the condition remembers between samples.")
    heard: tuple[int, ...] = Field(default=(), description="Of each signal it reads, the newest sample judged.")
    evaluated_to: int = Field(default=0, description="Samples up to here were evaluated; a replay skips them.")

    @property
    def is_abnormal(self) -> bool:
        """Whether the process is abnormal, announced or not."""
        return self.abnormal if self.state.is_held else self.state.is_active

    @property
    def delay_runs(self) -> bool:
        return self.abnormal_since is not None or self.normal_since is not None


class Alarm(Record):
    """One occurrence of an alarm, from its raising until it is normal and acknowledged."""

    id: Id
    rule_id: Id
    site_id: Id
    asset_id: Id
    signal_id: int
    name: Name
    priority: int
    state: AlarmState
    limit: float | None = Field(description="In the signal's unit; None where the condition has no such limit.")
    raised_at: int = Field(description="Source time of its newest raising; before one, when it was made silent.")
    times_raised: int = Field(
        default=1,
        ge=0,
        description="Above 1: it returned and was raised again unacknowledged. 0: silent, and not raised yet.",
    )
    value: float | None = Field(description="Value that raised it.")
    returned_at: int | None = None
    acknowledged_at: int | None = None
    acknowledged_by: str | None = None
    comment: Text = ""
    cause: Text = ""
    consequence: Text = ""
    action: Text = ""
    comment_required: bool = False
    simulated: bool = False
    kind: str = Field(default="high", max_length=24, description="Kind of the condition.")
    group: Words = ""
    latching: bool = False
    abnormal: bool = Field(default=True, description="Whether the process is abnormal now, announced or not.")
    shelvable: bool = True
    shelve_s_max: float = SHELVE_S_DEFAULT
    shelved_until: int | None = None
    one_shot: bool = False
    suppressed_by: Words = ""
    held_at: int | None = Field(default=None, description="Since when it is kept silent.")
    held_by: Words = ""
    hold_reason: Text = ""
    permit: Words = Field(default="", description="Work permit or order under which it is out of service.")


class JournalKind(StrEnum):
    """What happened."""

    RAISED = "raised"
    RETURNED = "returned"
    ACKNOWLEDGED = "acknowledged"
    COMMENTED = "commented"
    CLEARED = "cleared"
    RESET = "reset"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    OUT_OF_SERVICE = "out_of_service"
    IN_SERVICE = "in_service"
    EVENT_OPENED = "event_opened"
    EVENT_RESOLVED = "event_resolved"


EVENTS = (JournalKind.EVENT_OPENED, JournalKind.EVENT_RESOLVED)
"""Of maintenance: in the same journal, but no alarms, and in none of their figures."""


class JournalEntry(Record):
    """One thing that happened to an alarm, or to a maintenance event; never changed, never deleted.

    ``id`` is derived from alarm, kind and time, so that a replay after a crash writes the same entry, not a second one.
    """

    id: Id
    alarm_id: Id
    rule_id: Id
    site_id: Id
    asset_id: Id
    at: int = Field(description="Source time of the cause, or the time of the operator's act; microseconds UTC.")
    recorded_at: int
    kind: JournalKind
    state: AlarmState = Field(description="After it.")
    priority: int
    name: Name
    value: float | None = None
    limit: float | None = None
    actor: str = ""
    comment: Text = ""

    @property
    def is_annunciation(self) -> bool:
        """Whether it called for an operator anew; raisings that were kept silent, and coming back from it, are not."""
        return self.kind is JournalKind.RAISED and self.state is AlarmState.UNACKNOWLEDGED


class JournalQuery(Record):
    """Which page of the journal is asked for, newest first."""

    asset_id: Id | None = None
    site_id: Id | None = None
    alarm_id: Id | None = None
    kinds: tuple[JournalKind, ...] = Field(default=(), max_length=len(JournalKind))
    priorities: tuple[Priority, ...] = Field(default=(), max_length=len(PRIORITIES))
    text: str = Field(default="", max_length=120)
    start_at: Instant | None = None
    end_at: Instant | None = None
    before: str | None = Field(default=None, max_length=120, description="Cursor: last id of the page before.")
    limit: int = Field(default=100, ge=1, le=JOURNAL_PAGE_MAX)


class JournalPage(Record):
    """A page of the journal, newest first."""

    entries: tuple[JournalEntry, ...]
    before: str | None = Field(description="Cursor of the next older page; None on the last page.")


class PriorityCount(Record):
    """How many alarms of one priority stand, by what is owed to them."""

    priority: int
    unacknowledged: int = 0
    acknowledged: int = 0
    returned: int = Field(default=0, description="Returned or latched, and still in the list.")


class AlarmCounts(Record):
    """How many alarms stand; ``by_priority`` always names all four, most urgent first.

    Those kept silent are counted apart, and not among the standing ones.
    """

    standing: int
    unacknowledged: int
    acknowledged: int
    returned: int
    by_priority: tuple[PriorityCount, ...]
    shelved: int = 0
    suppressed: int = 0
    out_of_service: int = 0


def counts_of(alarms: Iterable[Alarm]) -> AlarmCounts:
    """Count standing alarms."""
    tally = Counter((alarm.priority, alarm.state) for alarm in alarms)
    by_priority = tuple(
        PriorityCount(
            priority=priority,
            unacknowledged=tally[priority, AlarmState.UNACKNOWLEDGED],
            acknowledged=tally[priority, AlarmState.ACKNOWLEDGED],
            returned=sum(tally[priority, state] for state in _RETURNED),
        )
        for priority in PRIORITIES
    )
    unacknowledged = sum(count.unacknowledged for count in by_priority)
    acknowledged = sum(count.acknowledged for count in by_priority)
    returned = sum(count.returned for count in by_priority)
    return AlarmCounts(
        standing=unacknowledged + acknowledged + returned,
        unacknowledged=unacknowledged,
        acknowledged=acknowledged,
        returned=returned,
        by_priority=by_priority,
        shelved=sum(tally[priority, AlarmState.SHELVED] for priority in PRIORITIES),
        suppressed=sum(tally[priority, AlarmState.SUPPRESSED] for priority in PRIORITIES),
        out_of_service=sum(tally[priority, AlarmState.OUT_OF_SERVICE] for priority in PRIORITIES),
    )


def by_urgency(alarm: Alarm) -> tuple[int, int, int]:
    """Sort key of the alarm list: what awaits acknowledgement first, then by priority, then the newest."""
    return _RANK[alarm.state], alarm.priority, -alarm.raised_at


_RETURNED = (AlarmState.RETURNED_UNACKNOWLEDGED, AlarmState.LATCHED_UNACKNOWLEDGED, AlarmState.LATCHED_ACKNOWLEDGED)
_RANK = {
    AlarmState.UNACKNOWLEDGED: 0,
    AlarmState.RETURNED_UNACKNOWLEDGED: 1,
    AlarmState.LATCHED_UNACKNOWLEDGED: 1,
    AlarmState.ACKNOWLEDGED: 2,
    AlarmState.LATCHED_ACKNOWLEDGED: 2,
    AlarmState.OUT_OF_SERVICE: 3,
    AlarmState.SUPPRESSED: 3,
    AlarmState.SHELVED: 3,
    AlarmState.NORMAL: 4,
}


class RefusedAlarm(Record):
    """Why one of several alarms was not acknowledged."""

    alarm_id: Id
    message: str


class AcknowledgedAlarms(Record):
    """What became of several acknowledgements."""

    alarms: tuple[Alarm, ...]
    refused: tuple[RefusedAlarm, ...] = ()


class AlarmPicture(Record):
    """What a watching screen is told: everything at first, then what has changed.

    Where much stands, a ``snapshot`` holds the most urgent alarms and the ``change`` right after it those that follow.
    A ``change`` without alarms is a sign of life. ``now`` is the server's time in microseconds UTC.
    """

    now: int
    kind: Literal["snapshot", "change"]
    alarms: tuple[Alarm, ...] = Field(default=(), description="Standing alarms that are new or have changed.")
    gone: tuple[str, ...] = Field(default=(), description="Ids of alarms that stand no longer.")
    counts: AlarmCounts
