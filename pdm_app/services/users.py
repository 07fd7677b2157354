"""Users as an admin sees them: who they are, and how far their sign-in is set up."""

from typing import Literal

from pydantic import Field

from pdm_app.domain.access import EVERY_SITE, Actor, Permission, Role, User
from pdm_app.domain.credentials import CredentialRow, LinkRow
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.holdings import CustomRole, Group, scope_of, sources_of
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import Micros
from pdm_app.services.holdings import holdings_of
from pdm_app.services.sessions import SessionBook, SessionView

State = Literal["active", "invited", "deactivated", "deleted"]


class UserView(Record):
    """A person with the facts of signing in; times in microseconds UTC, None where it never was."""

    user: User
    state: State
    seen_at: int | None = Field(description="Last use of a session that is remembered.")
    has_mfa: bool
    must_change: bool = Field(description="The next sign-in asks for a new password.")
    link_expires_at: int | None = Field(description="End of the invitation or reset link that is out.")


class UserRights(Record):
    """What a person may do and see, with everything that gives it."""

    rights: dict[Permission, tuple[str, ...]] = Field(
        description="By right where it comes from: `role`, `own`, or the id of a group."
    )
    site_ids: tuple[str, ...] | None = Field(description="Own sites and those of groups; None for all.")
    groups: tuple[Group, ...]
    custom_role: CustomRole | None


class UserService:
    """Reads for the page of users; changes are made by `pdm_app.services.people` and `links`."""

    def __init__(self, work: UnitOfWork, clock: Clock, sessions: SessionBook) -> None:
        self._work = work
        self._clock = clock
        self._sessions = sessions

    async def all(self, actor: Actor, *, with_deleted: bool = False) -> tuple[UserView, ...]:
        """Return people by name, deleted ones on request; service accounts have a list of their own."""
        actor.require(Permission.USERS_CONFIGURE)
        async with self._work(EVERY_SITE) as work:
            users = await work.users.all()
            credentials = {row.user_id: row for row in await work.credentials.all()}
            links = {link.user_id: link for link in await work.credentials.links()}
            seen = await work.users.seen()
        return tuple(
            _view(user, credentials.get(user.id), links.get(user.id), seen.get(user.id))
            for user in sorted(users, key=lambda user: (user.deleted_at is not None, user.username))
            if user.role is not Role.SERVICE and (with_deleted or user.deleted_at is None)
        )

    async def by_id(self, actor: Actor, user_id: str) -> UserView:
        """Return one person, also a deleted one.

        Raises:
            NotFoundError: There never was one with this id.
        """
        for view in await self.all(actor, with_deleted=True):
            if view.user.id == user_id:
                return view
        raise NotFoundError(f"There is no user {user_id!r}.")

    async def rights(self, actor: Actor, user_id: str) -> UserRights:
        """Return what somebody may do and see, and why.

        Raises:
            NotFoundError: There never was such a person.
        """
        actor.require(Permission.USERS_CONFIGURE)
        async with self._work(EVERY_SITE) as work:
            user = await work.users.get(user_id)
            if user is None:
                raise NotFoundError(f"There is no user {user_id!r}.")
            held = await holdings_of(work, user)
        sites = scope_of(user, held, self._clock.now()).sites
        return UserRights(
            rights=dict(sources_of(user, held)),
            site_ids=None if sites is None else tuple(sorted(sites)),
            groups=held.groups,
            custom_role=held.role,
        )

    async def sessions(self, actor: Actor, user_id: str) -> tuple[SessionView, ...]:
        """Return somebody's sessions, the newest first.

        Raises:
            NotFoundError: There is no such person.
        """
        view = await self.by_id(actor, user_id)
        return await self._sessions.of_user(view.user.id, actor.session_id)

    async def end_sessions(self, actor: Actor, user_id: str) -> int:
        """End all of somebody's sessions but the one that asks; return how many.

        Raises:
            NotFoundError: There is no such person.
        """
        view = await self.by_id(actor, user_id)
        return await self._sessions.end_all(actor, view.user.id, but=actor.session_id)


def _view(user: User, credential: CredentialRow | None, link: LinkRow | None, seen_at: Micros | None) -> UserView:
    state: State = "active" if user.is_active else "deactivated"
    if user.deleted_at is not None:
        state = "deleted"
    elif user.is_active and link is not None and link.purpose == "invite":
        state = "invited"
    return UserView(
        user=user,
        state=state,
        seen_at=None if seen_at is None else int(seen_at),
        has_mfa=credential is not None and credential.has_mfa,
        must_change=credential is not None and credential.must_change,
        link_expires_at=None if link is None else int(link.expires_at),
    )
