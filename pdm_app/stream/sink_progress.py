"""How far a sink has got: for each of its signals what history has, what was handed over, and what is safe there.

Four times a signal, all microseconds UTC of the source: ``noticed``, the newest sample that is in history; ``read``, up
to where history was read; ``taken``, the newest sample that was handed over; ``safe``, the newest one of which the
target has said that it will survive. ``noticed`` and ``safe`` are stored, with spans of late samples and the target's
checkpoint; after a crash what is between ``safe`` and ``noticed`` is sent once more.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.samples import I8, MICROS_PER_S, Batch

Span = tuple[int, int, int]
"""A signal, from a time, up to, not including, another."""

JOINED_US = 60 * MICROS_PER_S
"""Late spans of one signal that lie nearer are one: what lies between is sent again."""
LATE_MAX = 2_000
"""Late spans; beyond, those of one signal become one."""
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
        self.late: list[Span] = []
        self._late_flying: list[Span] = []
        self._late_taken: list[Span] = []
        self._meanwhile = np.zeros(0, np.int64)  # Oldest sample noticed since a window was handed out.
        self.checkpoint = ""
        self.seq = 0
        self.holder = ""
        self.window_us = WINDOW_FIRST_US
        self.gap: tuple[int, int, int] | None = None  # Signals, from, up to: removed before it was sent.
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
        kept = set(chosen)
        self.late = [span for span in self.late if span[0] in kept]
        self._late_flying = [span for span in self._late_flying if span[0] in kept]
        self._late_taken = [span for span in self._late_taken if span[0] in kept]
        self._meanwhile = np.full(len(chosen), NEVER, np.int64)
        self.changes += 1

    def go_on_from(self, at: int) -> None:
        """Have every signal go on with the first sample at or after a time: sent again, or left out."""
        for place in (self.read, self.taken, self.safe):
            place[:] = at - 1
        self.late, self._late_flying, self._late_taken, self.gap = [], [], [], None
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
        place, at = place[is_new], at[is_new]
        if not len(place):
            return
        was_read = self.read[place] >= self.noticed[place]
        np.maximum.at(self.noticed, place, at)
        # What is thinned out waits for its next sample and is stored behind what was read: read again from the last.
        again = place[was_read | (at <= self.read[place])]
        self.read[again] = self.taken[again]
        np.minimum.at(self._meanwhile, place, at)

    def _add_late(self, number: I8, at: I8) -> None:
        order = np.lexsort((at, number))
        self.late = joined([*self.late, *((n, t, t + 1) for n, t in zip(number[order], at[order], strict=True))])

    # --- what is to be sent -----------------------------------------------------------------------------------------

    @property
    def behind(self) -> NDArray[np.bool_]:
        """Which signals have samples in history that were not read yet."""
        return self.read < self.noticed

    def next_late(self, spans_max: int) -> list[Span]:
        """Return spans of late samples to send now; `sent_late` or `unsettled` follows."""
        self._late_flying, self.late = self.late[:spans_max], self.late[spans_max:]
        return self._late_flying

    def halve_late(self) -> bool:
        """Send fewer late spans, or half of the only one, after they held too much; False where that is one instant."""
        flying = self._late_flying
        if len(flying) > 1:
            self.late += flying[len(flying) // 2 :]
            self._late_flying = flying[: len(flying) // 2]
            return True
        number, begin, end = flying[0]
        if end - begin <= 1:
            return False
        middle = (begin + end) // 2
        self.late.append((number, middle, end))
        self._late_flying = [(number, begin, middle)]
        return True

    @property
    def late_now(self) -> list[Span]:
        """Which late spans are on their way."""
        return self._late_flying

    @property
    def late_waiting(self) -> int:
        return len(self.late) + len(self._late_flying) + len(self._late_taken)

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
                self.late.append((int(self.signal[place]), at, int(ends[row]) + 1))
        self.changes += 1

    def sent_late(self) -> None:
        """Note that the late spans on their way were handed over."""
        self._late_taken += self._late_flying
        self._late_flying = []
        self.changes += 1

    def settled(self, checkpoint: str) -> None:
        """Note that everything handed over so far will survive."""
        self.safe = self.taken.copy()
        self._late_taken = []
        self.checkpoint = checkpoint
        self.changes += 1

    def unsettled(self) -> None:
        """Forget what was handed over and is not safe: the target was opened anew."""
        self.taken = self.safe.copy()
        self.read = self.safe.copy()
        self.late = joined([*self.late, *self._late_flying, *self._late_taken])
        self._late_flying, self._late_taken = [], []

    def lost(self, removed: Sequence[Span]) -> None:
        """Note what was removed from history before it could be sent."""
        if not removed:
            return
        count, low, high = self.gap or (0, 2**62, 0)
        signals, begins, ends = zip(*removed, strict=True)
        self.gap = (max(count, len(set(signals))), min(low, *begins), max(high, *ends))
        self.changes += 1

    # --- kept over a restart ----------------------------------------------------------------------------------------

    def packed(self) -> bytes:
        """Return what is to be stored."""
        into = BytesIO()
        late = joined([*self.late, *self._late_flying, *self._late_taken])
        np.savez_compressed(
            into,
            signal=self.signal, noticed=self.noticed, safe=self.safe, late=np.array(late, np.int64).reshape(-1, 3),
            gap=np.array(self.gap or (), np.int64), numbers=np.array([self.begins_at, self.seq], np.int64),
            words=np.array([self.checkpoint, self.holder]),
        )  # fmt: skip
        return into.getvalue()

    def _unpack(self, content: bytes) -> None:
        try:
            with np.load(BytesIO(content), allow_pickle=False) as stored:
                self.signal, self.noticed, self.safe = stored["signal"], stored["noticed"], stored["safe"]
                self.late = [tuple(span) for span in stored["late"].tolist()]
                gap = stored["gap"].tolist()
                self.gap = (gap[0], gap[1], gap[2]) if gap else None
                self.begins_at, self.seq = stored["numbers"].tolist()
                self.checkpoint, self.holder = stored["words"].tolist()
        except (KeyError, ValueError, OSError, EOFError, IndexError) as error:
            raise ValueError(f"the place of a sink is damaged: {error}") from error
        self.read, self.taken = self.safe.copy(), self.safe.copy()
        self._meanwhile = np.full(len(self.signal), NEVER, np.int64)


def joined(spans: Sequence[Span]) -> list[Span]:
    """Return spans as few as they are good for: those of a signal that lie near each other become one."""
    near_us = JOINED_US
    while True:
        found: list[Span] = []
        for number, begin, end in sorted((int(n), int(b), int(e)) for n, b, e in spans):
            if found and found[-1][0] == number and begin <= found[-1][2] + near_us:
                found[-1] = (number, found[-1][1], max(end, found[-1][2]))
            else:
                found.append((number, begin, end))
        if len(found) <= LATE_MAX or near_us >= 2**60:
            return found
        near_us *= 100
