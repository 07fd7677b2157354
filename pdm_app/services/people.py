"""People who sign in: added, given roles, rights, sites and passwords, deactivated, deleted.

A deleted person keeps a record without any means to sign in: journals name them, and nobody else may take the name.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from pdm_app.domain.access import EVERY_SITE, Actor, Permission, Role, User
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.holdings import NOTHING_MORE, CustomRole, Holdings, permissions_of
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros
from pdm_app.services.auditing import audit
from pdm_app.services.holdings import holdings_of, refuse_to_give
from pdm_app.services.mfa import forget_mfa
from pdm_app.services.passwords import PasswordHasher, check_strength

USERNAME_FORM = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
USERNAME_FIX = "use small letters, digits, dot, hyphen and underscore; begin with a letter or digit"
GUARD = "people.changed_at"
"""Written first by whoever changes people, so that two who demote the last two admins at once wait for each other."""
OF_ADMINS = frozenset({Permission.USERS_CONFIGURE, Permission.TRUST_CONFIGURE, Permission.STORAGE_CONFIGURE})
"""Comes with the role admin alone: who administers people could otherwise give themselves everything else."""


def normal_username(username: str) -> str:
    """Return the form in which usernames are stored and compared."""
    return username.strip().casefold()


def new_user(at: Micros, username: str, display_name: str, role: Role, site_ids: Sequence[str] = ()) -> User:
    """Check a new person's facts and make the record.

    Raises:
        InvalidInputError: Names the field and the fix.
    """
    username = normal_username(username)
    try:
        return User(
            id=new_id(at),
            username=username,
            display_name=display_name.strip() or username,
            role=role,
            site_ids=tuple(sorted(set(site_ids))),
            created_at=at,
        )
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        fix = USERNAME_FIX if field == "username" else "shorten it to 120 characters"
        raise InvalidInputError(
            f"This {field.replace('_', ' ')} cannot be used: {fix}.", [FieldIssue(field, "cannot be used", fix)]
        ) from None


class PeopleService:
    """Administration of user accounts."""

    def __init__(
        self,
        work: UnitOfWork,
        clock: Clock,
        hasher: PasswordHasher,
        forget: Callable[[str], None] = lambda _user_id: None,
    ) -> None:
        self._work = work
        self._clock = clock
        self._hasher = hasher
        self._forget = forget  # Nothing on the command line: the serving process notices within seconds.

    async def all(self, actor: Actor) -> tuple[User, ...]:
        """Return everybody who was not deleted, by username; service accounts too."""
        actor.require(Permission.USERS_CONFIGURE)
        async with self._work(EVERY_SITE) as work:
            users = await work.users.all()
        return tuple(sorted((user for user in users if user.deleted_at is None), key=lambda user: user.username))

    async def by_id(self, actor: Actor, user_id: str) -> User:
        """Return one person, also a deleted one.

        Raises:
            NotFoundError: There never was one with this id.
        """
        actor.require(Permission.USERS_CONFIGURE)
        async with self._work(EVERY_SITE) as work:
            user = await work.users.get(user_id)
        if user is None:
            raise NotFoundError(f"There is no user {user_id!r}.")
        return user

    async def add(
        self,
        actor: Actor,
        username: str,
        password: str,
        role: Role,
        display_name: str = "",
        site_ids: Sequence[str] = (),
        *,
        must_change: bool = False,
    ) -> User:
        """Add a person; with ``must_change`` the password is good for one sign-in, which asks for another.

        Raises:
            InvalidInputError: Names the field and the fix, such as a site that does not exist.
            ConflictError: The username is taken, or was somebody's who is deleted.
        """
        actor.require(Permission.USERS_CONFIGURE)
        check_role(role)
        now = self._clock.now()
        user = new_user(now, username, display_name, role, site_ids)
        refuse_to_give(actor, permissions_of(user, NOTHING_MORE), user.username)
        check_strength(password, user.username)
        password_hash = await self._hasher.hash(password)
        async with self._work(EVERY_SITE) as work:
            await add_user(work, user, password_hash)
            credential = await work.credentials.of(user.id)
            await work.credentials.put(replace(credential, must_change=must_change, password_at=now))
            await audit(work, actor, now, "users.created", subject="user", subject_id=user.id, name=user.username,
                        after=user)  # fmt: skip
            await work.commit()
        return user

    async def set_password(self, actor: Actor, username: str, password: str, *, must_change: bool = False) -> None:
        """Give a person a new password and end all their sessions and links."""
        actor.require(Permission.USERS_CONFIGURE)
        check_strength(password, normal_username(username))
        password_hash = await self._hasher.hash(password)
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            user = await named(work, username)
            if user.role is Role.SERVICE:
                raise InvalidInputError(f"{user.username} is a service account: it has keys and no password.")
            await work.users.put(user, password_hash)
            credential = await work.credentials.of(user.id)
            await work.credentials.put(replace(credential, must_change=must_change, password_at=now))
            await work.credentials.forget_links(user.id)
            await self._end_sessions(work, user)
            await audit(work, actor, now, "users.password_set", subject="user", subject_id=user.id, name=user.username)
            await work.commit()
        self._forget(user.id)

    async def change(
        self,
        actor: Actor,
        username: str,
        *,
        display_name: str | None = None,
        role: Role | None = None,
        site_ids: Sequence[str] | None = None,
        is_active: bool | None = None,
        grants: Sequence[Permission] | None = None,
        denials: Sequence[Permission] | None = None,
        custom_role_id: str | None = None,
        reason: str = "",
    ) -> User:
        """Change what a person may do and where; None keeps what is. Holds for open sessions from their next event on.

        A role made here (``custom_role_id``) brings the role it was copied from; a ``role`` alone ends it.

        Raises:
            NotFoundError: There is no such person.
            InvalidInputError: A site or role does not exist, or the role or a right is not one that this account can
                have.
            PermissionDeniedError: The person would get a right that the actor does not have.
            ConflictError: It would leave the installation without an active admin.
        """
        actor.require(Permission.USERS_CONFIGURE)
        wanted: dict[str, Any] = {
            "display_name": None if display_name is None else display_name.strip(),
            "role": role,
            "site_ids": None if site_ids is None else tuple(sorted(set(site_ids))),
            "is_active": is_active,
            "grants": None if grants is None else tuple(sorted(set(grants))),
            "denials": None if denials is None else tuple(sorted(set(denials))),
        }
        async with self._work(EVERY_SITE) as work:
            await work.users.put_value(GUARD, str(self._clock.now()))
            before = await named(work, username)
            if role is not before.role:
                check_role(role, before)
            held = await holdings_of(work, before)
            chosen = {name: value for name, value in wanted.items() if value is not None}
            if custom_role_id is not None:
                held = held.model_copy(update={"role": await _copied_role(work, before, role, custom_role_id)})
                chosen |= {"custom_role_id": custom_role_id, "role": held.role.based_on if held.role else role}
            elif role is not None:
                chosen["custom_role_id"] = None
            user = _changed(before, chosen)
            await check_sites(work, user.site_ids)
            await _refuse_to_raise(work, actor, before, user, held)
            await self._keep_an_admin(work, user)
            await work.users.put(user)
            if not user.is_active:
                await self._end_sessions(work, user)
            await audit(work, actor, self._clock.now(), "users.changed", subject="user", subject_id=user.id,
                        name=user.username, before=before, after=user, reason=reason)  # fmt: skip
            await work.commit()
        self._forget(user.id)
        return user

    async def deactivate(self, actor: Actor, username: str) -> User:
        """End a person's access and sessions; the account can be activated again."""
        return await self.change(actor, username, is_active=False)

    async def delete(self, actor: Actor, username: str) -> User:
        """End an account for good: password, second factor, keys, sites and rights go, its name stays in journals.

        Raises:
            NotFoundError: There is no such person, or they are deleted already.
            ConflictError: It would leave the installation without an active admin.
        """
        actor.require(Permission.USERS_CONFIGURE)
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            await work.users.put_value(GUARD, str(now))
            before = await named(work, username)
            gone: dict[str, Any] = {"is_active": False, "deleted_at": int(now), "site_ids": (), "grants": (),
                                    "denials": (), "custom_role_id": None}  # fmt: skip
            user = before.model_copy(update=gone)
            await self._keep_an_admin(work, user)
            await work.users.put(user)
            await work.users.forget_password(user.id)
            await forget_mfa(work, user.id)
            await work.credentials.forget(user.id)
            await work.groups.forget_user(user.id)
            await work.shares.revoke_of_user(user.id, actor.name, now)
            for key in await work.api_keys.all(user.id):
                if key.revoked_at is None:
                    await work.api_keys.put(key.model_copy(update={"revoked_at": int(now)}))
            await self._end_sessions(work, user)
            await audit(work, actor, now, "users.deleted", subject="user", subject_id=user.id, name=user.username,
                        before=before, after=user)  # fmt: skip
            await work.commit()
        self._forget(user.id)
        return user

    async def reset_mfa(self, actor: Actor, username: str) -> User:
        """Take a lost authenticator app away; all sessions end, and where it is required the next sign-in asks anew."""
        actor.require(Permission.USERS_CONFIGURE)
        async with self._work(EVERY_SITE) as work:
            user = await named(work, username)
            await forget_mfa(work, user.id)
            await self._end_sessions(work, user)
            await audit(work, actor, self._clock.now(), "users.mfa_reset", subject="user", subject_id=user.id,
                        name=user.username)  # fmt: skip
            await work.commit()
        self._forget(user.id)
        return user

    @staticmethod
    async def _keep_an_admin(work: Work, user: User) -> None:
        admins = {other.id for other in await work.users.all() if other.role is Role.ADMIN and other.is_active}
        if admins == {user.id} and not (user.role is Role.ADMIN and user.is_active):
            raise ConflictError(f"{user.username} is the last active admin. Make another admin first.")
        if user.id in admins and not (user.role is Role.ADMIN and user.is_active):
            others = [await work.users.password_hash(other_id) for other_id in sorted(admins - {user.id})]
            if not any(others) and await work.users.password_hash(user.id) is not None:
                raise ConflictError(
                    f"{user.username} is the last active admin with a password here: while the company's directory is "
                    "away, or an invitation is not taken up, nobody could administer. Give another admin one first."
                )

    async def _end_sessions(self, work: Work, user: User) -> None:
        for session in await work.users.sessions(user.id):
            await work.users.revoke_session(session.id, self._clock.now())


