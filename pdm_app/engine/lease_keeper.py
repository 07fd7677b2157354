"""Holds the right to collect, so that two processes on one database never collect twice.

``LeaseKeeper(lease, clock, holder)``; run `run` under the supervisor, await `held` before collecting, read `fence` for
every write. ``holder`` names the installation (its data directory), not the process: after a kill -9 the next start
takes its own lease back at once instead of waiting for it to run out.
"""

import asyncio

import structlog

from pdm_app.domain.errors import FencedError, UnavailableError
from pdm_app.domain.ports import Clock, Fence, Lease

log = structlog.get_logger(__name__)

TTL_S = 15.0
RELEASE_S_MAX = 1.0  # A database that hangs must not hold up the end of the process; the lease runs out by itself.
WAIT_S = 1.0  # A standby looks this often, so it takes over within about a second of the lease's end.


class LeaseKeeper:
    """Acquires the lease, renews it at a third of its life, and notices when it is gone.

    While the database is down the lease cannot be renewed, but nobody else can take it either: collection goes on into
    the durable buffer. When the database is back and another holder has the lease, this process ends loudly.
    """

    def __init__(self, lease: Lease, clock: Clock, holder: str, ttl_s: float = TTL_S) -> None:
        self._lease = lease
        self._clock = clock
        self._holder = holder
        self._ttl_s = ttl_s
        self._fence: Fence | None = None
        self._held = asyncio.Event()
        self.waiting = False
        self.last_error = ""

    @property
    def fence(self) -> Fence | None:
        """The current proof, None before the lease was first acquired."""
        return self._fence

    async def held(self) -> Fence:
        """Wait until this process holds the lease and return its proof."""
        await self._held.wait()
        if self._fence is None:
            raise AssertionError("the lease is marked as held without a fence")
        return self._fence

    async def run(self) -> None:
        """Acquire, then renew for ever.

        Raises:
            FencedError: Another process took the lease after this one had held it.
        """
        while True:
            try:
                fence = await self._lease.acquire(self._holder, self._ttl_s)
            except (UnavailableError, OSError, TimeoutError) as error:
                if not self.last_error:
                    log.warning("the collector lease cannot be renewed now", error=str(error))
                self.last_error = str(error)
                await self._clock.sleep(WAIT_S)
                continue
            self.last_error = ""
            if fence is None:
                await self._refused()
                continue
            if self._fence is None:
                log.info("this process collects", holder=self._holder, token=fence.token)
            self.waiting = False
            self._fence = fence
            self._held.set()
            await self._clock.sleep(self._ttl_s / 3)

    async def _refused(self) -> None:
        if self._fence is not None:
            raise FencedError(
                "Another process has taken the collector lease of this database while this one could not renew it. "
                "This one stops; started again, it waits as a standby.",
                holder=self._holder,
            )
        if not self.waiting:
            self.waiting = True
            log.warning("another process collects from this database; this one waits", holder=self._holder)
        await self._clock.sleep(WAIT_S)

    async def release(self) -> None:
        """Give the lease back, so that a standby need not wait for its end; never raises."""
        fence, self._fence = self._fence, None
        self._held.clear()
        if fence is None:
            return
        try:
            async with asyncio.timeout(RELEASE_S_MAX):
                await self._lease.release(fence)
        except (UnavailableError, OSError, TimeoutError) as error:
            why = str(error) or f"the database did not answer within {RELEASE_S_MAX:g} s"
            log.warning("the collector lease could not be released; it runs out by itself", error=why)
