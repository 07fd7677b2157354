"""The one way in for samples: convert, show at once, hand to the durable buffer.

``Intake(signals, bus, latest, buffer, clock)``. Drivers come through the collector, devices that post over HTTP through
the ingest service; both call `Intake.accept`, which never waits. What the product stamps itself (link lost, stale)
goes the same way through `Intake.stamp`.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.errors import BufferFullError, UnavailableError
from pdm_app.domain.ports import Buffer, Clock, Ticket
from pdm_app.domain.samples import I8, QUALITY_BAD_MIN, Batch, Quality, Sample, moment, plain_text
from pdm_app.domain.signals import Signal
from pdm_app.engine.conversion import AHEAD_US_MAX, convert, sift, time_is_credible
from pdm_app.engine.ledger import Count, Ledger
from pdm_app.engine.signal_book import NOT_STAMPED, SignalBook
from pdm_app.stream.bus import Bus
from pdm_app.stream.latest import Latest

STAMPED_BY = "pdm"


class Intake:
    """Takes batches of raw readings; single-threaded, on the event loop.

    Args:
        signals: All signals; `reload` replaces them.
        bus: Gets every batch that is recorded, with its ``seq`` (0 where the buffer refused it).
        latest: Gets everything that is credible, also what lies inside a deadband.
        buffer: Gets what is recorded.
        clock: Injected time.
        may_collect: False while another process collects from this database; then nothing is taken.
    """

    def __init__(
        self,
        signals: Sequence[Signal],
        bus: Bus[Batch],
        latest: Latest,
        buffer: Buffer,
        clock: Clock,
        may_collect: Callable[[], bool] = lambda: True,
    ) -> None:
        self._bus = bus
        self._latest = latest
        self._buffer = buffer
        self._clock = clock
        self._may_collect = may_collect
        self._newest: Ticket | None = None
        self._book = SignalBook(signals)
        self.ledger = Ledger(len(self._book))

    @property
    def signals(self) -> int:
        """How many signals are taken."""
        return len(self._book)

    def reload(self, signals: Sequence[Signal]) -> None:
        """Replace the configuration; counts and last values of the signals that stay are kept.

        Whoever still looks at a signal that is gone sees that its value is none any more.
        """
        book = SignalBook(signals)
        gone = np.setdiff1d(self._book.id, book.id)
        if gone.size:
            self._latest.mark(gone.tolist(), Quality.BAD_CONFIGURATION, self._clock.now())
        old, new = book.inherit(self._book)
        ledger = Ledger(len(book))
        ledger.moved(len(book), old, new, self.ledger)
        self._book, self.ledger = book, ledger

    def recall(self, samples: Sequence[Sample]) -> None:
        """Show what history knows of an earlier run, as waiting for its source; call it before anything is taken."""
        book, now = self._book, self._clock.now()
        known = [sample for sample in samples if book.find([sample.signal])[1][0]]
        if not known:
            return
        batch = Batch.of(STAMPED_BY, known, now)
        slots, _ = book.find(batch.signal)
        self._latest.merge(batch)
        self._latest.mark(batch.signal.tolist(), Quality.BAD_WAITING, now)
        book.seen_source_at[slots] = batch.source_at
        book.seen_value[slots] = batch.value
        book.seen_quality[slots] = batch.quality
        book.seen_text.update({int(slots[row]): words for row, words in batch.text.items()})
        book.stamp[slots] = Quality.BAD_WAITING

    def accept(self, batch: Batch) -> Ticket:
        """Take a batch at once: converted, published, offered to the buffer.

        A bad row without a value says that the signal is gone, and is stamped, once. Rows of unknown signals, with an
        incredible source time, repeated or inside the deadband are counted and not recorded. The ticket of a batch of
        which nothing is left has ``seq`` 0 and is done with the newest commit, which holds what is repeated.

        Raises:
            BufferFullError: The values are shown, but nothing was recorded; do not acknowledge. Sent again, they are
                recorded.
            UnavailableError: Another process collects; nothing was taken.
        """
        if not self._may_collect():
            raise UnavailableError(
                "This process is a standby: another process collects from this database. Send there, or try again."
            )
        book, ledger = self._book, self.ledger
        slots, known = book.find(batch.signal)
        if not known.all():
            ledger.unknown += int((~known).sum())
            batch, slots = batch.rows(known), slots[known]
        if batch.text:
            batch = replace(batch, text={row: plain_text(words) for row, words in batch.text.items()})
        ledger.add(Count.RECEIVED, slots)
        gone = _says_gone(batch)
        refused = self._stamp_gone(batch, slots, gone) if gone.any() else None
        ticket = self._take(batch.rows(~gone), slots[~gone])
        if refused is not None:
            raise refused
        return ticket

    def derive(self, batch: Batch) -> Ticket:
        """Take outcomes of formulas: recorded as they are, at their instants, and shown where they are the newest.

        A row without a value is the beginning of a gap; on screen the last value stays, with its age. What is said a
        second time of an instant counts from then on.

        Raises:
            BufferFullError: The values are shown, but nothing was recorded.
            UnavailableError: Another process collects; nothing was taken.
        """
        if not self._may_collect():
            raise UnavailableError("This process is a standby: another process collects from this database.")
        book = self._book
        slots, known = book.find(batch.signal)
        batch, slots = batch.rows(known), slots[known]
        order = np.argsort(batch.source_at, kind="stable")
        rows = order[batch.source_at[order] >= book.seen_source_at[slots[order]]]  # Of one signal, the last row stays.
        is_bad = batch.quality >= QUALITY_BAD_MIN
        book.seen_source_at[slots[rows]] = batch.source_at[rows]
        book.seen_value[slots[rows]] = batch.value[rows]
        book.seen_quality[slots[rows]] = batch.quality[rows]
        book.fresh_at[slots[rows]] = batch.received_at
        book.stamp[slots[rows]] = NOT_STAMPED
        self._latest.merge(batch.rows(~is_bad))
        ended = np.unique(slots[rows])
        for quality in np.unique(book.seen_quality[ended]).tolist():
            if quality >= QUALITY_BAD_MIN:
                mine = ended[book.seen_quality[ended] == quality]
                self._latest.mark(book.id[mine].tolist(), Quality(quality), batch.received_at)
        return self._record(batch, slots) if len(batch) else self._nothing_new()

    def _stamp_gone(self, batch: Batch, slots: I8, gone: NDArray[np.bool_]) -> BufferFullError | None:
        """Stamp the signals that a batch says are gone; return the refusal, for the rest of the batch goes first."""
        refused: BufferFullError | None = None
        for quality in np.unique(batch.quality[gone]).tolist():
            mine = slots[gone & (batch.quality == quality)]
            try:
                self._stamp(mine[self._lacks(mine, quality)], Quality(quality))
            except BufferFullError as error:
                refused = error
        return refused

    def _take(self, batch: Batch, slots: I8) -> Ticket:
        """Take rows that have a value."""
        book, ledger = self._book, self.ledger
        credible = time_is_credible(batch.source_at, batch.received_at)
        if not credible.all():
            ledger.add(Count.REJECTED_TIME, slots[~credible])
            book.time_rejected_at[slots[~credible]] = batch.received_at
            batch, slots = batch.rows(credible), slots[credible]
        if not len(batch):
            return self._nothing_new()

        converted = convert(batch, slots, book)
        ledger.add(Count.CLAMPED, slots[converted.clamped])
        ledger.add(Count.NOT_A_NUMBER, slots[converted.not_a_number])
        batch = replace(batch, value=converted.value, quality=converted.quality)
        sifted = sift(batch, slots, book)
        ledger.add(Count.LATE, slots[sifted.late])
        ledger.add(Count.DUPLICATE, slots[sifted.duplicate])
        ledger.add(Count.HELD, slots[sifted.held])
        if sifted.again.any():
            batch = _ended_gap(batch, sifted.again)
            book.stamp_source_at[slots[sifted.again]] = batch.received_at  # The next stamp comes after it.
        self._latest.merge(batch.rows(~sifted.duplicate))
        keep = ~(sifted.duplicate | sifted.held)
        batch, slots = batch.rows(keep), slots[keep]
        if not len(batch):
            return self._nothing_new()
        book.unsafe[slots] = True
        ticket = self._record(batch, slots)
        # A late row that is taken says nothing about the newest one, which may have been refused before it.
        book.unsafe[slots[batch.source_at >= book.seen_source_at[slots]]] = False
        return ticket

    def _record(self, batch: Batch, slots: I8) -> Ticket:
        try:
            ticket = self._buffer.offer(batch)
        except BufferFullError:
            self.ledger.add(Count.REFUSED, slots)
            self._bus.publish(batch)
            raise
        self.ledger.add(Count.OFFERED, slots)
        self._newest = ticket
        ticket.durable.add_done_callback(lambda durable: self._ended(durable, batch))
        self._bus.publish(batch.numbered(ticket.seq))
        return ticket

    def _ended(self, durable: "asyncio.Future[None]", batch: Batch) -> None:
        """Note a commit that failed: what it held is not known to be anywhere."""
        if not durable.cancelled() and durable.exception() is None:
            return
        slots, known = self._book.find(batch.signal)
        self.ledger.add(Count.LOST, slots[known])
        self._book.unsafe[slots[known]] = True
        self._book.stamp_unsafe[slots[known]] = True
        if self._newest is not None and self._newest.durable is durable:
            self._newest = None

    def _nothing_new(self) -> Ticket:
        """Acknowledge what is repeated or held no sooner than what it repeats: commits come in order."""
        durable = None if self._newest is None else self._newest.durable
        if durable is None:
            durable = asyncio.get_running_loop().create_future()
            durable.set_result(None)
        return Ticket(seq=0, durable=durable)

    async def settled(self) -> None:
        """Wait until everything offered so far is committed, or known not to be; commits come in order."""
        if self._newest is not None:
            await asyncio.wait([self._newest.durable])

    def stamp(self, signals: Sequence[int], quality: Quality) -> None:
        """Mark signals as bad, once: on screen with their last value and age, and in history as the start of a gap.

        The stamp's source time is now on the source's own clock, as far as that is known from the signal's last
        sample, and always after it: a device clock that is off neither hides nor misplaces the gap. A signal that
        never had a sample has no gap; it is only marked.
        """
        slots, known = self._book.find(signals)
        with suppress(BufferFullError):  # Counted as refused; the screen has it.
            self._stamp(slots[known & self._lacks(slots, quality)], quality)

    def _lacks(self, slots: I8, quality: int) -> NDArray[np.bool_]:
        """Tell which signals do not carry the stamp yet, or carry one that is not known to be recorded."""
        lacks: NDArray[np.bool_] = (self._book.stamp[slots] != quality) | self._book.stamp_unsafe[slots]
        return lacks

    def stamp_stale(self) -> int:
        """Mark every signal that has been silent for too long; return how many became stale."""
        slots = self._book.stale(self._clock.now())
        with suppress(BufferFullError):
            self._stamp(slots, Quality.BAD_STALE)
        return len(slots)

    def _stamp(self, slots: I8, quality: Quality) -> None:
        if not len(slots):
            return
        book, now = self._book, self._clock.now()
        self._latest.mark(book.id[slots].tolist(), quality, now)
        book.stamp[slots] = quality
        slots = slots[book.seen_source_at[slots] > 0]
        seen_at = book.seen_source_at[slots]
        clock_ahead = seen_at - book.fresh_at[slots]
        clock_ahead[np.abs(clock_ahead) > AHEAD_US_MAX] = 0  # No clock is that far off: the value just seldom changes.
        source_at = np.maximum(now + clock_ahead, np.maximum(seen_at, book.stamp_source_at[slots]) + 1)
        book.stamp_source_at[slots] = source_at
        batch = Batch(
            device=STAMPED_BY,
            signal=book.id[slots],
            source_at=source_at,
            value=np.full(len(slots), np.nan),
            quality=np.full(len(slots), quality, dtype=np.uint16),
            received_at=now,
        )
        if not len(batch):
            return
        book.stamp_unsafe[slots] = True
        self._record(batch, slots)
        book.stamp_unsafe[slots] = False

    def skipped(self, signals: Sequence[int], polls: int) -> None:
        """Count polls that were due while an earlier one was still running."""
        slots, known = self._book.find(signals)
        for _ in range(min(polls, 1000)):
            self.ledger.add(Count.SKIPPED, slots[known])

    def thinned(self, signals: I8, samples: I8) -> None:
        """Count samples that storage rules left out of history, by signal; fewer than none where some came back."""
        slots, known = self._book.find(signals.astype(np.uint32))
        self.ledger.change(Count.THINNED, slots[known], samples[known])

    def faults(self, signals: Sequence[int]) -> Mapping[int, str]:
        """Say which of ``signals`` send what cannot be recorded, and why."""
        book = self._book
        slots, known = book.find(signals)
        failing = slots[known & (book.time_rejected_at[slots] > book.fresh_at[slots])]
        return {
            int(book.id[slot]): (
                f"The source time of the sample received at {moment(int(book.time_rejected_at[slot])):%H:%M:%S} UTC is "
                "before 2000 or more than 10 min ahead: not recorded. Set the device's clock."
            )
            for slot in failing.tolist()
        }

    def counts(self, signal: int) -> Mapping[Count, int]:
        """Return the ledger of one signal; all zero if it is unknown."""
        slots, known = self._book.find([signal])
        return self.ledger.of(int(slots[0])) if known[0] else dict.fromkeys(Count, 0)

    def is_stamped(self, signal: int) -> bool:
        """Tell whether the last word on a signal is the product's own stamp."""
        slots, known = self._book.find([signal])
        return bool(known[0] and self._book.stamp[slots[0]] != NOT_STAMPED)


def _says_gone(batch: Batch) -> NDArray[np.bool_]:
    gone = (batch.quality >= QUALITY_BAD_MIN) & np.isnan(batch.value)
    for row in batch.text:
        gone[row] = False
    return gone


def _ended_gap(batch: Batch, again: NDArray[np.bool_]) -> Batch:
    """Date values that a source announces anew after a lost link at their receipt, where their gap ends.

    Their source time has not moved (a setpoint written last year), so with it they would lie before the gap.
    """
    return replace(batch, source_at=np.where(again, batch.received_at, batch.source_at))
