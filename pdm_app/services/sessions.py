"""Signed-in sessions: opened, refreshed, checked at every call, ended.

The record is the truth. It is remembered for a few seconds per session, so that a page with hundreds of events does not
ask the database for each; what this process ends is ended at once, what another process ends within ``REREAD_S``.
While the database is away, a session that was good stays good: operators must see and hear alarms then, too.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from pdm_app.domain.access import EVERY_SITE, Actor, Role, User, actor_of
from pdm_app.domain.errors import UnauthenticatedError, UnavailableError
from pdm_app.domain.holdings import Holdings, permissions_of
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import SessionRow, UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.services.auditing import audit
from pdm_app.services.holdings import actor_with, holdings_of
from pdm_app.services.patience import impatient
from pdm_app.services.tokens import Claims, TokenMint, refused, token_hash
from pdm_app.settings import AuthSettings

log = logging.getLogger(__name__)

REREAD_S = 10
REREAD_EARLY_S = 5  # From here on one caller reads anew, while the others go on with what is known.
TOUCH_S = 60  # How often "seen" is written.
GRACE_S = 30  # Two tabs that refresh at the same time both hold the old token; the second is no thief.
ACTIVITY_GRACE_S = 90  # A page tells once a minute that it was touched; its own timer ends it first.
KNOWN_MAX = 10_000
AGENT_CHARACTERS_MAX = 200
ADDRESS_CHARACTERS_MAX = 64


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session with the tokens that prove it; ``refresh_token`` is None where the caller's newest one still holds."""

    user: User
    session_id: str
    access_token: str
    access_expires_at: Micros
    refresh_token: str | None
    session_expires_at: Micros
    issued_at: Micros


class SessionView(Record):
    """A session as its owner sees it. Times in microseconds UTC."""

    id: str
    created_at: int
    seen_at: int
    expires_at: int
    address: str
    agent: str
    is_current: bool


@dataclass(slots=True)
class _Known:
    row: SessionRow
    user: User
    holdings: Holdings
    read_at: Micros
    touched_at: Micros
    actor: Actor | None = None
    actor_until: Micros | None = None  # When something that was shared ends by itself.
    is_being_reread: bool = False


