"""The newest samples of some signals as they came, for whoever learns later that all of them are wanted."""

from collections import deque
from collections.abc import Sequence

import numpy as np

from pdm_app.domain.samples import U4, Batch

SAMPLES_MAX = 400_000
"""Of all signals together, some 9 MB; beyond, the oldest go."""


class FullRateRing:
    """Batches of the last seconds, only the rows of signals that somebody may want."""

    def __init__(self) -> None:
        self._signals: U4 = np.zeros(0, np.uint32)
        self._batches: deque[Batch] = deque()
        self._samples = 0
        self._keep_us = 0

    def wants(self, signals: Sequence[int], keep_us: int) -> None:
        """Remember these signals from now on, for so long by their receipt."""
        self._signals = np.array(sorted(set(signals)), np.uint32)
        self._keep_us = keep_us

    def take(self, batches: Sequence[Batch]) -> None:
        """Remember what was recorded."""
        if not len(self._signals):
            self._batches.clear()
            self._samples = 0
            return
        for batch in batches:
            rows = batch.rows(np.isin(batch.signal, self._signals))
            if len(rows):
                self._batches.append(rows)
                self._samples += len(rows)
        newest = batches[-1].received_at if batches else 0
        while self._batches and (self._samples > SAMPLES_MAX or self._batches[0].received_at < newest - self._keep_us):
            self._samples -= len(self._batches.popleft())

    def between(self, signals: Sequence[int], start_at: int, end_at: int) -> list[Batch]:
        """Return what is remembered of some signals with source times in a span, the end included."""
        wanted = np.array(sorted(signals), np.uint32)
        found: list[Batch] = []
        for batch in self._batches:
            inside = np.isin(batch.signal, wanted) & (batch.source_at >= start_at) & (batch.source_at <= end_at)
            if inside.any():
                found.append(batch.rows(inside))
        return found
