"""Which spans of which tier were removed by retention, so that readers take what is coarser there."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.history import Tier
from pdm_app.storage.repository import KEYS_PER_QUERY, chunks
from pdm_app.storage.retention_tables import RemovedSpanRow
from pdm_app.storage.tables import table_of

SPANS = table_of(RemovedSpanRow)
Span = tuple[int, int]


async def removed_spans(
    connection: AsyncConnection, signals: Sequence[int], start: int, end: int
) -> Mapping[Tier, Mapping[int, Sequence[Span]]]:
    """Return for each tier and signal the removed spans that meet a time from ``start`` up to ``end``."""
    found: dict[Tier, dict[int, list[Span]]] = defaultdict(lambda: defaultdict(list))
    for some in chunks(sorted(set(signals)), KEYS_PER_QUERY):
        statement = (
            select(SPANS.c.signal_id, SPANS.c.tier, SPANS.c.start_at, SPANS.c.end_at)
            .where(SPANS.c.signal_id.in_(some), SPANS.c.start_at < end, SPANS.c.end_at > start)
            .order_by(SPANS.c.signal_id, SPANS.c.tier, SPANS.c.start_at)
        )
        for signal, tier, begin, close in await connection.execute(statement):
            found[Tier(tier)][signal].append((begin, close))
    return found


async def without_removed(connection: AsyncConnection, buckets: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the (signal, time) pairs whose samples are all still there.

    What comes late into a span whose samples were removed changes no rollup: there is nothing to add it up with.
    """
    if not buckets:
        return []
    signals = sorted({signal for signal, _ in buckets})
    times = [at for _, at in buckets]
    found = (await removed_spans(connection, signals, min(times), max(times) + 1)).get(Tier.RAW, {})
    if not found:
        return list(buckets)
    return [
        (signal, at) for signal, at in buckets if not any(begin <= at < close for begin, close in found.get(signal, ()))
    ]


async def note_removed(connection: AsyncConnection, tier: Tier, spans: Mapping[int, Sequence[Span]]) -> None:
    """Note, within the caller's transaction, what is being removed; spans that touch become one."""
    for some in chunks(sorted(spans), KEYS_PER_QUERY):
        low = min(begin for signal in some for begin, _ in spans[signal])
        high = max(close for signal in some for _, close in spans[signal])
        there = (await removed_spans(connection, some, low - 1, high + 1)).get(tier, {})
        of_them = (SPANS.c.signal_id.in_(some), SPANS.c.tier == str(tier))
        touching = (SPANS.c.start_at <= high, SPANS.c.end_at >= low)
        await connection.execute(delete(SPANS).where(*of_them, *touching))
        rows = [
            {"signal_id": signal, "tier": str(tier), "start_at": begin, "end_at": close}
            for signal in some
            for begin, close in united([*there.get(signal, ()), *spans[signal]])
        ]
        for few in chunks(rows, KEYS_PER_QUERY):
            await connection.execute(insert(SPANS), few)


def united(spans: Sequence[Span]) -> list[Span]:
    """Return spans as few as they can be said with, in order."""
    found: list[Span] = []
    for begin, close in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(close, found[-1][1]))
        else:
            found.append((begin, close))
    return found


def covers(spans: Sequence[Span], start: int, end: int) -> bool:
    """Whether one of some spans holds all of a time."""
    return any(begin <= start and end <= close for begin, close in spans)
