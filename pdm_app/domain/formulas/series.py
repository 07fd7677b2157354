"""Series that formulas read, and what is asked of them at given instants: values as they stood, and windows of time.

Everything here looks back only: what is answered for an instant depends on samples up to it, so that a value computed
as the samples come and one recomputed a year later are the same. Between two samples a continuous signal is taken to
run straight and a step signal to stay; after the newest one every signal stays.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.samples import F8, I8, MICROS_PER_S, QUALITY_BAD_MIN, QUALITY_UNCERTAIN_MIN, Stretch

Flags = NDArray[np.bool_]
COVERED_MIN = 0.999  # Of a window; below, the answer is uncertain.


@dataclass(frozen=True, slots=True)
class Column:
    """Values at some instants.

    Attributes:
        value: Numbers, truths as 0 and 1; without meaning where not known.
        known: Whether there is a value.
        uncertain: Whether it may be trusted only so far.
    """

    value: F8
    known: Flags
    uncertain: Flags


@dataclass(frozen=True)
class Series:
    """One series: strictly increasing instants in microseconds UTC, and a column of the same length."""

    at: I8
    column: Column
    is_step: bool = False

    @classmethod
    def of(cls, at: I8, value: F8, *, known: Flags | None = None, is_step: bool = False) -> "Series":
        """Make a series whose values are all good, but for NaN."""
        usable = np.isfinite(value) if known is None else known
        return cls(at, Column(value, usable, np.zeros(len(at), bool)), is_step)

    @classmethod
    def of_stretch(cls, stretch: Stretch, *, is_step: bool) -> "Series":
        """Make a series of recorded samples: bad ones are not known, uncertain ones stay so."""
        known = (stretch.quality < QUALITY_BAD_MIN) & np.isfinite(stretch.value)
        doubtful = known & (stretch.quality >= QUALITY_UNCERTAIN_MIN)
        return cls(stretch.source_at, Column(stretch.value, known, doubtful), is_step)

    def as_of(self, instants: I8) -> Column:
        """Return what stood at each instant: the newest sample not after it."""
        row = np.searchsorted(self.at, instants, side="right") - 1
        return _picked(self.column, row)

    # --- windows, each (instant - width, instant] -----------------------------------------------------------------

    def previous(self, instants: I8, width_us: int) -> Column:
        """Return the value ``width_us`` before each instant, between two samples where the signal is continuous."""
        then = instants - width_us
        stood = self.as_of(then)
        if self.is_step or len(self.at) < 2:
            return stood
        return Column(self._between(then, instants, stood), stood.known, stood.uncertain)

    def average(self, instants: I8, width_us: int) -> Column:
        """Return the time-weighted average over the part of each window in which there is a value."""
        area, covered_us = self._area(instants, width_us)
        known = covered_us > 0
        value = np.divide(area, covered_us, out=np.full(len(instants), np.nan), where=known) + self._middle
        return Column(value, known, self._doubtful(instants, width_us, covered_us))

    def integral(self, instants: I8, width_us: int) -> Column:
        """Return value × seconds over each window."""
        area, covered_us = self._area(instants, width_us)
        value = (area + self._middle * covered_us) / MICROS_PER_S
        return Column(value, covered_us > 0, self._doubtful(instants, width_us, covered_us))

    def extreme(self, instants: I8, width_us: int, *, highest: bool) -> Column:
        """Return the highest or lowest value of each window, what stood at its beginning included."""
        worst = -np.inf if highest else np.inf
        pick = np.maximum if highest else np.minimum
        filled = np.where(self.column.known, self.column.value, worst)
        first, last = self._rows(instants, width_us)
        found = _range_extreme(filled, first, last, pick, worst)
        begin = self.previous(instants, width_us)
        value = pick(found, np.where(begin.known, begin.value, worst))
        known = np.isfinite(value)
        _, covered_us = self._area(instants, width_us)
        return Column(np.where(known, value, np.nan), known, self._doubtful(instants, width_us, covered_us))

    def deviation(self, instants: I8, width_us: int) -> Column:
        """Return the standard deviation of the samples in each window (of the population, not an estimate)."""
        centred = np.where(self.column.known, self.column.value - self._middle, 0.0)
        first, behind = self._rows(instants, width_us)
        n, total, squares = (
            _between_rows(column, first, behind) for column in (self.column.known.astype(float), centred, centred**2)
        )
        known = n > 0
        n = np.where(known, n, 1.0)
        variance = squares / n - (total / n) ** 2
        noise = 8 * np.finfo(float).eps * np.cumsum(centred**2)[np.maximum(behind, 1) - 1] / n if len(self.at) else 0.0
        value = np.sqrt(np.where(variance > noise, variance, 0.0))
        return Column(value, known, np.zeros(len(instants), bool))

    def count(self, instants: I8, width_us: int) -> Column:
        """Return how many samples with a value lie in each window."""
        first, last = self._rows(instants, width_us)
        number = _between_rows(self.column.known.astype(float), first, last)
        return Column(number, np.ones(len(instants), bool), np.zeros(len(instants), bool))

    # --- what windows are reckoned from ---------------------------------------------------------------------------

    @cached_property
    def _middle(self) -> float:
        """A number near the values: what is summed up is the distance from it, which costs fewer digits."""
        usable = self.column.value[self.column.known]
        return float(usable.mean()) if len(usable) else 0.0

    @cached_property
    def _sums(self) -> tuple[F8, F8]:
        """Area above `_middle` and time with a value from the first sample to each, both times microseconds."""
        if len(self.at) == 0:
            return np.zeros(0), np.zeros(0)
        width = np.diff(self.at).astype(float)
        centred = np.where(self.column.known, self.column.value - self._middle, 0.0)
        ends = centred[:-1] if self.is_step else np.where(self.column.known[1:], centred[1:], centred[:-1])
        held = self.column.known[:-1]
        area = np.where(held, (centred[:-1] + ends) / 2 * width, 0.0)
        return np.concatenate(([0.0], np.cumsum(area))), np.concatenate(([0.0], np.cumsum(np.where(held, width, 0.0))))

    def _area(self, instants: I8, width_us: int) -> tuple[F8, F8]:
        """Return area above `_middle` and the time with a value in each window, in microseconds."""
        if len(self.at) == 0:
            return np.zeros(len(instants)), np.zeros(len(instants))
        (end_area, end_time), (begin_area, begin_time) = (
            self._up_to(instants, instants),
            self._up_to(instants - width_us, instants),
        )
        return end_area - begin_area, end_time - begin_time

    def _up_to(self, instants: I8, seen_to: I8) -> tuple[F8, F8]:
        area, time = self._sums
        row = np.searchsorted(self.at, instants, side="right") - 1
        inside = row >= 0
        row = np.maximum(row, 0)
        held = inside & self.column.known[row]
        rest = np.where(held, (instants - self.at[row]).astype(float), 0.0)
        begin = np.where(held, self.column.value[row] - self._middle, 0.0)
        end = begin
        if not self.is_step and len(self.at) > 1:
            there = self._between(instants, seen_to, self.as_of(instants))
            end = np.where(held, there - self._middle, 0.0)
        return np.where(inside, area[row] + (begin + end) / 2 * rest, 0.0), np.where(inside, time[row] + rest, 0.0)

    def _between(self, instants: I8, seen_to: I8, stood: Column) -> F8:
        """Return values on the straight line to the next sample, where that one had been seen by ``seen_to``."""
        row = np.searchsorted(self.at, instants, side="right") - 1
        after = np.minimum(row + 1, len(self.at) - 1)
        row = np.maximum(row, 0)
        straight = stood.known & self.column.known[after] & (self.at[after] > instants) & (self.at[after] <= seen_to)
        width = np.where(straight, self.at[after] - self.at[row], 1).astype(float)
        share = np.where(straight, (instants - self.at[row]) / width, 0.0)
        begin = np.where(straight, self.column.value[row], 0.0)
        rise = np.where(straight, self.column.value[after] - begin, 0.0)
        return np.where(straight, begin + rise * share, stood.value)

    def _rows(self, instants: I8, width_us: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the first row of each window and the one behind its last."""
        return (
            np.searchsorted(self.at, instants - width_us, side="right"),
            np.searchsorted(self.at, instants, side="right"),
        )

    def _doubtful(self, instants: I8, width_us: int, covered_us: F8) -> Flags:
        """Say of each window whether a part of it has no value, or one of its values is uncertain itself."""
        first, behind = self._rows(instants, width_us)
        first = np.maximum(first - 1, 0)  # What stood at its beginning.
        doubtful: Flags = covered_us < COVERED_MIN * width_us
        return doubtful | (_between_rows(self.column.uncertain.astype(float), np.minimum(first, behind), behind) > 0)


