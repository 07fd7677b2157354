"""The right to collect, as one row with a fencing token: ``SqlLease(database, clock)``.

A row outlives a lost connection, so an outage of the database never yields two collectors: the old holder's token is
refused by every write that comes after a change of hands.
"""

from sqlalchemy import Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.errors import ConflictError, FencedError
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.storage.database import Database
from pdm_app.storage.tables import LeaseRow, table_of

LEASES = table_of(LeaseRow)
COLLECTOR = "collector"


class SqlLease:
    """The collector lease of one database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._tokens: dict[str, int] = {}

    async def acquire(self, holder: str, ttl_s: float) -> Fence | None:
        """Take or renew the lease; None while another holder's is still valid.

        Args:
            holder: Names the installation. The same name after a restart takes the lease over at once, with a new
                token, so that what the process before still has under way is refused; of two at once the last to start
                wins.
            ttl_s: Seconds from now for which nobody else gets it.

        Raises:
            UnavailableError: The database does not answer; the lease is then neither taken nor lost.
        """
        try:
            return await self._database.twice("take the collector lease", lambda: self._acquire(holder, ttl_s))
        except ConflictError:
            return None  # Two processes met on the very first lease, and the other one was first.

    async def _acquire(self, holder: str, ttl_s: float) -> Fence | None:
        async with self._database.writing("take the collector lease") as connection:
            found = (await connection.execute(_locked())).one_or_none()
            now = self._clock.now()
            expires_at = now + int(ttl_s * MICROS_PER_S)
            if found is None:
                token = 1
                first = {"name": COLLECTOR, "holder": holder, "token": token, "expires_at": expires_at}
                await connection.execute(insert(LEASES).values(first))
            else:
                next_token = self._next_token(holder, found.holder, found.token, is_valid=found.expires_at > now)
                if next_token is None:
                    return None
                token = next_token
                values = {"holder": holder, "token": token, "expires_at": expires_at}
                await connection.execute(update(LEASES).where(LEASES.c.name == COLLECTOR).values(values))
        self._tokens[holder] = token
        return Fence(token=token)

    def _next_token(self, holder: str, current: str, token: int, *, is_valid: bool) -> int | None:
        """Return the token ``holder`` gets, None while another one's lease is valid."""
        mine = self._tokens.get(holder)
        if mine == token and current == holder:
            return token  # Renewed, even if it had run out: nobody took it meanwhile.
        is_restarted = mine is None and current == holder
        return None if is_valid and not is_restarted else token + 1

    async def release(self, fence: Fence) -> None:
        """Let the next one have it at once; nothing happens if it has changed hands already."""
        async with self._database.writing("release the collector lease") as connection:
            mine = (LEASES.c.name == COLLECTOR, LEASES.c.token == fence.token)
            await connection.execute(update(LEASES).where(*mine).values(expires_at=0, holder=""))


def _locked() -> Select[tuple[str, int, int]]:
    return (
        select(LEASES.c.holder, LEASES.c.token, LEASES.c.expires_at).where(LEASES.c.name == COLLECTOR).with_for_update()
    )


async def check_fence(connection: AsyncConnection, fence: Fence, place: str) -> None:
    """Hold the lease row until the transaction ends, so that it cannot change hands before the commit.

    Raises:
        FencedError: The token is not the newest.
    """
    statement = select(LEASES.c.token).where(LEASES.c.name == COLLECTOR).with_for_update(read=True)
    token = await connection.scalar(statement)
    if token != fence.token:
        raise FencedError(
            f"{place} refused to store anything: the collector lease has moved on from token {fence.token} to {token}. "
            "Another process collects now; this one must stop.",
            token=fence.token,
            newest=token,
        )
