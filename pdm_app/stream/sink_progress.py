"""How far a sink has got: for each of its signals what history has, what was handed over, and what is safe there.

Four times a signal, all microseconds UTC of the source: ``noticed``, the newest sample that is in history; ``read``, up
to where history was read; ``taken``, the newest sample that was handed over; ``safe``, the newest one of which the
target has said that it will survive. ``noticed`` and ``safe`` are stored, with the spans that are owed and the target's
checkpoint; after a crash what is between ``safe`` and ``noticed`` is sent once more.

Two kinds of spans are owed besides: ``late``, where samples came after newer ones, and ``anew``, where samples went
from history or others took their place; of these the target forgets first what it has.
"""

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.samples import I8, MICROS_PER_S, Batch
from pdm_app.stream.owed_spans import OwedSpans, Span

NEVER = 2**62
WINDOW_FIRST_US = 60 * MICROS_PER_S
WINDOW_MAX_US = 7 * 86_400 * MICROS_PER_S


class SinkProgress:
    """The places of one sink. ``begins_at`` is where every signal starts."""

    def __init__(self, begins_at: int, content: bytes = b"") -> None:
        """Begin, or go on from what `packed` has returned.

        Raises:
            ValueError: The content is damaged.
        """
        self.begins_at = begins_at
        self.signal = np.zeros(0, np.int64)
        self.noticed = np.zeros(0, np.int64)
        self.read = np.zeros(0, np.int64)
        self.taken = np.zeros(0, np.int64)
        self.safe = np.zeros(0, np.int64)
        self.late = OwedSpans()
        self.anew = OwedSpans()
        self._flying: dict[int, int] = {}  # By signal, up to where a window that is on its way was read.
        self._meanwhile = np.zeros(0, np.int64)  # Oldest sample noticed since a window was handed out.
        self.checkpoint = ""
        self.seq = 0
        self.holder = ""
        self.window_us = WINDOW_FIRST_US
        self.gap: tuple[int, int, int] | None = None  # Signals, from, up to: removed before it was sent.
        self.outdated: tuple[int, int, int] | None = None  # Of what could not be deleted over there.
        self.outdated_for = ""  # And why.
        self.changes = 0
        if content:
            self._unpack(content)

    # --- which signals ----------------------------------------------------------------------------------------------

    def choose(self, signals: Sequence[int], newest: Mapping[int, int], *, missed: bool) -> None:
        """Take these signals, and no others; one that comes anew starts where the sink begins.

        Args:
            signals: Numbers.
            newest: By signal, the source time of its newest sample in history.
            missed: Samples went by that were not noticed.
        """
        before = {
            number: (noticed, safe)
            for number, noticed, safe in zip(
                self.signal.tolist(), self.noticed.tolist(), self.safe.tolist(), strict=True
            )
        }
        taken = dict(zip(self.signal.tolist(), self.taken.tolist(), strict=True))
        chosen = sorted(set(signals))
        start = self.begins_at - 1
        self.signal = np.array(chosen, np.int64)
        safe = [before.get(number, (0, start))[1] for number in chosen]
        self.safe = np.array(safe, np.int64)
        self.taken = np.array([taken.get(number, start) for number in chosen], np.int64)
        self.noticed = np.array(
            [
                newest.get(n, 0) if n not in before else max(before[n][0], newest.get(n, 0) if missed else 0)
                for n in chosen
            ],
            np.int64,
        )
        self.read = self.taken.copy()
        for owed in (self.late, self.anew):
            owed.keep(set(chosen))
        self._flying = {}
        self._meanwhile = np.full(len(chosen), NEVER, np.int64)
        self.changes += 1

    def go_on_from(self, at: int) -> None:
        """Have every signal go on with the first sample at or after a time: sent again, or left out."""
        for place in (self.read, self.taken, self.safe):
            place[:] = at - 1
        self.late, self.anew, self._flying = OwedSpans(), OwedSpans(), {}
        self.gap, self.outdated, self.outdated_for = None, None, ""
        self.begins_at = at
        self.changes += 1

    # --- what there is ----------------------------------------------------------------------------------------------

    def notice(self, batches: Sequence[Batch]) -> None:
        """Hear of samples that are in history now."""
        for batch in batches:
            if batch.seq > self.seq or not batch.seq:
                self._notice(batch)
                self.seq = max(self.seq, batch.seq)
                self.changes += 1

    def _notice(self, batch: Batch) -> None:
        if not len(self.signal) or not len(batch):
            return
        number = batch.signal.astype(np.int64)
        place = np.minimum(np.searchsorted(self.signal, number), len(self.signal) - 1)
        ours = self.signal[place] == number
        if not ours.any():
            return
        place, at, number = place[ours], batch.source_at[ours], number[ours]
        is_late = (at <= self.taken[place]) & (at >= self.begins_at)
        if is_late.any():
            self._add_late(number[is_late], at[is_late])
        is_new = at > self.taken[place]
        if is_new.any():
            self._expect(place[is_new], at[is_new])

    def _expect(self, place: I8, at: I8) -> None:
        """Hear of samples behind everything that was handed over."""
        was_read = self.read[place] >= self.noticed[place]
        np.maximum.at(self.noticed, place, at)
        # What is thinned out waits for its next sample and is stored behind what was read: read again from the last.
        again = place[was_read | (at <= self.read[place])]
        self.read[again] = self.taken[again]
        np.minimum.at(self._meanwhile, place, at)

    def _add_late(self, number: I8, at: I8) -> None:
        order = np.lexsort((at, number))
        self.late.add((n, t, t + 1) for n, t in zip(number[order].tolist(), at[order].tolist(), strict=True))

    def put_anew(self, spans: Iterable[Span], *, is_gone: bool, can_erase: bool) -> None:
        """Hear that spans of history are other than they were.

        Args:
            spans: Of any signals.
            is_gone: Samples went; else some came.
            can_erase: The target can forget samples. One that cannot is sent what it may have, as far as it goes.
        """
        owed: list[Span] = []
        for number, begin, end in spans:
            place = int(np.searchsorted(self.signal, number))
            begin = max(begin, self.begins_at)
            if place == len(self.signal) or self.signal[place] != number or begin >= end:
                continue
            self.changes += 1
            if is_gone and can_erase:
                owed.append((number, begin, end))
                continue
            there = max(int(self.taken[place]) + 1, self._flying.get(number, 0) if is_gone else 0)
            if begin < there:
                owed.append((number, begin, min(end, there)))
            if end > there:
                places = np.array([place, place], np.int64)
                self._expect(places, np.array([max(begin, there), end - 1], np.int64))
        (self.anew if is_gone else self.late).add(owed)

    # --- what is to be sent -----------------------------------------------------------------------------------------

    @property
    def behind(self) -> NDArray[np.bool_]:
        """Which signals have samples in history that were not read yet."""
        return self.read < self.noticed

    def next_spans(self, signals_max: int) -> list[Span]:
        """Return what to read next: some signals over one window of time, the one that is furthest behind first.

        `sent` or `unsettled` follows, or nothing where it is asked anew.
        """
        self._meanwhile[:] = NEVER
        due = np.flatnonzero(self.behind)
        if not len(due):
            return []
        end = int(self.read[due].min()) + 1 + self.window_us
        due = due[self.read[due] + 1 < end]
        due = due[np.argsort(self.read[due], kind="stable")][:signals_max]
        upto = np.minimum(self.noticed[due] + 1, end)
        self._flying = dict(zip(self.signal[due].tolist(), upto.tolist(), strict=True))
        return list(zip(self.signal[due].tolist(), (self.read[due] + 1).tolist(), upto.tolist(), strict=True))

    def narrower(self) -> bool:
        """Read a shorter window after one that held too much; False where it is as short as it gets."""
        if self.window_us <= 1:
            return False
        self.window_us = max(1, self.window_us // 4)
        return True

    def wider(self) -> None:
        """Read a longer window after one that held little."""
        self.window_us = min(self.window_us * 2, WINDOW_MAX_US)

    # --- what was sent ----------------------------------------------------------------------------------------------

    def sent(self, spans: Sequence[Span], signal: I8, source_at: I8) -> None:
        """Note that the samples of some spans were handed over; those of a span are all there are of it."""
        places = np.searchsorted(self.signal, [span[0] for span in spans])
        ends = np.array([span[2] - 1 for span in spans], np.int64)
        self.read[places] = np.maximum(self.read[places], ends)
        if len(signal):
            np.maximum.at(self.taken, np.searchsorted(self.signal, signal), source_at)
        # What came while the window was read may be missing in it.
        for row in np.flatnonzero(self._meanwhile[places] <= ends).tolist():
            place, at = int(places[row]), int(self._meanwhile[places[row]])
            if at > self.taken[place]:
                self.read[place] = self.taken[place]
            else:
                self.late.add([(int(self.signal[place]), at, int(ends[row]) + 1)])
        self._flying = {}
        self.changes += 1

    def sent_owed(self, owed: OwedSpans) -> None:
        """Note that the spans of ``late`` or ``anew`` on their way were handed over."""
        owed.sent()
        self.changes += 1

    def settled(self, checkpoint: str) -> None:
        """Note that everything handed over so far will survive."""
        self.safe = self.taken.copy()
        for owed in (self.late, self.anew):
            owed.settled()
        self.checkpoint = checkpoint
        self.changes += 1

    def unsettled(self) -> None:
        """Forget what was handed over and is not safe: the target was opened anew."""
        self.taken = self.safe.copy()
        self.read = self.safe.copy()
        self._flying = {}
        for owed in (self.late, self.anew):
            owed.unsettled()

    def lost(self, removed: Sequence[Span]) -> None:
        """Note what was removed from history before it could be sent."""
        if removed:
            self.gap = _around(self.gap, removed)
            self.changes += 1

    def stays(self, spans: Sequence[Span], why: str) -> None:
        """Note that samples which went from history are still over there, and why."""
        if spans:
            self.outdated, self.outdated_for = _around(self.outdated, spans), why
            self.changes += 1

    # --- kept over a restart ----------------------------------------------------------------------------------------

    def packed(self) -> bytes:
        """Return what is to be stored."""
        into = BytesIO()
        np.savez_compressed(
            into,
            signal=self.signal, noticed=self.noticed, safe=self.safe,
            late=np.array(self.late.all(), np.int64).reshape(-1, 3),
            anew=np.array(self.anew.all(), np.int64).reshape(-1, 3),
            gap=np.array(self.gap or (), np.int64), outdated=np.array(self.outdated or (), np.int64),
            numbers=np.array([self.begins_at, self.seq], np.int64),
            words=np.array([self.checkpoint, self.holder, self.outdated_for]),
        )  # fmt: skip
        return into.getvalue()

    def _unpack(self, content: bytes) -> None:
        try:
            with np.load(BytesIO(content), allow_pickle=False) as stored:
                self.signal, self.noticed, self.safe = stored["signal"], stored["noticed"], stored["safe"]
                self.late, self.anew = (OwedSpans(stored[name].tolist()) for name in ("late", "anew"))
                self.gap, self.outdated = (_one(stored[name].tolist()) for name in ("gap", "outdated"))
                self.begins_at, self.seq = stored["numbers"].tolist()
                self.checkpoint, self.holder, self.outdated_for = stored["words"].tolist()
        except (KeyError, ValueError, OSError, EOFError, IndexError) as error:
            raise ValueError(f"the place of a sink is damaged: {error}") from error
        self.read, self.taken = self.safe.copy(), self.safe.copy()
        self._meanwhile = np.full(len(self.signal), NEVER, np.int64)


def _around(before: Span | None, spans: Sequence[Span]) -> Span:
    """Return of how many signals, at most, and between which times some spans are."""
    count, low, high = before or (0, 2**62, 0)
    signals, begins, ends = zip(*spans, strict=True)
    return max(count, len(set(signals))), min(low, *begins), max(high, *ends)


def _one(numbers: list[int]) -> Span | None:
    return (numbers[0], numbers[1], numbers[2]) if numbers else None
