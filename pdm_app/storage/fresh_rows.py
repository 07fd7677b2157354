"""The samples that were just written, kept until their rollups are derived, so that nobody has to read them back.

Reading back is what made rollups fall behind: ten seconds of a thousand signals lie on as many pages, and once a server
has written those out to make room, each comes from the disk again. What was written a moment ago is still here.

Rollups must be what the table says, so rows of memory stand for it only where they are certain to be all there is. Of
each signal is known from which source time on that holds. Whatever casts doubt on it moves that time forward: samples
of before this process, a write that failed and may be stored all the same, one that met samples which were there.
Of what cannot be told apart nothing is kept at all. Where memory does not do, the table is read, as it always can be.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import F8, I8, MICROS_PER_S, U2, U4
from pdm_app.storage.columnar import Columns
from pdm_app.storage.raw_rows import RawRows, no_rows

ROWS_MAX = 5_000_000
"""Of 22 bytes: 110 MB. 100,000 samples/s fill it in 50 s; ten seconds are derived some 35 s after their beginning."""
AHEAD_US = 60 * MICROS_PER_S
"""A clock that is further ahead has rows of its own read back: until their time comes they would only take room."""


@dataclass(slots=True, eq=False)
class Write:
    """Samples that are being stored. ``is_new`` is set once all are, and none of their keys was there before."""

    rows: Columns
    is_new: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Rows of one write, as narrow as they may be; sorted by (signal, source_at)."""

    signal: U4
    source_at: I8
    value: F8
    quality: U2
    until: int

    def __len__(self) -> int:
        return len(self.signal)

    @classmethod
    def of(cls, rows: Columns) -> "Part":
        return cls(
            rows.signal.astype(np.uint32),
            rows.source_at,
            rows.value,
            rows.quality.astype(np.uint16),
            int(rows.source_at.max(initial=0)),
        )

    def since(self, at: int) -> "Part":
        """Return the rows from a time on."""
        keep = self.source_at >= at
        if keep.all():
            return self
        return Part(self.signal[keep], self.source_at[keep], self.value[keep], self.quality[keep], self.until)


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """What memory has of a span: rows, and of which signals the table has to be asked."""

    parts: tuple[Part, ...]
    start: int
    end: int
    doubtful: frozenset[int]

    def rows(self) -> RawRows:
        """Return all samples of the signals that are not doubtful; 0.1 µs of processor time for each row kept."""
        cuts = [np.flatnonzero((part.source_at >= self.start) & (part.source_at < self.end)) for part in self.parts]
        found = [(part, cut) for part, cut in zip(self.parts, cuts, strict=True) if len(cut)]
        if not found:
            return no_rows()
        signal = np.concatenate([part.signal[cut] for part, cut in found]).astype(np.int64)
        source_at = np.concatenate([part.source_at[cut] for part, cut in found])
        value = np.concatenate([part.value[cut] for part, cut in found])
        quality = np.concatenate([part.quality[cut] for part, cut in found]).astype(np.int64)
        order = np.lexsort((source_at, signal))
        if self.doubtful:
            order = order[~np.isin(signal[order], sorted(self.doubtful))]
        nothing = np.zeros(len(order), np.int64)
        value = np.where(np.isfinite(value), value, np.nan)  # As the table says it.
        return RawRows(signal[order], source_at[order], value[order], quality[order], nothing, nothing)


class FreshRows:
    """Rows of one database, as one holder of the lease wrote them.

    It is told of every write before it begins, so that none is overlooked that is stored and not noted here yet.
    """

    def __init__(self, rows_max: int = ROWS_MAX) -> None:
        self._rows_max = rows_max
        self._fence: Fence | None = None
        self._gathering: object | None = None
        self._is_whole = False
        self._parts: list[Part] = []
        self._held = 0
        self._whole_from: dict[int, int] = {}
        self._under_way: set[Write] = set()
        self._others = 0
        self._derived_to = 0

    def __len__(self) -> int:
        return self._held

    @contextmanager
    def writing(self, rows: Columns, fence: Fence) -> Iterator[Write]:
        """Follow a write of rows whose keys differ; the block says of it whether all of them are new."""
        write = Write(rows)
        self._under_way.add(write)
        try:
            yield write
        finally:
            self._under_way.discard(write)
            if not write.is_new or fence != self._fence:
                self._doubt(rows)
            elif self._gathering is not None:
                self._keep(rows)

    @contextmanager
    def changing(self, until: int) -> Iterator[None]:
        """Follow a change of samples in any other way, of source times before ``until``."""
        if until <= self._derived_to:
            yield  # Its buckets are marked, and derived of what the table says.
            return
        self._others += 1
        self._forget()
        try:
            yield
        finally:
            self._others -= 1

    def gather(self, fence: Fence) -> object | None:
        """Begin to keep rows; None if that is so already, or cannot be now.

        The answer is for `follow`, with what the table says after this call.
        """
        if self._others or (self._gathering is not None and fence == self._fence):
            return None
        self._forget()
        self._fence = fence
        self._gathering = object()
        return self._gathering

    def follow(self, gathering: object, latest: Iterable[tuple[int, int]]) -> None:
        """Learn after which sample of each signal, (signal, source time), all that follow were kept."""
        for signal, at in latest:
            self._whole_from[signal] = max(self._whole_from.get(signal, 0), at + 1)
        self._is_whole = self._gathering is gathering

    def inside(self, start: int, end: int, fence: Fence) -> Taken | None:
        """Return what is kept from ``start`` up to, not including, ``end``; None if nothing can be said of it.

        Of writes that come later than this call, or are under way, the caller must learn in another way.
        """
        if not self._is_whole or fence != self._fence or start < self._derived_to:
            return None
        doubtful = {signal for signal, at in self._whole_from.items() if at > start}
        for write in self._under_way:
            here = (write.rows.source_at >= start) & (write.rows.source_at < end)
            doubtful.update(np.unique(write.rows.signal[here]).tolist())
        return Taken(tuple(part for part in self._parts if part.until >= start), start, end, frozenset(doubtful))

    def derived(self, end: int) -> None:
        """Let go of all before ``end``: it is in the rollups, and what comes late is marked."""
        self._derived_to = max(self._derived_to, end)
        self._parts = [left for part in self._parts if part.until >= end and len(left := part.since(end))]
        self._held = sum(map(len, self._parts))
        self._whole_from = {signal: at for signal, at in self._whole_from.items() if at > end}

    def _keep(self, rows: Columns) -> None:
        ahead = rows.source_at > rows.received_at + AHEAD_US
        if ahead.any():
            self._doubt(rows.take(ahead))
            rows = rows.take(~ahead)
        part = Part.of(rows).since(self._derived_to)
        if not len(part):
            return
        self._parts.append(part)
        self._held += len(part)
        if self._held > self._rows_max:
            self._forget()

    def _doubt(self, rows: Columns) -> None:
        newest = rows.newest()
        for signal, at in zip(newest.signal.tolist(), newest.source_at.tolist(), strict=True):
            self._whole_from[signal] = max(self._whole_from.get(signal, 0), at + 1)

    def _forget(self) -> None:
        """Keep nothing until `gather`; what casts doubt stays: a write may be stored long after it failed."""
        self._parts, self._held = [], 0
        self._gathering, self._is_whole = None, False
