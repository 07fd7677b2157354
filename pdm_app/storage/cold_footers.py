"""What the end of a cold file says of its row groups, kept in memory: a reader parses it once, not for every question.

A file never changes once it has its name, and a new one of a day has a new name; a file that was changed all the same
has another size or time and is looked at anew. Pages carry checksums of their own.
"""

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow.parquet as pq
else:
    from pdm_app.storage.lazily import pyarrow_parquet as pq

GROUPS_MAX = 4000
"""Row groups of all footers that are kept, about 5 kB each."""
Key: TypeAlias = tuple[str, int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Footer:
    """Statistics of the row groups of a file, which follow each other in the order of (signal, source_at).

    Attributes:
        metadata: As pyarrow has it, to open the file with.
        owners: Lowest and highest signal of each group, shape (groups, 2).
        spans: Earliest and latest source time of each group, microseconds UTC, both included, shape (groups, 2).
    """

    metadata: Any
    owners: NDArray[np.int64]
    spans: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.owners)

    def owner(self, group: int) -> int | None:
        """Return the signal of a group, None where it has several."""
        low, high = self.owners[group].tolist()
        return int(low) if low == high else None

    def times(self, group: int) -> tuple[int, int]:
        """Return the earliest and the latest time of a group."""
        first, last = self.spans[group].tolist()
        return first, last

    def place(self, group: int, signals: NDArray[np.int64]) -> tuple[int, int]:
        """Return from which to which place those of sorted signals stand that a group may hold."""
        low, high = self.owners[group]
        return int(np.searchsorted(signals, low)), int(np.searchsorted(signals, high, side="right"))

    def groups_of(self, signals: NDArray[np.int64]) -> list[int]:
        """Return the groups that may hold one of some signals, which are sorted."""
        first = np.searchsorted(signals, self.owners[:, 0])
        after = np.searchsorted(signals, self.owners[:, 1], side="right")
        found: list[int] = np.flatnonzero(after > first).tolist()
        return found


class Footers:
    """Footers by file, within so many row groups; those that were not asked for the longest go first."""

    def __init__(self, groups_max: int = GROUPS_MAX) -> None:
        self._groups_max = groups_max
        self._kept: OrderedDict[Key, Footer] = OrderedDict()
        self._groups = 0
        self._lock = Lock()  # Files are read in threads.

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, path: Path) -> Footer:
        """Return the footer of a file; raises as pyarrow does."""
        facts = path.stat()
        key = (str(path), facts.st_ino, facts.st_size, facts.st_mtime_ns)
        with self._lock:
            footer = self._kept.get(key)
            if footer is not None:
                self._kept.move_to_end(key)
                return footer
        footer = _read(path)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = footer
                self._groups += len(footer)
            while self._groups > self._groups_max and len(self._kept) > 1:
                _, oldest = self._kept.popitem(last=False)
                self._groups -= len(oldest)
        return footer


def _read(path: Path) -> Footer:
    metadata = pq.read_metadata(path)
    owners, spans = [], []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        signal, source_at = group.column(0).statistics, group.column(1).statistics
        owners.append((signal.min, signal.max))
        spans.append((source_at.min, source_at.max))
    pair = (-1, 2)
    return Footer(metadata, np.array(owners, np.int64).reshape(pair), np.array(spans, np.int64).reshape(pair))


FOOTERS = Footers()
"""Those of this process: files are told apart by their paths."""


def footer_of(path: Path) -> Footer:
    """Return the footer of a file; raises as pyarrow does."""
    return FOOTERS.of(path)
