"""People who sign in: added, given roles, sites and passwords, deactivated."""

import re
from collections.abc import Sequence

from pydantic import ValidationError

from pdm_app.domain.access import EVERY_SITE, Actor, Permission, Role, User
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros
from pdm_app.services.passwords import PasswordHasher, check_strength
from pdm_app.services.sessions import SessionBook

USERNAME_FORM = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
USERNAME_FIX = "use small letters, digits, dot, hyphen and underscore; begin with a letter or digit"


def normal_username(username: str) -> str:
    """Return the form in which usernames are stored and compared."""
    return username.strip().casefold()


def new_user(
    at: Micros, username: str, display_name: str, role: Role, password: str, site_ids: Sequence[str] = ()
) -> User:
    """Check a new person's facts and make the record.

    Raises:
        InvalidInputError: Names the field and the fix.
    """
    username = normal_username(username)
    _check_role(role)
    try:
        user = User(
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
    check_strength(password, username)
    return user


class PeopleService:
    """Administration of user accounts."""

    def __init__(
        self, work: UnitOfWork, clock: Clock, hasher: PasswordHasher, sessions: SessionBook | None = None
    ) -> None:
        self._work = work
        self._clock = clock
        self._hasher = hasher
        self._sessions = sessions  # None on the command line: the serving process notices within seconds.

    async def all(self, actor: Actor) -> tuple[User, ...]:
        """Return everybody, by username."""
        actor.require(Permission.USERS_CONFIGURE)
        async with self._work(EVERY_SITE) as work:
            return tuple(sorted(await work.users.all(), key=lambda user: user.username))

    async def add(
        self,
        actor: Actor,
        username: str,
        password: str,
        role: Role,
        display_name: str = "",
        site_ids: Sequence[str] = (),
    ) -> User:
        """Add a person.

        Raises:
            InvalidInputError: Names the field and the fix, such as a site that does not exist.
            ConflictError: The username is taken.
        """
        actor.require(Permission.USERS_CONFIGURE)
        user = new_user(self._clock.now(), username, display_name, role, password, site_ids)
        password_hash = await self._hasher.hash(password)
        async with self._work(EVERY_SITE) as work:
            if await work.users.by_username(user.username):
                raise ConflictError(f"The username {user.username} is taken. Choose another.")
            await _check_sites(work, user.site_ids)
            await work.users.put(user, password_hash)
            await work.commit()
        return user

    async def set_password(self, actor: Actor, username: str, password: str) -> None:
        """Give a person a new password and end all their sessions."""
        actor.require(Permission.USERS_CONFIGURE)
        check_strength(password, normal_username(username))
        password_hash = await self._hasher.hash(password)
        async with self._work(EVERY_SITE) as work:
            user = await _named(work, username)
            await work.users.put(user, password_hash)
            await self._end_sessions(work, user)
            await work.commit()
        await self._forget(user)

    async def change(
        self,
        actor: Actor,
        username: str,
        *,
        role: Role | None = None,
        site_ids: Sequence[str] | None = None,
        is_active: bool | None = None,
    ) -> User:
        """Change what a person may do and where; None keeps what is. Holds for open sessions from their next event on.

        Raises:
            NotFoundError: There is no such person.
            InvalidInputError: A site does not exist, or the role is not one of a person.
            ConflictError: It would leave the installation without an active admin.
        """
        actor.require(Permission.USERS_CONFIGURE)
        _check_role(role)
        async with self._work(EVERY_SITE) as work:
            before = await _named(work, username)
            wanted = {
                "role": role,
                "site_ids": None if site_ids is None else tuple(sorted(set(site_ids))),
                "is_active": is_active,
            }
            user = before.model_copy(update={name: value for name, value in wanted.items() if value is not None})
            await _check_sites(work, user.site_ids)
            admins = {other.id for other in await work.users.all() if other.role is Role.ADMIN and other.is_active}
            if admins == {user.id} and not (user.role is Role.ADMIN and user.is_active):
                raise ConflictError(f"{user.username} is the last active admin. Make another admin first.")
            await work.users.put(user)
            if not user.is_active:
                await self._end_sessions(work, user)
            await work.commit()
        await self._forget(user)
        return user

    async def deactivate(self, actor: Actor, username: str) -> User:
        """End a person's access and sessions; the record stays, because the journal names it."""
        return await self.change(actor, username, is_active=False)

    async def _end_sessions(self, work: Work, user: User) -> None:
        for session in await work.users.sessions(user.id):
            await work.users.revoke_session(session.id, self._clock.now())

    async def _forget(self, user: User) -> None:
        if self._sessions is not None:
            self._sessions.forget_user(user.id)


async def _named(work: Work, username: str) -> User:
    user = await work.users.by_username(normal_username(username))
    if user is None:
        raise NotFoundError(f"There is no user {username!r}. `pdm-app user list` shows all.")
    return user


def _check_role(role: Role | None) -> None:
    if role is Role.SERVICE:
        raise InvalidInputError(
            "A person cannot have the role service; it belongs to devices and their keys.",
            [FieldIssue("role", "belongs to devices", "choose a role of a person")],
        )


async def _check_sites(work: Work, site_ids: Sequence[str]) -> None:
    known = {site.id for site in await work.sites.all()}
    for site_id in site_ids:
        if site_id not in known:
            fix = f"choose from {', '.join(sorted(known))}" if known else "there are none yet"
            raise InvalidInputError(
                f"There is no site {site_id!r}; {fix}.", [FieldIssue("site_ids", f"names no site: {site_id}", fix)]
            )
