"""Cases: what an engineer looks into, from the first suspicion to what it was in truth.

A case gathers alarms and maintenance events of one machine. It is confirmed or rejected with a label that says what it
was, for models learn from that; it can be put aside until a time, with the reason; it is closed once it was judged.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import Field

from pdm_app.domain.errors import ConflictError, InvalidInputError
from pdm_app.domain.identifiers import derived_id
from pdm_app.domain.record import Id, Instant, Name, Record, Revision, Text
from pdm_app.domain.samples import MICROS_PER_S, Micros

PAGE_MAX = 500
LINKS_MAX = 100
ENTRIES_MAX = 1_000
SNOOZE_S_MAX = 90 * 86_400
LABEL_MAX = 120
CaseLabel = Annotated[str, Field(max_length=LABEL_MAX, description="What it was, such as bearing wear.")]


class CaseState(StrEnum):
    """Where it stands; what is snoozed is open again when its time has come."""

    OPEN = "open"
    SNOOZED = "snoozed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    CLOSED = "closed"


class CaseAct(StrEnum):
    """What is done with a case."""

    OPENED = "opened"
    NOTED = "noted"
    LINKED = "linked"
    CONFIRM = "confirm"
    REJECT = "reject"
    SNOOZE = "snooze"
    WAKE = "wake"
    CLOSE = "close"
    REOPEN = "reopen"


class Decision(StrEnum):
    """What a person decides about a case."""

    CONFIRM = "confirm"
    REJECT = "reject"
    SNOOZE = "snooze"
    WAKE = "wake"
    CLOSE = "close"
    REOPEN = "reopen"


class Case(Record):
    """One investigation at one machine."""

    id: Id
    site_id: Id
    asset_id: Id
    title: Name
    state: CaseState = CaseState.OPEN
    verdict: CaseState | None = Field(default=None, description="Confirmed or rejected; kept when it is closed.")
    label: CaseLabel = ""
    alarm_ids: tuple[Id, ...] = Field(default=(), max_length=LINKS_MAX)
    event_ids: tuple[Id, ...] = Field(default=(), max_length=LINKS_MAX)
    opened_at: Instant
    opened_by: Name
    changed_at: Instant
    changed_by: Name
    snoozed_until: Instant | None = None
    simulated: bool = False
    revision: Revision = 0

    def as_of(self, now: int) -> "Case":
        """Return it as it is now: a snooze whose time has come is over."""
        if self.state is CaseState.SNOOZED and self.snoozed_until is not None and self.snoozed_until <= now:
            return self.model_copy(update={"state": CaseState.OPEN, "snoozed_until": None})
        return self


class CaseEntry(Record):
    """One line of the story of a case; never changed, never deleted."""

    id: Id
    case_id: Id
    site_id: Id
    at: Instant
    actor: Name
    act: CaseAct
    label: CaseLabel = ""
    until: Instant | None = None
    text: Text = ""


class CaseQuery(Record):
    """Which page of cases is asked for, those changed last first."""

    site_id: Id | None = None
    asset_id: Id | None = None
    is_closed: bool | None = Field(default=False, description="None: closed ones, too.")
    before: Annotated[str, Field(max_length=36)] | None = Field(
        default=None, description="Cursor: last id of the page before."
    )
    limit: int = Field(default=100, ge=1, le=PAGE_MAX)


class CasePage(Record):
    """A page of cases."""

    cases: tuple[Case, ...]
    before: str | None = Field(description="Cursor of the next page; None on the last page.")


_FROM: dict[Decision, tuple[CaseState, ...]] = {
    Decision.CONFIRM: (CaseState.OPEN, CaseState.SNOOZED, CaseState.REJECTED),
    Decision.REJECT: (CaseState.OPEN, CaseState.SNOOZED, CaseState.CONFIRMED),
    Decision.SNOOZE: (CaseState.OPEN, CaseState.SNOOZED),
    Decision.WAKE: (CaseState.SNOOZED,),
    Decision.CLOSE: (CaseState.CONFIRMED, CaseState.REJECTED),
    Decision.REOPEN: (CaseState.CONFIRMED, CaseState.REJECTED, CaseState.CLOSED),
}
_TO = {
    Decision.CONFIRM: CaseState.CONFIRMED,
    Decision.REJECT: CaseState.REJECTED,
    Decision.SNOOZE: CaseState.SNOOZED,
    Decision.WAKE: CaseState.OPEN,
    Decision.CLOSE: CaseState.CLOSED,
    Decision.REOPEN: CaseState.OPEN,
}


def decided(
    case: Case,
    decision: Decision,
    now: Micros,
    actor: str,
    *,
    label: str = "",
    text: str = "",
    until: int | None = None,
) -> tuple[Case, CaseEntry]:
    """Return a case after a decision, and the line of its story.

    Args:
        case: As it is now.
        decision: What is decided.
        now: Time of it.
        actor: Who decides.
        label: What it was; needed to confirm and to reject, ignored otherwise.
        text: Why; needed to snooze.
        until: When it is to come back; needed to snooze, ignored otherwise.

    Raises:
        ConflictError: It stands otherwise; says how.
        InvalidInputError: Something needed is missing, or the time has passed or is too far away.
    """
    label, text = label.strip(), text.strip()
    if case.state not in _FROM[decision]:
        raise ConflictError(
            f"{case.title}: a case that is {case.state} cannot be {_PAST[decision]}. {_NEXT[case.state]}",
            case_id=case.id,
            state=str(case.state),
        )
    changes: dict[str, object] = {"state": _TO[decision], "snoozed_until": None}
    if decision in (Decision.CONFIRM, Decision.REJECT):
        if not label:
            raise InvalidInputError("Say in a few words what it was: models learn from the label.")
        changes |= {"verdict": _TO[decision], "label": label}
    elif decision is Decision.SNOOZE:
        changes["snoozed_until"] = until = _checked(until, now, text)
    elif decision is Decision.REOPEN:
        changes |= {"verdict": None, "label": ""}
    is_judged = decision in (Decision.CONFIRM, Decision.REJECT)
    after = _changed(case, now, actor, changes)
    entry = entry_of(
        after, CaseAct(decision), now, actor, label=label if is_judged else "", text=text,
        until=until if decision is Decision.SNOOZE else None,
    )  # fmt: skip
    return after, entry


def linked(
    case: Case, now: Micros, actor: str, alarm_ids: Sequence[str], event_ids: Sequence[str]
) -> tuple[Case, CaseEntry] | None:
    """Return a case with more alarms and events; None where it has them all.

    Raises:
        ConflictError: It is closed.
        InvalidInputError: There would be too many.
    """
    if case.state is CaseState.CLOSED:
        raise ConflictError(f"{case.title}: the case is closed. {_NEXT[CaseState.CLOSED]}", case_id=case.id)
    alarms = tuple(dict.fromkeys((*case.alarm_ids, *alarm_ids)))
    events = tuple(dict.fromkeys((*case.event_ids, *event_ids)))
    if (alarms, events) == (case.alarm_ids, case.event_ids):
        return None
    if max(len(alarms), len(events)) > LINKS_MAX:
        raise InvalidInputError(f"A case holds {LINKS_MAX} alarms and as many events. Open another one for the rest.")
    after = _changed(case, now, actor, {"alarm_ids": alarms, "event_ids": events})
    count = len(alarms) - len(case.alarm_ids) + len(events) - len(case.event_ids)
    return after, entry_of(after, CaseAct.LINKED, now, actor, text=str(count))


def entry_of(
    case: Case, act: CaseAct, at: Micros, actor: str, *, label: str = "", text: str = "", until: int | None = None
) -> CaseEntry:
    """Return a line of the story of a case; its revision makes the id of what is told once."""
    return CaseEntry(
        id=derived_id(at, case.id, act, str(case.revision)), case_id=case.id, site_id=case.site_id, at=int(at),
        actor=actor, act=act, label=label, text=text, until=until,
    )  # fmt: skip


def noted(case: Case, now: Micros, actor: str, text: str) -> tuple[Case, CaseEntry]:
    """Return a case to which somebody has written a note.

    Raises:
        InvalidInputError: It is empty.
    """
    if not text.strip():
        raise InvalidInputError("The note is empty. Write what was seen, measured or asked.")
    after = _changed(case, now, actor, {})
    return after, entry_of(after, CaseAct.NOTED, now, actor, text=text.strip())


def _changed(case: Case, now: Micros, actor: str, changes: dict[str, object]) -> Case:
    said = {"changed_at": int(now), "changed_by": actor, "revision": case.revision + 1}
    return case.model_copy(update={**changes, **said})


def _checked(until: int | None, now: Micros, text: str) -> int:
    if not text:
        raise InvalidInputError("Say why it can wait: whoever looks for it will ask.")
    if until is None or until <= now:
        raise InvalidInputError("Say when it is to come back: a time that has not passed.")
    if until > now + SNOOZE_S_MAX * MICROS_PER_S:
        raise InvalidInputError(f"A case waits for {SNOOZE_S_MAX // 86_400} days at most. Choose an earlier day.")
    return until


_PAST = {
    Decision.CONFIRM: "confirmed",
    Decision.REJECT: "rejected",
    Decision.SNOOZE: "snoozed",
    Decision.WAKE: "woken",
    Decision.CLOSE: "closed",
    Decision.REOPEN: "opened again",
}
_NEXT = {
    CaseState.OPEN: "Confirm or reject it first.",
    CaseState.SNOOZED: "Confirm or reject it first.",
    CaseState.CONFIRMED: "Close it, reject it, or open it again.",
    CaseState.REJECTED: "Close it, confirm it, or open it again.",
    CaseState.CLOSED: "Open it again first.",
}


class Cases(Protocol):
    """Where cases and their stories are kept; reads and writes only what the scope covers."""

    async def page(self, query: CaseQuery) -> Sequence[Case]:
        """Return one page, those changed last first.

        Raises:
            InvalidInputError: The cursor is no case in scope.
        """
        ...

    async def get(self, case_id: str) -> Case | None: ...
    async def entries(self, case_id: str) -> Sequence[CaseEntry]:
        """Return the story of a case, oldest first."""
        ...

    async def add(self, case: Case) -> None: ...
    async def change(self, case: Case, revision: int) -> bool:
        """Store a case if it still has ``revision``; False where somebody was first."""
        ...

    async def tell(self, entry: CaseEntry) -> None:
        """Add a line to the story of a case."""
        ...
