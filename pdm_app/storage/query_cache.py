"""Closed stretches of envelopes, kept in memory: what a screen asks for again and again is read once.

A tile is `TILE_BUCKETS` buckets of one width of one signal, beginning at a whole multiple of its length. Only what
cannot change by itself is kept: a tile ends before `rolled_to`, comes from rollups alone (no bucket of it is marked,
no sample of it waits), and so costs the same answer again. Everything else is read as if there were no cache.

What makes it exact:

* Whoever changes samples says so (`QueryCache.changed`) before the change is reported as done; tiles it touches go. A
  reader that was under way meanwhile neither keeps what it read of them nor takes a tile that others read later.
* Samples that are acknowledged and not recorded yet are in the answer: a tile they fall into is passed over.
* Only the holder of the collector lease changes samples. Each answer compares the token of its own snapshot with the
  one of this process: while another process collects nothing is kept and nothing taken.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from pdm_app.domain.history import CacheFigures, Tier
from pdm_app.domain.samples import F8, I8
from pdm_app.storage.series import Series

TILE_BUCKETS = 128
BYTES_MAX = 32_000_000
ENTRY_BYTES = 900
"""What a tile takes beside its numbers, about."""
CHANGES_MAX = 200
"""Changes that a reader remembers; after more it trusts nothing."""

Key: TypeAlias = tuple[int, int, int]
"""Signal, width of a bucket, beginning of the tile; microseconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """Columns of an envelope, shape (buckets that are not empty,); NaN where a bucket has no usable sample."""

    at: I8
    numbers: F8
    counts: I8

    @property
    def size(self) -> int:
        return self.at.nbytes + self.numbers.nbytes + self.counts.nbytes + ENTRY_BYTES

    @staticmethod
    def of(series: Series) -> "Tile":
        """Keep the columns of a series, copied so that nothing longer stays in memory with them."""
        return Tile(series.at.copy(), series.numbers.copy(), series.counts.copy())

    def series(self, signal: int, tier: Tier, width_us: int) -> Series:
        return Series(signal, tier, width_us, self.at, self.numbers, self.counts)


@dataclass(eq=False, slots=True)
class Reading:
    """One answer under way, and what was changed while it was."""

    tenure: int | None
    changes: list[tuple[frozenset[int], int, int]] = field(default_factory=list)

    def holds(self, signal: int, start: int, end: int) -> bool:
        """Whether nothing of this stretch was changed since the reading began."""
        if len(self.changes) > CHANGES_MAX:
            return False
        return not any(low < end and high > start and signal in signals for signals, low, high in self.changes)


class QueryCache:
    """Tiles within so many bytes; those that were not asked for the longest go first."""

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._tiles: OrderedDict[Key, Tile] = OrderedDict()
        self._of_signal: dict[int, set[Key]] = {}
        self._readings: set[Reading] = set()
        self._tenure: int | None = None
        self._ends_at = 0
        self._bytes = self._hits = self._misses = self._dropped = self._evicted = 0

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Begin an answer; before its snapshot of the database is taken."""
        reading = Reading(self._tenure)
        self._readings.add(reading)
        try:
            yield reading
        finally:
            self._readings.discard(reading)

    def hold(self, tenure: int) -> None:
        """Note with which token of the lease this process changes samples; what was read under another is forgotten."""
        if tenure != self._tenure:
            self.forget()
            self._tenure = tenure

    def agrees(self, reading: Reading, tenure: int | None) -> bool:
        """Whether this process alone changes samples, judged by the token in the snapshot of a reading."""
        return tenure is not None and tenure == reading.tenure == self._tenure

    def take(self, reading: Reading, key: Key) -> Tile | None:
        """Return a tile, None where it has to be read."""
        signal, width_us, start = key
        tile = self._tiles.get(key)
        if tile is None or not reading.holds(signal, start, start + width_us * TILE_BUCKETS):
            self._misses += 1
            return None
        self._tiles.move_to_end(key)
        self._hits += 1
        return tile

    def keep(self, reading: Reading, key: Key, tile: Tile) -> None:
        """Keep a closed tile, unless it was changed meanwhile."""
        signal, width_us, start = key
        end = start + width_us * TILE_BUCKETS
        if key in self._tiles or reading.tenure != self._tenure or not reading.holds(signal, start, end):
            return
        if tile.size > self._bytes_max:
            return
        self._tiles[key] = tile
        self._of_signal.setdefault(signal, set()).add(key)
        self._bytes += tile.size
        self._ends_at = max(self._ends_at, end)
        while self._bytes > self._bytes_max:
            self._drop(next(iter(self._tiles)))
            self._evicted += 1

    def changed(self, signals: I8, low: int, high: int) -> None:
        """Forget what stands for samples of some signals from ``low`` up to, not including, ``high``.

        It costs next to nothing where they are younger than all that is kept, as what arrives nearly always is.
        """
        if not self._readings and low >= self._ends_at:
            return
        touched = frozenset(np.unique(signals).tolist())
        for reading in self._readings:
            if len(reading.changes) <= CHANGES_MAX:
                reading.changes.append((touched, low, high))
        if low >= self._ends_at:
            return
        for signal in touched & self._of_signal.keys():
            for key in list(self._of_signal[signal]):
                if key[2] < high and key[2] + key[1] * TILE_BUCKETS > low:
                    self._drop(key)
                    self._dropped += 1

    def distrust(self) -> None:
        """Forget everything and keep nothing until `hold`: what became of a change is not known."""
        self.forget()
        self._tenure = None

    def forget(self) -> None:
        """Forget everything."""
        self._tiles.clear()
        self._of_signal.clear()
        self._bytes = self._ends_at = 0

    def figures(self) -> CacheFigures:
        return CacheFigures(
            hits=self._hits, misses=self._misses, tiles=len(self._tiles), bytes=self._bytes, bytes_max=self._bytes_max,
            dropped=self._dropped, evicted=self._evicted,
        )  # fmt: skip

    def _drop(self, key: Key) -> None:
        self._bytes -= self._tiles.pop(key).size
        keys = self._of_signal[key[0]]
        keys.discard(key)
        if not keys:
            del self._of_signal[key[0]]


def tiles_of(start: int, end: int, width_us: int) -> list[int]:
    """Return the beginnings of the tiles that meet a span."""
    length = width_us * TILE_BUCKETS
    return list(range(start - start % length, end, length))
