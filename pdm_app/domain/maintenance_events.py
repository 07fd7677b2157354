"""Maintenance events: that a machine needs work, why, what it may cost, and what became of it.

An event is no alarm: nobody acknowledges it, and no figure of alarms counts it. It is open until somebody says what
was done. What opened it may be over earlier, and come again: that is the same event as long as it is open.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import Field

from pdm_app.domain.alarms import AlarmState, JournalEntry, JournalKind
from pdm_app.domain.assets import AssetClass, Currency
from pdm_app.domain.identifiers import derived_id
from pdm_app.domain.maintenance_rules import MaintenanceRule, Severity
from pdm_app.domain.record import Id, Instant, Name, Record, Revision, SignalNumber, Text
from pdm_app.domain.samples import Micros
from pdm_app.domain.signals import Signal

PAGE_MAX = 500
COST_MAX = 1e12
CLASSES_MAX = 100
NO_RULE = "-"
NO_PRIORITY = 0
"""Of events in the journal: they have none of the four priorities."""
Money = Annotated[float, Field(ge=0, le=COST_MAX, allow_inf_nan=False)]
Factor = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]


class EventKind(StrEnum):
    """Where it comes from."""

    FOUND = "found"
    REPORTED = "reported"


class ClassCost(Record):
    """What work at one class of machines costs."""

    asset_class: AssetClass
    base: Money


class CostFacts(Record):
    """How the cost of an event is estimated at a site: a base, times a factor for its severity."""

    base: Money = Field(description="For machines whose class is not named, in the currency of the site.")
    classes: tuple[ClassCost, ...] = Field(default=(), max_length=CLASSES_MAX)
    critical: Factor = 1.5
    high: Factor = 1.0
    medium: Factor = 1.0

    def estimate(self, asset_class: str, severity: Severity) -> float:
        """Return the cost, to two digits after the point."""
        meant = asset_class.casefold()
        base = next((each.base for each in self.classes if each.asset_class.casefold() == meant), self.base)
        factor = {Severity.CRITICAL: self.critical, Severity.HIGH: self.high, Severity.MEDIUM: self.medium}[severity]
        return round(base * factor, 2)


class CostBasis(CostFacts):
    """The one of a site, whose id it has."""

    id: Id
    site_id: Id
    revision: Revision = 0


class MaintenanceEvent(Record):
    """One event; times are microseconds UTC, values in the units of their signals."""

    id: Id
    site_id: Id
    asset_id: Id
    kind: EventKind
    name: Name
    severity: Severity
    rule_id: Id | None = None
    alarm_id: Id | None = Field(default=None, description="The alarm that was active when it was opened.")
    signal_id: SignalNumber | None = None
    value: float | None = None
    limit: float | None = None
    score_signal_id: SignalNumber | None = None
    score: float | None = None
    score_limit: float | None = None
    opened_at: Instant = Field(description="Since when both hold, by source time.")
    recorded_at: Instant
    opened_by: Name
    ended_at: Instant | None = Field(default=None, description="When what opened it was over; it may still be open.")
    times: int = Field(default=1, ge=1, description="How often it came while the event was open.")
    cost: Money | None = Field(default=None, description="Estimate; None where nobody said what work costs here.")
    currency: Currency
    note: Text = ""
    simulated: bool = False
    resolved_at: Instant | None = None
    resolved_by: Annotated[str, Field(max_length=120)] = ""
    resolution: Text = ""
    revision: Revision = Field(default=0, description="Grows with what people change.")

    @property
    def is_open(self) -> bool:
        return self.resolved_at is None


class EventQuery(Record):
    """Which page of events is asked for, the newest first."""

    site_id: Id | None = None
    asset_id: Id | None = None
    is_open: bool | None = Field(default=None, description="None: open and resolved ones.")
    before: Annotated[str, Field(max_length=36)] | None = Field(
        default=None, description="Cursor: last id of the page before."
    )
    limit: int = Field(default=100, ge=1, le=PAGE_MAX)


class CostTotal(Record):
    """What events in one currency come to."""

    currency: Currency
    open: int
    open_cost: float = Field(description="At risk: estimates of the open ones.")
    resolved: int
    resolved_cost: float
    unpriced: int = Field(description="Events without an estimate; they are in none of the sums.")


class EventPage(Record):
    """A page of events, and what all events of the question, on any page, open and resolved, come to."""

    events: tuple[MaintenanceEvent, ...]
    before: str | None = Field(description="Cursor of the next older page; None on the last page.")
    totals: tuple[CostTotal, ...]


def found_id(rule: MaintenanceRule, asset_id: str, at: Micros) -> str:
    """Return the one id of what a rule finds at a machine at a time, so that it is found once however often."""
    return derived_id(at, rule.id, asset_id, "maintenance")


def event_entry(event: MaintenanceEvent, at: Micros, recorded_at: Micros, actor: str, words: str = "") -> JournalEntry:
    """Return what the journal says of an event that was opened or, if it is so now, resolved."""
    kind = JournalKind.EVENT_OPENED if event.is_open else JournalKind.EVENT_RESOLVED
    return JournalEntry(
        id=derived_id(at, event.id, kind), alarm_id=event.id, rule_id=event.rule_id or NO_RULE, site_id=event.site_id,
        asset_id=event.asset_id, at=at, recorded_at=recorded_at, kind=kind, state=AlarmState.NORMAL,
        priority=NO_PRIORITY, name=event.name, value=event.value, limit=event.limit, actor=actor, comment=words,
    )  # fmt: skip


class Maintenance(Protocol):
    """Where rules, the basis of costs and events are kept; reads and writes only what the scope covers."""

    async def rules(self) -> Sequence[MaintenanceRule]:
        """Return the rules that were not deleted, by name."""
        ...

    async def rule(self, rule_id: str) -> MaintenanceRule | None: ...
    async def put_rule(self, rule: MaintenanceRule) -> None: ...
    async def named(self, names: Sequence[str]) -> Sequence[Signal]:
        """Return the signals of these names, of whatever machine."""
        ...

    async def costs(self) -> Sequence[CostBasis]: ...
    async def put_costs(self, basis: CostBasis) -> None: ...
    async def event(self, event_id: str) -> MaintenanceEvent | None: ...
    async def events(self, query: EventQuery) -> Sequence[MaintenanceEvent]:
        """Return one page, the newest first.

        Raises:
            InvalidInputError: The cursor is no event in scope.
        """
        ...

    async def totals(self, query: EventQuery) -> Sequence[CostTotal]:
        """Add up what a question finds, whether open or resolved; its page and cursor do not matter."""
        ...

    async def unfinished(self) -> Sequence[MaintenanceEvent]:
        """Return the events of rules that are open, or whose condition goes on, oldest first."""
        ...

    async def add(self, event: MaintenanceEvent) -> None:
        """Store a new event; one that is there already (same id) stays as it is."""
        ...

    async def tell(self, event_id: str, ended_at: int | None, times: int) -> None:
        """Say whether what opened an event goes on; what people have said of it stays as it is."""
        ...

    async def amend(self, event: MaintenanceEvent, revision: int) -> bool:
        """Store what people say of an event if it still has ``revision``; False where somebody was first."""
        ...
