"""When a condition held: stretches of time from outcomes that come in any order, more than once, and late.

`Frames.take` is told outcomes, and `Frames.found` says which stretches they make. Within the last ten minutes, every
outcome is remembered, so that one that comes late moves the edges as if it had come in time.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pdm_app.domain.samples import F8, I8, QUALITY_BAD_MIN, U2, Quality
from pdm_app.stream.derivations import LATE_US, Memory


@dataclass(frozen=True, slots=True)
class Frame:
    """A stretch in which a condition held; without an end it goes on. Microseconds UTC, the end excluded."""

    start_at: int
    end_at: int | None


class Frames:
    """The stretches of one condition.

    Args:
        gap_us: A break up to this long does not end a stretch.
        min_us: What is shorter is none.
        known: Stretches that were found before, such as in an earlier run of the program.
    """

    def __init__(self, gap_us: int, min_us: int, known: Iterable[Frame] = ()) -> None:
        self._gap_us = gap_us
        self._min_us = min_us
        self._memory = Memory()
        for frame in known:
            self._note(frame.start_at, is_true=True)
            if frame.end_at is not None:
                self._note(frame.end_at, is_true=False)

    def _note(self, at: int, *, is_true: bool) -> None:
        self._memory.merge(
            np.array([at], np.int64), np.array([float(is_true)]), np.array([int(Quality.GOOD)], np.uint16)
        )

    def take(self, at: I8, value: F8, quality: U2) -> bool:
        """Take outcomes; tell whether any of them was news. One that is not known says nothing about the condition."""
        known = (quality < QUALITY_BAD_MIN) & np.isfinite(value)
        if self._memory.merge(at[known], value[known], quality[known]) is None:
            return False
        self._settle()
        return True

    @property
    def settled_to(self) -> int:
        """What ended before this stays as it is."""
        return self._memory.newest - LATE_US - self._gap_us

    def found(self) -> list[Frame]:
        """Return the stretches that are not settled, oldest first."""
        stretch = self._memory.stretch
        if not len(stretch):
            return []
        at, holds = stretch.source_at, stretch.value > 0
        edges = np.flatnonzero(np.diff(holds.astype(np.int8), prepend=0))
        newest = int(at[-1])
        found: list[Frame] = []
        start: int | None = None
        end: int | None = None
        for place in edges.tolist():
            moment = int(at[place])
            if holds[place]:
                if start is not None and end is not None and moment - end > self._gap_us:
                    found.append(Frame(start, end))
                    start = None
                start = moment if start is None else start
                end = None
            else:
                end = moment
        if start is not None:
            is_over = end is not None and newest - end >= self._gap_us
            found.append(Frame(start, end if is_over else None))
        return [frame for frame in found if self._counts(frame, newest)]

    def _counts(self, frame: Frame, newest: int) -> bool:
        end = newest if frame.end_at is None else frame.end_at
        return end - frame.start_at >= self._min_us

    def _settle(self) -> None:
        """Forget what is settled; of a stretch that reaches further back only its beginning is kept."""
        stretch, boundary = self._memory.stretch, self.settled_to
        if not len(stretch) or stretch.source_at[0] >= boundary - LATE_US:
            return  # A while is let go by, since forgetting moves everything.
        open_since = next((frame.start_at for frame in self._spanning(boundary) if frame.start_at < boundary), None)
        later = stretch.source_at >= boundary
        rows = (stretch.source_at[later].copy(), stretch.value[later].copy(), stretch.quality[later].copy())
        before = int(np.searchsorted(stretch.source_at, boundary)) - 1
        stood = float(stretch.value[before]) > 0 if before >= 0 else False
        stood_at = int(stretch.source_at[before])
        self._memory = Memory()
        if open_since is not None:
            self._note(open_since, is_true=True)
        if before >= 0 and not stood and open_since is not None:
            self._note(max(stood_at, open_since + 1), is_true=False)
        self._memory.merge(*rows)

    def _spanning(self, boundary: int) -> list[Frame]:
        return [frame for frame in self.found() if frame.end_at is None or frame.end_at >= boundary]
