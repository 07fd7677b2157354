"""Cases as a service: opened at a machine, told, judged, put aside and closed."""

from collections.abc import Sequence

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.alarms import Alarm
from pdm_app.domain.cases import (
    LINKS_MAX,
    Case,
    CaseAct,
    CaseEntry,
    CasePage,
    CaseQuery,
    Decision,
    decided,
    entry_of,
    linked,
    noted,
)
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.maintenance_events import MaintenanceEvent
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros
from pdm_app.services.auditing import audit
from pdm_app.services.maintenance import currency_of


class CaseView(Record):
    """A case with its story, oldest first, and what it gathers; what was removed since is not among it."""

    case: Case
    entries: tuple[CaseEntry, ...]
    alarms: tuple[Alarm, ...]
    events: tuple[MaintenanceEvent, ...]


class CaseService:
    """Cases of the machines in an actor's sites.

    Args:
        work: Where they are stored.
        clock: Injected time.
    """

    def __init__(self, work: UnitOfWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def page(self, actor: Actor, query: CaseQuery) -> CasePage:
        """Return one page of cases, those changed last first.

        Raises:
            NotFoundError: The site or machine does not exist, or lies outside the actor's.
            InvalidInputError: The cursor is no case.
        """
        actor.require(Permission.ALARMS_READ)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            if query.site_id is not None:
                await currency_of(work, query.site_id)
            if query.asset_id is not None and await work.assets.get(query.asset_id) is None:
                raise NotFoundError(f"There is no asset {query.asset_id!r}.", asset_id=query.asset_id)
            found = await work.cases.page(query.model_copy(update={"limit": query.limit + 1}))
        page = tuple(case.as_of(now) for case in found[: query.limit])
        return CasePage(cases=page, before=page[-1].id if len(found) > query.limit else None)

    async def show(self, actor: Actor, case_id: str) -> CaseView:
        """Return a case with its story and what it gathers.

        Raises:
            NotFoundError: It does not exist, or lies outside the actor's sites.
        """
        actor.require(Permission.ALARMS_READ)
        async with self._work(actor.scope) as work:
            case = await self._of(work, case_id)
            alarms = [await work.alarms.get(alarm_id) for alarm_id in case.alarm_ids]
            events = [await work.maintenance.event(event_id) for event_id in case.event_ids]
            entries = await work.cases.entries(case_id)
        return CaseView(
            case=case, entries=tuple(entries), alarms=tuple(alarm for alarm in alarms if alarm is not None),
            events=tuple(event for event in events if event is not None),
        )  # fmt: skip

    async def open(
        self,
        actor: Actor,
        asset_id: str,
        title: str,
        *,
        alarm_ids: Sequence[str] = (),
        event_ids: Sequence[str] = (),
        text: str = "",
    ) -> Case:
        """Begin to look into something at a machine.

        Raises:
            NotFoundError: There is no such machine in the actor's sites, or no such alarm or event.
            InvalidInputError: An alarm or event is another machine's; the title is empty; there are too many.
        """
        actor.require(Permission.MAINTENANCE_WRITE)
        if not title.strip():
            raise InvalidInputError("Say in a few words what the case is about.")
        if max(len(set(alarm_ids)), len(set(event_ids))) > LINKS_MAX:
            raise InvalidInputError(f"A case holds {LINKS_MAX} alarms and as many events. Choose fewer.")
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            asset = await work.assets.get(asset_id)
            if asset is None or not actor.scope.covers(asset.site_id):
                raise NotFoundError(f"There is no asset {asset_id!r}.", asset_id=asset_id)
            await _require_of(work, asset_id, alarm_ids, event_ids)
            case = Case(
                id=new_id(now), site_id=asset.site_id, asset_id=asset_id, title=title.strip(), opened_at=int(now),
                opened_by=actor.name, changed_at=int(now), changed_by=actor.name, simulated=asset.simulated,
                alarm_ids=tuple(dict.fromkeys(alarm_ids)), event_ids=tuple(dict.fromkeys(event_ids)), revision=1,
            )  # fmt: skip
            await work.cases.add(case)
            entry = entry_of(case, CaseAct.OPENED, now, actor.name, text=text.strip())
            await _on_record(work, actor, now, "cases.opened", None, case, entry)
        return case

    async def note(self, actor: Actor, case_id: str, text: str) -> Case:
        """Write a note to a case, whatever its state.

        Raises:
            NotFoundError: It does not exist, or lies outside the actor's sites.
            ConflictError: Somebody else has changed it at the same moment.
            InvalidInputError: The note is empty.
        """
        actor.require(Permission.MAINTENANCE_WRITE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await self._of(work, case_id)
            after, entry = noted(before, now, actor.name, text)
            await _change(work, before, after)
            await _on_record(work, actor, now, "cases.noted", before, after, entry)
        return after

    async def link(self, actor: Actor, case_id: str, alarm_ids: Sequence[str], event_ids: Sequence[str]) -> Case:
        """Add alarms and events of the machine to a case; those it has already stay.

        Raises:
            NotFoundError: The case, an alarm or an event does not exist, or lies outside the actor's sites.
            ConflictError: It is closed, or somebody else has changed it at the same moment.
            InvalidInputError: An alarm or event is another machine's, or there would be too many.
        """
        actor.require(Permission.MAINTENANCE_WRITE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await self._of(work, case_id)
            await _require_of(work, before.asset_id, alarm_ids, event_ids)
            found = linked(before, now, actor.name, alarm_ids, event_ids)
            if found is None:
                return before
            await _change(work, before, found[0])
            await _on_record(work, actor, now, "cases.linked", before, *found)
        return found[0]

    async def decide(
        self,
        actor: Actor,
        case_id: str,
        decision: Decision,
        revision: int,
        *,
        label: str = "",
        text: str = "",
        until: int | None = None,
    ) -> Case:
        """Confirm or reject a case with what it was, put it aside, take it up again, or close it.

        Raises:
            NotFoundError: It does not exist, or lies outside the actor's sites.
            ConflictError: It stands otherwise, or somebody else has changed it meanwhile.
            InvalidInputError: A label, a reason or a time is missing.
        """
        actor.require(Permission.MAINTENANCE_WRITE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await self._of(work, case_id)
            if before.revision != revision:
                raise _too_late(before)
            after, entry = decided(before, decision, now, actor.name, label=label, text=text, until=until)
            await _change(work, before, after)
            await _on_record(work, actor, now, f"cases.{_DONE[decision]}", before, after, entry)
        return after

    async def _of(self, work: Work, case_id: str) -> Case:
        case = await work.cases.get(case_id)
        if case is None:
            raise NotFoundError(f"There is no case {case_id!r}.", case_id=case_id)
        return case.as_of(self._clock.now())


_DONE = {
    Decision.CONFIRM: "confirmed",
    Decision.REJECT: "rejected",
    Decision.SNOOZE: "snoozed",
    Decision.WAKE: "woken",
    Decision.CLOSE: "closed",
    Decision.REOPEN: "reopened",
}


async def _require_of(work: Work, asset_id: str, alarm_ids: Sequence[str], event_ids: Sequence[str]) -> None:
    """Refuse alarms and events that are not there, or are another machine's."""
    for alarm_id in dict.fromkeys(alarm_ids):
        alarm = await work.alarms.get(alarm_id)
        if alarm is None:
            raise NotFoundError(f"There is no alarm {alarm_id!r}.", alarm_id=alarm_id)
        if alarm.asset_id != asset_id:
            raise InvalidInputError(f"{alarm.name} is an alarm of another machine. A case is about one.")
    for event_id in dict.fromkeys(event_ids):
        event = await work.maintenance.event(event_id)
        if event is None:
            raise NotFoundError(f"There is no maintenance event {event_id!r}.", event_id=event_id)
        if event.asset_id != asset_id:
            raise InvalidInputError(f"{event.name} is an event of another machine. A case is about one.")


def _too_late(case: Case) -> ConflictError:
    return ConflictError(
        f"{case.changed_by} has changed {case.title!r} meanwhile. Look at it again, then decide.", case_id=case.id
    )


async def _change(work: Work, before: Case, after: Case) -> None:
    if not await work.cases.change(after, before.revision):
        raise _too_late(before)


async def _on_record(
    work: Work, actor: Actor, now: Micros, action: str, before: Case | None, after: Case, entry: CaseEntry
) -> None:
    await work.cases.tell(entry)
    await audit(
        work, actor, now, action, subject="case", subject_id=after.id, name=after.title, site_id=after.site_id,
        before=before, after=after, reason=entry.text,
    )  # fmt: skip
    await work.commit()
