"""What a directory handed over about somebody whose session is not open yet, and what is kept of it afterwards.

Between a proof of a directory and the session there may be steps, such as our own second factor; the challenge of a
step names the arrival. Tokens of a provider never leave this process but sealed, for the session that they belong to.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import orjson

from pdm_app.domain.directories import DirectorySessionRow
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import Work
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.domain.secrets import PLAIN_BYTES_MAX, Sealer, SealError, SecretFact
from pdm_app.services.tokens import refused

PURPOSE = "directory.session"  # Of a sealed secret; the record is the session.
LIFE_S = 600
ARRIVALS_MAX = 10_000  # Beyond this the oldest is forgotten, and its owner begins again.

Also = Callable[[Work, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody for whom a directory vouches; the tokens are the provider's, empty for LDAP."""

    directory_id: str
    subject: str
    sid: str = ""
    id_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)


class Arrivals:
    """Those under way, in memory, and what is stored of the sessions they became."""

    def __init__(self, clock: Clock, sealer: Sealer) -> None:
        self._clock = clock
        self._sealer = sealer
        self._waiting: dict[str, tuple[Arrival, Micros]] = {}

    def keep(self, arrival: Arrival) -> str:
        """Remember an arrival for some minutes and return its handle."""
        handle = secrets.token_urlsafe(24)
        self._waiting[handle] = (arrival, self._clock.now())
        if len(self._waiting) > ARRIVALS_MAX:
            del self._waiting[next(iter(self._waiting))]
        return handle

    def opening(self, handle: str) -> Also | None:
        """Return what to do in the transaction that opens the session; None for somebody of no directory.

        Raises:
            UnauthenticatedError: The arrival is not known any more: it took too long, or the product was restarted.
        """
        if not handle:
            return None
        arrival, at = self._waiting.get(handle, (None, Micros(0)))
        if arrival is None or at + LIFE_S * MICROS_PER_S <= self._clock.now():
            raise refused("arrival forgotten")

        async def also(work: Work, session_id: str) -> None:
            row = DirectorySessionRow(session_id, arrival.directory_id, arrival.subject, arrival.sid, self._clock.now())
            for gone in await work.identities.forget_sessions():
                await work.secrets.remove(PURPOSE, gone)
            await work.identities.put_session(row)
            await self.seal(work, session_id, arrival.id_token, arrival.refresh_token)
            self._waiting.pop(handle, None)

        return also

    async def seal(self, work: Work, session_id: str, id_token: str, refresh_token: str) -> None:
        """Keep the provider's tokens of a session, as many as fit."""
        if not (id_token or refresh_token):
            return
        plain = orjson.dumps([id_token, refresh_token]).decode()
        if len(plain.encode()) > PLAIN_BYTES_MAX:
            plain = orjson.dumps(["", refresh_token[: PLAIN_BYTES_MAX // 2]]).decode()
        sealed = self._sealer.seal(plain, purpose=PURPOSE, record_id=session_id)
        fact = SecretFact(
            purpose=PURPOSE, record_id=session_id, key_id=sealed.split(".")[1], changed_at=int(self._clock.now())
        )
        await work.secrets.put(fact, sealed)

    async def tokens(self, work: Work, session_id: str) -> tuple[str, str]:
        """Return ID token and refresh token of a session, empty where there is none or it cannot be opened."""
        sealed = await work.secrets.sealed(PURPOSE, session_id)
        if sealed is None:
            return "", ""
        try:
            id_token, refresh_token = orjson.loads(self._sealer.open(sealed, purpose=PURPOSE, record_id=session_id))
        except (SealError, ValueError):
            return "", ""
        return str(id_token), str(refresh_token)