class SessionBook:
    """All sessions of the installation."""

    def __init__(self, work: UnitOfWork, clock: Clock, mint: TokenMint, settings: AuthSettings) -> None:
        self._work = work
        self._clock = clock
        self._mint = mint
        self.apply(settings)
        self._known: dict[str, _Known] = {}
        self._ended: dict[str, None] = {}
        self._replaced: dict[str, tuple[str, Micros]] = {}
        self._generation = 0

    def apply(self, settings: AuthSettings) -> None:
        """Go by these settings from now on; a session that is open keeps the end it was given."""
        self._session = round(settings.session_days * 86_400 * MICROS_PER_S)
        self._idle = round(settings.idle_hours * 3_600 * MICROS_PER_S)
        self._untouched = round(settings.idle_minutes * 60 * MICROS_PER_S) or None
        self._exempt = frozenset(settings.idle_exempt_roles)
        self._sessions_max = settings.sessions_max

    async def open(
        self,
        user: User,
        address: str,
        agent: str,
        *,
        has_page: bool = False,
        also: Callable[[Work, str], Awaitable[None]] | None = None,
    ) -> SignedIn:
        """Open a session; the oldest of too many is ended.

        With ``has_page`` it also ends when nobody has touched the page for a while; see `note_activity`. What ``also``
        stores about the session is stored with it, or neither is.
        """
        now = self._clock.now()
        expires_at = Micros(now + self._session)
        session_id = new_id(now)
        refresh_token = self._mint.refresh(user.id, session_id, expires_at)
        row = SessionRow(
            id=session_id,
            user_id=user.id,
            created_at=now,
            seen_at=now,
            expires_at=expires_at,
            refresh_hash=token_hash(refresh_token),
            address=address[:ADDRESS_CHARACTERS_MAX],
            agent=agent[:AGENT_CHARACTERS_MAX],
            active_at=now if has_page else None,
        )
        async with self._work(EVERY_SITE) as work:
            standing = [session for session in await work.users.sessions(user.id) if self._is_good(session, now)]
            too_many = standing[: max(0, len(standing) - self._sessions_max + 1)]
            for session in too_many:
                await work.users.revoke_session(session.id, now)
            await work.users.forget_sessions(Micros(now - self._session))
            await work.users.put_session(row)
            if also is not None:
                await also(work, session_id)
            holdings = await holdings_of(work, user)
            await audit(work, actor_of(user, session_id, address), now, "sessions.opened", subject="session",
                        subject_id=session_id, name=user.username)  # fmt: skip
            await work.commit()
        for session in too_many:
            self._forget_for_good(session.id)
        return self._signed_in(user, holdings, row, refresh_token)

    async def refresh(self, token: str) -> SignedIn:
        """Exchange a refresh token, good once, for new tokens.

        Using one a second time means that it was copied: the whole session ends, for the thief and for the owner.

        Raises:
            UnauthenticatedError: Forged, expired, used before, or the session has ended.
        """
        claims = self._mint.read_refresh(token)
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            row, user, holdings = await self._read(work, claims)
            self._check(row, user, now)
            self._check_activity(self._newest(row), user, now)
            old_hash = token_hash(token)
            if old_hash == row.refresh_hash:
                new_token = self._mint.refresh(user.id, row.id, row.expires_at)
                self._note_replaced(row.id, old_hash, now)
                if await work.users.rotate_session(row.id, old_hash, token_hash(new_token), now):
                    await work.commit()
                    return self._signed_in(user, holdings, row, new_token)
                # Another call of this very moment was first; its answer carries the newest token.
                return self._signed_in(user, holdings, row, None)
            last_hash, last_at = self._replaced.get(row.id, ("", Micros(0)))
            if old_hash == last_hash and now - last_at <= GRACE_S * MICROS_PER_S:
                return self._signed_in(user, holdings, row, None)
            await work.users.revoke_session(row.id, now)
            await audit(work, actor_of(user, row.id, row.address), now, "sessions.token_reused", subject="session",
                        subject_id=row.id, name=user.username)  # fmt: skip
            await work.commit()
        self._forget_for_good(row.id)
        log.warning("refresh token used twice, session ended", extra={"username": user.username, "session": row.id})
        raise refused("refresh token used twice")

    async def actor(self, session_id: str, address: str = "") -> Actor:
        """Return who a session belongs to, with the rights of this moment.

        Raises:
            UnauthenticatedError: Ended, idle for too long, past its days, or its user was deactivated.
            UnavailableError: The database does not answer and the session is not known here.
        """
        if session_id in self._ended:
            raise refused("ended")
        now = self._clock.now()
        known = self._known.get(session_id)
        age = now - known.read_at if known is not None else -1
        if known is None or not 0 <= age < REREAD_S * MICROS_PER_S:
            known = await self._reread(session_id, known, now)
        elif age >= REREAD_EARLY_S * MICROS_PER_S and not known.is_being_reread:
            known = await self._reread_ahead(session_id, known, now)
        self._check(known.row, known.user, now)
        self._check_activity(known.row, known.user, now)
        if now - known.touched_at >= TOUCH_S * MICROS_PER_S:
            await self._touch(known, now)
        is_over = known.actor_until is not None and known.actor_until <= now
        if known.actor is None or is_over or known.actor.address != address:
            known.actor = actor_with(known.user, known.holdings, now, session_id, address)
            known.actor_until = known.holdings.changes_after(now)
        return known.actor

    def idle_s(self, user_role: Role) -> int | None:
        """Return after how many seconds a page that nobody touches signs out; None for never."""
        return None if self._untouched is None or user_role in self._exempt else self._untouched // MICROS_PER_S

    async def note_activity(self, session_id: str) -> None:
        """Note that somebody is in front of the page of a session; cheap enough for once a minute per person."""
        now = self._clock.now()
        known = self._known.get(session_id)
        if known is not None and known.row.active_at is not None:
            known.row = replace(known.row, seen_at=now, active_at=now)
        async with self._work(EVERY_SITE) as work:
            row = await work.users.session(session_id)
            if row is None or row.active_at is None:
                return  # A program's session has no page.
            await work.users.note_activity(session_id, now)
            await work.commit()

    async def end(self, actor: Actor, session_id: str) -> None:
        """End one session, here at once; one that has ended stays as it is."""
        self._forget_for_good(session_id)
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            if await work.users.revoke_session(session_id, now):
                await self._note_end(work, actor, now, session_id)
            await work.commit()

    async def end_all(self, actor: Actor, user_id: str, but: str | None = None) -> int:
        """End every session of a user except ``but``; return how many."""
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            rows = [row for row in await work.users.sessions(user_id) if row.id != but]
            for row in rows:
                if await work.users.revoke_session(row.id, now):
                    await self._note_end(work, actor, now, row.id)
            await work.commit()
        for row in rows:
            self._forget_for_good(row.id)
        self.forget_user(user_id)
        return len(rows)

    @staticmethod
    async def _note_end(work: Work, actor: Actor, now: Micros, session_id: str) -> None:
        row = await work.users.session(session_id)
        user = await work.users.get(row.user_id) if row else None
        await audit(work, actor, now, "sessions.ended", subject="session", subject_id=session_id,
                    name=user.username if user else "")  # fmt: skip

    async def of_user(self, user_id: str, current: str | None) -> tuple[SessionView, ...]:
        """Return a user's good sessions, the newest first."""
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            rows = [row for row in await work.users.sessions(user_id) if self._is_good(row, now)]
        return tuple(
            SessionView(
                id=row.id,
                created_at=row.created_at,
                seen_at=max(row.seen_at, self._known[row.id].row.seen_at if row.id in self._known else 0),
                expires_at=row.expires_at,
                address=row.address,
                agent=row.agent,
                is_current=row.id == current,
            )
            for row in sorted(rows, key=lambda row: row.created_at, reverse=True)
        )

    def forget_user(self, user_id: str) -> None:
        """Read a user's record anew at the next call: role, sites or state have changed."""
        self._generation += 1
        for session_id in [known.row.id for known in self._known.values() if known.user.id == user_id]:
            del self._known[session_id]

    async def _reread_ahead(self, session_id: str, known: _Known, now: Micros) -> _Known:
        """Read before it is due, for one caller: of hundreds at the same moment, all would read once it is."""
        known.is_being_reread = True
        try:
            return await self._reread(session_id, known, now)
        finally:
            known.is_being_reread = False

    async def _reread(self, session_id: str, known: _Known | None, now: Micros) -> _Known:
        generation = self._generation
        try:
            async with impatient(can_do_without=known is not None), self._work(EVERY_SITE) as work:
                row, user, holdings = await self._read(work, Claims(session_id, known.user.id if known else "", now))
        except UnavailableError:
            if known is None:
                raise
            known.read_at = now  # Ask again in a while, not at every event of an outage.
            return known
        if session_id in self._ended:  # Ended while the database was read.
            raise refused("ended")
        touched_at = max(row.seen_at, known.touched_at if known else Micros(0))
        seen_at = max(row.seen_at, known.row.seen_at if known else Micros(0))
        fresh = _Known(replace(self._newest(row), seen_at=seen_at), user, holdings, now, touched_at)
        if generation == self._generation:
            self._known.pop(session_id, None)
            self._known[session_id] = fresh
            if len(self._known) > KNOWN_MAX:
                del self._known[next(iter(self._known))]
        return fresh

    async def _read(self, work: Work, claims: Claims) -> tuple[SessionRow, User, Holdings]:
        row = await work.users.session(claims.session_id)
        if row is None or (claims.user_id and row.user_id != claims.user_id):
            raise refused("no such session")
        user = await work.users.get(row.user_id)
        if user is None:
            raise refused("no such user")
        return row, user, await holdings_of(work, user)

    async def _touch(self, known: _Known, now: Micros) -> None:
        known.touched_at = now
        known.row = replace(known.row, seen_at=now)
        try:
            async with impatient(), self._work(EVERY_SITE) as work:
                await work.users.touch_session(known.row.id, now)
                await work.commit()
        except UnavailableError:
            pass  # Written a minute later; it only dates the last use.

    def _is_good(self, row: SessionRow, now: Micros) -> bool:
        try:
            self._check_row(row, now)
        except UnauthenticatedError:
            return False
        return True

    def _check(self, row: SessionRow, user: User, now: Micros) -> None:
        self._check_row(row, now)
        if not user.is_active:
            raise refused("user deactivated")

    def _check_activity(self, row: SessionRow, user: User, now: Micros) -> None:
        if row.active_at is None or self._untouched is None or user.role in self._exempt:
            return
        if row.active_at + self._untouched + ACTIVITY_GRACE_S * MICROS_PER_S <= now:
            raise refused("untouched")

    def _newest(self, row: SessionRow) -> SessionRow:
        """Return the row with what this process knows to be newer."""
        known = self._known.get(row.id)
        if known is None or known.row.active_at is None or row.active_at is None:
            return row
        return replace(row, active_at=max(row.active_at, known.row.active_at))

    def _check_row(self, row: SessionRow, now: Micros) -> None:
        if row.revoked_at is not None:
            raise refused("ended")
        if row.expires_at <= now:
            raise refused("past its days")
        if row.seen_at + self._idle <= now:
            raise refused("idle")

    def _signed_in(self, user: User, holdings: Holdings, row: SessionRow, refresh_token: str | None) -> SignedIn:
        permissions = permissions_of(user, holdings)
        access_token, access_expires_at = self._mint.access(user, permissions, row.id, row.expires_at)
        return SignedIn(user, row.id, access_token, access_expires_at, refresh_token, row.expires_at, self._clock.now())

    def _note_replaced(self, session_id: str, old_hash: str, now: Micros) -> None:
        self._replaced.pop(session_id, None)
        self._replaced[session_id] = (old_hash, now)
        if len(self._replaced) > KNOWN_MAX:
            del self._replaced[next(iter(self._replaced))]

    def _forget_for_good(self, session_id: str) -> None:
        self._generation += 1
        self._known.pop(session_id, None)
        self._replaced.pop(session_id, None)
        self._ended[session_id] = None
        if len(self._ended) > KNOWN_MAX:
            del self._ended[next(iter(self._ended))]
