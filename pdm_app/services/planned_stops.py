"""Time in which machines are not to run, such as for maintenance that is planned: told, said and dropped."""

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.production_plan import PLANNED_MAX, PlannedStop, PlannedStopFacts
from pdm_app.domain.production_shifts import ShiftSums
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.services.auditing import audit
from pdm_app.services.record_changes import require_site
from pdm_app.stream.production_book import ProductionBook

SPAN_US_MAX = 800 * 86_400 * MICROS_PER_S


class PlannedStopService:
    """Planned time in an actor's sites.

    Args:
        work: Where it is stored.
        book: Told of shifts that are to be derived again.
        clock: Injected time.
    """

    def __init__(self, work: UnitOfWork, book: ProductionBook, clock: Clock) -> None:
        self._work = work
        self._book = book
        self._clock = clock

    async def page(self, actor: Actor, site_id: str, begin_at: int, end_at: int) -> tuple[PlannedStop, ...]:
        """Return the planned time of a site that touches a span, in the order of time; what was dropped is left out.

        Raises:
            NotFoundError: The site does not exist or lies outside the actor's.
            InvalidInputError: The span is too long, or ends before it begins.
        """
        actor.require(Permission.HISTORY_READ)
        if not begin_at < end_at <= begin_at + SPAN_US_MAX:
            raise InvalidInputError(
                "Planned time is told for 800 days at once, in which the end follows the beginning. Ask for less.",
                [FieldIssue("end_at", "lies outside")],
            )
        async with self._work(actor.scope) as work:
            await require_site(work, actor, site_id)
            found = await work.plans.stops(begin_at, end_at)
        return tuple(one for one in found if one.site_id == site_id and not one.is_dropped)[:PLANNED_MAX]

    async def put(
        self, actor: Actor, facts: PlannedStopFacts, stop_id: str | None = None, revision: int = 0
    ) -> PlannedStop:
        """Say that machines are not to run in a time, or say it otherwise; shifts of that time are derived again.

        Raises:
            NotFoundError: Site, line, machine or planned time do not exist or lie outside the actor's sites.
            ConflictError: Somebody else has changed it meanwhile, or it was dropped.
        """
        actor.require(Permission.PRODUCTION_MANAGE)
        async with self._work(actor.scope) as work:
            await require_site(work, actor, facts.site_id)
            before = None if stop_id is None else await self._one(work, actor, stop_id)
            if before is not None and before.site_id != facts.site_id:
                raise NotFoundError(f"There is no planned time {stop_id!r}.")
            _require(before, revision)
            await _require_known(work, facts)
            stop = PlannedStop(
                **facts.model_dump(), id=before.id if before else new_id(self._clock.now()), said_by=actor.name,
                revision=revision + 1,
            )  # fmt: skip
            await self._keep(work, actor, "planned_stop.changed" if before else "planned_stop.added", before, stop)
        return stop

    async def drop(self, actor: Actor, stop_id: str, revision: int, reason: str = "") -> None:
        """Say that planned time does not take place.

        Raises:
            NotFoundError: As `put`.
            ConflictError: As `put`.
        """
        actor.require(Permission.PRODUCTION_MANAGE)
        async with self._work(actor.scope) as work:
            before = await self._one(work, actor, stop_id)
            _require(before, revision)
            after = before.model_copy(update={"is_dropped": True, "revision": revision + 1})
            await self._keep(work, actor, "planned_stop.dropped", before, after, reason)

    async def _keep(
        self, work: Work, actor: Actor, action: str, before: PlannedStop | None, after: PlannedStop, reason: str = ""
    ) -> None:
        """Store it with an entry of the trail, and have what it touches rated anew: the time of before, too."""
        await work.plans.put_stop(after)
        await audit(
            work, actor, self._clock.now(), action, subject="planned_stop", subject_id=after.id, name=after.name,
            site_id=after.site_id, before=before, after=after, reason=reason,
        )  # fmt: skip
        touched: list[ShiftSums] = []
        for one in (before, after):
            if one is not None:
                units = [unit.asset_id for unit in await work.production.units() if one.is_of(unit)]
                touched += await work.production.sums(units, one.begin_at, one.end_at)
        await work.commit()
        self._book.configuration_changed()
        for shift in touched:
            if shift.is_over and not shift.is_locked:  # What runs is begun anew, as its plan is another.
                self._book.owe(shift.asset_id, shift.begin_at)

    async def _one(self, work: Work, actor: Actor, stop_id: str) -> PlannedStop:
        stop = await work.plans.stop(stop_id)
        if stop is None or not actor.scope.covers(stop.site_id):
            raise NotFoundError(f"There is no planned time {stop_id!r}.", stop_id=stop_id)
        return stop


def _require(before: PlannedStop | None, revision: int) -> None:
    if before is not None and before.is_dropped:
        raise ConflictError("This planned time was dropped. Add another.")
    if (0 if before is None else before.revision) != revision:
        raise ConflictError("Somebody has changed this planned time meanwhile. Look at it again.")


async def _require_known(work: Work, facts: PlannedStopFacts) -> None:
    if facts.line_id is not None and not any(
        line.id == facts.line_id and line.site_id == facts.site_id for line in await work.assets.lines()
    ):
        raise NotFoundError(f"There is no line {facts.line_id!r}.", line_id=facts.line_id)
    if facts.asset_id is not None:
        asset = await work.assets.get(facts.asset_id)
        if asset is None or asset.site_id != facts.site_id:
            raise NotFoundError(f"There is no asset {facts.asset_id!r}.", asset_id=facts.asset_id)
