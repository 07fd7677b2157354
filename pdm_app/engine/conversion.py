"""Raw readings to engineering values, and which of them are worth recording; whole columns at a time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.samples import F8, I8, MICROS_PER_S, QUALITY_BAD_MIN, QUALITY_UNCERTAIN_MIN, U2, Batch, Quality
from pdm_app.engine.signal_book import NOT_STAMPED, SignalBook

AHEAD_US_MAX = 10 * 60 * MICROS_PER_S
SOURCE_AT_MIN = 946_684_800 * MICROS_PER_S  # 2000-01-01: an earlier time is a device clock that was never set.

B = NDArray[np.bool_]


def time_is_credible(source_at: I8, received_at: int) -> B:
    """Tell which source times are neither before 2000 nor more than ten minutes ahead of receipt."""
    return (source_at >= SOURCE_AT_MIN) & (source_at <= received_at + AHEAD_US_MAX)


@dataclass(frozen=True, slots=True)
class Converted:
    """Values in the signal's unit and their quality; the masks say which rows were changed and why."""

    value: F8
    quality: U2
    clamped: B
    not_a_number: B


def convert(batch: Batch, slots: I8, book: SignalBook) -> Converted:
    """Scale, offset and clamp; a value that is no number is bad, one outside the range is uncertain.

    A quality that is already worse is kept. Rows with text are left as they are.
    """
    value = batch.value * book.scale[slots] + book.offset[slots]
    quality = batch.quality.copy()
    is_number = np.isfinite(value)
    for row in batch.text:
        is_number[row] = True
    not_a_number = ~is_number & (quality < QUALITY_BAD_MIN)
    quality[not_a_number] = Quality.BAD_NOT_A_NUMBER
    value[~is_number] = np.nan
    low, high = book.low[slots], book.high[slots]
    clamped = (value < low) | (value > high)  # False where NaN.
    if clamped.any():
        value = np.where(clamped, np.clip(value, low, high), value)
        quality[clamped & (quality < QUALITY_UNCERTAIN_MIN)] = Quality.UNCERTAIN_CLAMPED
    return Converted(value, quality, clamped, not_a_number)


@dataclass(frozen=True, slots=True)
class Sifted:
    """Masks over the rows of a batch. ``again`` marks values that a source announces anew after the link was lost."""

    late: B
    duplicate: B
    held: B
    again: B


def sift(batch: Batch, slots: I8, book: SignalBook) -> Sifted:
    """Find late rows, repeated rows and rows inside the deadband, and note all rows in ``book``.

    ``batch`` is already converted. A row inside the deadband is still recorded once per ``stale_after_s``, so that a
    level line is never taken for a gap. A late row is always recorded.
    """
    rows = len(batch)
    sifted = Sifted(*(np.zeros(rows, dtype=bool) for _ in range(4)))
    if rows < 2 or (np.diff(slots) > 0).all():
        _sift_once(batch, slots, np.arange(rows), book, sifted)
        return sifted
    order = np.argsort(slots, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(slots[order]) > 0])
    if _is_plain_run(batch, slots, order, starts, book):
        _sift_run(batch, slots, order, starts, book, sifted)
        return sifted
    turn = np.arange(rows) - np.repeat(starts, np.diff(np.r_[starts, rows]))  # 0 for a signal's first row, 1 for its…
    by_turn = order[np.argsort(turn, kind="stable")]
    for round_ in np.split(by_turn, np.cumsum(np.bincount(turn))[:-1]):
        _sift_once(batch, slots[round_], round_, book, sifted)
    return sifted


def _is_plain_run(batch: Batch, slots: I8, order: I8, starts: I8, book: SignalBook) -> bool:
    """Tell whether every signal's rows stand in order of time, after what was seen, without text or deadband."""
    forward = np.diff(batch.source_at[order], prepend=0) > 0
    first = order[starts]
    forward[starts] = batch.source_at[first] > book.seen_source_at[slots[first]]
    return bool(not batch.text and forward.all() and not book.deadband[slots[first]].any())


def _sift_run(batch: Batch, slots: I8, order: I8, starts: I8, book: SignalBook, sifted: Sifted) -> None:
    """Sift what a gateway sends after an outage: nothing is late, repeated or held, so only the last rows matter."""
    lasts = order[np.r_[starts[1:], len(order)] - 1]
    _sift_once(batch, slots[lasts], lasts, book, sifted)


def _sift_once(batch: Batch, slots: I8, rows: I8, book: SignalBook, sifted: Sifted) -> None:
    """Sift ``rows``, in which no signal occurs twice."""
    source_at, value, quality = batch.source_at[rows], batch.value[rows], batch.quality[rows]
    seen_at, seen_value = book.seen_source_at[slots], book.seen_value[slots]
    same = (source_at == seen_at) & (quality == book.seen_quality[slots])
    same &= (value == seen_value) | (np.isnan(value) & np.isnan(seen_value))
    is_text = np.zeros(len(rows), dtype=bool)
    if batch.text:
        for place, row in enumerate(rows.tolist()):
            words = batch.text.get(row)
            if words is not None:
                is_text[place] = True
                same[place] &= book.seen_text.get(int(slots[place])) == words
                if source_at[place] >= seen_at[place]:
                    book.seen_text[int(slots[place])] = words
    stamped = book.stamp[slots] != NOT_STAMPED
    # Where its link stands, or nothing is announced, what is repeated is a retry, nothing new.
    is_silent = stamped & (batch.may_repeat | (book.stamp[slots] == Quality.BAD_STALE))
    again = same & stamped & ~is_silent & ~book.unsafe[slots]  # One that is not safe yet keeps its own time.
    late = source_at < seen_at
    moved = source_at > seen_at
    held = moved & ~is_text & ~stamped & (quality == book.recorded_quality[slots])
    held &= np.abs(value - book.recorded_value[slots]) <= book.deadband[slots]
    held &= book.deadband[slots] > 0
    held &= source_at - book.recorded_source_at[slots] < book.stale_after_us[slots]
    held &= ~book.unsafe[slots]
    duplicate = same & ~again & ~book.unsafe[slots]

    sifted.late[rows] = late
    sifted.duplicate[rows] = duplicate
    sifted.held[rows] = held
    sifted.again[rows] = again

    newest = ~late
    book.seen_source_at[slots[newest]] = source_at[newest]
    book.seen_value[slots[newest]] = value[newest]
    book.seen_quality[slots[newest]] = quality[newest]
    book.fresh_at[slots[moved]] = batch.received_at
    book.stamp[slots[newest & ~(duplicate & is_silent)]] = NOT_STAMPED
    recorded = newest & ~duplicate & ~held
    book.recorded_value[slots[recorded]] = value[recorded]
    book.recorded_quality[slots[recorded]] = quality[recorded]
    book.recorded_source_at[slots[recorded]] = source_at[recorded]
