"""Who is on call: the rotas of the sites, and whom each names now."""

from pdm_app.domain.access import Actor, Permission, Role
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.rotas import ROTAS_MAX, OnCall, Rota, RotaFacts
from pdm_app.domain.self_alarms import SYSTEM_ID
from pdm_app.services.auditing import audit
from pdm_app.services.shifts import zone_of


class PersonName(Record):
    """Somebody who can be named in a rota or a route."""

    id: str
    username: str
    display_name: str


class RotaView(Record):
    """A rota, who is on call by it now, and who comes next; None where no end of the present turn is known."""

    rota: Rota
    now: OnCall
    following: OnCall | None


class RotaService:
    """Rotas of the sites in an actor's scope.

    Args:
        work: Where they are stored.
        clock: Injected time.
    """

    def __init__(self, work: UnitOfWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def all(self, actor: Actor, site_id: str) -> tuple[RotaView, ...]:
        """Return the rotas of a site by name, with who is on call.

        Raises:
            NotFoundError: The site does not exist or lies outside the actor's.
        """
        actor.require(Permission.ALARMS_READ)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            zone, calendar = await zone_of(work, site_id), await work.shifts.get(site_id)
            rotas = [rota for rota in await work.rotas.all() if rota.site_id == site_id]
        found = []
        for rota in rotas:
            on_call = rota.on_call(now, zone, calendar)
            following = None if on_call.end_at is None else rota.on_call(on_call.end_at, zone, calendar)
            found.append(RotaView(rota=rota, now=on_call, following=following))
        return tuple(found)

    async def people(self, actor: Actor, site_id: str) -> tuple[PersonName, ...]:
        """Return who can be named, by name: everybody with an account that is in use and who sees the site.

        For the product itself, which only those who see every site may ask for, these are the admins.

        Raises:
            NotFoundError: As `all`.
        """
        actor.require(Permission.ALARMS_READ)
        async with self._work(actor.scope) as work:
            if site_id != SYSTEM_ID or actor.scope.sites is not None:
                await zone_of(work, site_id)
            users = [user for user in await work.users.all() if user.is_active and user.deleted_at is None]
        named = [
            PersonName(id=user.id, username=user.username, display_name=user.display_name)
            for user in users
            if user.role is Role.ADMIN or site_id in user.site_ids
        ]
        return tuple(sorted(named, key=lambda person: person.display_name.casefold()))

    async def add(self, actor: Actor, facts: RotaFacts, reason: str = "") -> Rota:
        """Keep a new rota.

        Raises:
            NotFoundError: Its site, or somebody whom it names, does not exist or lies outside the actor's sites.
            ConflictError: There are too many.
        """
        actor.require(Permission.ALARMS_CONFIGURE)
        now = self._clock.now()
        rota = Rota(**facts.model_dump(), id=new_id(now), revision=1)
        async with self._work(actor.scope) as work:
            await _judge(work, rota)
            if len(await work.rotas.all()) >= ROTAS_MAX:
                raise ConflictError(f"There are {ROTAS_MAX} rotas already. Remove one first.")
            await work.rotas.put(rota)
            await self._note(work, actor, "added", None, rota, reason)
            await work.commit()
        return rota

    async def change(self, actor: Actor, rota_id: str, facts: RotaFacts, revision: int, reason: str = "") -> Rota:
        """Put other facts in the place of a rota's; who is on call follows at once.

        Raises:
            NotFoundError: There is none in the actor's sites; or as `add`.
            ConflictError: Somebody else has changed it meanwhile.
            InvalidInputError: It would move to another site.
        """
        actor.require(Permission.ALARMS_CONFIGURE)
        async with self._work(actor.scope) as work:
            before = await _found(work, rota_id)
            if before.revision != revision:
                raise ConflictError("Somebody has changed this rota meanwhile. Look at it again.")
            rota = Rota(**facts.model_dump(), id=rota_id, revision=revision + 1)
            await _judge(work, rota)
            if rota.site_id != before.site_id:
                raise InvalidInputError("A rota stays at its site.", [FieldIssue("site_id", "cannot be changed")])
            await work.rotas.put(rota)
            await self._note(work, actor, "changed", before, rota, reason)
            await work.commit()
        return rota

    async def remove(self, actor: Actor, rota_id: str, reason: str = "") -> Rota:
        """Forget a rota.

        Raises:
            NotFoundError: There is none in the actor's sites.
            ConflictError: A route still tells its people.
        """
        actor.require(Permission.ALARMS_CONFIGURE)
        async with self._work(actor.scope) as work:
            before = await _found(work, rota_id)
            users = [
                route.name
                for route in await work.outbox.routes()
                if any(rota_id in step.rota_ids for step in route.steps)
            ]
            if users:
                raise ConflictError(
                    f"Routes tell whoever is on call by {before.name!r}: {', '.join(users[:5])}. Change them first."
                )
            await work.rotas.remove(rota_id)
            await self._note(work, actor, "removed", before, None, reason)
            await work.commit()
        return before

    async def _note(
        self, work: Work, actor: Actor, done: str, before: Rota | None, after: Rota | None, reason: str
    ) -> None:
        rota = after or before
        assert rota is not None  # noqa: S101 - one of the two is there
        await audit(
            work, actor, self._clock.now(), f"rotas.{done}", subject="rota", subject_id=rota.id, name=rota.name,
            site_id=rota.site_id, before=before, after=after, reason=reason,
        )  # fmt: skip


async def _found(work: Work, rota_id: str) -> Rota:
    rota = await work.rotas.get(rota_id)
    if rota is None:
        raise NotFoundError(f"There is no rota {rota_id!r}.")
    return rota


async def _judge(work: Work, rota: Rota) -> None:
    await zone_of(work, rota.site_id)
    people = {user.id for user in await work.users.all() if user.is_active and user.deleted_at is None}
    for user_id in rota.people:
        if user_id not in people:
            raise NotFoundError(f"There is nobody with the id {user_id!r} among those who see this site.")
