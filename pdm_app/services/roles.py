"""Roles made here: copies of a built-in role with rights of their own. The built-in ones never change."""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import Field, ValidationError

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, Actor, Permission, Role
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.holdings import BASE_ROLES, CustomRole
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.services.auditing import audit
from pdm_app.services.holdings import refuse_to_give
from pdm_app.services.people import GUARD, OF_ADMINS

ROLES_MAX = 50


class BuiltInRole(Record):
    """A role of the product with its rights."""

    role: Role
    permissions: tuple[Permission, ...]
    can_be_copied: bool


class RoleTable(Record):
    """All roles and rights there are."""

    permissions: tuple[Permission, ...] = Field(description="Every right, in order.")
    of_admins: tuple[Permission, ...] = Field(description="Rights that come with the role admin and nothing else.")
    built_in: tuple[BuiltInRole, ...]
    custom: tuple[CustomRole, ...]


class RoleService:
    """Administration of roles; ``forget`` is told of everybody whose rights have changed."""

    def __init__(self, work: UnitOfWork, clock: Clock, forget: Callable[[str], None] = lambda _user_id: None) -> None:
        self._work = work
        self._clock = clock
        self._forget = forget

    async def table(self, actor: Actor) -> RoleTable:  # noqa: ARG002 - what a role may do is no secret
        """Return every role with its rights; anybody who is signed in may know them."""
        async with self._work(EVERY_SITE) as work:
            custom = tuple(await work.roles.all())
        return RoleTable(
            permissions=tuple(Permission),
            of_admins=tuple(sorted(OF_ADMINS)),
            built_in=tuple(
                BuiltInRole(
                    role=role,
                    permissions=tuple(right for right in Permission if right in ROLE_PERMISSIONS[role]),
                    can_be_copied=role in BASE_ROLES,
                )
                for role in Role
            ),
            custom=custom,
        )

    async def create(
        self, actor: Actor, name: str, based_on: Role, permissions: Sequence[Permission] | None = None
    ) -> CustomRole:
        """Copy a built-in role, with its rights or with others.

        Raises:
            InvalidInputError: Names the field and the fix.
            PermissionDeniedError: It holds a right that the actor does not have.
            ConflictError: The name is taken, or there are too many roles.
        """
        actor.require(Permission.USERS_CONFIGURE)
        now = self._clock.now()
        rights = ROLE_PERMISSIONS[based_on] if permissions is None else permissions
        role = _made({"id": new_id(now), "created_at": int(now), "name": name, "based_on": based_on,
                      "permissions": rights})  # fmt: skip
        async with self._work(EVERY_SITE) as work:
            await work.users.put_value(GUARD, str(now))
            if len(await work.roles.all()) >= ROLES_MAX:
                raise ConflictError(f"There are {ROLES_MAX} roles already. Delete one that nobody has.")
            await _require_free(work, role)
            refuse_to_give(actor, role.permissions, f"the role {role.name}")
            await work.roles.put(role)
            await audit(work, actor, now, "roles.created", subject="role", subject_id=role.id, name=role.name,
                        after=role)  # fmt: skip
            await work.commit()
        return role

    async def change(
        self,
        actor: Actor,
        role_id: str,
        *,
        name: str | None = None,
        permissions: Sequence[Permission] | None = None,
        revision: int | None = None,
        reason: str = "",
    ) -> CustomRole:
        """Change what a role made here is called or may do; it holds for open sessions from their next event on.

        Raises:
            NotFoundError: There is no such role.
            InvalidInputError: Names the field and the fix.
            PermissionDeniedError: It would get a right that the actor does not have.
            ConflictError: Somebody has changed it since, or the name is taken.
        """
        actor.require(Permission.USERS_CONFIGURE)
        now = self._clock.now()
        wanted: dict[str, Any] = {"name": name, "permissions": permissions}
        async with self._work(EVERY_SITE) as work:
            await work.users.put_value(GUARD, str(now))
            before = await _role(work, role_id)
            if revision is not None and revision != before.revision:
                raise ConflictError(
                    f"Somebody has changed the role {before.name} since. Read it again and repeat your change.",
                    role_id=role_id,
                    revision=before.revision,
                )
            chosen = {field: value for field, value in wanted.items() if value is not None}
            after = _made({**before.model_dump(), **chosen, "revision": before.revision + 1})
            await _require_free(work, after)
            refuse_to_give(actor, set(after.permissions) - set(before.permissions), f"the role {after.name}")
            holders = await _holders(work, role_id)
            await work.roles.put(after)
            await audit(work, actor, now, "roles.changed", subject="role", subject_id=role_id, name=after.name,
                        before=before.model_dump(mode="json", exclude={"revision"}),
                        after=after.model_dump(mode="json", exclude={"revision"}), reason=reason)  # fmt: skip
            await work.commit()
        for user_id in holders:
            self._forget(user_id)
        return after

    async def delete(self, actor: Actor, role_id: str) -> CustomRole:
        """Delete a role that nobody has.

        Raises:
            NotFoundError: There is no such role.
            ConflictError: Somebody has it; says how many.
        """
        actor.require(Permission.USERS_CONFIGURE)
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            await work.users.put_value(GUARD, str(now))
            before = await _role(work, role_id)
            holders = await _holders(work, role_id)
            if holders:
                raise ConflictError(
                    f"{len(holders)} people have the role {before.name}. Give them another role first.",
                    role_id=role_id,
                    holders=len(holders),
                )
            after = before.model_copy(update={"deleted_at": int(now), "revision": before.revision + 1})
            await work.roles.put(after)
            await audit(work, actor, now, "roles.deleted", subject="role", subject_id=role_id, name=before.name,
                        before=before)  # fmt: skip
            await work.commit()
        return after


async def _role(work: Work, role_id: str) -> CustomRole:
    role = await work.roles.get(role_id)
    if role is None:
        raise NotFoundError(f"There is no role {role_id!r} that can be changed. Built-in ones stay as they are.")
    return role


async def _holders(work: Work, role_id: str) -> list[str]:
    return [user.id for user in await work.users.all() if user.custom_role_id == role_id]


async def _require_free(work: Work, role: CustomRole) -> None:
    taken = {other.name.casefold() for other in await work.roles.all() if other.id != role.id}
    if role.name.casefold() in taken | {str(built_in) for built_in in Role}:
        raise ConflictError(f"Another role is called {role.name}. Choose another name.", field="name")


def _made(given: dict[str, Any]) -> CustomRole:
    given["permissions"] = tuple(sorted(set(given["permissions"])))
    given["name"] = given["name"].strip()
    if given["based_on"] not in BASE_ROLES:
        fix = f"choose from {', '.join(BASE_ROLES)}"
        raise InvalidInputError(
            f"The role {given['based_on']} cannot be copied; {fix}.", [FieldIssue("based_on", "cannot be copied", fix)]
        )
    if only := sorted(OF_ADMINS & set(given["permissions"])):
        fix = "give the role admin instead"
        raise InvalidInputError(
            f"{only[0]} comes with the role admin and with nothing else; {fix}.",
            [FieldIssue("permissions", "names a right that only the role gives", fix)],
        )
    try:
        return CustomRole.model_validate(given)
    except ValidationError as error:
        issues = [FieldIssue(str(each["loc"][0]), each["msg"], "") for each in error.errors(include_url=False)]
        said = "; ".join(f"{issue.field}: {issue.problem}" for issue in issues[:3])
        raise InvalidInputError(f"This role cannot be stored. {said}", issues) from None
