"""A person's own new password: by the old one, at a sign-in that asks for it, or by a one-time link."""

import logging
from dataclasses import replace

from pdm_app.domain.access import EVERY_SITE, Actor, User
from pdm_app.domain.errors import FieldIssue, InvalidInputError, UnauthenticatedError
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services.auditing import audit
from pdm_app.services.passwords import PasswordHasher, check_strength
from pdm_app.services.sessions import SessionBook

log = logging.getLogger(__name__)


class OwnPassword:
    """Replaces passwords. Whether somebody may, was found out by whoever calls."""

    def __init__(self, work: UnitOfWork, clock: Clock, hasher: PasswordHasher, sessions: SessionBook) -> None:
        self._work = work
        self._clock = clock
        self._hasher = hasher
        self._sessions = sessions

    async def replace(
        self, actor: Actor, user: User, password: str, *, link_hash: str = "", field: str = "password"
    ) -> None:
        """Set a new password and end every other session of the person.

        Args:
            actor: Who does it; its own session stays.
            user: Whose password it is.
            password: The new one.
            field: How the caller's input names it.
            link_hash: Hash of the one-time link that allows it; it is used up in the same transaction.

        Raises:
            InvalidInputError: Too weak, or the same as before; a link stays good.
            UnauthenticatedError: Somebody else has used the link up in this very moment.
        """
        check_strength(password, user.username, field)
        async with self._work(EVERY_SITE) as work:
            old_hash = await work.users.password_hash(user.id)
        if old_hash is not None and (await self._hasher.verify(password, old_hash)).fits:
            fix = "choose another one"
            raise InvalidInputError(
                f"This is the password of before; {fix}.", [FieldIssue(field, "is the one of before", fix)]
            )
        password_hash = await self._hasher.hash(password)
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            if link_hash and not await work.credentials.take_link(link_hash):
                raise UnauthenticatedError("This link was used already. Ask an admin for another one.")
            await work.users.put(user, password_hash)
            credential = await work.credentials.of(user.id)
            await work.credentials.put(replace(credential, must_change=False, password_at=now))
            await work.credentials.forget_links(user.id)
            await audit(work, actor, now, "users.password_changed", subject="user", subject_id=user.id,
                        name=user.username)  # fmt: skip
            await work.commit()
        await self._sessions.end_all(actor, user.id, but=actor.session_id)
        log.info("password changed", extra={"username": user.username})
