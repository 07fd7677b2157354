"""Reading history at the resolution of a screen: raw points, raw in buckets, or a rollup with its raw rest.

* A span with at most as many samples as buckets were asked for is answered with the points themselves.
* Else the coarsest tier that still gives the buckets: a rollup for buckets of 10 s and more, raw below.
* Buckets begin at whole multiples of their width, and those at the edges are complete: panning does not change them.
* Buckets that are not in the rollup yet, or were written to since, come from the finer ones and at last from raw (see
  `pdm_app.storage.rollups`).
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from pdm_app.domain.history import ROLLUPS, HistoryQuery, Tier
from pdm_app.storage.bucket_columns import added_up, counted, read_buckets
from pdm_app.storage.buckets import BUCKET_US, inside, inside_ranges, joined, raw_buckets, rollup_buckets
from pdm_app.storage.pyramid import marked_buckets
from pdm_app.storage.raw_rows import RawRows
from pdm_app.storage.removed_spans import Span, removed_spans
from pdm_app.storage.repository import chunks
from pdm_app.storage.rollups import rolled_to
from pdm_app.storage.sample_reader import RANGES_PER_STATEMENT, Held, SampleReader, TooManySamplesError
from pdm_app.storage.series import Series, points_of

SAMPLES_MAX = 2_000_000
"""Samples that buckets are counted of in memory at once, about 100 MB while it lasts."""

Removed: TypeAlias = Mapping[Tier, Mapping[int, Sequence[Span]]]
Found: TypeAlias = dict[int, Series]
"""Answers by signal."""


async def envelopes(reader: SampleReader, held: Held, query: HistoryQuery) -> Found:
    """Answer a query on what is held together, all signals of it with the same few statements.

    Raises:
        InvalidInputError: It would take more than two million samples of one signal.
    """
    signals = list(dict.fromkeys(query.signals))
    width_us = width_of(query)
    removed = await removed_spans(held.connection, signals, query.start_at, query.end_at)
    if removed:
        return await _from_what_is_left(reader, held, query, removed)
    return await _from_tiers(reader, held, query, signals, width_us)


async def _from_what_is_left(reader: SampleReader, held: Held, query: HistoryQuery, removed: Removed) -> Found:
    """Answer each signal from the finest tier that is left of the whole span, not finer than what was asked for."""
    width_us = width_of(query)
    alike: dict[tuple[Tier, int], list[int]] = {}
    for signal in dict.fromkeys(query.signals):
        whole = [tier for tier in (Tier.RAW, *ROLLUPS) if not removed.get(tier, {}).get(signal)]
        finest = whole[0] if whole else Tier.ROLLUP_1H
        wide = width_us
        if finest is not Tier.RAW or width_us >= BUCKET_US:
            wide = max(width_us, finest.width_us)
            wide -= wide % max(finest, tier_of(wide), key=_width).width_us
        alike.setdefault((finest, wide), []).append(signal)
    found: Found = {}
    for (finest, wide), signals in alike.items():
        found |= await _from_tiers(reader, held, query, signals, wide, has_raw=finest is Tier.RAW)
    return found


def width_of(query: HistoryQuery) -> int:
    """Return the width of a bucket in microseconds: the widest that still gives as many as were asked for.

    It is a multiple of the widest rollup that fits into it.
    """
    width_us = max(1, (query.end_at - query.start_at) // query.buckets)
    return width_us - width_us % tier_of(width_us).width_us


def tier_of(width_us: int) -> Tier:
    """Return the coarsest tier that fits into buckets of this width."""
    return max((tier for tier in ROLLUPS if tier.width_us <= width_us), key=_width, default=Tier.RAW)


def _width(tier: Tier) -> int:
    return tier.width_us


async def _from_tiers(
    reader: SampleReader,
    held: Held,
    query: HistoryQuery,
    signals: Sequence[int],
    width_us: int,
    *,
    has_raw: bool = True,
) -> Found:
    """Answer all signals together, or the halves of them where they are too many samples at once."""
    try:
        if width_us < BUCKET_US:
            return await _from_raw(reader, held, query, signals, width_us)
        return await _from_rollup(reader, held, query, signals, width_us, has_raw=has_raw)
    except TooManySamplesError:
        if len(signals) == 1:
            raise
    half = len(signals) // 2
    found = await _from_tiers(reader, held, query, signals[:half], width_us, has_raw=has_raw)
    return found | await _from_tiers(reader, held, query, signals[half:], width_us, has_raw=has_raw)


async def _from_raw(
    reader: SampleReader, held: Held, query: HistoryQuery, signals: Sequence[int], width_us: int
) -> Found:
    start, end = _whole(query, width_us)
    mixed_from = await reader.mixed_from(held, start, end)
    if mixed_from <= start:
        rows = await reader.read(held, signals, [(start, end)], rows_max=SAMPLES_MAX)
        return await asyncio.to_thread(_counted_or_as_they_are, rows, query, signals, width_us)
    parts = [await read_buckets(held.connection, raw_buckets(inside(signals, start, mixed_from), width_us))]
    if mixed_from < end:
        rows = await reader.read(held, signals, [(mixed_from, end)], rows_max=SAMPLES_MAX)
        parts.append(counted(rows, width_us))
    found = added_up(parts).series(signals, Tier.RAW, width_us)
    # Of the buckets at the edges only a part is asked for; what lies between them is enough to know most answers.
    few = [signal for signal, series in found.items() if _inner(query, series).samples <= query.buckets]
    points = await _points(reader, held, query, few)
    return found | {signal: series for signal, series in points.items() if len(series) <= query.buckets}


def _counted_or_as_they_are(rows: RawRows, query: HistoryQuery, signals: Sequence[int], width_us: int) -> Found:
    points = {
        signal: series.between(query.start_at, query.end_at) for signal, series in points_of(rows, signals).items()
    }
    found = counted(rows, width_us).series(signals, Tier.RAW, width_us)
    return found | {signal: series for signal, series in points.items() if len(series) <= query.buckets}


async def _points(reader: SampleReader, held: Held, query: HistoryQuery, signals: Sequence[int]) -> Found:
    """Return the samples themselves of signals that have few."""
    if not signals:
        return {}
    rows = await reader.read(held, signals, [(query.start_at, query.end_at)], rows_max=SAMPLES_MAX)
    return points_of(rows, signals)


async def _from_rollup(
    reader: SampleReader,
    held: Held,
    query: HistoryQuery,
    signals: Sequence[int],
    width_us: int,
    *,
    has_raw: bool,
) -> Found:
    start, end = _whole(query, width_us)
    done_to = min(max(await rolled_to(held.connection), start), end)
    marks = await marked_buckets(held, signals, start, done_to) if done_to > start else []
    parts = [
        await read_buckets(held.connection, statement)
        for statement in _statements(signals, start, done_to, width_us, marks, held)
    ]
    mixed_from = await reader.mixed_from(held, done_to, end) if done_to < end else end
    if mixed_from > done_to:
        parts.append(await read_buckets(held.connection, raw_buckets(inside(signals, done_to, mixed_from), width_us)))
    mixed = [(mixed_from, end)] if mixed_from < end else []
    if mixed or marks:
        rows = await reader.read(held, signals, mixed, joined(marks), rows_max=SAMPLES_MAX)
        parts.append(counted(rows, width_us))
    found = added_up(parts).series(signals, tier_of(width_us), width_us)
    if not has_raw:
        return found
    few = [signal for signal, series in found.items() if series.samples <= query.buckets]
    return found | await _points(reader, held, query, few)


def _statements(
    signals: Sequence[int], start: int, done_to: int, width_us: int, marks: Sequence[tuple[int, int]], held: Held
) -> Iterator[str]:
    """Yield the queries of all rollups that stand for their samples: the coarsest tier first, then what it lacks."""
    tier = tier_of(width_us)
    waits = [pair for pair in held.buckets() if pair[1] < done_to]
    closed_to = max(start, done_to - done_to % tier.width_us)
    if closed_to > start:
        where = inside(signals, start, closed_to, "r.bucket_at") + _but(waits, tier.width_us)
        yield rollup_buckets(tier, where, width_us, has_marks=bool(marks))
    if tier is Tier.ROLLUP_10S:
        return
    but_waits = _but(waits, BUCKET_US)
    if done_to > closed_to:
        where = inside(signals, closed_to, done_to, "r.bucket_at") + but_waits
        yield rollup_buckets(Tier.ROLLUP_10S, where, width_us, has_marks=bool(marks))
    touched = dict.fromkeys((signal, at - at % tier.width_us) for signal, at in marks if at < closed_to)
    for some in chunks(joined(list(touched), tier.width_us), RANGES_PER_STATEMENT):
        where = f"({inside_ranges(some, 'r.bucket_at')}){but_waits}"
        yield rollup_buckets(Tier.ROLLUP_10S, where, width_us, has_marks=True)


def _but(waits: Sequence[tuple[int, int]], width_us: int) -> str:
    """Return the condition that leaves out the buckets into which samples fall that are not recorded yet."""
    ranges = joined(list(dict.fromkeys((signal, at - at % width_us) for signal, at in waits)), width_us)
    return f" AND NOT ({inside_ranges(ranges, 'r.bucket_at')})" if ranges else ""


def _whole(query: HistoryQuery, width_us: int) -> tuple[int, int]:
    """Widen the span to whole buckets."""
    return query.start_at - query.start_at % width_us, query.end_at + -query.end_at % width_us


def _inner(query: HistoryQuery, series: Series) -> Series:
    """Return the buckets all of whose time was asked for."""
    return series.between(query.start_at, query.end_at - series.bucket_us + 1)
