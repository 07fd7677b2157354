"""One-time links: invitations, and new passwords for those who forgot theirs. Handed over by an admin, in person.

Only the hash of a link's token is kept. The token stands behind the ``#`` of the address, which browsers send to
nobody, so that no log and no proxy has it.
"""

import logging
import secrets

from pydantic import Field

from pdm_app.domain.access import EVERY_SITE, Actor, Permission, Role, User, actor_of
from pdm_app.domain.credentials import LinkPurpose, LinkRow
from pdm_app.domain.errors import InvalidInputError, UnauthenticatedError
from pdm_app.domain.holdings import NOTHING_MORE, permissions_of
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.services.auditing import audit
from pdm_app.services.holdings import refuse_to_give
from pdm_app.services.own_password import OwnPassword
from pdm_app.services.people import add_user, check_role, named, new_user
from pdm_app.services.tokens import token_hash
from pdm_app.settings import AuthSettings

log = logging.getLogger(__name__)

PAGE = "/accept"
NOT_GOOD = "This link was used, replaced or has expired. Ask an admin for another one."


class NewLink(Record):
    """A link just made; ``path`` is shown now and never again."""

    user: User
    purpose: LinkPurpose
    path: str = Field(description="Address below the product's own, such as /accept#….")
    expires_at: int


class LinkView(Record):
    """What a link is for, as its holder sees it."""

    username: str
    display_name: str
    purpose: LinkPurpose
    expires_at: int


class Links:
    """Makes links and lets their holders set a password."""

    def __init__(
        self,
        work: UnitOfWork,
        clock: Clock,
        settings: AuthSettings,
        own_password: OwnPassword,
    ) -> None:
        self._work = work
        self._clock = clock
        self._own_password = own_password
        self.apply(settings)

    def apply(self, settings: AuthSettings) -> None:
        """Give new links these lives; one that was made keeps its own."""
        self._life: dict[LinkPurpose, int] = {
            "invite": round(settings.invite_hours * 3600 * MICROS_PER_S),
            "reset": round(settings.reset_hours * 3600 * MICROS_PER_S),
        }

    async def invite(
        self, actor: Actor, username: str, role: Role, display_name: str = "", site_ids: tuple[str, ...] = ()
    ) -> NewLink:
        """Make an account without a password, and the link with which its owner sets one.

        Raises:
            InvalidInputError: Names the field and the fix.
            ConflictError: The username is taken, or was somebody's who is deleted.
        """
        actor.require(Permission.USERS_CONFIGURE)
        check_role(role)
        now = self._clock.now()
        user = new_user(now, username, display_name, role, site_ids)
        refuse_to_give(actor, permissions_of(user, NOTHING_MORE), user.username)
        async with self._work(EVERY_SITE) as work:
            await add_user(work, user)
            link = await self._make(work, actor, user, "invite", now)
            await audit(work, actor, now, "users.invited", subject="user", subject_id=user.id, name=user.username,
                        after=user)  # fmt: skip
            await work.commit()
        return link

    async def renew(self, actor: Actor, username: str) -> NewLink:
        """Make a link for a new password; it replaces earlier ones. The password of now works on until it is used.

        For somebody who has none yet it is another invitation.

        Raises:
            NotFoundError: There is no such person.
            InvalidInputError: The account is deactivated, or a service account.
        """
        actor.require(Permission.USERS_CONFIGURE)
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            user = await named(work, username)
            if user.role is Role.SERVICE:
                raise InvalidInputError(f"{user.username} is a service account: it has keys and no password.")
            if not user.is_active:
                raise InvalidInputError(f"{user.username} is deactivated. Activate the account first.")
            purpose: LinkPurpose = "reset" if await work.users.password_hash(user.id) else "invite"
            link = await self._make(work, actor, user, purpose, now)
            await audit(work, actor, now, "users.link_made", subject="user", subject_id=user.id, name=user.username,
                        after={"purpose": purpose, "expires_at": link.expires_at})  # fmt: skip
            await work.commit()
        return link

    async def view(self, token: str) -> LinkView:
        """Say what a link is for.

        Raises:
            UnauthenticatedError: Unknown, used, replaced, expired, or its person was deactivated: one text for all.
        """
        link, user = await self._good(token)
        return LinkView(
            username=user.username,
            display_name=user.display_name,
            purpose=link.purpose,
            expires_at=int(link.expires_at),
        )

    async def accept(self, token: str, password: str, address: str) -> User:
        """Set the password and use the link up; the sign-in goes on from there, with the second factor if there is one.

        Raises:
            UnauthenticatedError: As for `view`.
            InvalidInputError: The password cannot be used; the link stays good.
        """
        link, user = await self._good(token)
        await self._own_password.replace(actor_of(user, address=address), user, password, link_hash=link.token_hash)
        log.info("link accepted", extra={"username": user.username, "purpose": link.purpose, "address": address})
        return user

    async def _good(self, token: str) -> tuple[LinkRow, User]:
        async with self._work(EVERY_SITE) as work:
            link = await work.credentials.link(token_hash(token))
            user = await work.users.get(link.user_id) if link else None
        if link is None or user is None or not user.is_active or link.expires_at <= self._clock.now():
            raise UnauthenticatedError(NOT_GOOD)
        return link, user

    async def _make(self, work: Work, actor: Actor, user: User, purpose: LinkPurpose, now: Micros) -> NewLink:
        token = secrets.token_urlsafe(32)
        expires_at = Micros(now + self._life[purpose])
        await work.credentials.put_link(LinkRow(token_hash(token), user.id, purpose, now, actor.name, expires_at))
        return NewLink(user=user, purpose=purpose, path=f"{PAGE}#{token}", expires_at=int(expires_at))
