"""Sessions that a directory vouched for end when it does so no more: asked again when their tokens are renewed.

A page renews its tokens every ten minutes; an answer that is younger than ``recheck_minutes`` is good enough. While a
directory does not answer, sessions go on: a plant is run from them. One of a directory that the settings no longer name
ends.
"""

import asyncio
import logging
from dataclasses import replace
from weakref import WeakValueDictionary

from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.directories import (
    Directory,
    DirectoryAwayError,
    DirectoryPerson,
    DirectoryRefusedError,
    DirectorySessionRow,
    Doors,
)
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.services.arrivals import Arrivals
from pdm_app.services.auditing import audit
from pdm_app.services.directory_people import DirectoryPeople
from pdm_app.services.sessions import SessionBook
from pdm_app.services.tokens import refused

log = logging.getLogger(__name__)

GONE = "invalid_grant"  # What a provider says of a refresh token whose owner is gone. Source: RFC 6749, section 5.2.


class DirectorySessions:
    """Asks the directories about open sessions."""

    def __init__(
        self,
        work: UnitOfWork,
        clock: Clock,
        doors: Doors,
        people: DirectoryPeople,
        arrivals: Arrivals,
        sessions: SessionBook,
    ) -> None:
        self._work = work
        self._clock = clock
        self._doors = doors
        self._people = people
        self._arrivals = arrivals
        self._sessions = sessions
        # A refresh token of a provider is good once, so one call at a time asks with it.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def check(self, session_id: str) -> None:
        """Ask the session's directory whether its owner is still there, with the role and sites of now.

        Raises:
            UnauthenticatedError: They are not; the session has ended.
        """
        async with self._work(EVERY_SITE) as work:
            if await work.identities.session(session_id) is None:
                return
        lock = self._locks.get(session_id)
        if lock is None:
            lock = self._locks[session_id] = asyncio.Lock()
        async with lock:
            await self._check(session_id)

    async def _check(self, session_id: str) -> None:
        async with self._work(EVERY_SITE) as work:
            row = await work.identities.session(session_id)
            standing = await work.users.session(session_id)
        if row is None or standing is None or standing.revoked_at is not None:
            return  # What has ended is refused by whoever renews it.
        directory = self._directory(row.directory_id)
        if directory is None:
            await self._end(row, f"there is no directory {row.directory_id} any more")
            return
        age = self._clock.now() - row.checked_at
        if 0 <= age < directory.recheck_minutes * 60 * MICROS_PER_S:
            return
        try:
            is_there = await (self._in_ldap(row) if row.directory_id in self._doors.ldap else self._at_provider(row))
        except DirectoryAwayError as error:
            log.warning("a session goes on unchecked", extra={"directory": directory.id, "why": error.facts.get("why")})
            return
        if not is_there:
            await self._end(row, f"{directory.name} does not vouch for it any more")
            return
        async with self._work(EVERY_SITE) as work:
            await work.identities.put_session(replace(row, checked_at=self._clock.now()))
            await work.commit()

    def _directory(self, directory_id: str) -> Directory | None:
        if directory_id in self._doors.ldap:
            return self._doors.ldap[directory_id].directory
        return self._doors.oidc[directory_id].provider if directory_id in self._doors.oidc else None

    async def _in_ldap(self, row: DirectorySessionRow) -> bool:
        door = self._doors.ldap[row.directory_id]
        person = await door.by_subject(row.subject)
        return person is not None and await self._may_stay(door.directory, person)

    async def _at_provider(self, row: DirectorySessionRow) -> bool:
        door = self._doors.oidc[row.directory_id]
        async with self._work(EVERY_SITE) as work:
            id_token, refresh_token = await self._arrivals.tokens(work, row.session_id)
        if not refresh_token:
            return True  # It gave us nothing to ask with; the session ends with its days, or by a notice.
        try:
            proof = await door.renew(row.subject, refresh_token)
        except DirectoryRefusedError as error:
            if error.facts.get("code") == GONE:
                return False
            log.warning("a session goes on unchecked", extra={"directory": row.directory_id, "why": error.facts["why"]})
            return True
        async with self._work(EVERY_SITE) as work:
            await self._arrivals.seal(work, row.session_id, id_token, proof.refresh_token)
            await work.commit()
        return not proof.is_whole or await self._may_stay(door.provider, proof.person)

    async def _may_stay(self, directory: Directory, person: DirectoryPerson) -> bool:
        user = await self._people.renew(directory, person)
        if user is not None:
            self._sessions.forget_user(user.id)
        return user is not None

    async def _end(self, row: DirectorySessionRow, why: str) -> None:
        async with self._work(EVERY_SITE) as work:
            identity = await work.identities.find(row.directory_id, row.subject)
            user = await work.users.get(identity.user_id) if identity else None
            await audit(work, SYSTEM, self._clock.now(), "sessions.not_renewed", subject="session",
                        subject_id=row.session_id, name=user.username if user else "", reason=why)  # fmt: skip
            await work.commit()
        await self._sessions.end(SYSTEM, row.session_id)
        log.info("session ended by its directory", extra={"session": row.session_id, "why": why})
        raise refused("its directory does not vouch for it any more")
