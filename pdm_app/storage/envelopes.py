"""Reading history at the resolution of a screen: raw points, raw in buckets, or the 10 s rollup with its raw rest.

* A span with at most as many samples as buckets were asked for is answered with the points themselves.
* Else the coarsest tier that still gives the buckets: the rollup for buckets of 10 s and more, raw below.
* Buckets begin at whole multiples of their width, and those at the edges are complete: panning does not change them.
* Buckets that are not in the rollup yet, or were written to since, come from raw (see `pdm_app.storage.rollups`).
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias, cast

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.history import Envelope, HistoryQuery, Tier
from pdm_app.domain.samples import QUALITY_BAD_MIN, QUALITY_UNCERTAIN_MIN
from pdm_app.storage.buckets import BUCKET_US, inside, inside_ranges, joined, raw_buckets, rollup_buckets
from pdm_app.storage.repository import chunks
from pdm_app.storage.rollups import RANGES_PER_STATEMENT, rolled_to
from pdm_app.storage.tables import RollupMarkRow, SampleRow, table_of

SAMPLES = table_of(SampleRow)
MARKS = table_of(RollupMarkRow)


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


async def envelopes(connection: AsyncConnection, query: HistoryQuery) -> list[Envelope]:
    """Answer a query on a connection whose reads all see one instant."""
    width_us = width_of(query)
    if width_us < BUCKET_US:
        return [await _from_raw(connection, query, signal, width_us) for signal in query.signals]
    return await _from_rollup(connection, query, width_us)


def width_of(query: HistoryQuery) -> int:
    """Return the width of a bucket in microseconds: the widest that still gives as many as were asked for.

    From 10 s on it is a multiple of 10 s, so that rollups fit into it.
    """
    width_us = max(1, (query.end_at - query.start_at) // query.buckets)
    return width_us if width_us < BUCKET_US else width_us - width_us % BUCKET_US


async def _from_raw(connection: AsyncConnection, query: HistoryQuery, signal: int, width_us: int) -> Envelope:
    where = inside([signal], query.start_at, query.end_at)
    # Counting stops where the answer is known, so a dense signal costs no more than its first bucketful.
    limited = f"SELECT 1 AS one FROM samples s WHERE {where} LIMIT {query.buckets + 1}"  # noqa: S608
    counted = await connection.scalar(text(f"SELECT COUNT(*) FROM ({limited}) few"))  # noqa: S608
    if int(counted or 0) <= query.buckets:
        return await _points(connection, query, signal)
    start, end = _whole(query, width_us)
    found = await _read(connection, raw_buckets(inside([signal], start, end), width_us))
    return _envelope(signal, Tier.RAW, width_us, sorted(found, key=_by_time))


async def _points(connection: AsyncConnection, query: HistoryQuery, signal: int) -> Envelope:
    statement = (
        select(SAMPLES.c.source_at, SAMPLES.c.value, SAMPLES.c.quality)
        .where(SAMPLES.c.signal_id == signal, SAMPLES.c.source_at >= query.start_at, SAMPLES.c.source_at < query.end_at)
        .order_by(SAMPLES.c.source_at)
    )
    found = (await connection.execute(statement)).all()
    values = [row.value if row.quality < QUALITY_BAD_MIN else None for row in found]
    return Envelope(
        signal=signal,
        tier=Tier.RAW,
        bucket_us=0,
        at=[row.source_at for row in found],
        low=values,
        high=values,
        mean=values,
        last=values,
        good=[int(row.quality < QUALITY_UNCERTAIN_MIN) for row in found],
        count=[1] * len(found),
    )


async def _from_rollup(connection: AsyncConnection, query: HistoryQuery, width_us: int) -> list[Envelope]:
    start, end = _whole(query, width_us)
    signals = list(dict.fromkeys(query.signals))
    rolled = min(max(await rolled_to(connection), start), end)
    buckets: dict[tuple[int, int], Bucket] = {}
    if rolled > start:
        marks = await _marks(connection, signals, start, rolled)
        statement = rollup_buckets(signals, start, rolled, width_us, has_marks=bool(marks))
        buckets = {bucket[:2]: bucket for bucket in await _read(connection, statement)}
        for some in chunks(joined(marks), RANGES_PER_STATEMENT):
            _add(buckets, await _read(connection, raw_buckets(inside_ranges(some), width_us)))
    if rolled < end:
        _add(buckets, await _read(connection, raw_buckets(inside(signals, rolled, end), width_us)))
    of_signal: dict[int, list[Bucket]] = {signal: [] for signal in signals}
    for bucket in sorted(buckets.values(), key=_by_time):
        of_signal[bucket[0]].append(bucket)
    return [await _few_or_buckets(connection, query, signal, width_us, of_signal[signal]) for signal in query.signals]


async def _few_or_buckets(
    connection: AsyncConnection, query: HistoryQuery, signal: int, width_us: int, buckets: list[Bucket]
) -> Envelope:
    if sum(bucket[2] for bucket in buckets) <= query.buckets:
        return await _points(connection, query, signal)
    return _envelope(signal, Tier.ROLLUP_10S, width_us, buckets)


async def _marks(connection: AsyncConnection, signals: Sequence[int], start: int, end: int) -> list[tuple[int, int]]:
    """Return the (signal, bucket) pairs that were written to after they had been rolled up, in order."""
    statement = (
        select(MARKS.c.signal_id, MARKS.c.bucket_at)
        .where(MARKS.c.signal_id.in_(signals), MARKS.c.bucket_at >= start, MARKS.c.bucket_at < end)
        .order_by(MARKS.c.signal_id, MARKS.c.bucket_at)
    )
    return [(row.signal_id, row.bucket_at) for row in await connection.execute(statement)]


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
