"""Who is told of which alarms: the routes of the sites, listed, added, changed and removed."""

from collections.abc import Collection, Sequence

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.notice_routes import ROUTES_MAX, NoticeRoute, NoticeRouteFacts
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros
from pdm_app.domain.self_alarms import SYSTEM_ID
from pdm_app.services.auditing import audit


class NoticeRouteService:
    """The routes.

    Args:
        work: Where they are stored.
        clock: Time of changes.
    """

    def __init__(self, work: UnitOfWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def all(self, actor: Actor) -> tuple[NoticeRoute, ...]:
        """Return the routes of the actor's sites, by name."""
        actor.require(Permission.ALARMS_CONFIGURE)
        async with self._work(actor.scope) as work:
            return tuple(await work.outbox.routes())

    async def add(self, actor: Actor, facts: NoticeRouteFacts, reason: str = "") -> NoticeRoute:
        """Tell people from now on.

        Raises:
            InvalidInputError: Somebody or something that it names does not exist in the site.
            ConflictError: There are too many routes.
        """
        actor.require(Permission.ALARMS_CONFIGURE)
        now = self._clock.now()
        route = NoticeRoute(**facts.model_dump(), id=new_id(now))
        async with self._work(actor.scope) as work:
            await _check(work, actor, facts)
            if len(await work.outbox.routes()) >= ROUTES_MAX:
                raise ConflictError(f"There are {ROUTES_MAX} routes of notices already. Remove one first.")
            await work.outbox.put_route(route)
            await _note(work, actor, now, "added", None, route, reason)
            await work.commit()
        return route

    async def change(
        self, actor: Actor, route_id: str, facts: NoticeRouteFacts, revision: int, reason: str = ""
    ) -> NoticeRoute:
        """Put other facts in the place of a route's; what is due already stays due.

        Raises:
            NotFoundError: There is none in the actor's sites.
            ConflictError: Somebody else has changed it meanwhile.
            InvalidInputError: As `add`.
        """
        actor.require(Permission.ALARMS_CONFIGURE)
        async with self._work(actor.scope) as work:
            before = await _route(work, route_id)
            if before.revision != revision:
                raise ConflictError(
                    "Somebody has changed this route meanwhile. Look at it again.", revision=before.revision
                )
            route = NoticeRoute(**facts.model_dump(), id=route_id, revision=revision + 1)
            await _check(work, actor, facts)
            await work.outbox.put_route(route)
            await _note(work, actor, self._clock.now(), "changed", before, route, reason)
            await work.commit()
        return route

    async def remove(self, actor: Actor, route_id: str, reason: str = "") -> NoticeRoute:
        """Tell nobody by this route any more.

        Raises:
            NotFoundError: There is none in the actor's sites.
        """
        actor.require(Permission.ALARMS_CONFIGURE)
        async with self._work(actor.scope) as work:
            before = await _route(work, route_id)
            await work.outbox.remove_route(route_id)
            await _note(work, actor, self._clock.now(), "removed", before, None, reason)
            await work.commit()
        return before


async def _route(work: Work, route_id: str) -> NoticeRoute:
    route = await work.outbox.route(route_id)
    if route is None:
        raise NotFoundError(f"There is no route {route_id!r}.")
    return route


async def _check(work: Work, actor: Actor, facts: NoticeRouteFacts) -> None:
    """Refuse a route that names what its site does not have.

    The product's own alarms are at no site: whoever sees every site makes routes for them.
    """
    is_system = facts.site_id == SYSTEM_ID and actor.scope.sites is None
    if not is_system and facts.site_id not in {site.id for site in await work.sites.all()}:
        raise NotFoundError(f"There is no site {facts.site_id!r}.")
    machines = {asset.id for asset in await work.assets.all() if asset.site_id == facts.site_id}
    areas = {area.id for area in await work.assets.areas() if area.site_id == facts.site_id}
    people = {user.id for user in await work.users.all() if user.is_active and user.deleted_at is None}
    rotas = {rota.id for rota in await work.rotas.all() if rota.site_id == facts.site_id}
    issues = _missing("asset_ids", facts.asset_ids, machines, "is no machine of this site")
    issues += _missing("area_ids", facts.area_ids, areas, "is no area of this site")
    for number, step in enumerate(facts.steps):
        issues += _missing(f"steps.{number}.user_ids", step.user_ids, people, "is nobody who can see this site")
        issues += _missing(f"steps.{number}.rota_ids", step.rota_ids, rotas, "is no rota of this site")
    if issues:
        raise InvalidInputError(f"The route {facts.name!r} names what is not there.", issues)


def _missing(field: str, named: Sequence[str], known: Collection[str], problem: str) -> list[FieldIssue]:
    return [FieldIssue(f"{field}.{place}", problem) for place, each in enumerate(named) if each not in known]


async def _note(
    work: Work, actor: Actor, at: Micros, done: str, before: NoticeRoute | None, after: NoticeRoute | None, reason: str
) -> None:
    route = after or before
    assert route is not None  # noqa: S101 - one of the two is there
    await audit(
        work, actor, at, f"notices.route_{done}", subject="notice_route", subject_id=route.id, name=route.name,
        site_id=route.site_id, before=before, after=after, reason=reason,
    )  # fmt: skip