def _picked(column: Column, row: NDArray[np.intp]) -> Column:
    if len(column.value) == 0:
        nothing = np.zeros(len(row), bool)
        return Column(np.full(len(row), np.nan), nothing, nothing)
    inside = row >= 0
    row = np.maximum(row, 0)
    return Column(
        np.where(inside, column.value[row], np.nan), inside & column.known[row], inside & column.uncertain[row]
    )


def _between_rows(summand: F8, first: NDArray[np.intp], behind: NDArray[np.intp]) -> F8:
    sums = np.concatenate(([0.0], np.cumsum(summand)))
    return sums[behind] - sums[first]


def _range_extreme(value: F8, first: NDArray[np.intp], behind: NDArray[np.intp], pick: np.ufunc, worst: float) -> F8:
    """Return the extreme of each range of rows, from a table over all powers of two (sparse range minimum query)."""
    found = np.full(len(first), worst)
    length = behind - first
    if not len(value) or not (length > 0).any():
        return found
    level, table = 0, value
    while True:
        here = (length > 0) & (length >> level == 1)
        if here.any():
            found[here] = pick(table[first[here]], table[behind[here] - (1 << level)])
        if 1 << (level + 1) > length.max():
            return found
        table = pick(table[: -(1 << level)], table[1 << level :])
        level += 1
