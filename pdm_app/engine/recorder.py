"""Moves samples from the durable buffer into the historian, in batches, until each is confirmed.

``Recorder(buffer, historian, fence, clock, settled)``; run `run` under the supervisor with
``backoff=recorder.backoff``, ``on_retry=recorder.retrying`` and ``drain=recorder.drain``. Nothing is lost when it dies
anywhere: a batch is confirmed only after it was written, and writing it again changes nothing.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from pdm_app.domain.ports import Buffer, Clock, Fence, Historian
from pdm_app.domain.samples import MICROS_PER_S, Batch
from pdm_app.engine.supervisor import Backoff, Retry, first_of
from pdm_app.engine.thinner import Picked, Thinner

log = structlog.get_logger(__name__)

CONSUMER = "recorder"
SAMPLES_MAX = 20_000  # Per transaction: beyond, commits get longer without getting cheaper per sample.
GATHER_S = 0.25  # How long a small write waits for company.
WRITE_S_MAX = 30.0
RATE_WINDOW_US = 10 * MICROS_PER_S


@dataclass(frozen=True, slots=True)
class RecorderStatus:
    """How recording stands. Times in microseconds UTC.

    Attributes:
        recording: False while the database does not take samples.
        lag_s: Age of the oldest sample that was read from the buffer and is not in the historian yet, by receipt.
        waiting: Samples in the buffer that some consumer has not confirmed.
        samples_per_s: Recorded, over the last ten seconds.
        samples_total: Recorded since the start of the process.
        duplicates_total: Of these, how many were there already.
    """

    recording: bool
    lag_s: float
    waiting: int
    samples_per_s: float
    samples_total: int
    duplicates_total: int
    last_write_at: int | None
    last_write_ms: float | None
    last_error: str


async def _at_once() -> None:
    """Wait for nothing: what is read from the buffer is committed anyway."""


class Recorder:
    """The consumer that fills the historian.

    Args:
        buffer: Read from the position that this consumer confirmed last.
        historian: Written to.
        fence: Returns the proof of the lease once it is held; asked before every write.
        clock: Injected time.
        settled: Returns once everything that was offered to the buffer is committed; awaited before a drain.
        thinner: Picks what is stored; everything is where there is none.
        gather_s: So long after a write the next one waits for more, by the clock.
    """

    def __init__(
        self,
        buffer: Buffer,
        historian: Historian,
        fence: Callable[[], Awaitable[Fence]],
        clock: Clock,
        settled: Callable[[], Awaitable[None]] = _at_once,
        thinner: Thinner | None = None,
        gather_s: float = GATHER_S,
    ) -> None:
        self._buffer = buffer
        self._historian = historian
        self._fence = fence
        self._clock = clock
        self._settled = settled
        self._thinner = thinner
        self._gathers_s = gather_s
        self._position = 0
        self.backoff = Backoff(first_s=0.25, cap_s=2.0)
        self._samples_total = 0
        self._duplicates_total = 0
        self._writes: deque[tuple[int, int]] = deque(maxlen=1000)  # (at, samples)
        self._last_write_at: int | None = None
        self._last_write_ms: float | None = None
        self._last_error = ""
        self._oldest_at: int | None = None
        self._failing_since: int | None = None
        self._awaits_lease = False
        self._draining = asyncio.Event()
        self._drained = asyncio.Event()

    async def run(self) -> None:
        """Record until drained; cancellation leaves unconfirmed batches in the buffer.

        Raises:
            UnavailableError: The database does not take samples now; run again later.
            FencedError: Another process records.
        """
        if self._thinner is not None:
            await self._thinner.begin()
        confirmed = await self._buffer.position(CONSUMER)
        position = self._position = max(self._position, confirmed)
        if position > confirmed:  # A write before was kept, and what waits after it was not saved.
            await self._confirm(position, at_once=True)
        while True:
            batches = await self._buffer.read(position, SAMPLES_MAX)
            if not batches:
                if self._draining.is_set():
                    await self._confirm(position, at_once=True)
                    self._drained.set()
                    return
                await first_of(self._buffer.wait(position), self._draining.wait())
                continue
            self._oldest_at = batches[0].received_at
            samples = sum(len(batch) for batch in batches)
            if samples < SAMPLES_MAX and not self._draining.is_set() and self._gather_s() > 0:
                await first_of(self._clock.sleep(self._gather_s()), self._draining.wait())
                continue
            self._awaits_lease = True
            fence = await self._fence()
            self._awaits_lease = False
            began_at = self._clock.now()
            picked = self._pick(batches)
            async with asyncio.timeout(WRITE_S_MAX):
                recorded = await self._historian.write(batches if picked is None else picked.batches, fence)
            if self._thinner is not None and picked is not None:
                self._thinner.stored(picked)
            position = self._position = batches[-1].seq
            await self._confirm(position)
            self._note(recorded.samples, recorded.duplicates, began_at)

    def _pick(self, batches: Sequence[Batch]) -> Picked | None:
        return None if self._thinner is None else self._thinner.pick(batches)

    async def _confirm(self, position: int, *, at_once: bool = False) -> None:
        if self._thinner is None or await self._thinner.may_confirm(at_once=at_once):
            await self._buffer.confirm(CONSUMER, position)

    @property
    def position(self) -> int:
        """Number of the last batch of the buffer that is in the historian; 0 before the first since the start."""
        return self._position

    async def waiting(self, samples_max: int) -> Sequence[Batch]:
        """Return what is acknowledged and not in the historian yet, oldest first: readers see it with all the rest."""
        held = [] if self._thinner is None else [self._thinner.waiting]
        position = max(self._position, await self._buffer.position(CONSUMER))
        return [*(batch for batch in held if len(batch)), *await self._buffer.read(position, samples_max)]

    def _gather_s(self) -> float:
        """How long the next write should still wait, in seconds."""
        if self._last_write_at is None:
            return 0.0
        return self._gathers_s - (self._clock.now() - self._last_write_at) / MICROS_PER_S

    def _note(self, samples: int, duplicates: int, began_at: int) -> None:
        now = self._clock.now()
        self.backoff.reset()
        self._oldest_at = None
        self._samples_total += samples
        self._duplicates_total += duplicates
        self._last_write_at = now
        self._last_write_ms = (now - began_at) / 1000
        self._writes.append((now, samples))
        self._last_error = ""
        if self._failing_since is not None:
            log.info("samples are recorded again", after_s=round((now - self._failing_since) / MICROS_PER_S, 1))
            self._failing_since = None

    def retrying(self, retry: Retry) -> None:
        """Note why nothing is recorded; the buffer keeps growing meanwhile."""
        self._last_error = str(retry.error) or "The database did not answer in time."
        if self._failing_since is None:
            self._failing_since = self._clock.now()
            log.warning("samples are not recorded now; they stay in the buffer", error=self._last_error)

    async def drain(self) -> None:
        """Record everything that was offered and end; or return at once while the database does not take samples."""
        await self._settled()
        self._draining.set()
        if self._failing_since is not None or self._awaits_lease:
            log.warning("samples stay in the buffer until the next start", waiting=self._buffer.depth)
            return
        await self._drained.wait()

    def status(self) -> RecorderStatus:
        """Return how recording stands now."""
        now = self._clock.now()
        recent = sum(samples for at, samples in self._writes if at > now - RATE_WINDOW_US)
        return RecorderStatus(
            recording=self._failing_since is None,
            lag_s=max(0.0, (now - self._oldest_at) / MICROS_PER_S) if self._oldest_at is not None else 0.0,
            waiting=self._buffer.depth,
            samples_per_s=recent * MICROS_PER_S / RATE_WINDOW_US,
            samples_total=self._samples_total,
            duplicates_total=self._duplicates_total,
            last_write_at=self._last_write_at,
            last_write_ms=self._last_write_ms,
            last_error=self._last_error,
        )
