"""The shift calendars of the sites: read, changed, and asked which shift runs."""

from zoneinfo import ZoneInfo

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.shifts import ShiftCalendar, ShiftCalendarFacts, ShiftSpan
from pdm_app.services.auditing import audit


class ShiftView(Record):
    """The calendar of a site, and how the site stands now."""

    calendar: ShiftCalendar | None
    zone: str
    now: ShiftSpan | None
    before: ShiftSpan | None


class ShiftService:
    """Calendars of the sites in an actor's scope.

    Args:
        work: Where they are stored.
        clock: Injected time.
    """

    def __init__(self, work: UnitOfWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def show(self, actor: Actor, site_id: str) -> ShiftView:
        """Return the calendar of a site with the shift that runs and the last one before it.

        Raises:
            NotFoundError: The site does not exist or lies outside the actor's.
        """
        actor.require(Permission.ASSETS_READ)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            zone, calendar = await zone_of(work, site_id), await work.shifts.get(site_id)
        return ShiftView(
            calendar=calendar,
            zone=zone.key,
            now=calendar.at(now, zone) if calendar is not None else None,
            before=calendar.newest(now, zone) if calendar is not None else None,
        )

    async def spans(self, actor: Actor, site_id: str, start_at: int, end_at: int) -> tuple[ShiftSpan, ...]:
        """Return the shifts that touch a span, in the order of time.

        Raises:
            NotFoundError: As `show`.
            InvalidInputError: The span is too long.
        """
        actor.require(Permission.ASSETS_READ)
        async with self._work(actor.scope) as work:
            zone, calendar = await zone_of(work, site_id), await work.shifts.get(site_id)
        try:
            return tuple(calendar.spans(start_at, end_at, zone)) if calendar is not None else ()
        except ValueError as error:
            raise InvalidInputError(f"{error}. Ask for less.") from None

    async def put(
        self, actor: Actor, site_id: str, facts: ShiftCalendarFacts, revision: int, reason: str = ""
    ) -> ShiftCalendar:
        """Put a calendar in the place of a site's; ``revision`` is the one that was looked at, 0 for none.

        Raises:
            NotFoundError: As `show`.
            ConflictError: Somebody else has changed it meanwhile.
        """
        actor.require(Permission.ASSETS_CONFIGURE)
        async with self._work(actor.scope) as work:
            await zone_of(work, site_id)
            before = await work.shifts.get(site_id)
            if (before.revision if before is not None else 0) != revision:
                raise ConflictError("Somebody has changed these shifts meanwhile. Look at them again.")
            calendar = ShiftCalendar(**facts.model_dump(), id=site_id, site_id=site_id, revision=revision + 1)
            await work.shifts.put(calendar)
            await audit(
                work, actor, self._clock.now(), "shifts.changed", subject="site", subject_id=site_id, name=site_id,
                site_id=site_id, before=before, after=calendar, reason=reason,
            )  # fmt: skip
            await work.commit()
        return calendar


async def zone_of(work: Work, site_id: str) -> ZoneInfo:
    """Return the time zone of a site.

    Raises:
        NotFoundError: It does not exist in scope.
    """
    for site in await work.sites.all():
        if site.id == site_id:
            return ZoneInfo(site.time_zone)
    raise NotFoundError(f"There is no site {site_id!r}.")
