"""Groups of people: whoever is a member has the group's sites and rights, at once and as long as both last."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pydantic import ValidationError

from pdm_app.domain.access import EVERY_SITE, Actor, Permission, Role
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.holdings import Group
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.services.auditing import audit
from pdm_app.services.holdings import refuse_to_give
from pdm_app.services.people import GUARD, OF_ADMINS, check_sites

GROUPS_MAX = 500


class GroupService:
    """Administration of groups.

    Args:
        work: Where everything is stored.
        clock: Dates changes.
        forget: Told of everybody whose rights or sites have changed; open sessions then read them anew.
    """

    def __init__(self, work: UnitOfWork, clock: Clock, forget: Callable[[str], None] = lambda _user_id: None) -> None:
        self._work = work
        self._clock = clock
        self._forget = forget

    async def all(self, actor: Actor, *, with_deleted: bool = False) -> tuple[Group, ...]:
        """Return groups by name."""
        actor.require(Permission.USERS_CONFIGURE)
        async with self._work(EVERY_SITE) as work:
            groups = await work.groups.all()
        return tuple(group for group in groups if with_deleted or group.deleted_at is None)

    async def by_id(self, actor: Actor, group_id: str) -> Group:
        """Return one group, also a deleted one.

        Raises:
            NotFoundError: There never was one with this id.
        """
        actor.require(Permission.USERS_CONFIGURE)
        async with self._work(EVERY_SITE) as work:
            return await _group(work, group_id)

    async def create(
        self,
        actor: Actor,
        name: str,
        description: str = "",
        site_ids: Sequence[str] = (),
        permissions: Sequence[Permission] = (),
        member_ids: Sequence[str] = (),
    ) -> Group:
        """Make a group.

        Raises:
            InvalidInputError: Names the field and the fix.
            PermissionDeniedError: It holds a right that the actor does not have.
            ConflictError: The name is taken, or there are too many groups.
        """
        actor.require(Permission.USERS_CONFIGURE)
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            await work.users.put_value(GUARD, str(now))
            if sum(group.deleted_at is None for group in await work.groups.all()) >= GROUPS_MAX:
                raise ConflictError(f"There are {GROUPS_MAX} groups already. Delete one that is not used.")
            wanted = {"name": name, "description": description, "site_ids": site_ids, "permissions": permissions,
                      "member_ids": member_ids}  # fmt: skip
            group = _made({"id": new_id(now), "created_at": int(now), **wanted})
            await _judge(work, actor, None, group)
            await work.groups.put(group)
            await audit(work, actor, now, "groups.created", subject="group", subject_id=group.id, name=group.name,
                        after=group)  # fmt: skip
            await work.commit()
        self._tell(group.member_ids)
        return group

    async def change(
        self, actor: Actor, group_id: str, wanted: dict[str, Any], revision: int | None = None, reason: str = ""
    ) -> Group:
        """Change the fields given, of name, description, site_ids, permissions and member_ids.

        Raises:
            NotFoundError: There is no such group, or it is deleted.
            InvalidInputError: Names the field and the fix.
            PermissionDeniedError: Somebody would get a right that the actor does not have.
            ConflictError: Somebody has changed it since, or the name is taken.
        """
        actor.require(Permission.USERS_CONFIGURE)
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            await work.users.put_value(GUARD, str(now))
            before = await _group(work, group_id)
            if before.deleted_at is not None:
                raise NotFoundError(f"The group {before.name} is deleted. Restore it first.", group_id=group_id)
            if revision is not None and revision != before.revision:
                raise ConflictError(
                    f"Somebody has changed the group {before.name} since. Read it again and repeat your change.",
                    group_id=group_id,
                    revision=before.revision,
                )
            after = _made({**before.model_dump(), **wanted, "revision": before.revision + 1})
            await _judge(work, actor, before, after)
            await self._store(work, actor, "groups.changed", before, after, reason)
        self._tell({*before.member_ids, *after.member_ids})
        return after

    async def delete(self, actor: Actor, group_id: str, reason: str = "") -> Group:
        """Delete a group: it gives nothing from now on, and can be restored with its members.

        Raises:
            NotFoundError: There is no such group, or it is deleted already.
        """
        actor.require(Permission.USERS_CONFIGURE)
        async with self._work(EVERY_SITE) as work:
            await work.users.put_value(GUARD, str(self._clock.now()))
            before = await _group(work, group_id)
            if before.deleted_at is not None:
                raise NotFoundError(f"There is no group {group_id!r}.", group_id=group_id)
            now = self._clock.now()
            after = before.model_copy(update={"deleted_at": int(now), "revision": before.revision + 1})
            await self._store(work, actor, "groups.deleted", before, after, reason)
        self._tell(before.member_ids)
        return after

    async def restore(self, actor: Actor, group_id: str) -> Group:
        """Bring a deleted group back, with those of its members and sites that are still there.

        Raises:
            NotFoundError: There never was such a group.
            PermissionDeniedError: Its members would get a right that the actor does not have.
            ConflictError: It is not deleted, or its name was taken since.
        """
        actor.require(Permission.USERS_CONFIGURE)
        async with self._work(EVERY_SITE) as work:
            await work.users.put_value(GUARD, str(self._clock.now()))
            before = await _group(work, group_id)
            if before.deleted_at is None:
                raise ConflictError(f"The group {before.name} is there; there is nothing to restore.")
            sites = {site.id for site in await work.sites.all()}
            people = {user.id for user in await work.users.all() if user.deleted_at is None}
            after = before.model_copy(
                update={
                    "deleted_at": None,
                    "revision": before.revision + 1,
                    "site_ids": tuple(site_id for site_id in before.site_ids if site_id in sites),
                    "member_ids": tuple(user_id for user_id in before.member_ids if user_id in people),
                }
            )
            await _judge(work, actor, None, after)
            await self._store(work, actor, "groups.restored", before, after)
        self._tell(after.member_ids)
        return after

    async def _store(
        self, work: Work, actor: Actor, action: str, before: Group, after: Group, reason: str = ""
    ) -> None:
        await work.groups.put(after)
        await audit(
            work,
            actor,
            self._clock.now(),
            action,
            subject="group",
            subject_id=after.id,
            name=after.name,
            before=before.model_dump(mode="json", exclude={"revision"}),
            after=after.model_dump(mode="json", exclude={"revision"}),
            reason=reason,
        )
        await work.commit()

    def _tell(self, user_ids: Iterable[str]) -> None:
        for user_id in user_ids:
            self._forget(user_id)


async def _group(work: Work, group_id: str) -> Group:
    group = await work.groups.get(group_id)
    if group is None:
        raise NotFoundError(f"There is no group {group_id!r}.", group_id=group_id)
    return group


def _made(given: dict[str, Any]) -> Group:
    for field in ("site_ids", "permissions", "member_ids"):
        given[field] = tuple(sorted(set(given[field])))
    given["name"], given["description"] = given["name"].strip(), given["description"].strip()
    try:
        return Group.model_validate(given)
    except ValidationError as error:
        issues = [FieldIssue(str(each["loc"][0]), each["msg"], "") for each in error.errors(include_url=False)]
        said = "; ".join(f"{issue.field}: {issue.problem}" for issue in issues[:3])
        raise InvalidInputError(f"This group cannot be stored. {said}", issues) from None


async def _judge(work: Work, actor: Actor, before: Group | None, after: Group) -> None:
    """Refuse what is wrong with a group; ``before`` is None where it gives nothing yet."""
    if only := sorted(OF_ADMINS & set(after.permissions)):
        fix = "give the role admin instead"
        raise InvalidInputError(
            f"{only[0]} comes with the role admin and with nothing else; {fix}.",
            [FieldIssue("permissions", "names a right that only the role gives", fix)],
        )
    await check_sites(work, after.site_ids)
    for other in await work.groups.all():
        if other.name.casefold() == after.name.casefold() and other.id != after.id and other.deleted_at is None:
            raise ConflictError(f"Another group is called {other.name}. Choose another name.", field="name")
    members = {user.id: user for user in await work.users.all()}
    for user_id in set(after.member_ids) - set(before.member_ids if before else ()):
        user = members.get(user_id)
        if user is None or user.deleted_at is not None or user.role is Role.SERVICE:
            fix = "choose people; a program has exactly the rights and sites of its own"
            raise InvalidInputError(
                f"{user.username if user else repr(user_id)} cannot be a member of a group; {fix}.",
                [FieldIssue("member_ids", f"names nobody who can be a member: {user_id}", fix)],
            )
    has_new_members = bool(set(after.member_ids) - set(before.member_ids if before else ()))
    had = frozenset(before.permissions) if before and not has_new_members else frozenset[Permission]()
    refuse_to_give(actor, frozenset(after.permissions) - had, f"the group {after.name}")
