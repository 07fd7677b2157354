"""What the samples of a stretch of time come to, so kept that neighbours add up exactly.

`summarise` makes one summary per signal and bucket of time from samples; `widened` and `joined_at` add summaries up.
Adding is exact for everything but the rounding of sums: a wide summary is the same whether it was made of samples or of
narrower summaries, also for time: a summary knows where its first and its last sample lie, so that the time between two
neighbours is counted to the sample before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.samples import F8, I8, MICROS_PER_S, QUALITY_BAD_MIN, QUALITY_UNCERTAIN_MIN, U2

NOWHERE = -1
"""The time of a usable sample where there is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Summaries:
    """Columns of one length, sorted by (signal, at); there is no row for time without samples.

    *Usable* samples are those that are not bad and have a number. A sample holds until the next one, whatever that is.

    Attributes:
        signal: Dense signal ids.
        at: Start of the stretch in microseconds UTC.
        samples: How many there are; of these ``good`` and ``usable``.
        low: Extremes and sum of the usable samples, NaN where there is none; ``high`` and ``total`` likewise.
        first_at: Time of the first usable sample, and its value in ``first``; -1 and NaN where there is none.
        last_at: Time of the last usable sample, and its value in ``last``.
        begins_at: Time of the first sample of any quality.
        ends_at: Time of the last sample of any quality, and its quality in ``ends_quality``.
        good_us: Microseconds between ``begins_at`` and ``ends_at`` in which a good sample held.
        usable_us: Likewise for usable samples.
        held: Integral over the time of ``usable_us`` in value x seconds, each sample held to the next one.
        line: The same with a straight line to the next sample where that is usable, too.
    """

    signal: I8
    at: I8
    samples: I8
    good: I8
    usable: I8
    low: F8
    high: F8
    total: F8
    first_at: I8
    first: F8
    last_at: I8
    last: F8
    begins_at: I8
    ends_at: I8
    ends_quality: I8
    good_us: I8
    usable_us: I8
    held: F8
    line: F8

    def __len__(self) -> int:
        return len(self.signal)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Summaries":
        """Return the rows at ``rows``, indexes or a mask."""
        return Summaries(*(getattr(self, name)[rows] for name in NAMES))

    def sorted(self) -> "Summaries":
        return self.take(np.lexsort((self.at, self.signal)))


NAMES = tuple(field.name for field in fields(Summaries))
REALS = frozenset({"low", "high", "total", "first", "last", "held", "line"})


def none() -> Summaries:
    """Return no row."""
    columns: dict[str, Any] = {name: np.zeros(0, np.float64 if name in REALS else np.int64) for name in NAMES}
    return Summaries(**columns)


def together(parts: Sequence[Summaries]) -> Summaries:
    """Return the rows of all parts, sorted; no two may share a stretch."""
    some = [part for part in parts if len(part)]
    if not some:
        return none()
    if len(some) == 1:
        return some[0]
    columns: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in some]) for name in NAMES}
    return Summaries(**columns).sorted()


def summarise(signal: I8, source_at: I8, value: F8, quality: U2 | I8, width_us: int) -> Summaries:
    """Summarise samples in buckets that begin at whole multiples of ``width_us``.

    Args:
        signal: Shape (samples,), like all columns; rows sorted by (signal, source_at), no two alike.
        source_at: Microseconds UTC.
        value: NaN where there is no number.
        quality: `Quality` codes.
        width_us: Microseconds, above 0.
    """
    return summarise_at(signal, source_at, value, quality, source_at - source_at % width_us)


