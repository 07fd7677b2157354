"""Samples of a span from wherever they are: hot rows, cold files, and what the recorder has not written yet.

Each instant of a signal is there once, whichever of the three hold it: the latest (received_at, place) counts, as in
the hot table alone. The waiting samples are fetched before the database is looked at: so one that is recorded in
between is met twice and counted once, and none is missed.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.history import Tier
from pdm_app.domain.samples import Batch
from pdm_app.storage.buckets import BUCKET_US, inside, inside_ranges
from pdm_app.storage.columnar import ROW_BITS
from pdm_app.storage.raw_rows import (
    ENDS_PER_STATEMENT,
    RawRows,
    firsts,
    following,
    lasts,
    latest_of,
    merged,
    read_ends,
    read_raw,
)
from pdm_app.storage.repository import chunks

RANGES_PER_STATEMENT = 200
SIGNALS_PER_STATEMENT = 1000
LOOKS = (Tier.ROLLUP_10S, Tier.ROLLUP_1H)
HOUR_ROWS_MAX = 4_000_000  # A signal at 1 kHz.

Range = tuple[int, int]
"""From a time up to, not including, another."""
OwnRange = tuple[int, int, int]
"""A signal and its range."""
Wanted = Mapping[int, Sequence[Range]]
"""The ranges of each signal, in order; none overlap."""
Waiting = Callable[[], Awaitable[Sequence[Batch]]]
"""Returns the batches that are committed to the durable buffer and not recorded yet, oldest first."""


class TooManySamplesError(InvalidInputError):
    """What was asked for is more than may be held in memory at once."""


class ColdSamples(Protocol):
    """What is kept outside the database."""

    async def ends_after(self, connection: AsyncConnection, at: int) -> bool:
        """Whether some file holds samples from ``at`` on."""
        ...

    async def read(
        self, connection: AsyncConnection, wanted: Wanted, rows_max: int, *, strict: bool = False, ranked: bool = True
    ) -> RawRows:
        """Return the samples of some signals in their ranges; more than ``rows_max`` where there are more.

        Without ``ranked`` zeros may stand for what says which of two samples of an instant came later.

        Raises:
            UnavailableError: With ``strict``: a file cannot be read; else it is left out.
        """
        ...

    async def text(self, connection: AsyncConnection, signal: int, at: int) -> str | None:
        """Return the text of the sample at a time, None where it has none or there is none."""
        ...

    async def out_of_reach(self, days: Sequence[int]) -> list[tuple[int, int]]:
        """Fetch what is kept of some days, given by a time in each; return the spans that cannot be had now."""
        ...


async def nothing_waits() -> Sequence[Batch]:
    return ()


@dataclass(frozen=True, slots=True)
class Held:
    """What somebody reads together: a connection whose reads see one instant, and the samples that wait."""

    connection: AsyncConnection
    waiting: RawRows

    def buckets(self) -> list[tuple[int, int]]:
        """Return the (signal, ten seconds) pairs that a waiting sample falls into, in order."""
        if not len(self.waiting):
            return []
        at = self.waiting.source_at
        pairs = np.unique(np.column_stack((self.waiting.signal, at - at % BUCKET_US)), axis=0)
        return [(signal, bucket) for signal, bucket in pairs.tolist()]


async def waiting_rows(waiting: Waiting, signals: Sequence[int]) -> RawRows:
    """Return the waiting samples of some signals."""
    parts: list[RawRows] = []
    for batch in await waiting():
        rows = np.flatnonzero(np.isin(batch.signal, signals))
        if len(rows):
            value = batch.value[rows]
            parts.append(
                RawRows(
                    batch.signal[rows].astype(np.int64),
                    batch.source_at[rows],
                    np.where(np.isfinite(value), value, np.nan),
                    batch.quality[rows].astype(np.int64),
                    np.full(len(rows), batch.received_at, np.int64),
                    rows + (batch.seq << ROW_BITS),
                )
            )
    return latest_of(parts)


class SampleReader:
    """Reads that see hot, cold and waiting samples as one."""

    def __init__(self, cold: ColdSamples | None = None) -> None:
        self._cold = cold

    async def out_of_reach(self, days: Sequence[int]) -> list[tuple[int, int]]:
        """Fetch what is kept of some days, given by a time in each; return the spans that cannot be had now."""
        return await self._cold.out_of_reach(days) if self._cold is not None else []

    async def mixed_from(self, held: Held, start: int, end: int) -> int:
        """Return up to which time all samples of a span are in the hot table, so that SQL may count them itself."""
        if self._cold is not None and await self._cold.ends_after(held.connection, start):
            return start
        waits = held.waiting.source_at
        inside_it = waits[(waits >= start) & (waits < end)]
        return int(inside_it.min()) if len(inside_it) else end

    async def read(
        self,
        held: Held,
        signals: Sequence[int],
        ranges: Sequence[Range],
        own: Sequence[OwnRange] = (),
        *,
        rows_max: int,
        strict: bool = False,
    ) -> RawRows:
        """Return the samples of all signals in ``ranges``, and each signal's in its ``own`` ones; none overlap.

        ``received_at`` and ``place`` are zeros where nothing had to be laid over anything.

        Raises:
            TooManySamplesError: They are more than ``rows_max``.
            UnavailableError: With ``strict``: a cold file cannot be read; else it is left out.
        """
        wanted = _wanted(signals, ranges, own)
        waiting = _inside(held.waiting, signals, ranges, own)
        begin = min((part[0][0] for part in wanted.values() if part), default=0)
        is_cold = self._cold is not None and bool(wanted) and await self._cold.ends_after(held.connection, begin)
        parts = [waiting] if len(waiting) else []
        left = rows_max
        ranked = is_cold or bool(parts)
        for where in _conditions(signals, ranges, own):
            part = await read_raw(held.connection, where, left + 1, ranked=ranked)
            left = _left(left, len(part), rows_max)
            if len(part):
                parts.append(part)
        if self._cold is not None and is_cold:
            # Anew: where a compaction was broken off, what is cold is hot, too, and counts once.
            cold = await self._cold.read(held.connection, wanted, rows_max, strict=strict, ranked=bool(parts))
            _left(rows_max, len(cold), rows_max)
            if len(cold):
                parts.append(cold)
        every = merged(parts)
        _left(rows_max, len(every), rows_max)
        return every

    async def before(self, held: Held, signals: Sequence[int], at: int) -> RawRows:
        """Return the last sample before ``at`` of each signal that has one."""
        waits = held.waiting
        found = [
            await read_ends(held.connection, signals, f"s.source_at < {int(at)}", newest=True),
            lasts(waits.take(np.isin(waits.signal, signals) & (waits.source_at < at))),
        ]
        if self._cold is not None and await self._cold.ends_after(held.connection, 0):
            looks = await _looks(held.connection, signals, at, newest=True)
            found.append(lasts(await _cold_ends(self._cold, held.connection, looks)))
        return lasts(merged(found))

    async def after(self, held: Held, signals: Sequence[int], at: int) -> RawRows:
        """Return the first sample at or after ``at`` of each signal that has one."""
        waits = held.waiting
        found = [
            await read_ends(held.connection, signals, f"s.source_at >= {int(at)}", newest=False),
            firsts(waits.take(np.isin(waits.signal, signals) & (waits.source_at >= at))),
        ]
        if self._cold is not None and await self._cold.ends_after(held.connection, at):
            looks = await _looks(held.connection, signals, at, newest=False)
            found.append(firsts(await _cold_ends(self._cold, held.connection, looks)))
        return firsts(merged(found))

    async def text(self, held: Held, row: RawRows) -> str | None:
        """Return the text of a sample; ``row`` has just this one."""
        signal, at = int(row.signal[0]), int(row.source_at[0])
        same = f"s.received_at = {int(row.received_at[0])} AND s.place = {int(row.place[0])}"  # Not an older one.
        statement = f"SELECT s.text FROM samples s WHERE s.signal_id = {signal} AND s.source_at = {at} AND {same}"  # noqa: S608
        found: str | None = await held.connection.scalar(text(statement))
        if found is None and self._cold is not None:
            return await self._cold.text(held.connection, signal, at)
        return found


async def _looks(
    connection: AsyncConnection, signals: Sequence[int], at: int, *, newest: bool
) -> dict[int, list[Range]]:
    """Return where the last cold sample before a time may be, or the first one from it on: the likeliest range first.

    Whatever is cold is in the rollups, too: they say where to look. Ten seconds are read where they are known, and
    their hour where these are removed or hold nothing any more.
    """
    found: dict[int, list[Range]] = {}
    for some in chunks(signals, ENDS_PER_STATEMENT):
        looks = [_look(int(signal), tier, at, newest=newest) for signal in some for tier in LOOKS]
        for signal, bucket, width in await connection.execute(text(" UNION ALL ".join(looks))):
            begin, end = int(bucket), int(bucket) + int(width)
            part = (begin, min(end, at)) if newest else (max(begin, at), end)
            found.setdefault(int(signal), []).append(part)
    for parts in found.values():
        parts.sort(key=(lambda part: (-part[0], part[1])) if newest else (lambda part: (part[1], -part[0])))
    return found


def _look(signal: int, tier: Tier, at: int, *, newest: bool) -> str:
    if newest:
        where = f"r.bucket_at < {int(at)} AND r.begins_at < {int(at)} ORDER BY r.bucket_at DESC"
    else:
        where = f"r.bucket_at > {int(at) - tier.width_us} AND r.ends_at >= {int(at)} ORDER BY r.bucket_at"
    columns = f"r.signal_id, r.bucket_at, {tier.width_us} AS width"
    return f"SELECT * FROM (SELECT {columns} FROM rollups_{tier} r WHERE r.signal_id = {signal} AND {where} LIMIT 1) e"  # noqa: S608


async def _cold_ends(cold: ColdSamples, connection: AsyncConnection, looks: Mapping[int, Sequence[Range]]) -> RawRows:
    """Read the first range of each signal, and the next one of those in whose nothing is."""
    parts: list[RawRows] = []
    left = dict(looks)
    for turn in range(len(LOOKS)):
        wanted = {signal: [ranges[turn]] for signal, ranges in left.items() if len(ranges) > turn}
        if not wanted:
            break
        parts.append(await cold.read(connection, wanted, HOUR_ROWS_MAX * len(wanted)))
        there = set(np.unique(parts[-1].signal).tolist())
        left = {signal: ranges for signal, ranges in left.items() if signal not in there}
    return following(parts)


def _conditions(signals: Sequence[int], ranges: Sequence[Range], own: Sequence[OwnRange]) -> Iterator[str]:
    for few in chunks(ranges, RANGES_PER_STATEMENT):
        for some in chunks(signals, SIGNALS_PER_STATEMENT):
            yield " OR ".join(f"({inside(some, start, end)})" for start, end in few)
    for few_own in chunks(own, RANGES_PER_STATEMENT):
        yield inside_ranges(few_own)


def _wanted(signals: Sequence[int], ranges: Sequence[Range], own: Sequence[OwnRange]) -> dict[int, list[Range]]:
    shared = sorted(ranges)
    wanted = {int(signal): shared for signal in signals} if shared else {}
    for signal, parts in groupby(sorted(own), lambda part: part[0]):
        wanted[signal] = sorted([*wanted.get(signal, ()), *((start, end) for _, start, end in parts)])
    return wanted


def _inside(rows: RawRows, signals: Sequence[int], ranges: Sequence[Range], own: Sequence[OwnRange]) -> RawRows:
    keep = np.zeros(len(rows), np.bool_)
    if len(rows):
        asked = np.isin(rows.signal, signals)
        for start, end in ranges:
            keep |= asked & (rows.source_at >= start) & (rows.source_at < end)
        for signal, start, end in own:
            keep |= (rows.signal == signal) & (rows.source_at >= start) & (rows.source_at < end)
    return rows.take(keep)


def _left(left: int, rows: int, rows_max: int) -> int:
    if rows > left:
        raise TooManySamplesError(
            f"The span holds more than {rows_max:,} samples. Choose a shorter one, or fewer signals.", rows_max=rows_max
        )
    return left - rows
