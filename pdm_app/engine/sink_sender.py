"""Sends what one sink is owed: reads history from the place of each signal on, hands it over, remembers what is safe.

Run `run` under the supervisor: whatever the other side does wrong ends it, and it begins again where it knows that
everything before is safe. Its back-off is its own, so that one target that is away slows nobody else down.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import structlog

from pdm_app.domain.committed import Committed, Page
from pdm_app.domain.errors import PdmError
from pdm_app.domain.history_changes import HistoryChange
from pdm_app.domain.ports import Clock
from pdm_app.domain.retention import without_holds
from pdm_app.domain.samples import MICROS_PER_S, moment
from pdm_app.domain.signals import DataType
from pdm_app.domain.sinks import (
    CAN_ERASE,
    CannotEraseError,
    SentSamples,
    SentSignal,
    Sink,
    SinkError,
    SinkStatus,
    Target,
)
from pdm_app.engine.supervisor import Backoff, Retry, first_of
from pdm_app.stream.owed_spans import OwedSpans, Span
from pdm_app.stream.sink_progress import SinkProgress

log = structlog.get_logger(__name__)

ROWS_MAX = 20_000
"""Of one page; it and its copy for the target are what a sink takes of memory."""
SIGNALS_MAX = 2_000  # Of one page.
OWED_SPANS_MAX = 200
GATHER_S = 1.0  # New samples wait so long for company.
LOOK_S = 5.0  # So often a target is asked whether something of it is due to end.
SAVE_EVERY_US = 2 * MICROS_PER_S
RATE_WINDOW_US = 60 * MICROS_PER_S
GOODBYE_S_MAX = 3.0

T = TypeVar("T")


class SinkSender:
    """One sink at work.

    Args:
        sink: What it is.
        progress: Where it stands; shared with whoever notices samples.
        committed: Reads history.
        open_target: Makes its target, with its secret.
        save: Stores where it stands.
        clock: Injected time.
    """

    def __init__(
        self,
        sink: Sink,
        progress: SinkProgress,
        committed: Committed,
        open_target: Callable[[Sink], Awaitable[Target]],
        save: Callable[["SinkSender"], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self.sink = sink
        self.progress = progress
        self._committed = committed
        self._open_target = open_target
        self._save = save
        self._clock = clock
        self.backoff = Backoff(first_s=0.5, cap_s=30.0)
        self.signals: Mapping[int, SentSignal] = {}
        self._texts: frozenset[int] = frozenset()
        self._awake = asyncio.Event()
        self._written: deque[tuple[int, int]] = deque(maxlen=1000)  # (at, samples)
        self._total = self._refused = 0
        self._written_at: int | None = None
        self._newest_at: int | None = None
        self._is_open = False
        self._problem = ""
        self._failing_since: int | None = None
        self._saved_at = 0
        self._confirmed = ""
        self.saved_changes = 0
        self._is_leaving = False

    def know(self, signals: Mapping[int, SentSignal]) -> None:
        """Take over what is said of the signals."""
        self.signals = signals
        self._texts = frozenset(number for number, each in signals.items() if each.data_type is DataType.TEXT)

    def wake(self) -> None:
        """Look whether there is something to send."""
        self._awake.set()

    def follow(self, changes: Sequence[HistoryChange]) -> None:
        """Hear what was changed in history on another way than the recorder's."""
        can_erase = self.sink.kind in CAN_ERASE
        for change in changes:
            self.progress.put_anew(change.spans, is_gone=change.is_gone, can_erase=can_erase)
        self.wake()

    async def run(self) -> None:
        """Send until cancelled; what was handed over and is not known to be safe is sent again.

        Raises:
            SinkError: The other side does not take samples; run it again.
            UnavailableError: The database does not answer; run it again.
        """
        target = await self._open_target(self.sink)
        try:
            await self._asked(target.open(self.progress.checkpoint))
            self._confirmed = self.progress.checkpoint
            self.progress.unsettled()
            self._is_open = True
            while True:
                self._awake.clear()
                while await self._step(target):
                    await self._store(target)
                settled = await self._asked(target.settle(at_once=False))
                self._settle(settled)
                await self._store(target)
                self._well()
                await first_of(self._awake.wait(), self._clock.sleep(LOOK_S))
                await self._clock.sleep(GATHER_S)
        except asyncio.CancelledError:
            if self._is_leaving and self._is_open:
                await self._goodbye(target)
            raise
        finally:
            self._is_open = False
            self.progress.unsettled()
            await target.close()

    def leave(self) -> None:
        """Have the target end what it has begun when this is cancelled: it is switched off, not only interrupted."""
        self._is_leaving = True

    async def _goodbye(self, target: Target) -> None:
        try:
            async with asyncio.timeout(GOODBYE_S_MAX):
                self._settle(await self._asked(target.settle(at_once=True)))
                await self._store(target, at_once=True)
        except (PdmError, TimeoutError) as error:
            log.warning("a sink did not end in order", sink=self.sink.name, error=str(error))

    # --- one page -------------------------------------------------------------------------------------------------

    async def _step(self, target: Target) -> bool:
        """Send one page; False where nothing is owed."""
        progress = self.progress
        if progress.anew:
            await self._send_owed(target, progress.anew, is_anew=True)
            return True
        if progress.late:
            await self._send_owed(target, progress.late)
            return True
        spans = progress.next_spans(SIGNALS_MAX)
        if not spans:
            return False
        page = await self._committed.read(spans, self._texts, ROWS_MAX)
        if page is None:
            return progress.narrower()
        progress.lost(page.removed)
        receipt = await self._hand_over(target, page)
        progress.sent(spans, page.signal, page.source_at)
        self._settle(receipt)
        if len(page) < ROWS_MAX // 4 and _is_cut(spans, progress):
            progress.wider()
        return True

    async def _send_owed(self, target: Target, owed: OwedSpans, *, is_anew: bool = False) -> None:
        """Send what some spans hold, if they are anew after the target has forgotten what it has of them."""
        spans = owed.next(OWED_SPANS_MAX)
        page = await self._committed.read(spans, self._texts, ROWS_MAX, strict=is_anew)
        while page is None and (spans := owed.fewer()):
            page = await self._committed.read(spans, self._texts, ROWS_MAX, strict=is_anew)
        receipt = None
        if page is not None:
            receipt = await self._erase(target, spans, page) if is_anew else None
            receipt = await self._hand_over(target, page) or receipt
        self.progress.sent_owed(owed)
        self._settle(receipt)

    async def _erase(self, target: Target, spans: Sequence[Span], page: Page) -> str | None:
        """Have the target forget what it has of some spans, all but what history has removed: that is nowhere else."""
        removed: dict[int, list[tuple[int, int]]] = {}
        for number, begin, end in page.removed:
            removed.setdefault(number, []).append((begin, end))
        if page.trouble:
            self.progress.stays(spans, f"{page.trouble} So nothing was deleted.")
            return None
        parts = [
            (self.signals[number], *part)
            for number, begin, end in spans
            for part in without_holds((begin, end), removed.get(number, ()))
        ]
        try:
            return await self._asked(target.erase(parts)) if parts else None
        except CannotEraseError as error:
            self.progress.stays(spans, error.message)
            return None

    async def _hand_over(self, target: Target, page: Page) -> str | None:
        if not len(page):
            return None
        samples = SentSamples(self.signals, page.signal, page.source_at, page.value, page.quality, page.text)
        before = target.refused
        receipt = await self._asked(target.write(samples))
        now = self._clock.now()
        self._total += len(page)
        self._refused += target.refused - before
        self._written.append((now, len(page)))
        self._written_at = now
        self._newest_at = max(self._newest_at or 0, int(page.source_at.max()))
        self._well()
        return receipt

    def _settle(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            self.progress.settled(checkpoint)

    async def _store(self, target: Target, *, at_once: bool = False) -> None:
        """Store where the sink stands when it is time to, and tell the target."""
        now = self._clock.now()
        is_due = at_once or not 0 <= now - self._saved_at < SAVE_EVERY_US
        if not is_due or self.progress.changes == self.saved_changes:
            return
        checkpoint = self.progress.checkpoint
        await self._save(self)
        self._saved_at = now
        if checkpoint != self._confirmed:
            await self._asked(target.confirm(checkpoint))
            self._confirmed = checkpoint

    async def _asked(self, answer: Awaitable[T]) -> T:
        """Ask the target; a fault in it, or in a library of it, is its trouble and ends nothing else."""
        try:
            return await answer
        except (PdmError, OSError, TimeoutError):
            raise
        except Exception as error:
            log.error("a sink failed in a way nobody foresaw", sink=self.sink.name, exc_info=error)
            raise SinkError(
                f"The sink {self.sink.name!r} failed in a way nobody foresaw: {type(error).__name__}: {error}. It is "
                "tried again; the log has the details."
            ) from error

    # --- how it is doing --------------------------------------------------------------------------------------------

    def _well(self) -> None:
        self.backoff.reset()
        if self._failing_since is not None:
            after_s = (self._clock.now() - self._failing_since) / MICROS_PER_S
            log.info("a sink takes samples again", sink=self.sink.name, after_s=round(after_s, 1))
        self._problem, self._failing_since = "", None

    def retrying(self, retry: Retry) -> None:
        """Note why nothing is taken; samples stay in history meanwhile."""
        if self._failing_since is None:
            self._failing_since = self._clock.now()
            log.warning("a sink takes no samples; they are sent later", sink=self.sink.name, error=str(retry.error))
        self._problem = str(retry.error) or "The other side did not answer in time. It is asked again."

    def status(self) -> SinkStatus:
        """Return how it is doing now."""
        now, progress = self._clock.now(), self.progress
        behind = progress.behind
        lag_us = int((progress.noticed[behind] - progress.read[behind]).max()) if behind.any() else 0
        if behind.any():  # A signal that has not begun is behind by what there is since the sink begins, at most.
            lag_us = min(lag_us, int(now) - progress.begins_at)
        recent = sum(count for at, count in self._written if at > now - RATE_WINDOW_US)
        return SinkStatus(
            sink_id=self.sink.id,
            signals=len(progress.signal),
            is_sending=self.sink.enabled and self._is_open and not self._problem,
            written_at=self._written_at,
            newest_at=self._newest_at,
            lag_s=max(0.0, lag_us / MICROS_PER_S),
            behind=int(behind.sum()),
            late=len(progress.late),
            anew=len(progress.anew),
            samples_per_s=recent * MICROS_PER_S / RATE_WINDOW_US,
            samples_total=self._total,
            refused_total=self._refused,
            problem=self._problem,
            failing_since=self._failing_since,
            gap=_gap(progress),
            outdated=_outdated(progress),
        )


def _is_cut(spans: list[Span], progress: SinkProgress) -> bool:
    """Whether the window ended before what there is."""
    return bool(progress.behind.any()) and max(span[2] - span[1] for span in spans) >= progress.window_us


def _gap(progress: SinkProgress) -> str:
    if progress.gap is None:
        return ""
    what = f"Samples of {_said(progress.gap)} were removed from history before they could be sent."
    return f"{what} They are not over there."


def _outdated(progress: SinkProgress) -> str:
    if progress.outdated is None:
        return ""
    what = f"Samples of {_said(progress.outdated)} were taken back or recalculated in history."
    return f"{what} What was sent of them before is still over there. {progress.outdated_for}"


def _said(around: Span) -> str:
    signals, begin, end = around
    many = "one signal" if signals == 1 else f"up to {signals} signals"
    return f"{many} from {moment(begin):%Y-%m-%d %H:%M} to {moment(end):%Y-%m-%d %H:%M} UTC"