def summarise_at(signal: I8, source_at: I8, value: F8, quality: U2 | I8, at: I8) -> Summaries:
    """Summarise samples in stretches of any length: ``at`` is, for each sample, where its stretch begins."""
    if not len(signal):
        return none()
    usable = (quality < QUALITY_BAD_MIN) & np.isfinite(value)
    good = quality < QUALITY_UNCERTAIN_MIN
    begins, ends, inner = _groups(signal, at)
    number = np.arange(len(signal))
    first = np.minimum.reduceat(np.where(usable, number, len(signal)), begins)
    last = np.maximum.reduceat(np.where(usable, number, -1), begins)
    there = last >= 0
    value = np.where(usable, value, 0.0)
    held_us = np.where(inner, np.diff(source_at, append=source_at[-1:]), 0)
    to_next = np.append(usable[1:], False) & inner
    with np.errstate(over="ignore", invalid="ignore"):
        half_way = np.where(to_next, value / 2 + np.append(value[1:], 0.0) / 2, value)
        seconds = np.where(usable, held_us, 0) / MICROS_PER_S
        return Summaries(
            signal=signal[begins],
            at=at[begins],
            samples=ends - begins + 1,
            good=np.add.reduceat(good.astype(np.int64), begins),
            usable=np.add.reduceat(usable.astype(np.int64), begins),
            low=_or_nan(np.minimum.reduceat(np.where(usable, value, np.inf), begins), there),
            high=_or_nan(np.maximum.reduceat(np.where(usable, value, -np.inf), begins), there),
            total=_or_nan(np.add.reduceat(value, begins), there),
            first_at=np.where(there, source_at[np.minimum(first, len(signal) - 1)], NOWHERE),
            first=_or_nan(value[np.minimum(first, len(signal) - 1)], there),
            last_at=np.where(there, source_at[last], NOWHERE),
            last=_or_nan(value[last], there),
            begins_at=source_at[begins],
            ends_at=source_at[ends],
            ends_quality=quality[ends].astype(np.int64),
            good_us=np.add.reduceat(np.where(good, held_us, 0), begins),
            usable_us=np.add.reduceat(np.where(usable, held_us, 0), begins),
            held=np.add.reduceat(value * seconds, begins),
            line=np.add.reduceat(half_way * seconds, begins),
        )


def widened(narrow: Summaries, width_us: int) -> Summaries:
    """Add summaries up in buckets that begin at whole multiples of ``width_us``, a multiple of their own width."""
    return joined_at(narrow, narrow.at - narrow.at % width_us)


def joined_at(narrow: Summaries, at: I8) -> Summaries:
    """Add neighbours up: ``at`` is, for each row, where the stretch begins that it becomes a part of."""
    if not len(narrow):
        return narrow
    begins, ends, inner = _groups(narrow.signal, at)
    there = narrow.usable > 0
    number = np.arange(len(narrow))
    first = np.minimum(np.minimum.reduceat(np.where(there, number, len(narrow)), begins), len(narrow) - 1)
    last = np.maximum.reduceat(np.where(there, number, -1), begins)
    some = last >= 0
    gap_us = np.where(inner, np.append(narrow.begins_at[1:], 0) - narrow.ends_at, 0)
    goes_on = there & (narrow.last_at == narrow.ends_at)
    meets = np.append((there & (narrow.first_at == narrow.begins_at))[1:], False)
    newest = np.where(goes_on, narrow.last, 0.0)
    good_gap_us = np.where(narrow.ends_quality < QUALITY_UNCERTAIN_MIN, gap_us, 0)
    usable_gap_us = np.where(goes_on, gap_us, 0)
    with np.errstate(over="ignore", invalid="ignore"):
        half_way = np.where(goes_on & meets, newest / 2 + np.append(narrow.first[1:], 0.0) / 2, newest)
        return Summaries(
            signal=narrow.signal[begins],
            at=at[begins],
            samples=np.add.reduceat(narrow.samples, begins),
            good=np.add.reduceat(narrow.good, begins),
            usable=np.add.reduceat(narrow.usable, begins),
            low=_or_nan(np.minimum.reduceat(np.where(there, narrow.low, np.inf), begins), some),
            high=_or_nan(np.maximum.reduceat(np.where(there, narrow.high, -np.inf), begins), some),
            total=_or_nan(np.add.reduceat(np.where(there, narrow.total, 0.0), begins), some),
            first_at=np.where(some, narrow.first_at[first], NOWHERE),
            first=_or_nan(narrow.first[first], some),
            last_at=np.where(some, narrow.last_at[last], NOWHERE),
            last=_or_nan(narrow.last[last], some),
            begins_at=narrow.begins_at[begins],
            ends_at=narrow.ends_at[ends],
            ends_quality=narrow.ends_quality[ends],
            good_us=np.add.reduceat(narrow.good_us + good_gap_us, begins),
            usable_us=np.add.reduceat(narrow.usable_us + usable_gap_us, begins),
            held=np.add.reduceat(narrow.held + newest * (usable_gap_us / MICROS_PER_S), begins),
            line=np.add.reduceat(narrow.line + half_way * (usable_gap_us / MICROS_PER_S), begins),
        )


def _groups(signal: I8, at: I8) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Return the first and last row of each stretch, and for each row whether the next one lies in the same."""
    inner = np.append((signal[1:] == signal[:-1]) & (at[1:] == at[:-1]), False)
    ends = np.flatnonzero(~inner)
    begins = np.concatenate((np.zeros(1, ends.dtype), ends[:-1] + 1))
    return begins, ends, inner


def _or_nan(values: F8, there: NDArray[np.bool_]) -> F8:
    return np.where(there, values, np.nan)
