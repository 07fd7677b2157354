"""Reading history at the resolution of a screen: raw points, raw in buckets, or a rollup with its raw rest.

* A span with at most as many samples as buckets were asked for is answered with the points themselves.
* Else the coarsest tier that still gives the buckets: a rollup for buckets of 10 s and more, raw below.
* Buckets begin at whole multiples of their width, and those at the edges are complete: panning does not change them.
* Buckets that are not in the rollup yet, or were written to since, come from the finer ones and at last from raw (see
  `pdm_app.storage.rollups`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, cast

import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.history import ROLLUPS, Envelope, HistoryQuery, Tier
from pdm_app.domain.samples import QUALITY_BAD_MIN, QUALITY_UNCERTAIN_MIN
from pdm_app.domain.summaries import Summaries, summarise
from pdm_app.storage.buckets import BUCKET_US, inside, inside_ranges, joined, raw_buckets, rollup_buckets
from pdm_app.storage.pyramid import marked_buckets
from pdm_app.storage.raw_rows import RawRows
from pdm_app.storage.removed_spans import Span, removed_spans
from pdm_app.storage.repository import chunks
from pdm_app.storage.rollups import rolled_to
from pdm_app.storage.sample_reader import RANGES_PER_STATEMENT, Held, SampleReader

SAMPLES_MAX = 2_000_000
"""Samples that one signal's buckets are counted of in memory, about 100 MB while it lasts."""


Removed: TypeAlias = Mapping[Tier, Mapping[int, Sequence[Span]]]
Bucket: TypeAlias = tuple[
    int, int, float, float, float, float | None, float | None, float | None, int | None, float | None
]
"""What some samples of one signal in one stretch of time come to, as the statements of `buckets` return it.

signal, at, samples, good, usable, low, high, total, last_at, last. Plain tuples: an answer has thousands of them.
"""


def added(one: Bucket, other: Bucket) -> Bucket:
    """Return the bucket of both parts' samples; the parts share none."""
    signal, at, samples, good, usable, low, high, total, last_at, _ = one
    samples, good = samples + other[2], good + other[3]
    if not usable or not other[4]:
        some = one if usable else other
        return (signal, at, samples, good, *some[4:])
    newer = one if (last_at or 0) > (other[8] or 0) else other
    return (
        signal,
        at,
        samples,
        good,
        usable + other[4],
        min(_number(low), _number(other[5])),
        max(_number(high), _number(other[6])),
        _number(total) + _number(other[7]),
        newer[8],
        newer[9],
    )


async def envelopes(reader: SampleReader, held: Held, query: HistoryQuery) -> list[Envelope]:
    """Answer a query on what is held together.

    Raises:
        InvalidInputError: It would take more than two million samples of one signal.
    """
    width_us = width_of(query)
    removed = await removed_spans(held.connection, query.signals, query.start_at, query.end_at)
    if removed:
        return await _from_what_is_left(reader, held, query, removed)
    if width_us < BUCKET_US:
        return [await _from_raw(reader, held, query, signal, width_us) for signal in query.signals]
    return await _from_rollup(reader, held, query, width_us)


async def _from_what_is_left(reader: SampleReader, held: Held, query: HistoryQuery, removed: Removed) -> list[Envelope]:
    """Answer each signal from the finest tier that is left of the whole span, not finer than what was asked for."""
    width_us = width_of(query)
    found: list[Envelope] = []
    for signal in query.signals:
        few = query.model_copy(update={"signals": (signal,)})
        whole = [tier for tier in (Tier.RAW, *ROLLUPS) if not removed.get(tier, {}).get(signal)]
        finest = whole[0] if whole else Tier.ROLLUP_1H
        if finest is Tier.RAW and width_us < BUCKET_US:
            found.append(await _from_raw(reader, held, few, signal, width_us))
            continue
        wide = max(width_us, finest.width_us)
        wide -= wide % max(finest, tier_of(wide), key=_width).width_us
        found += await _from_rollup(reader, held, few, wide, has_raw=finest is Tier.RAW)
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


async def _from_raw(reader: SampleReader, held: Held, query: HistoryQuery, signal: int, width_us: int) -> Envelope:
    start, end = _whole(query, width_us)
    where = inside([signal], query.start_at, query.end_at)
    # Counting stops where the answer is known, so a dense signal costs no more than its first bucketful.
    limited = f"SELECT 1 AS one FROM samples s WHERE {where} LIMIT {query.buckets + 1}"  # noqa: S608
    found = await held.connection.scalar(text(f"SELECT COUNT(*) FROM ({limited}) few"))  # noqa: S608
    if int(found or 0) <= query.buckets:
        rows = await _rows(reader, held, query, signal)
        if len(rows) <= query.buckets:
            return _of_points(signal, rows)
    buckets: dict[tuple[int, int], Bucket] = {}
    mixed_from = await reader.mixed_from(held, start, end)
    if mixed_from > start:
        _add(buckets, await _read(held.connection, raw_buckets(inside([signal], start, mixed_from), width_us)))
    if mixed_from < end:
        _add(buckets, counted(await reader.read(held, [signal], [(mixed_from, end)], rows_max=SAMPLES_MAX), width_us))
    return _envelope(signal, Tier.RAW, width_us, sorted(buckets.values(), key=_by_time))


