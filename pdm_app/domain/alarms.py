"""Alarms: rules, the four states of the life of an alarm, and the journal.

Source: ANSI/ISA-18.2-2016, alarm state model, states A to D.
"""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from pdm_app.domain.conditions.any_condition import AnyCondition
from pdm_app.domain.record import Facts, Id, Instant, Name, Record, Revision, SignalNumber, Text

JOURNAL_PAGE_MAX = 500
PRIORITIES = (1, 2, 3, 4)
Delay = Annotated[float, Field(ge=0, le=86_400, description="Seconds.")]
Priority = Annotated[int, Field(ge=1, le=4, description="1 critical, 2 high, 3 medium, 4 low.")]


class AlarmState(StrEnum):
    """The letters of ISA-18.2."""

    NORMAL = "A"
    UNACKNOWLEDGED = "B"
    ACKNOWLEDGED = "C"
    RETURNED_UNACKNOWLEDGED = "D"

    @property
    def is_active(self) -> bool:
        """Whether the process is abnormal."""
        return self in (AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED)

    @property
    def awaits_acknowledgement(self) -> bool:
        return self in (AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED_UNACKNOWLEDGED)


class AlarmRuleFacts(Facts):
    """What is said of a rule."""

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


class AlarmRule(AlarmRuleFacts):
    """When a signal calls for an operator, how urgently, and what the operator is to do."""

    id: Id
    site_id: Id
    asset_id: Id
    revision: Revision = 0


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
    evaluated_to: int = Field(default=0, description="Samples up to here were evaluated; a replay skips them.")


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
    limit: float
    raised_at: int = Field(description="Source time of its newest raising.")
    times_raised: int = Field(default=1, ge=1, description="Above 1: it returned and was raised again unacknowledged.")
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


class JournalKind(StrEnum):
    """What happened."""

    RAISED = "raised"
    RETURNED = "returned"
    ACKNOWLEDGED = "acknowledged"
    COMMENTED = "commented"
    CLEARED = "cleared"


class JournalEntry(Record):
    """One thing that happened to an alarm; never changed, never deleted.

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
    state: AlarmState
    priority: int
    name: Name
    value: float | None = None
    limit: float | None = None
    actor: str = ""
    comment: Text = ""


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
    returned: int = 0


class AlarmCounts(Record):
    """How many alarms stand; ``by_priority`` always names all four, most urgent first."""

    standing: int
    unacknowledged: int
    acknowledged: int
    returned: int
    by_priority: tuple[PriorityCount, ...]


def counts_of(alarms: Iterable[Alarm]) -> AlarmCounts:
    """Count standing alarms."""
    tally = Counter((alarm.priority, alarm.state) for alarm in alarms)
    by_priority = tuple(
        PriorityCount(
            priority=priority,
            unacknowledged=tally[priority, AlarmState.UNACKNOWLEDGED],
            acknowledged=tally[priority, AlarmState.ACKNOWLEDGED],
            returned=tally[priority, AlarmState.RETURNED_UNACKNOWLEDGED],
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
    )


def by_urgency(alarm: Alarm) -> tuple[int, int, int]:
    """Sort key of the alarm list: what awaits acknowledgement first, then by priority, then the newest."""
    return _RANK[alarm.state], alarm.priority, -alarm.raised_at


_RANK = {
    AlarmState.UNACKNOWLEDGED: 0,
    AlarmState.RETURNED_UNACKNOWLEDGED: 1,
    AlarmState.ACKNOWLEDGED: 2,
    AlarmState.NORMAL: 3,
}


class AlarmPicture(Record):
    """What a watching screen is told: everything at first, then what has changed.

    A ``change`` without alarms is a sign of life. ``now`` is the server's time in microseconds UTC.
    """

    now: int
    kind: Literal["snapshot", "change"]
    alarms: tuple[Alarm, ...] = Field(default=(), description="Standing alarms that are new or have changed.")
    gone: tuple[str, ...] = Field(default=(), description="Ids of alarms that stand no longer.")
    counts: AlarmCounts
