"""The loss ledger: for every signal, how many samples came and what became of those that were not kept as they came."""

from collections.abc import Mapping
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.samples import I8


class Count(IntEnum):
    """What is counted; the number is the row in the ledger's table."""

    RECEIVED = 0  # arrived from the source
    OFFERED = 1  # taken by the durable buffer
    REJECTED_TIME = 2  # source time far ahead of receipt or before 2000
    DUPLICATE = 3  # the same value with the same source time again
    LATE = 4  # older than the newest of its signal; kept
    HELD = 5  # inside the deadband; shown, not recorded
    REFUSED = 6  # the durable buffer was full; shown, not recorded
    CLAMPED = 7  # outside the signal's range; kept as uncertain
    NOT_A_NUMBER = 8  # NaN or infinite; kept as bad
    SKIPPED = 9  # a poll that was due while the one before was still running
    LOST = 10  # taken by the durable buffer, and then the disk refused the commit; shown, not recorded
    THINNED = 11  # left out of history by a storage rule, within its bound; shown, and seen by alarms and formulas


LOSSES = (Count.REJECTED_TIME, Count.REFUSED, Count.LOST)
"""Samples that came and never reach history, unless their source sends them again."""


class Ledger:
    """Counters as columns, shape (counts, slots); slots are those of the `SignalBook` it belongs to."""

    def __init__(self, slots: int) -> None:
        self._table = np.zeros((len(Count), slots), dtype=np.int64)
        self.unknown = 0

    def add(self, count: Count, slots: I8) -> None:
        """Count one for every entry of ``slots``; a slot may occur more than once."""
        if slots.size:
            np.add.at(self._table[count], slots, 1)

    def change(self, count: Count, slots: I8, by: I8) -> None:
        """Count as many as ``by`` says for each of ``slots``, in which none occurs twice; fewer than none take back."""
        self._table[count, slots] += by

    def column(self, count: Count) -> NDArray[np.int64]:
        """Return one count of every slot, as a view."""
        column: NDArray[np.int64] = self._table[count]
        return column

    def of(self, slot: int) -> Mapping[Count, int]:
        return {count: int(self._table[count, slot]) for count in Count}

    def totals(self) -> Mapping[Count, int]:
        return {count: int(self._table[count].sum()) for count in Count}

    def moved(self, slots: int, old: I8, new: I8, before: "Ledger") -> None:
        """Take over the counts that ``before`` held in its slots ``old`` into this ledger's slots ``new``."""
        self._table = np.zeros((len(Count), slots), dtype=np.int64)
        self._table[:, new] = before._table[:, old]
        self.unknown = before.unknown