async def named(work: Work, username: str) -> User:
    """Return the person of this name.

    Raises:
        NotFoundError: There is none, or only a deleted one.
    """
    user = await work.users.by_username(normal_username(username))
    if user is None or user.deleted_at is not None:
        raise NotFoundError(f"There is no user {username!r}. `pdm-app user list` shows all.")
    return user


async def add_user(work: Work, user: User, password_hash: str | None = None) -> None:
    """Store a new account.

    Raises:
        ConflictError: The username is taken, or was somebody's who is deleted.
        InvalidInputError: A site does not exist.
    """
    known = await work.users.by_username(user.username)
    if known is not None:
        why = "is taken" if known.deleted_at is None else "belonged to somebody who is deleted, and journals name them"
        raise ConflictError(f"The username {user.username} {why}. Choose another.")
    await check_sites(work, user.site_ids)
    await work.users.put(user, password_hash)


def _changed(before: User, wanted: dict[str, Any]) -> User:
    user = before.model_copy(update=wanted)
    if not 1 <= len(user.display_name) <= 120:
        fix = "write 1 to 120 characters"
        raise InvalidInputError(
            f"This name cannot be used: {fix}.", [FieldIssue("display_name", "cannot be used", fix)]
        )
    for field in ("grants", "denials"):
        if only := sorted(OF_ADMINS & set(wanted.get(field, ()))):
            fix = "give the role admin, or another role, instead"
            raise InvalidInputError(
                f"{only[0]} comes with the role admin and with nothing else; {fix}.",
                [FieldIssue(field, "names a right that only the role gives", fix)],
            )
    return user


