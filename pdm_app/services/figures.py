"""Figures of spans, made of what the historian summarised; pure, and run off the event loop."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.aggregates import weighted
from pdm_app.domain.history import AggregateQuery, Aggregates, Numbers, TimeAtValue
from pdm_app.domain.history_facts import SpanSummaries
from pdm_app.domain.samples import F8, I8, MICROS_PER_S, QUALITY_BAD_MIN, Stretch
from pdm_app.domain.signals import Shape, Signal

STATES_MAX = 100
"""Values whose time is told apart; a signal with more is no state."""


def edges_of(query: AggregateQuery) -> I8:
    """Return where the stretches of a question begin, and where the last one ends."""
    inner = np.arange(query.start_at, query.end_at, query.every_us or query.end_at, dtype=np.int64)
    return np.append(inner, query.end_at)


def aggregates(signal: Signal, edges: I8, found: SpanSummaries, now: int) -> Aggregates:
    """Return one signal's figures, one entry for each stretch."""
    rows = found.rows.take(found.rows.signal == signal.id)
    places = np.searchsorted(edges, rows.at, side="right") - 1
    time = weighted(
        rows, edges, found.before[signal.id], found.after[signal.id], is_step=signal.shape is Shape.STEP, now=now
    )
    usable = _spread(places, rows.usable, edges)
    total = _numbers(places, rows.total, edges)
    return Aggregates(
        signal=signal.id,
        shape=signal.shape,
        at=edges[:-1].tolist(),
        count=_spread(places, rows.samples, edges).tolist(),
        good=_spread(places, rows.good, edges).tolist(),
        usable=usable.tolist(),
        average=_finite(time.average),
        known_s=(time.known_us / MICROS_PER_S).tolist(),
        good_s=(_spread(places, rows.good_us, edges) / MICROS_PER_S).tolist(),
        low=_numbers(places, rows.low, edges),
        high=_numbers(places, rows.high, edges),
        total=total,
        mean=[None if amount is None else amount / number for amount, number in zip(total, usable, strict=True)],
        first_at=_times(places, rows.first_at, edges),
        first=_numbers(places, rows.first, edges),
        last_at=_times(places, rows.last_at, edges),
        last=_numbers(places, rows.last, edges),
    )


def percentiles(stretch: Stretch, edges: I8, percentile: float) -> Numbers:
    """Return the percentile of the usable samples of each stretch, with numpy's straight line between two of them."""
    known = (stretch.quality < QUALITY_BAD_MIN) & np.isfinite(stretch.value)
    at, value = stretch.source_at[known], stretch.value[known]
    cuts = np.searchsorted(at, edges)
    found: Numbers = []
    for begin, end in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        found.append(float(np.percentile(value[begin:end], percentile)) if end > begin else None)
    return found


def time_at_values(stretch: Stretch, start: int, end: int) -> list[TimeAtValue] | None:
    """Return how long a signal stood at each value of a span, the longest first; None where there are too many values.

    Args:
        stretch: The samples of the span, and before them what stood when it began.
        start: Microseconds UTC, as ``end``, up to which the last sample holds.
    """
    if end <= start:
        return []
    usable = (stretch.quality < QUALITY_BAD_MIN) & np.isfinite(stretch.value)
    at = np.concatenate(([start], np.maximum(stretch.source_at, start), [end]))
    value = np.concatenate(([np.nan], np.where(usable, stretch.value, np.nan)))
    lasts_us = np.maximum(np.diff(np.minimum(at, end)), 0)
    value, lasts_us = value[lasts_us > 0], lasts_us[lasts_us > 0]
    is_new = np.append(True, ~((value[1:] == value[:-1]) | (np.isnan(value[1:]) & np.isnan(value[:-1]))))
    is_new[:1] = False  # It stood there when the span began.
    values, which = np.unique(value, return_inverse=True)
    if len(values) > STATES_MAX:
        return None
    seconds = np.bincount(which, lasts_us) / MICROS_PER_S
    entered = np.bincount(which, is_new)
    states = [
        TimeAtValue(value=None if np.isnan(value) else float(value), seconds=float(lasts), entered=int(times))
        for value, lasts, times in zip(values, seconds, entered, strict=True)
    ]
    return sorted(states, key=lambda state: -state.seconds)


def _spread(places: NDArray[np.int64], column: I8, edges: I8) -> I8:
    every = np.zeros(len(edges) - 1, np.int64)
    every[places] = column
    return every


def _numbers(places: NDArray[np.int64], column: F8, edges: I8) -> Numbers:
    every = np.full(len(edges) - 1, np.nan)
    every[places] = column
    return _finite(every)


def _times(places: NDArray[np.int64], column: I8, edges: I8) -> list[int | None]:
    every: Sequence[int] = (_spread(places, column + 1, edges) - 1).tolist()
    return [None if at < 0 else at for at in every]


def _finite(values: F8) -> Numbers:
    return [value if good else None for value, good in zip(values.tolist(), np.isfinite(values).tolist(), strict=True)]
