"""Watches every sample for alarms, from the bus while it keeps up and from the durable buffer while it does not.

Three loops share one `AlarmBook`: `_judge_forever` takes batches, `_tick_forever` ends delays of silent signals,
`_save_forever` stores what has happened. A change is on screen before it is stored; these rules make that safe:

* The position in the buffer is confirmed only after everything judged up to there is stored: changes first, in order,
  then the memories of all rules judged since. A crash at any point replays at least what is not stored, and a memory
  ignores what it has judged already; so the journal comes out the same as without the crash.
* A change, the alarm and the memory after it are stored in one transaction.
* While the database is out, judging goes on and changes wait, in order, up to the book's bound. Beyond it judging stops
  and samples wait in the buffer; `AlarmWatch.status` says so.

A reader that falls behind on the bus loses nothing: it takes from the buffer what it missed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import structlog

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.alarms import AlarmRule, RuleMemory
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.outbox import events_of
from pdm_app.domain.ports import Buffer, Clock, Fence
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros
from pdm_app.engine.supervisor import Backoff, first_of
from pdm_app.stream.alarm_book import AlarmBook
from pdm_app.stream.alarm_queue import Unsaved
from pdm_app.stream.bus import Bus, FellBehindError, Overflow, Reader
from pdm_app.stream.connection_alarms import ConnectionAlarms

log = structlog.get_logger(__name__)

CONSUMER = "alarms"
BATCHES_WAITING_MAX = 1_000
SAMPLES_PER_READ_MAX = 50_000
CHANGES_PER_SAVE_MAX = 1_000
TICK_EVERY_S = 0.25
CHECKPOINT_EVERY_S = 2.0  # What a crash has to replay at least; each costs one small transaction.
CHECKPOINT_ROWS_PER_S_MAX = 500  # Thousands of rules are checkpointed less often rather than at a price.
COMMIT_WAIT_S_MAX = 2.0  # Far above the buffer's group commit; beyond it the disk is in trouble, not late.


@dataclass(frozen=True, slots=True)
class AlarmWatchStatus:
    """How the watch is doing.

    Attributes:
        is_live: Judges from the bus; False while it catches up from the buffer.
        is_paused: Too many changes wait for the database; nothing is judged.
        fell_behind: How often it had to catch up from the buffer.
        latency_ms: From receipt of the newest batch to the end of its judging.
        storing_failed_since: When storing began to fail, None while it works.
    """

    is_live: bool
    is_paused: bool
    fell_behind: int
    judged: int
    transitions: int
    unsaved: int
    delays_running: int
    latency_ms: float
    storing_failed_since: Micros | None


class AlarmWatch:
    """The engine's alarm part: `run` and `drain` it under the supervisor.

    Args:
        book: What is judged, shown and acknowledged; closed to people until `run` leads.
        bus: Read live.
        buffer: Read where the bus was missed, from the position confirmed last.
        work: Where rules, memories, alarms and journal are stored.
        clock: Injected time.
        fence: Returns the proof of the collector lease once it is held; checked by every transaction.
        own_rules: Rules that are part of the program and always in force, beside the stored ones.
        has_connections: Each stored connection has such a rule, too.

    Attributes:
        on_events: Called when changes are stored that somebody may have to be told of.
    """

    def __init__(
        self,
        book: AlarmBook,
        bus: Bus[Batch],
        buffer: Buffer,
        work: UnitOfWork,
        clock: Clock,
        fence: Callable[[], Awaitable[Fence]],
        own_rules: Sequence[AlarmRule] = (),
        has_connections: bool = False,
    ) -> None:
        self.on_events: Callable[[], None] = _nobody
        self._own_rules = own_rules
        self.connections, self._has_connections = ConnectionAlarms(), has_connections
        self._book = book
        self._bus = bus
        self._buffer = buffer
        self._work = work
        self._clock = clock
        self._fence = fence
        self._leads = False
        book.is_open = False
        self._reader: Reader[Batch] | None = None
        self._judged_to = 0  # seq of the newest batch judged
        self._confirmed_to = 0
        self._judging = asyncio.Lock()
        self._is_live = False
        self._is_paused = False
        self._fell_behind = 0
        self._dropped_seen = 0
        self._latency_ms = 0.0
        self._saving = asyncio.Lock()
        self._checkpoint_due_at = Micros(0)
        self._failed_since: Micros | None = None
        self._backoff = Backoff(first_s=0.5, cap_s=5.0)

    async def load(self) -> None:
        """Take over rules, memories and standing alarms from storage.

        `run` does it when it leads; do it before for screens that want to show something meanwhile.

        Raises:
            UnavailableError: The database does not answer.
        """
        async with self._work(EVERY_SITE) as work:
            rules = await self._rules(work)
            memories = await work.alarms.memories()
            standing = await work.alarms.standing()
            signals = await work.signals.all()
        simulated = frozenset(signal.id for signal in signals if signal.simulated)
        self._book.load(rules, memories, standing, simulated, self._clock.now())
        self._judged_to = self._confirmed_to = await self._buffer.position(CONSUMER)

    async def reload(self) -> None:
        """Put the stored rules in force, after one was added, changed or switched off."""
        async with self._work(EVERY_SITE) as work:
            rules = await self._rules(work)
            signals = await work.signals.all()
        simulated = frozenset(signal.id for signal in signals if signal.simulated)
        self._book.reload(rules, simulated, self._clock.now())

    async def _rules(self, work: Work) -> list[AlarmRule]:
        of_connections = self.connections.rules(await work.connections.all()) if self._has_connections else ()
        return [*await work.alarms.rules(), *self._own_rules, *of_connections]

    async def run(self) -> None:
        """Watch until cancelled; what is not stored then is found again from the buffer.

        Raises:
            FencedError: Another process watches; this one must stop.
            UnavailableError: Storage or buffer do not answer; run again, nothing in memory is forgotten.
        """
        if not self._leads:
            await self._fence()
            await self.load()  # Whoever led until now has stored more since this process looked first.
            self._leads = self._book.is_open = True
        await first_of(self._judge_forever(), self._tick_forever(), self._save_forever())

    async def drain(self) -> None:
        """Judge what has arrived and store everything; call it when no more batches come, before `run` is cancelled.

        Raises:
            UnavailableError: The database does not answer; the rest is found again from the buffer.
        """
        if not self._leads:
            return
        self._book.is_open = False
        async with self._judging:
            if self._reader is not None:
                await self._take(self._reader.drain())
        await self.save(checkpoint=True)

    async def judge_beside(self, batch: Batch) -> bool:
        """Judge samples that come neither by the bus nor from the buffer, such as the product's own checks.

        They are judged once and never found again after a crash: what sends them has to send how it is anew.

        Returns:
            False: They were not judged, because another process leads or too many changes wait for the database.
        """
        async with self._judging:
            if not self._leads or not self._book.is_open or self._book.is_full:
                return False
            self._book.judge(batch, self._clock.now())
            return True

    async def tell_shifts(self, runs: Mapping[str, bool]) -> None:
        """Say at which sites a shift runs now, by their ids; told again and again, so that nothing of it is stored."""
        async with self._judging:
            if self._leads and self._book.is_open and not self._book.is_full:
                self._book.tell_shifts(runs, self._clock.now())

    @property
    def status(self) -> AlarmWatchStatus:
        return AlarmWatchStatus(
            is_live=self._is_live,
            is_paused=self._is_paused,
            fell_behind=self._fell_behind,
            judged=self._book.judged,
            transitions=self._book.transitions,
            unsaved=self._book.unsaved,
            delays_running=self._book.delays_running,
            latency_ms=self._latency_ms,
            storing_failed_since=self._failed_since,
        )

    @property
    def position(self) -> int:
        """Number of the newest batch of the buffer that is judged."""
        return self._judged_to

    # --- judging --------------------------------------------------------------------------------------------------

    async def _judge_forever(self) -> None:
        with self._bus.reader(BATCHES_WAITING_MAX, Overflow.FALL_BEHIND) as reader:
            self._reader = reader
            self._dropped_seen = 0
            async with self._judging:
                await self._catch_up()
            while True:
                try:
                    first = await reader.get()
                except FellBehindError:
                    self._fell_behind += 1
                    log.warning("alarms fell behind and catch up from the buffer", after_seq=self._judged_to)
                    async with self._judging:
                        self._dropped_seen = reader.dropped
                        await self._catch_up()
                else:
                    async with self._judging:
                        await self._take([first, *reader.drain()])

    async def _take(self, batches: Sequence[Batch]) -> None:
        """Judge batches from the bus; those judged already are skipped, those missed before them are fetched.

        A batch without a seq is one that the full buffer refused: it is judged now or never.
        """
        numbered = [batch.seq for batch in batches if batch.seq]
        if numbered and numbered[0] > self._judged_to + 1:
            self._is_live = False
            await self._await_commit(numbered[0])
            await self._catch_up()
        fresh = [batch for batch in batches if not batch.seq or batch.seq > self._judged_to]
        if fresh:
            await self._await_room()
            self._judge(fresh)

    async def _catch_up(self) -> None:
        self._is_live = False
        while batches := await self._buffer.read(self._judged_to, SAMPLES_PER_READ_MAX):
            await self._await_room()
            self._judge(batches)
            await asyncio.sleep(0)  # A long way back must not freeze the screens.
        self._is_live = True

    def _judge(self, batches: Sequence[Batch]) -> None:
        now = self._clock.now()
        batch = batches[0] if len(batches) == 1 else _joined(batches)
        self._book.judge(batch, now)
        self._judged_to = max(self._judged_to, batch.seq)
        if len(batch):
            self._latency_ms = (self._clock.now() - batch.received_at) / 1000

    async def _await_room(self) -> None:
        if not self._book.is_full:
            return
        self._is_paused = True
        log.critical("alarms are not judged: too many changes wait for the database", changes=self._book.unsaved)
        while self._book.is_full:
            await self._clock.sleep(TICK_EVERY_S)
        self._is_paused = False
        log.warning("alarms are judged again", changes=self._book.unsaved)

    async def _await_commit(self, seq: int) -> bool:
        """Wait until the buffer has ``seq`` on disk; False if it has not in reasonable time."""
        try:
            async with asyncio.timeout(COMMIT_WAIT_S_MAX):
                await self._buffer.wait(seq - 1)
        except TimeoutError:
            log.warning("the buffer has not committed a batch in time", seq=seq)
            return False
        return True

    async def _tick_forever(self) -> None:
        while True:
            await self._clock.sleep(TICK_EVERY_S)
            self.tick()

    def tick(self) -> None:
        """End shelvings by the clock, and delays of silent signals unless samples wait that may say more."""
        if not self._book.is_full and self._leads:
            self._book.unshelve_expired(self._clock.now())
        reader = self._reader
        if reader is None or len(reader) or reader.dropped != self._dropped_seen or not self._is_live:
            return
        if not self._book.is_full:
            self._book.tick(self._clock.now())

    # --- storing --------------------------------------------------------------------------------------------------

    async def _save_forever(self) -> None:
        random = Random()
        while True:
            if not self._book.unsaved:
                await first_of(self._book.unsaved_arrived(), self._clock.sleep(CHECKPOINT_EVERY_S))
            try:
                await self.save(checkpoint=self._clock.now() >= self._checkpoint_due_at)
            except UnavailableError as error:
                if self._failed_since is None:
                    self._failed_since = self._clock.now()
                    log.error("alarms cannot be stored and wait in memory", error=error.message)
                await self._clock.sleep(self._backoff.next_s(random))
            else:
                if self._failed_since is not None:
                    log.warning("alarms are stored again")
                    self._failed_since = None
                self._backoff.reset()

    async def save(self, *, checkpoint: bool) -> None:
        """Store all changes and, with ``checkpoint``, the memories; then confirm the position in the buffer.

        Raises:
            UnavailableError: The database does not answer; nothing is lost, call it again.
        """
        async with self._saving:
            while len(changes := self._book.oldest_unsaved(CHANGES_PER_SAVE_MAX)) == CHANGES_PER_SAVE_MAX:
                await self._store(changes)
            if checkpoint:
                await self._checkpoint(changes)
            elif changes:
                await self._store(changes)

    async def _checkpoint(self, changes: Sequence[Unsaved]) -> None:
        judged_to = self._judged_to
        mark = self._book.checkpoint()
        try:
            await self._store(changes, mark.memories)
        except BaseException:
            mark.put_back()
            raise
        wait_s = max(CHECKPOINT_EVERY_S, len(mark.memories) / CHECKPOINT_ROWS_PER_S_MAX)
        self._checkpoint_due_at = Micros(self._clock.now() + round(wait_s * MICROS_PER_S))
        # A seq that is confirmed but never reached the disk would be given away again after a crash, and then skipped.
        if judged_to > self._confirmed_to and await self._await_commit(judged_to):
            await self._buffer.confirm(CONSUMER, judged_to)
            self._confirmed_to = judged_to

    async def _store(self, changes: Sequence[Unsaved], memories: Sequence[RuleMemory] = ()) -> None:
        """Store in one transaction; of a rule or an alarm that occurs more than once, the newest."""
        memory_of = {unsaved.memory.rule_id: unsaved.memory for unsaved in changes if unsaved.memory is not None}
        memory_of |= {memory.rule_id: memory for memory in memories}
        alarm_of = {unsaved.change.alarm.id: unsaved.change.alarm for unsaved in changes}
        if not memory_of and not alarm_of:
            return
        fence = await self._fence()
        entries = [unsaved.change.entry for unsaved in changes]
        events = events_of(entries)
        async with self._work(EVERY_SITE) as work:
            await work.hold(fence)
            if memory_of:
                await work.alarms.put_memories(list(memory_of.values()))
            if alarm_of:
                await work.alarms.put(list(alarm_of.values()))
                await work.alarms.append(entries)
                await work.outbox.add_events(events)
            for unsaved in changes:
                if unsaved.fact is not None:
                    await work.audit.add(unsaved.fact)
            await work.commit()
        self._book.saved(changes)
        if events:
            self.on_events()


def _nobody() -> None:
    """Nobody tells people here."""


def _joined(batches: Sequence[Batch]) -> Batch:
    """Return the numbers of several batches, in order, as one; it counts as received when the last was.

    An empty batch, which stands where the buffer could not read one, was received never.
    """
    return Batch(
        device="",
        signal=np.concatenate([batch.signal for batch in batches]),
        source_at=np.concatenate([batch.source_at for batch in batches]),
        value=np.concatenate([batch.value for batch in batches]),
        quality=np.concatenate([batch.quality for batch in batches]),
        received_at=max(batch.received_at for batch in batches),
        seq=max(batch.seq for batch in batches),
    )
