"""Leads the engine through a stretch of a plant's life: the next step begins when the last is wholly through.

``PlantReplay(source, clock, …)``; ``await run()`` beside the loops of the engine, which know no other clock. In a step
the data come first: they are shown, durable, recorded and judged before anybody who sleeps on the clock wakes. Then
these wake together, and are waited for. So there is no race between time and data, and two replays come out the same.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.alarms import JournalKind
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.plant_replay import ReplayProgress, ReplaySource, ReplayStep
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.engine.intake import Intake
from pdm_app.engine.replay_clock import SETTLED_WITHIN_S, ReplayClock
from pdm_app.stream.alarm_book import AlarmBook
from pdm_app.stream.alarm_queue import AlarmChange
from pdm_app.stream.bus import Overflow, Reader

LOOK_AGAIN_S = 0.001  # Whether those are through who tell nobody when they are.
EVENTS_AT_ONCE = 500
CHANGES_MAX = 100_000  # Of alarms within one step.


class Follows(Protocol):
    """Who takes batches of the durable buffer by their numbers."""

    @property
    def position(self) -> int:
        """Number of the last batch that is done with."""
        ...


async def _on() -> None:
    """Go on at once."""


class PlantReplay:
    """The leader of one replay.

    Args:
        source: What happened.
        clock: That of everybody; moved by nobody else.
        intake: Takes what happened.
        followers: Who must be done with a step's data before time goes on.
        sleepers: Names of the tasks that sleep on the clock; nothing begins before they do.
        book: The alarms.
        work: Where it is forgotten whom an alarm would be told to.
        pace: Awaited after each step, for who wants to look on.
    """

    def __init__(
        self,
        source: ReplaySource,
        clock: ReplayClock,
        intake: Intake,
        followers: Collection[Follows],
        sleepers: Collection[str],
        book: AlarmBook,
        work: UnitOfWork,
        pace: Callable[[], Awaitable[None]] = _on,
    ) -> None:
        self._source = source
        self._clock = clock
        self._intake = intake
        self._followers = followers
        self._sleepers = frozenset(sleepers)
        self._book = book
        self._work = work
        self._pace = pace
        self._samples = 0
        self._alarms = 0
        self._is_over = False

    @property
    def progress(self) -> ReplayProgress:
        """How far it is."""
        source, standing = self._source, sum(1 for _ in self._book.alarms)
        return ReplayProgress(source.start_at, self._clock.now(), source.end_at, self._samples, self._alarms, standing)

    def stop(self) -> None:
        """Have it end after the step that runs."""
        self._is_over = True

    async def run(self) -> None:
        """Replay until the end of the source, or until told to stop.

        Raises:
            UnavailableError: The disk or the database takes nothing more, or a loop does not come to rest.
        """
        await self._until(lambda: self._book.is_open and self._sleepers <= self._clock.sleeping)
        steps = self._source.steps()
        with self._book.changes.reader(CHANGES_MAX, Overflow.DROP_OLDEST) as changes:
            while not self._is_over and (step := await asyncio.to_thread(next, steps, None)) is not None:
                await self._take(step)
                await self._look_after(changes)
                await self._pace()
        if not self._is_over:
            self._clock.move(self._source.end_at)
            self._clock.wake()
            await self._clock.settled()

    async def _take(self, step: ReplayStep) -> None:
        newest = 0
        for batch in step.batches:
            self._clock.move(batch.received_at)
            ticket = self._intake.accept(batch)
            newest = max(newest, ticket.seq)
            self._samples += len(batch)
            self._intake.stamp_stale()
        self._clock.move(step.until)
        await self._intake.settled()
        await self._until(lambda: all(one.position >= newest for one in self._followers))
        self._clock.wake()
        await self._clock.settled()
        await self._until(lambda: not self._book.unsaved)

    async def _look_after(self, changes: Reader[AlarmChange]) -> None:
        """Count what was called, and forget whom to tell: people of today are not told of what was then."""
        happened = changes.drain()
        self._alarms += sum(change.entry.kind is JournalKind.RAISED for change in happened)
        if not happened:
            return
        async with self._work(EVERY_SITE) as work:
            while events := await work.outbox.events(EVENTS_AT_ONCE):
                await work.outbox.drop_events([event.id for event in events])
            await work.commit()

    @staticmethod
    async def _until(is_so: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(SETTLED_WITHIN_S):
                while not is_so():  # noqa: ASYNC110 - those who are waited for tell nobody
                    await asyncio.sleep(LOOK_AGAIN_S)
        except TimeoutError:
            raise UnavailableError(
                f"The replay cannot go on: its last step was not stored within {SETTLED_WITHIN_S:g} s. Look at the "
                "disk's room, and begin the replay again in an empty directory."
            ) from None
