"""Figures of stretches of time, of summaries and of what stood before and comes after them.

Time-weighted figures follow the signal's shape. A step holds its value until the next sample. A continuous signal runs
in a straight line to the next usable sample; towards a bad one it holds, for nobody knows where it went. A bad sample,
such as a lost connection leaves, ends what is known until the next usable one. Nothing is known of the future.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.samples import F8, I8, MICROS_PER_S
from pdm_app.domain.summaries import Summaries

NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Edge:
    """The sample next to a span: before it or from its end on. ``value`` is NaN where it is not usable."""

    at: int
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class Weighted:
    """Time-weighted figures of stretches, shape (stretches,).

    Attributes:
        average: Integral over the known time, divided by it; NaN where nothing is known.
        known_us: Microseconds for which a usable value held.
    """

    average: F8
    known_us: I8


@dataclass(frozen=True, slots=True, eq=False)
class _Neighbours:
    """For each stretch the sample that stood when it began, or that comes once it has ended."""

    at: I8
    value: F8


def weighted(
    rows: Summaries, edges: I8, before: Edge | None, after: Edge | None, *, is_step: bool, now: int
) -> Weighted:
    """Return the time-weighted figures of one signal.

    Args:
        rows: At most one row for each stretch, ``at`` its beginning, in order.
        edges: Shape (stretches + 1,), rising: stretch k lies between edges k and k + 1.
        before: The last sample before the first edge.
        after: The first sample at or after the last edge.
        is_step: Whether values hold instead of running in straight lines.
        now: Until then the last sample holds; microseconds UTC.
    """
    start = edges[:-1]
    end = np.maximum(np.minimum(edges[1:], now), start)
    place = np.searchsorted(edges, rows.at, side="right") - 1
    was, follows = _was(rows, place, len(start), before), _follows(rows, place, len(start), after)
    held_us, area = np.zeros(len(start), np.int64), np.zeros(len(start))
    held_us[place], area[place] = rows.usable_us, rows.held if is_step else rows.line
    begins = end.copy()
    begins[place] = rows.begins_at
    with np.errstate(over="ignore", invalid="ignore"):
        lead_us, lead = _between(start, np.minimum(begins, end), was, _first(rows, place, follows), is_step=is_step)
        ends_at, ends = _last(rows, place, len(start))
        from_end = np.minimum(np.where(ends_at == NEVER, end, ends_at), end)
        tail_us, tail = _between(from_end, end, _Neighbours(ends_at, ends), follows, is_step=is_step)
        known_us = held_us + lead_us + tail_us
        average = (area + lead + tail) / np.where(known_us > 0, known_us / MICROS_PER_S, np.nan)
    return Weighted(average, known_us)


def _between(start: I8, end: I8, one: _Neighbours, other: _Neighbours, *, is_step: bool) -> tuple[I8, F8]:
    """Return the known time from ``start`` to ``end``, which lie between two samples, and the integral over it."""
    known = np.isfinite(one.value) & (end > start)
    length_us = np.where(known, end - start, 0)
    level = np.where(known, one.value, 0.0)
    runs = known & np.isfinite(other.value) & (other.at != NEVER) & (other.at > one.at)
    if is_step or not runs.any():
        return length_us, level * (length_us / MICROS_PER_S)
    span = np.where(runs, other.at - one.at, 1)
    middle = ((start - one.at) + (end - one.at)) / 2 / span
    towards = np.where(runs, other.value, level)
    mean = np.where(runs, level * (1 - middle) + towards * middle, level)
    return length_us, mean * (length_us / MICROS_PER_S)


def _was(rows: Summaries, place: NDArray[np.int64], count: int, before: Edge | None) -> _Neighbours:
    at, value = np.full(count + 1, NEVER), np.full(count + 1, np.nan)
    if before is not None:
        at[0], value[0] = before.at, before.value
    ends_at, ends = _last(rows, place, count)
    filled = np.flatnonzero(ends_at != NEVER)
    at[filled + 1], value[filled + 1] = ends_at[filled], ends[filled]
    newest = np.maximum.accumulate(np.where(at != NEVER, np.arange(count + 1), 0))[:-1]
    return _Neighbours(at[newest], value[newest])


def _follows(rows: Summaries, place: NDArray[np.int64], count: int, after: Edge | None) -> _Neighbours:
    at, value = np.full(count + 1, NEVER), np.full(count + 1, np.nan)
    if after is not None:
        at[count], value[count] = after.at, after.value
    at[place] = rows.begins_at
    value[place] = np.where(rows.first_at == rows.begins_at, rows.first, np.nan)
    numbers = np.where(at != NEVER, np.arange(count + 1), count)
    soonest = np.minimum.accumulate(numbers[::-1])[::-1][1:]
    return _Neighbours(at[soonest], value[soonest])


def _first(rows: Summaries, place: NDArray[np.int64], follows: _Neighbours) -> _Neighbours:
    """The first sample inside each stretch, or the next one after an empty one."""
    at, value = follows.at.copy(), follows.value.copy()
    at[place] = rows.begins_at
    value[place] = np.where(rows.first_at == rows.begins_at, rows.first, np.nan)
    return _Neighbours(at, value)


def _last(rows: Summaries, place: NDArray[np.int64], count: int) -> tuple[I8, F8]:
    """The last sample inside each stretch; NEVER and NaN in an empty one."""
    at, value = np.full(count, NEVER), np.full(count, np.nan)
    at[place] = rows.ends_at
    value[place] = np.where(rows.last_at == rows.ends_at, rows.last, np.nan)
    return at, value
