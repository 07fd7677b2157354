"""What somebody on shift does soon after a demo has opened, by the services that people use.

``Opening(shelving, has_come, holds, work, clock)``; run `run` under the supervisor. It is done once for a plant: the
audit trail says whether that alarm was ever shelved.
"""

from collections.abc import Callable
from typing import Protocol

import structlog

from pdm_app.domain.access import EVERY_SITE, Actor, actor_of
from pdm_app.domain.alarms import Alarm
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import ConflictError, NotFoundError
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork

log = structlog.get_logger(__name__)

LOOKS_MAX = 300
LOOK_EVERY_S = 2.0
"""Ten minutes; an alarm that has not come by then is not awaited any longer."""


class Shelving(Protocol):
    """Which alarm is shelved, by whom, and why."""

    @property
    def rule_id(self) -> str: ...
    @property
    def username(self) -> str: ...
    @property
    def for_s(self) -> float: ...
    @property
    def reason(self) -> str: ...


class Shelves(Protocol):
    """What is needed of the service that keeps alarms silent."""

    async def shelve(self, actor: Actor, rule_id: str, for_s: float, reason: str) -> Alarm: ...


class Opening:
    """The scene of a person who shelves an alarm that comes and goes.

    Args:
        shelving: What is done.
        has_come: Whether the alarm of a rule has been called.
        holds: The service by which people shelve.
        work: Where people and the audit trail are.
        clock: Injected time.
    """

    def __init__(
        self, shelving: Shelving, has_come: Callable[[str], bool], holds: Shelves, work: UnitOfWork, clock: Clock
    ) -> None:
        self._shelving = shelving
        self._has_come = has_come
        self._holds = holds
        self._work = work
        self._clock = clock

    async def run(self) -> None:
        """Wait for the alarm and shelve it; return when that is done, was done before, or cannot be done."""
        actor = await self._person()
        if actor is None:
            return
        for _ in range(LOOKS_MAX):
            if self._has_come(self._shelving.rule_id):
                await self._shelve(actor)
                return
            await self._clock.sleep(LOOK_EVERY_S)

    async def _person(self) -> Actor | None:
        """Return who does it; None where that was done once, or the person is gone."""
        done = AuditQuery(action="alarms.shelved", subject_id=self._shelving.rule_id, limit=1)
        async with self._work(EVERY_SITE) as work:
            if await work.audit.page(done):
                return None
            user = await work.users.by_username(self._shelving.username)
        return actor_of(user) if user is not None and user.is_active else None

    async def _shelve(self, actor: Actor) -> None:
        try:
            await self._holds.shelve(actor, self._shelving.rule_id, self._shelving.for_s, self._shelving.reason)
        except (ConflictError, NotFoundError) as error:
            log.info("the opening scene is left out", why=error.message)  # Somebody has been at the rule.
