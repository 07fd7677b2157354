"""Ask whether the system itself is sound: checks, figures, versions."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record

log = logging.getLogger(__name__)


class Check(Record):
    """One part of the system: is it sound, in words, and what to do if not."""

    name: str
    ok: bool
    detail: str
    needed: bool = True


class Health(Record):
    """All checks at one time; ``ready`` is False while a needed part is not sound."""

    ready: bool
    at: int
    checks: tuple[Check, ...]


class SystemInfo(Record):
    """What runs here, since when, and how it is doing now; ``samples_dropped`` came and are not in the history."""

    version: str
    started_at: int
    now: int
    database: str
    data_dir: str
    demo: bool
    python: str
    samples_recorded: int
    samples_per_s: float
    buffer_samples: int
    buffer_bytes: int
    buffer_bytes_max: int
    samples_dropped: int
    viewers: int
    memory_bytes: int
    cpu_percent: float
    history_cache_percent: float | None = None
    history_cache_bytes: int = 0


FRESH_US = 1_000_000
CHECK_S_MAX = 2.0  # A probe that hangs with what it probes says less than one that gives up.

HealthChecks = Mapping[str, Callable[[], Awaitable[Check]]]


class SystemService:
    """Reads of the system's own state."""

    def __init__(self, checks: HealthChecks, info: Callable[[], SystemInfo], clock: Clock) -> None:
        self._checks = checks
        self._info = info
        self._clock = clock
        self._newest: Health | None = None
        self._looking = asyncio.Lock()

    def now(self) -> int:
        """Return the server's time in microseconds UTC; no secret, so it asks for no actor."""
        return self._clock.now()

    def version(self) -> str:
        """Return the product's version; no secret, so it asks for no actor."""
        return self._info().version

    async def health(self) -> Health:
        """Run every check; needs no actor, because probes have none: the texts hold no secret.

        Whoever asks within a second of somebody else gets the same answer, so that no number of probes, from whomever,
        keeps the database from its work.
        """
        async with self._looking:
            if self._newest is None or not 0 <= self._clock.now() - self._newest.at < FRESH_US:
                self._newest = await self._look()
            return self._newest

    async def _look(self) -> Health:
        before = {check.name: check.needed for check in self._newest.checks} if self._newest is not None else {}
        checks = await asyncio.gather(
            *(_answer(name, check, needed=before.get(name, True)) for name, check in self._checks.items())
        )
        ready = all(check.ok for check in checks if check.needed)
        return Health(ready=ready, at=self._clock.now(), checks=tuple(checks))

    async def info(self, actor: Actor) -> SystemInfo:
        """Return versions and figures."""
        actor.require(Permission.SYSTEM_READ)
        return self._info()


async def _answer(name: str, check: Callable[[], Awaitable[Check]], *, needed: bool) -> Check:
    """Return what a check says, or that it says nothing; then it is as needed as it was when it last answered."""
    try:
        async with asyncio.timeout(CHECK_S_MAX):
            return await check()
    except TimeoutError:
        return Check(name=name, ok=False, detail=f"did not answer within {CHECK_S_MAX:g} s", needed=needed)
    except Exception:  # One part that fails must not hide how the others are.
        log.exception("health check failed", extra={"check": name})
        return Check(name=name, ok=False, detail="could not be checked; the log says why", needed=needed)
