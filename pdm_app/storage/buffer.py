"""The durable buffer on disk: ``DiskBuffer(path, bytes_max, consumers=("recorder", "alarms"))``.

A batch is encoded with its checksum when it is offered, committed by the writer's thread, and kept in memory besides
until every consumer has confirmed it, so that consumers that keep up never read the disk. Nothing that was committed is
evicted: at ``bytes_max`` new batches are refused. A lost confirmation, after kill -9, means that some batches are read
again; consumers are idempotent.
"""

import asyncio
import logging
import sqlite3
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pdm_app.domain.errors import BufferFullError, UnavailableError
from pdm_app.domain.ports import Ticket
from pdm_app.domain.samples import Batch
from pdm_app.storage.blobs import pack
from pdm_app.storage.buffer_file import BufferFile, Stored, open_or_replace
from pdm_app.storage.buffer_writer import BufferWriter, Outcome
from pdm_app.storage.columnar import ROWS_MAX

log = logging.getLogger(__name__)

CONSUMERS = ("recorder", "alarms")
TAIL_BYTES_MAX = 32_000_000
"""Committed batches kept in memory, about a minute at 25,000 samples/s; a slower consumer reads the disk."""
PENDING_BYTES_MAX = 64_000_000
"""Offered but not committed; more than this waiting means that the disk has stopped answering."""
ROOM_AGAIN = 0.9
"""A buffer that has refused counts as full until it is emptied to this share."""
REASONS_MAX = 500  # Characters, in the log.
BATCH_OVERHEAD = 1000  # Bytes of memory that a batch takes beside its columns.


@dataclass(frozen=True, slots=True)
class _Pending:
    """A batch whose commit is under way."""

    batch: Batch
    size: int
    durable: "asyncio.Future[None]"