async def _copied_role(work: Work, before: User, role: Role | None, custom_role_id: str) -> CustomRole:
    custom = await work.roles.get(custom_role_id)
    if custom is None or before.role is Role.SERVICE:
        fix = "choose one of the roles listed" if custom is None else "a program has rights of its own and no role"
        raise InvalidInputError(
            f"There is no role {custom_role_id!r} for {before.username}; {fix}.",
            [FieldIssue("custom_role_id", "names no role for this account", fix)],
        )
    if role is not None and role is not custom.based_on:
        fix = f"leave the role out, or send {custom.based_on}"
        raise InvalidInputError(
            f"The role {custom.name} was copied from {custom.based_on}, not from {role}; {fix}.",
            [FieldIssue("role", "is not the one that the other was copied from", fix)],
        )
    return custom


async def _refuse_to_raise(work: Work, actor: Actor, before: User, after: User, held: Holdings) -> None:
    """Refuse a change by which somebody gets a right that the actor does not have."""
    had = permissions_of(before, await holdings_of(work, before))
    is_program = before.role is Role.SERVICE
    refuse_to_give(actor, permissions_of(after, held) - had, before.username, is_program=is_program)


def check_role(role: Role | None, before: User | None = None) -> None:
    """Refuse to make a person a service account, or the other way round.

    Raises:
        InvalidInputError: Says which roles there are for whom.
    """
    if role is Role.SERVICE:
        raise InvalidInputError(
            "A person cannot have the role service; it belongs to devices and their keys.",
            [FieldIssue("role", "belongs to devices", "choose a role of a person")],
        )
    if role is not None and before is not None and before.role is Role.SERVICE:
        raise InvalidInputError(
            f"{before.username} is a service account and stays one. Add a person instead.",
            [FieldIssue("role", "is for people", "add a person instead")],
        )


async def check_sites(work: Work, site_ids: Sequence[str]) -> None:
    """Refuse sites that do not exist.

    Raises:
        InvalidInputError: Names the site and those there are.
    """
    known = {site.id for site in await work.sites.all()}
    for site_id in site_ids:
        if site_id not in known:
            fix = f"choose from {', '.join(sorted(known))}" if known else "there are none yet"
            raise InvalidInputError(
                f"There is no site {site_id!r}; {fix}.", [FieldIssue("site_ids", f"names no site: {site_id}", fix)]
            )
