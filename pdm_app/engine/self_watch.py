"""Raises and returns the product's own alarms: what the health checks say is judged by the rules of `self_alarms`.

Connections are looked at beside them, each by a rule of its own.
``SelfWatch(health, watch, book, clock, statuses)``; run `run` under the supervisor. The alarms are judged in memory, so
they are on screen also while the database is what is in trouble.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from pdm_app.domain.alarms import Alarm
from pdm_app.domain.connections import DOWN, ConnectionStatus
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.ports import Clock
from pdm_app.domain.samples import Micros
from pdm_app.domain.self_alarms import SYSTEM_ID, self_batch
from pdm_app.engine.alarm_watch import AlarmWatch
from pdm_app.services.system import Health
from pdm_app.stream.alarm_book import AlarmBook
from pdm_app.stream.connection_alarms import rule_id

LOOK_EVERY_S = 10.0
DETAIL_MAX = 1_000


class SelfWatch:
    """Looks at the checks every ten seconds."""

    def __init__(
        self,
        health: Callable[[], Awaitable[Health]],
        watch: AlarmWatch,
        book: AlarmBook,
        clock: Clock,
        statuses: Callable[[], Sequence[ConnectionStatus]] = list,
    ) -> None:
        self._connections = watch.connections
        self._statuses = statuses
        self._health = health
        self._watch = watch
        self._book = book
        self._clock = clock

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.step()
            await self._clock.sleep(LOOK_EVERY_S)

    async def step(self) -> None:
        """Look once: judge what the checks say, and note beside an alarm that was raised what its check said."""
        health = await self._health()
        batch = self_batch({check.name: check.ok for check in health.checks}, self._clock.now())
        if not await self._watch.judge_beside(batch):
            return
        said = {f"{SYSTEM_ID}.{check.name}": check.detail for check in health.checks if not check.ok}
        said |= await self._look_at_connections()
        for alarm in self._book.alarms:
            if alarm.asset_id == SYSTEM_ID and alarm.state.is_active and not alarm.comment and alarm.rule_id in said:
                self._note(alarm, said[alarm.rule_id])

    async def _look_at_connections(self) -> dict[str, str]:
        """Judge how connections are; return why those that are down are so, by their rules."""
        statuses = {status.connection_id: status for status in self._statuses()}
        if not self._connections.is_of(list(statuses)):
            try:
                await self._watch.reload()  # One was added or removed.
            except UnavailableError:
                return {}  # Those that are known stay as they are until the database answers.
        is_up = {connection_id: status.state not in DOWN for connection_id, status in statuses.items()}
        await self._watch.judge_beside(self._connections.batch(is_up, self._clock.now()))
        return {
            rule_id(connection_id): status.last_error
            for connection_id, status in statuses.items()
            if not is_up[connection_id] and status.last_error
        }

    def _note(self, alarm: Alarm, detail: str) -> None:
        at = Micros(max(self._clock.now(), alarm.raised_at + 1))  # So that the journal tells the two in this order.
        try:
            _, stored = self._book.remark(alarm, at, SYSTEM_ID, detail[:DETAIL_MAX])
        except UnavailableError:
            return  # Too much waits for the database; the health page says the same.
        stored.add_done_callback(_seen)


def _seen(stored: "asyncio.Future[None]") -> None:
    """Nobody waits for this note; a future that was given up with the book is no fault."""
    if not stored.cancelled():
        stored.exception()