class DiskBuffer:
    """Queue on disk between sources and consumers; made and used inside one running event loop."""

    def __init__(self, path: Path | str, bytes_max: int, consumers: Sequence[str] = CONSUMERS) -> None:
        """Open the file and start the writer's thread; end both with `close`.

        Args:
            path: The file; its folder is made where there is none.
            bytes_max: Bytes of batches at which new ones are refused.
            consumers: Who must confirm a batch before it is deleted.

        Raises:
            UnavailableError: The file cannot be opened or made.
        """
        self._path = Path(path)
        self._loop = asyncio.get_running_loop()
        file, totals = open_or_replace(self._path, consumers)
        self._positions = dict(totals.positions)
        self._bytes_max = bytes_max
        self._bytes_used = totals.size
        self._stored_samples = totals.samples
        self._released: deque[tuple[int, int]] = deque()  # (seq, samples) confirmed by all, not deleted yet
        self._released_samples = 0
        self._pending: deque[_Pending] = deque()
        self._pending_bytes = 0
        self._newest = totals.newest
        self._durable_to = totals.newest
        self._tail: list[Batch] = []
        self._tail_seqs: list[int] = []
        self._tail_bytes = 0
        self._tail_floor = totals.newest  # Every committed batch above it is in the tail.
        self._waiters: set[asyncio.Future[None]] = set()
        self._known_spoiled: set[int] = set()
        self._is_closed = False
        self.quarantined = totals.quarantined
        self.identity = totals.identity
        self.refused_samples = 0
        self._refusal = ""
        self._failure = ""
        self.lost_samples = 0
        self._file = file
        self._reading = BufferFile(self._path)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="durable-buffer-reader")
        self._writer = BufferWriter(file, self._report)

    # --- sources --------------------------------------------------------------------------------------------------

    def offer(self, batch: Batch) -> Ticket:
        """Take a batch at once; it is on disk when the ticket's future is done.

        The future fails with `UnavailableError` where the disk refused the commit. Nobody needs to await it.

        Raises:
            BufferFullError: The cap is reached, or the disk does not keep up; nothing was taken.
            UnavailableError: The buffer is closed.
            ValueError: More rows than a batch may have.
        """
        if self._is_closed:
            raise UnavailableError("The durable buffer is closed because the program is stopping. Send it again later.")
        if len(batch) > ROWS_MAX:
            raise ValueError(f"a batch of {len(batch)} rows is too long; cut it into batches of at most {ROWS_MAX}")
        entry = Stored(self._newest + 1, len(batch), pack(batch))
        try:
            self._refuse_if_full(entry)
        except BufferFullError as error:
            self._refusal = error.message
            raise
        self._newest = entry.seq
        durable: asyncio.Future[None] = self._loop.create_future()
        durable.add_done_callback(_look_at_error)
        self._pending.append(_Pending(batch.numbered(entry.seq), entry.size, durable))
        self._pending_bytes += entry.size
        self._bytes_used += entry.size
        self._stored_samples += entry.samples
        self._writer.put(entry)
        return Ticket(entry.seq, durable)

    def limit(self, bytes_max: int) -> None:
        """Refuse from so many bytes on; what is there already stays until it is recorded, however much it is."""
        self._bytes_max = bytes_max

    def _refuse_if_full(self, entry: Stored) -> None:
        if self._bytes_used + entry.size > self._bytes_max:
            self.refused_samples += entry.samples
            raise BufferFullError(
                f"The durable buffer is full ({self._bytes_used:,} of {self._bytes_max:,} bytes) and refused "
                f"{entry.samples} samples. They can be sent again once the database takes what waits.",
                bytes_used=self._bytes_used,
                bytes_max=self._bytes_max,
            )
        if self._pending_bytes + entry.size > PENDING_BYTES_MAX:
            self.refused_samples += entry.samples
            raise BufferFullError(
                f"The disk of the durable buffer does not keep up ({self._pending_bytes:,} bytes wait for it): "
                f"{entry.samples} samples were refused. Check the disk of {self._path.parent}.",
                bytes_waiting=self._pending_bytes,
            )

    # --- the writer's reports -------------------------------------------------------------------------------------

    def _report(self, outcome: Outcome) -> None:
        """Hand an outcome from the writer's thread to the event loop."""
        try:
            self._loop.call_soon_threadsafe(self._note, outcome)
        except RuntimeError:
            pass  # The loop is gone and with it everybody who could be told; the batches are on disk.

    def _note(self, outcome: Outcome) -> None:
        self._failure = "" if outcome.error is None else outcome.error.message
        while self._pending and self._pending[0].batch.seq <= outcome.newest:
            self._settle(self._pending.popleft(), outcome)
        if outcome.newest and outcome.error is None:
            self._durable_to = outcome.newest
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(None)
            self._waiters.clear()
        self.quarantined += outcome.spoiled
        if outcome.trimmed_to:
            self._stored_samples -= outcome.trimmed_samples
            self._bytes_used -= outcome.trimmed_bytes
            while self._released and self._released[0][0] <= outcome.trimmed_to:
                self._released_samples -= self._released.popleft()[1]
        self._forget_oldest()

    def _settle(self, pending: _Pending, outcome: Outcome) -> None:
        self._pending_bytes -= pending.size
        if outcome.error is None:
            self._tail.append(pending.batch)
            self._tail_seqs.append(pending.batch.seq)
            self._tail_bytes += _memory_of(pending.batch)
            if not pending.durable.done():
                pending.durable.set_result(None)
            return
        self._bytes_used -= pending.size
        self._stored_samples -= len(pending.batch)
        self.lost_samples += len(pending.batch)
        if not pending.durable.done():
            pending.durable.set_exception(outcome.error)

    def _forget_oldest(self) -> None:
        """Keep the tail within its bytes; who still needs what falls out reads it from disk."""
        count = 0
        while self._tail_bytes > TAIL_BYTES_MAX and count < len(self._tail) - 1:
            self._tail_bytes -= _memory_of(self._tail[count])
            count += 1
        self._drop(count)

    def _drop(self, count: int) -> None:
        if count:
            self._tail_floor = self._tail_seqs[count - 1]
            del self._tail[:count]
            del self._tail_seqs[:count]

    # --- consumers ------------------------------------------------------------------------------------------------

    async def read(self, after: int, samples_max: int) -> Sequence[Batch]:
        """Return committed batches with ``seq`` above ``after`` in order, at least one if there is any.

        A batch whose bytes are damaged comes back empty, is set aside and counted in ``quarantined``.

        Raises:
            UnavailableError: The disk cannot be read.
        """
        if after >= self._tail_floor:
            return self._from_tail(after, samples_max)
        try:
            batches, spoiled = await self._loop.run_in_executor(self._reader, self._reading.read, after, samples_max)
        except sqlite3.Error as error:
            raise UnavailableError(
                f"The durable buffer {self._path} cannot be read: {error}. Check the disk of the data directory.",
                path=str(self._path),
            ) from error
        new = {seq: reason for seq, reason in spoiled.items() if seq not in self._known_spoiled}
        if new:
            self._known_spoiled |= new.keys()
            log.error(
                "The disk has damaged %d batches of the durable buffer %s. They are set aside in it. Check it: %s",
                len(new), self._path, "; ".join(new.values())[:REASONS_MAX],
            )  # fmt: skip
            self._writer.set_aside(new)
        return batches

    def _from_tail(self, after: int, samples_max: int) -> list[Batch]:
        start = end = bisect_right(self._tail_seqs, after)
        total = 0
        while end < len(self._tail):
            total += len(self._tail[end])
            if end > start and total > samples_max:
                break
            end += 1
        return self._tail[start:end]

    async def wait(self, after: int) -> None:
        """Return once a batch with ``seq`` above ``after`` is committed; cancellation leaves nothing behind."""
        while self._durable_to <= after:
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)

    async def confirm(self, consumer: str, seq: int) -> None:
        """Note that ``consumer`` needs nothing up to and including ``seq`` any more; on disk within a second.

        Raises:
            KeyError: The buffer was not made for this consumer.
        """
        if seq <= self._positions[consumer]:
            return
        self._positions[consumer] = min(seq, self._newest)
        self._writer.confirm(consumer, self._positions[consumer])
        done = bisect_right(self._tail_seqs, min(self._positions.values()))
        for batch in self._tail[:done]:
            self._tail_bytes -= _memory_of(batch)
            self._released.append((batch.seq, len(batch)))
            self._released_samples += len(batch)
        self._drop(done)

    async def position(self, consumer: str) -> int:
        """Return the last ``seq`` that ``consumer`` has confirmed, 0 at first.

        Raises:
            KeyError: The buffer was not made for this consumer.
        """
        return self._positions[consumer]

    # --- how it stands --------------------------------------------------------------------------------------------

    @property
    def depth(self) -> int:
        """Samples that are not yet confirmed by every consumer."""
        return self._stored_samples - self._released_samples

    @property
    def bytes_used(self) -> int:
        """Bytes of batches offered and not deleted yet; deletion follows the last confirmation within a second."""
        return self._bytes_used

    @property
    def bytes_max(self) -> int:
        return self._bytes_max

    @property
    def trouble(self) -> str:
        """Why the newest samples were not kept, and what to do; empty once there is room for more."""
        shares = (self._bytes_used / self._bytes_max, self._pending_bytes / PENDING_BYTES_MAX)
        return self._failure or (self._refusal if max(shares) > ROOM_AGAIN else "")

    async def close(self) -> None:
        """Commit what waits and end the threads; safe to call twice."""
        if self._is_closed:
            return
        self._is_closed = True
        self._writer.stop()
        await self._loop.run_in_executor(self._reader, self._writer.thread.join)
        self._reader.shutdown(wait=True)
        self._reading.close()
        self._file.close()


def _memory_of(batch: Batch) -> int:
    texts = sum(len(words) for words in batch.text.values()) if batch.text else 0
    return len(batch) * 22 + texts + BATCH_OVERHEAD


def _look_at_error(durable: "asyncio.Future[None]") -> None:
    """A polled source awaits nothing; asyncio must not complain that nobody looked at its failure."""
    if not durable.cancelled():
        durable.exception()