async def _rows(reader: SampleReader, held: Held, query: HistoryQuery, signal: int) -> RawRows:
    return await reader.read(held, [signal], [(query.start_at, query.end_at)], rows_max=SAMPLES_MAX)


def _of_points(signal: int, rows: RawRows) -> Envelope:
    known = (rows.quality < QUALITY_BAD_MIN) & np.isfinite(rows.value)
    values = [value if good else None for value, good in zip(rows.value.tolist(), known.tolist(), strict=True)]
    return Envelope(
        signal=signal,
        tier=Tier.RAW,
        bucket_us=0,
        at=rows.source_at.tolist(),
        low=values,
        high=values,
        mean=values,
        last=values,
        good=(rows.quality < QUALITY_UNCERTAIN_MIN).astype(int).tolist(),
        count=[1] * len(rows),
    )


async def _from_rollup(
    reader: SampleReader, held: Held, query: HistoryQuery, width_us: int, *, has_raw: bool = True
) -> list[Envelope]:
    start, end = _whole(query, width_us)
    signals = list(dict.fromkeys(query.signals))
    done_to = min(max(await rolled_to(held.connection), start), end)
    marks = await marked_buckets(held, signals, start, done_to) if done_to > start else []
    buckets: dict[tuple[int, int], Bucket] = {}
    for statement in _statements(signals, start, done_to, width_us, marks, held):
        _add(buckets, await _read(held.connection, statement))
    mixed_from = await reader.mixed_from(held, done_to, end) if done_to < end else end
    if mixed_from > done_to:
        _add(buckets, await _read(held.connection, raw_buckets(inside(signals, done_to, mixed_from), width_us)))
    mixed = [(mixed_from, end)] if mixed_from < end else []
    if mixed or marks:
        rows = await reader.read(held, signals, mixed, joined(marks), rows_max=SAMPLES_MAX)
        _add(buckets, counted(rows, width_us))
    of_signal: dict[int, list[Bucket]] = {signal: [] for signal in signals}
    for bucket in sorted(buckets.values(), key=_by_time):
        of_signal[bucket[0]].append(bucket)
    if not has_raw:
        tier = tier_of(width_us)
        return [_envelope(signal, tier, width_us, of_signal[signal]) for signal in query.signals]
    return [await _few_or_buckets(reader, held, query, signal, width_us, of_signal[signal]) for signal in query.signals]


def counted(rows: RawRows, width_us: int) -> list[Bucket]:
    """Return the buckets of samples in memory."""
    found = summarise(rows.signal, rows.source_at, rows.value, rows.quality, width_us)
    columns: list[list[Any]] = [
        column.tolist() for column in (found.signal, found.at, found.samples, found.good, found.usable)
    ]
    columns += [_or_none(found, name) for name in ("low", "high", "total", "last_at", "last")]
    return cast("list[Bucket]", list(zip(*columns, strict=True)))


def _or_none(found: Summaries, name: str) -> list[Any]:
    there = found.usable > 0
    return [value if some else None for value, some in zip(getattr(found, name).tolist(), there.tolist(), strict=True)]


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


async def _few_or_buckets(
    reader: SampleReader, held: Held, query: HistoryQuery, signal: int, width_us: int, buckets: list[Bucket]
) -> Envelope:
    if sum(bucket[2] for bucket in buckets) <= query.buckets:
        return _of_points(signal, await _rows(reader, held, query, signal))
    return _envelope(signal, tier_of(width_us), width_us, buckets)


async def _read(connection: AsyncConnection, statement: str) -> list[Bucket]:
    return cast("list[Bucket]", (await connection.execute(text(statement))).all())


def _add(buckets: dict[tuple[int, int], Bucket], more: Iterable[Bucket]) -> None:
    for bucket in more:
        there = buckets.get(bucket[:2])
        buckets[bucket[:2]] = bucket if there is None else added(there, bucket)


def _whole(query: HistoryQuery, width_us: int) -> tuple[int, int]:
    """Widen the span to whole buckets."""
    return query.start_at - query.start_at % width_us, query.end_at + -query.end_at % width_us


def _by_time(bucket: Bucket) -> int:
    return bucket[1]


def _number(value: float | None) -> float:
    return 0.0 if value is None else value


def _envelope(signal: int, tier: Tier, width_us: int, buckets: Sequence[Bucket]) -> Envelope:
    columns: Sequence[Sequence[Any]] = list(zip(*buckets, strict=True)) or [()] * 10
    _, at, samples, good, usable, low, high, total, _, last = columns
    return Envelope(
        signal=signal,
        tier=tier,
        bucket_us=width_us,
        at=list(at),
        low=list(low),
        high=list(high),
        mean=[amount / number if number else None for amount, number in zip(total, usable, strict=True)],
        last=list(last),
        good=[int(number) for number in good],
        count=[int(number) for number in samples],
    )
