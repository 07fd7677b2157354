"""The newest value of every signal, as columns indexed by a dense slot per signal.

An older source time never replaces a newer one, so late data does not move the live picture.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from pdm_app.domain.samples import I8, Batch, Micros, Quality, Sample, SignalId

GROWTH = 1024  # Slots are added in blocks; a plant of 350 signals never grows, one of 50,000 grows 48 times.

Listener = Callable[[I8], None]


class Latest:
    """Newest value, quality and times per signal; readers are told which slots have changed."""

    def __init__(self) -> None:
        self._slot_of: dict[int, int] = {}
        self._slots = np.full(GROWTH, -1, dtype=np.int64)  # signal id -> slot
        self.signal = np.zeros(0, dtype=np.uint32)
        self.source_at = np.zeros(0, dtype=np.int64)
        self.received_at = np.zeros(0, dtype=np.int64)
        self.value = np.zeros(0, dtype=np.float64)
        self.quality = np.zeros(0, dtype=np.uint16)
        self.text: dict[int, str] = {}
        self._used = 0
        self._listeners: set[Listener] = set()

    def slots(self, signals: Sequence[int] | np.ndarray) -> I8:
        """Return the slots of ``signals``, shape (signals,), making them where needed."""
        ids = np.asarray(signals, dtype=np.int64)
        if ids.size == 0:
            return np.zeros(0, dtype=np.int64)
        highest = int(ids.max())
        if highest >= len(self._slots):
            grown = np.full(max(highest + GROWTH, 2 * len(self._slots)), -1, dtype=np.int64)
            grown[: len(self._slots)] = self._slots
            self._slots = grown
        found = self._slots[ids]
        if (found < 0).any():
            for signal in np.unique(ids[found < 0]):
                self._slots[signal] = self._add(int(signal))
            found = self._slots[ids]
        return found

    def _add(self, signal: int) -> int:
        if self._used == len(self.signal):
            extra = GROWTH
            self.signal = np.concatenate([self.signal, np.zeros(extra, dtype=np.uint32)])
            self.source_at = np.concatenate([self.source_at, np.zeros(extra, dtype=np.int64)])
            self.received_at = np.concatenate([self.received_at, np.zeros(extra, dtype=np.int64)])
            self.value = np.concatenate([self.value, np.full(extra, np.nan)])
            self.quality = np.concatenate([self.quality, np.full(extra, Quality.BAD_WAITING, dtype=np.uint16)])
        slot = self._used
        self._used += 1
        self.signal[slot] = signal
        self._slot_of[signal] = slot
        return slot

    def merge(self, batch: Batch) -> None:
        """Take over every row that is not older than what is known, and tell the listeners."""
        if not len(batch):
            return
        slots = self.slots(batch.signal)
        newer = batch.source_at >= self.source_at[slots]
        if not newer.all():
            slots = slots[newer]
            batch = batch.rows(newer)
        if not len(batch):
            return
        # Rows of one signal may stand in any order: a stable sort makes the newest the last to be written.
        order = np.argsort(batch.source_at, kind="stable")
        slots = slots[order]
        self.source_at[slots] = batch.source_at[order]
        self.received_at[slots] = batch.received_at
        self.value[slots] = batch.value[order]
        self.quality[slots] = batch.quality[order]
        if batch.text or not self.text.keys().isdisjoint(slots.tolist()):
            self._keep_text(slots.tolist(), [batch.text.get(row) for row in order.tolist()])
        self._tell(slots)

    def _keep_text(self, slots: list[int], texts: list[str | None]) -> None:
        """Keep the newest text of each slot; one whose newest value is none forgets what it said before."""
        for slot, words in zip(slots, texts, strict=True):
            if words is None:
                self.text.pop(slot, None)
            else:
                self.text[slot] = words

    def mark(self, signals: Sequence[int], quality: Quality, at: Micros) -> None:
        """Stamp a quality on signals whose link is lost; their value and source time stay, for the age on screen."""
        slots = self.slots(signals)
        self.quality[slots] = quality
        self.received_at[slots] = at
        self._tell(slots)

    def sample(self, signal: int) -> Sample | None:
        """Return the newest sample of one signal, None if it never had one."""
        slot = self._slot_of.get(signal)
        if slot is None or self.source_at[slot] == 0:
            return None
        number = float(self.value[slot])
        value = self.text.get(slot, None if np.isnan(number) else number)
        return Sample(SignalId(signal), value, Quality(int(self.quality[slot])), Micros(int(self.source_at[slot])))

    def _tell(self, slots: I8) -> None:
        for listener in self._listeners:
            listener(slots)

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """Call ``listener`` with the changed slots after each merge, until the block is left."""
        self._listeners.add(listener)
        try:
            yield
        finally:
            self._listeners.discard(listener)
