"""What the intake knows of every signal, as columns: how to convert it, and what was last seen and recorded of it."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.samples import F8, I8, MICROS_PER_S, U2, U4, Quality
from pdm_app.domain.signals import Signal

NOT_STAMPED = np.uint16(0xFFFF)
NEVER_US = 2**62

B = NDArray[np.bool_]


class SignalBook:
    """Columns of shape (signals,), ordered by signal id; a signal's place in them is its slot.

    Attributes:
        scale, offset, low, high, deadband: From the configuration; a missing limit is infinite.
        stale_after_us: Silence after which a signal is stale.
        seen_source_at: Newest source time, 0 if there never was one.
        seen_value, seen_quality: Converted value and quality at that time.
        fresh_at: Receipt of the sample that last moved ``seen_source_at``.
        recorded_value, recorded_quality, recorded_source_at: Last row that was let through to the buffer.
        unsafe: The newest row was refused, or a commit failed: the next one is recorded, also a repetition.
        stamp_unsafe: The same of the stamp.
        stamp: Quality the product itself has stamped since the last sample, `NOT_STAMPED` if none.
        stamp_source_at: Source time of that stamp.
        time_rejected_at: Receipt of the last sample refused for its source time.
        seen_text: Newest text by slot.
    """

    def __init__(self, signals: Sequence[Signal]) -> None:
        self.signals = sorted(signals, key=lambda signal: signal.id)
        count = len(self.signals)
        infinity = float("inf")
        self.id: U4 = np.array([signal.id for signal in self.signals], dtype=np.uint32)
        self.scale = self._column(signal.scale for signal in self.signals)
        self.offset = self._column(signal.offset for signal in self.signals)
        self.low = self._column(-infinity if s.range_low is None else s.range_low for s in self.signals)
        self.high = self._column(infinity if s.range_high is None else s.range_high for s in self.signals)
        self.deadband = self._column(signal.deadband for signal in self.signals)
        # A derived signal stays as long as what it reads does: that goes stale, and takes it along.
        self.stale_after_us: I8 = np.array(
            [NEVER_US if s.is_derived else s.stale_after_s * MICROS_PER_S for s in self.signals], dtype=np.int64
        )
        self.seen_source_at: I8 = np.zeros(count, dtype=np.int64)
        self.seen_value: F8 = np.full(count, np.nan)
        self.seen_quality: U2 = np.full(count, Quality.BAD_WAITING, dtype=np.uint16)
        self.fresh_at: I8 = np.zeros(count, dtype=np.int64)
        self.recorded_value: F8 = np.full(count, np.nan)
        self.recorded_quality: U2 = np.full(count, Quality.BAD_WAITING, dtype=np.uint16)
        self.recorded_source_at: I8 = np.zeros(count, dtype=np.int64)
        self.unsafe: B = np.zeros(count, dtype=bool)
        self.stamp_unsafe: B = np.zeros(count, dtype=bool)
        self.stamp: U2 = np.full(count, NOT_STAMPED, dtype=np.uint16)
        self.stamp_source_at: I8 = np.zeros(count, dtype=np.int64)
        self.time_rejected_at: I8 = np.zeros(count, dtype=np.int64)
        self.seen_text: dict[int, str] = {}

    @staticmethod
    def _column(numbers: Iterable[float]) -> F8:
        return np.fromiter(numbers, dtype=np.float64)

    def __len__(self) -> int:
        return len(self.signals)

    def find(self, signal: U4 | Sequence[int]) -> tuple[I8, B]:
        """Return the slot of each signal id, and whether there is such a signal; slots of unknown ones are 0."""
        ids = np.asarray(signal, dtype=np.uint32)
        if not len(self.id):
            return np.zeros(len(ids), dtype=np.int64), np.zeros(len(ids), dtype=bool)
        slots = np.searchsorted(self.id, ids).astype(np.int64)
        slots[slots == len(self.id)] = 0
        return slots, self.id[slots] == ids

    def inherit(self, before: "SignalBook") -> tuple[I8, I8]:
        """Take over what ``before`` has seen of the signals both know; return their slots there and here."""
        old, known = before.find(self.id)
        new = np.flatnonzero(known)
        old = old[known]
        for column in (
            "seen_source_at",
            "seen_value",
            "seen_quality",
            "fresh_at",
            "recorded_value",
            "recorded_quality",
            "recorded_source_at",
            "unsafe",
            "stamp_unsafe",
            "stamp",
            "stamp_source_at",
            "time_rejected_at",
        ):
            getattr(self, column)[new] = getattr(before, column)[old]
        place = dict(zip(old.tolist(), new.tolist(), strict=True))
        self.seen_text = {place[slot]: words for slot, words in before.seen_text.items() if slot in place}
        return old, new

    def stale(self, now: int) -> I8:
        """Return the slots whose source time has not moved for longer than the signal allows."""
        silent = now - self.fresh_at > self.stale_after_us
        return np.flatnonzero(silent & (self.seen_source_at > 0) & (self.stamp == NOT_STAMPED))
