"""The formulas of derived signals, reckoned as their inputs are committed to the durable buffer.

``Deriver(buffer, intake, historian, work, clock, fence, settled)``; `run` and `drain` it under the supervisor. It is a
consumer of the buffer like the recorder: its position is confirmed once the outcomes are durable themselves, so that a
crash at any point has the rest reckoned again, and what is reckoned twice is stored once. A database that is away does
not stop it; only its start has to read what the windows of the formulas look back on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import structlog

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.formulas.syntax import FormulaError
from pdm_app.domain.ports import Buffer, Clock, Fence, Historian
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import Batch, Micros, Quality, Stretch
from pdm_app.domain.signals import Shape, Signal
from pdm_app.engine.intake import Intake
from pdm_app.engine.supervisor import Backoff, Retry, first_of
from pdm_app.services.derived_signals import compiled
from pdm_app.stream.derivations import LATE_US, ROWS_MAX, DerivationBook, Derived, Outcomes

log = structlog.get_logger(__name__)

CONSUMER = "formulas"
DERIVED_BY = "pdm.formulas"
SAMPLES_MAX = 50_000
ROWS_PER_BATCH_MAX = 10_000
GATHER_S = 0.05  # What arrives within this is reckoned at once: the price of a look at a window is paid once.
IDLE_S = 1.0  # Without a derived signal there is nothing to be quick for.


@dataclass(frozen=True, slots=True)
class DeriverStatus:
    """How it is doing.

    Attributes:
        derived: Derived signals that are reckoned.
        reckoned: Outcomes since the start.
        too_late: Samples that came later than what is remembered; a recalculation from history settles them.
        faults: By number, why a derived signal is not reckoned.
        last_error: Why nothing is reckoned at all; empty while it is.
    """

    derived: int
    reckoned: int
    too_late: int
    faults: Mapping[int, str]
    last_error: str


class Deriver:
    """The engine's part for derived signals.

    Args:
        buffer: Read from the position confirmed last; made with `CONSUMER` among its consumers.
        intake: Takes the outcomes.
        historian: Asked what the windows look back on, when formulas are put in force.
        work: Where the formulas are stored.
        clock: Injected time.
        fence: Returns the proof of the lease once it is held; nothing is reckoned before.
        settled: Returns once everything that was offered to the buffer is committed; awaited before a drain.
    """

    def __init__(
        self,
        buffer: Buffer,
        intake: Intake,
        historian: Historian,
        work: UnitOfWork,
        clock: Clock,
        fence: Callable[[], Awaitable[Fence]],
        settled: Callable[[], Awaitable[None]],
    ) -> None:
        self._buffer = buffer
        self._intake = intake
        self._historian = historian
        self._work = work
        self._clock = clock
        self._fence = fence
        self._settled = settled
        self.backoff = Backoff(first_s=0.25, cap_s=5.0)
        self._book = DerivationBook()
        self._faults: dict[int, str] = {}
        self._turn = asyncio.Lock()
        self._runs = False
        self._last_error = ""
        self._draining = asyncio.Event()
        self._drained = asyncio.Event()
        self._reckoned_before = 0

    async def run(self) -> None:
        """Reckon until drained.

        Raises:
            UnavailableError: The database does not answer at the start, or the buffer is full; run it again.
        """
        await self._fence()
        async with self._turn:
            await self._load()
        self._runs = True
        try:
            await self._follow(await self._buffer.position(CONSUMER))
        finally:
            self._runs = False

    async def _follow(self, position: int) -> None:
        while True:
            batches = await self._buffer.read(position, SAMPLES_MAX)
            if not batches:
                if self._draining.is_set():
                    self._drained.set()
                    return
                await first_of(self._buffer.wait(position), self._draining.wait())
                gather_s = GATHER_S if self._book.inputs else IDLE_S
                await first_of(self._clock.sleep(gather_s), self._draining.wait())
                continue
            async with self._turn:
                await self._reckon(batches)
            position = batches[-1].seq
            await self._buffer.confirm(CONSUMER, position)
            self.backoff.reset()
            self._last_error = ""

    async def _reckon(self, batches: Sequence[Batch]) -> None:
        if not self._book.inputs:
            return
        outcomes = await asyncio.to_thread(self._book.take, batches)
        tickets = [self._intake.derive(batch) for batch in _batches(outcomes, self._clock.now())]
        for ticket in tickets:
            await asyncio.shield(ticket.durable)

    async def reload(self) -> None:
        """Put the stored formulas in force, after signals were added, changed or deleted.

        Raises:
            UnavailableError: The database does not answer; the formulas in force stay.
        """
        if not self._runs:
            return  # Whoever runs it loads them.
        async with self._turn:
            await self._load()

    def retrying(self, retry: Retry) -> None:
        """Note why nothing is reckoned; what arrives waits in the buffer."""
        if not self._last_error:
            log.warning("derived signals are not reckoned now; what they read waits in the buffer", error=retry.error)
        self._last_error = str(retry.error) or "The database did not answer in time."

    async def drain(self) -> None:
        """Reckon everything that was offered and end; or return at once where it does not run."""
        await self._settled()
        self._draining.set()
        if self._runs:
            await self._drained.wait()

    @property
    def status(self) -> DeriverStatus:
        return DeriverStatus(
            derived=len(self._book),
            reckoned=self._reckoned_before + self._book.reckoned,
            too_late=sum(self._book.too_late.values()),
            faults=dict(self._faults),
            last_error=self._last_error,
        )

    # --- putting formulas in force --------------------------------------------------------------------------------

    async def _load(self) -> None:
        async with self._work(EVERY_SITE) as work:
            known = {signal.id: signal for signal in await work.signals.all()}
        wanted = [signal for signal in known.values() if signal.is_derived]
        if not wanted and not len(self._book):
            return
        ready, faults = await asyncio.to_thread(_compiled, wanted, known)
        book = DerivationBook(ready)
        # The buffer first: what it gives away meanwhile is in history by then.
        position = await self._buffer.position(CONSUMER)
        retained = [batch for batch in await self._retained(position) if batch.seq <= position]
        keep = {**dict.fromkeys(book.signals, LATE_US), **book.inputs}
        newest = (await self._historian.latest(list(keep))).times()
        for number, keep_us in keep.items():
            if number in newest:
                book.seed({number: await self._stretch(number, newest[number], keep_us)})
        book.recall(retained)
        self._reckoned_before += self._book.reckoned
        self._book, self._faults = book, faults
        self._intake.stamp(list(faults), Quality.BAD_CONFIGURATION)
        for number, fault in faults.items():
            log.warning("a derived signal cannot be reckoned", signal=known[number].name, fault=fault)

    async def _retained(self, position: int) -> Sequence[Batch]:
        """Return what the buffer still holds up to a position: history may not have all of it yet."""
        found: list[Batch] = []
        after = 0
        while batches := await self._buffer.read(after, SAMPLES_MAX):
            found += batches
            after = batches[-1].seq
            if after >= position or sum(map(len, found)) > ROWS_MAX:
                break
        return found

    async def _stretch(self, number: int, newest: int, keep_us: int) -> Stretch:
        """Return the newest samples of a signal: of the whole span, or of as much of it as may be remembered."""
        while True:
            begin = Micros(max(0, newest - keep_us))
            try:
                found = await self._historian.samples([number], begin, Micros(newest + 1), ROWS_MAX)
            except InvalidInputError:  # More than ROWS_MAX.
                keep_us //= 2
            else:
                return found[number]


def _compiled(wanted: Sequence[Signal], known: Mapping[int, Signal]) -> tuple[list[Derived], dict[int, str]]:
    ready, faults = [], {}
    for signal in wanted:
        try:
            formula = compiled(signal, known)
        except FormulaError as error:
            faults[signal.id] = str(error)
        else:
            is_step_of = {number: known[number].shape is Shape.STEP for number in formula.signals}
            ready.append(Derived(signal.id, formula, is_step_of))
    return ready, faults


def _batches(outcomes: Sequence[Outcomes], now: Micros) -> list[Batch]:
    """Put outcomes together, in batches of bounded length."""
    if not outcomes:
        return []
    signal = np.concatenate([np.full(len(one.at), one.signal, np.uint32) for one in outcomes])
    at, value, quality = (
        np.concatenate([getattr(one, name) for one in outcomes]) for name in ("at", "value", "quality")
    )
    return [
        Batch(DERIVED_BY, signal[rows], at[rows], value[rows], quality[rows], received_at=now)
        for rows in (slice(begin, begin + ROWS_PER_BATCH_MAX) for begin in range(0, len(signal), ROWS_PER_BATCH_MAX))
    ]
