"""Maintenance events as a service: listed, reported, priced and resolved; and how a site estimates what work costs."""

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.maintenance_events import (
    CostBasis,
    CostFacts,
    EventKind,
    EventPage,
    EventQuery,
    MaintenanceEvent,
    event_entry,
)
from pdm_app.domain.maintenance_rules import Severity
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros
from pdm_app.services.auditing import audit


class CostView(Record):
    """How a site estimates costs; ``basis`` is None where nobody has said it yet."""

    basis: CostBasis | None
    currency: str


class MaintenanceService:
    """Events of the machines in an actor's sites.

    Args:
        work: Where they are stored.
        clock: Injected time.
    """

    def __init__(self, work: UnitOfWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    # --- reading --------------------------------------------------------------------------------------------------

    async def events(self, actor: Actor, query: EventQuery) -> EventPage:
        """Return one page of events, the newest first, and what all that the question finds come to.

        Raises:
            NotFoundError: The site or machine does not exist, or lies outside the actor's.
            InvalidInputError: The cursor is no event.
        """
        actor.require(Permission.ALARMS_READ)
        async with self._work(actor.scope) as work:
            if query.site_id is not None:
                await currency_of(work, query.site_id)
            if query.asset_id is not None and await work.assets.get(query.asset_id) is None:
                raise NotFoundError(f"There is no asset {query.asset_id!r}.", asset_id=query.asset_id)
            found = await work.maintenance.events(query.model_copy(update={"limit": query.limit + 1}))
            totals = await work.maintenance.totals(query)
        page = tuple(found[: query.limit])
        return EventPage(events=page, before=page[-1].id if len(found) > query.limit else None, totals=tuple(totals))

    async def event(self, actor: Actor, event_id: str) -> MaintenanceEvent:
        """Return one event.

        Raises:
            NotFoundError: It does not exist, or lies outside the actor's sites.
        """
        actor.require(Permission.ALARMS_READ)
        async with self._work(actor.scope) as work:
            return await event_of(work, event_id)

    # --- events ---------------------------------------------------------------------------------------------------

    async def report(
        self, actor: Actor, asset_id: str, name: str, severity: Severity, note: str = ""
    ) -> MaintenanceEvent:
        """Open an event by hand: somebody has seen, heard or smelled something.

        Raises:
            NotFoundError: There is no such machine in the actor's sites.
            InvalidInputError: It has no name.
        """
        actor.require(Permission.MAINTENANCE_WRITE)
        if not name.strip():
            raise InvalidInputError("Say in a few words what is the matter with the machine; that names the event.")
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            asset = await work.assets.get(asset_id)
            if asset is None or not actor.scope.covers(asset.site_id):
                raise NotFoundError(f"There is no asset {asset_id!r}.", asset_id=asset_id)
            basis = await _basis_of(work, asset.site_id)
            event = MaintenanceEvent(
                id=new_id(now), site_id=asset.site_id, asset_id=asset.id, kind=EventKind.REPORTED, name=name.strip(),
                severity=severity, opened_at=int(now), recorded_at=int(now), opened_by=actor.name, note=note.strip(),
                simulated=asset.simulated, currency=await currency_of(work, asset.site_id), ended_at=int(now),
                cost=basis.estimate(asset.asset_class, severity) if basis is not None else None,
            )  # fmt: skip
            await work.maintenance.add(event)
            await work.alarms.append([event_entry(event, now, now, actor.name, event.note)])
            await _on_record(work, actor, now, "maintenance.reported", None, event)
        return event

    async def price(
        self, actor: Actor, event_id: str, cost: float | None, revision: int, reason: str = ""
    ) -> MaintenanceEvent:
        """Put another cost in the place of an event's estimate; None takes it away.

        Raises:
            NotFoundError: It does not exist, or lies outside the actor's sites.
            ConflictError: Somebody else has changed it meanwhile.
        """
        actor.require(Permission.MAINTENANCE_WRITE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await event_of(work, event_id)
            after = await _amended(work, before, revision, {"cost": cost})
            await _on_record(work, actor, now, "maintenance.priced", before, after, reason)
        return after

    async def resolve(self, actor: Actor, event_id: str, resolution: str, revision: int) -> MaintenanceEvent:
        """Say what was done, and close the event.

        Raises:
            NotFoundError: It does not exist, or lies outside the actor's sites.
            ConflictError: It is resolved already, or somebody else has changed it meanwhile.
            InvalidInputError: Nothing is said.
        """
        actor.require(Permission.MAINTENANCE_WRITE)
        if not resolution.strip():
            raise InvalidInputError("Say what was done, or found: an event is not resolved without a word.")
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await event_of(work, event_id)
            if not before.is_open:
                raise ConflictError(
                    f"{before.name} is resolved already, by {before.resolved_by}. Open a new event if it is back.",
                    event_id=event_id,
                )
            said = {"resolved_at": int(now), "resolved_by": actor.name, "resolution": resolution.strip()}
            after = await _amended(work, before, revision, said)
            await work.alarms.append([event_entry(after, now, now, actor.name, after.resolution)])
            await _on_record(work, actor, now, "maintenance.resolved", before, after)
        return after

    # --- what work costs --------------------------------------------------------------------------------------------

    async def costs(self, actor: Actor, site_id: str) -> CostView:
        """Return how a site estimates what work costs.

        Raises:
            NotFoundError: The site does not exist, or lies outside the actor's.
        """
        actor.require(Permission.ALARMS_READ)
        async with self._work(actor.scope) as work:
            currency = await currency_of(work, site_id)
            return CostView(basis=await _basis_of(work, site_id), currency=currency)

    async def put_costs(
        self, actor: Actor, site_id: str, facts: CostFacts, revision: int, reason: str = ""
    ) -> CostBasis:
        """Say how a site estimates costs; events that are open keep the estimate they were opened with.

        Raises:
            NotFoundError: The site does not exist, or lies outside the actor's.
            ConflictError: Somebody else has changed it meanwhile.
            InvalidInputError: A class of machines is named twice, or not at all.
        """
        actor.require(Permission.ALARMS_CONFIGURE)
        named = [each.asset_class.strip().casefold() for each in facts.classes]
        if not all(named) or len(set(named)) < len(named):
            raise InvalidInputError("Each class of machines has one base, and a name. Put the costs of a class once.")
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            await currency_of(work, site_id)
            before = await _basis_of(work, site_id)
            if (before.revision if before is not None else 0) != revision:
                raise ConflictError("Somebody has changed what work costs meanwhile. Look at it again.")
            after = CostBasis(**facts.model_dump(), id=site_id, site_id=site_id, revision=revision + 1)
            await work.maintenance.put_costs(after)
            await audit(
                work, actor, now, "maintenance.costs_changed", subject="site", subject_id=site_id, name=site_id,
                site_id=site_id, before=before, after=after, reason=reason,
            )  # fmt: skip
            await work.commit()
        return after


async def currency_of(work: Work, site_id: str) -> str:
    """Return the currency of a site.

    Raises:
        NotFoundError: It does not exist in scope.
    """
    for site in await work.sites.all():
        if site.id == site_id:
            return site.currency
    raise NotFoundError(f"There is no site {site_id!r}.", site_id=site_id)


async def event_of(work: Work, event_id: str) -> MaintenanceEvent:
    """Return an event in scope.

    Raises:
        NotFoundError: There is none.
    """
    event = await work.maintenance.event(event_id)
    if event is None:
        raise NotFoundError(f"There is no maintenance event {event_id!r}.", event_id=event_id)
    return event


async def _basis_of(work: Work, site_id: str) -> CostBasis | None:
    return next((each for each in await work.maintenance.costs() if each.site_id == site_id), None)


async def _amended(work: Work, before: MaintenanceEvent, revision: int, said: dict[str, object]) -> MaintenanceEvent:
    after = before.model_copy(update={**said, "revision": revision + 1})
    if not await work.maintenance.amend(after, revision):
        raise ConflictError(f"Somebody has changed {before.name!r} meanwhile. Look at it again.", event_id=before.id)
    return after


async def _on_record(
    work: Work,
    actor: Actor,
    now: Micros,
    action: str,
    before: MaintenanceEvent | None,
    after: MaintenanceEvent,
    reason: str = "",
) -> None:
    await audit(
        work, actor, now, action, subject="maintenance_event", subject_id=after.id, name=after.name,
        site_id=after.site_id, before=before, after=after, reason=reason,
    )  # fmt: skip
    await work.commit()
