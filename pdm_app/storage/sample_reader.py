"""Samples of a span from wherever they are: hot rows, cold files, and what the recorder has not written yet.

Each instant of a signal is there once, whichever of the three hold it: the latest (received_at, place) counts, as in
the hot table alone. The waiting samples are fetched before the database is looked at: so one that is recorded in
between is met twice and counted once, and none is missed.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.samples import MICROS_PER_S, Batch
from pdm_app.storage.buckets import BUCKET_US, inside, inside_ranges
from pdm_app.storage.columnar import ROW_BITS
from pdm_app.storage.raw_rows import RawRows, latest_of, merged, read_raw
from pdm_app.storage.repository import chunks

RANGES_PER_STATEMENT = 200
SIGNALS_PER_STATEMENT = 1000
HOUR_US = 3600 * MICROS_PER_S
HOUR_ROWS_MAX = 4_000_000  # A signal at 1 kHz.

Range = tuple[int, int]
"""From a time up to, not including, another."""
OwnRange = tuple[int, int, int]
"""A signal and its range."""
Waiting = Callable[[], Awaitable[Sequence[Batch]]]
"""Returns the batches that are committed to the durable buffer and not recorded yet, oldest first."""


class ColdSamples(Protocol):
    """What is kept outside the database."""

    async def ends_after(self, connection: AsyncConnection, at: int) -> bool:
        """Whether some file holds samples from ``at`` on."""
        ...

    async def read(
        self,
        connection: AsyncConnection,
        signals: Sequence[int],
        ranges: Sequence[Range],
        rows_max: int,
        *,
        strict: bool = False,
    ) -> RawRows:
        """Return the samples of some signals in some ranges; more than ``rows_max`` where there are more.

        Raises:
            UnavailableError: With ``strict``: a file cannot be read; else it is left out.
        """
        ...

    async def text(self, connection: AsyncConnection, signal: int, at: int) -> str | None:
        """Return the text of the sample at a time, None where it has none or there is none."""
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

        Raises:
            InvalidInputError: They are more than ``rows_max``.
            UnavailableError: With ``strict``: a cold file cannot be read; else it is left out.
        """
        parts: list[RawRows] = []
        left = rows_max
        for where in _conditions(signals, ranges, own):
            part = await read_raw(held.connection, where, left + 1)
            left = _left(left, len(part), rows_max)
            parts.append(part)
        if self._cold is not None:
            left = rows_max  # Anew: where a compaction was broken off, what is cold is hot, too, and counts once.
            for some, few in _cold_orders(signals, ranges, own):
                part = await self._cold.read(held.connection, some, few, left, strict=strict)
                left = _left(left, len(part), rows_max)
                parts.append(part)
        parts.append(_inside(held.waiting, signals, ranges, own))
        every = merged([part for part in parts if len(part)])
        _left(rows_max, len(every), rows_max)
        return every

    async def before(self, held: Held, signal: int, at: int) -> RawRows:
        """Return the last sample before ``at``, or nothing."""
        waits = held.waiting
        found = [
            await read_raw(held.connection, f"s.signal_id = {int(signal)} AND s.source_at < {int(at)}", newest=True),
            waits.take(np.flatnonzero((waits.signal == signal) & (waits.source_at < at))[-1:]),
        ]
        if self._cold is not None and await self._cold.ends_after(held.connection, 0):
            # Whatever is cold is in the hours, too: they say where to look.
            where = f"signal_id = {int(signal)} AND bucket_at <= {int(at)} AND begins_at < {int(at)}"
            hour = await _hour(held.connection, f"{where} ORDER BY bucket_at DESC")
            if hour is not None:
                found.append(await self._cold.read(held.connection, [signal], [(hour, at)], HOUR_ROWS_MAX))
        every = merged(found)
        return every.take(np.arange(len(every))[-1:])

    async def after(self, held: Held, signal: int, at: int) -> RawRows:
        """Return the first sample at or after ``at``, or nothing."""
        waits = held.waiting
        found = [
            await read_raw(held.connection, f"s.signal_id = {int(signal)} AND s.source_at >= {int(at)}", 1),
            waits.take(np.flatnonzero((waits.signal == signal) & (waits.source_at >= at))[:1]),
        ]
        if self._cold is not None and await self._cold.ends_after(held.connection, at):
            begin = at - HOUR_US
            where = f"signal_id = {int(signal)} AND bucket_at > {int(begin)} AND ends_at >= {int(at)}"
            hour = await _hour(held.connection, f"{where} ORDER BY bucket_at")
            if hour is not None:
                span = (max(at, hour), hour + HOUR_US)
                found.append(await self._cold.read(held.connection, [signal], [span], HOUR_ROWS_MAX))
        every = merged(found)
        return every.take(np.arange(len(every))[:1])

    async def text(self, held: Held, row: RawRows) -> str | None:
        """Return the text of a sample; ``row`` has just this one."""
        signal, at = int(row.signal[0]), int(row.source_at[0])
        same = f"s.received_at = {int(row.received_at[0])} AND s.place = {int(row.place[0])}"  # Not an older one.
        statement = f"SELECT s.text FROM samples s WHERE s.signal_id = {signal} AND s.source_at = {at} AND {same}"  # noqa: S608
        found: str | None = await held.connection.scalar(text(statement))
        if found is None and self._cold is not None:
            return await self._cold.text(held.connection, signal, at)
        return found


async def _hour(connection: AsyncConnection, where: str) -> int | None:
    found = await connection.scalar(text(f"SELECT bucket_at FROM rollups_1h WHERE {where} LIMIT 1"))  # noqa: S608
    return None if found is None else int(found)


def _conditions(signals: Sequence[int], ranges: Sequence[Range], own: Sequence[OwnRange]) -> Iterator[str]:
    for few in chunks(ranges, RANGES_PER_STATEMENT):
        for some in chunks(signals, SIGNALS_PER_STATEMENT):
            yield " OR ".join(f"({inside(some, start, end)})" for start, end in few)
    for few_own in chunks(own, RANGES_PER_STATEMENT):
        yield inside_ranges(few_own)


def _cold_orders(
    signals: Sequence[int], ranges: Sequence[Range], own: Sequence[OwnRange]
) -> Iterator[tuple[Sequence[int], Sequence[Range]]]:
    if ranges:
        yield signals, ranges
    for signal, parts in groupby(own, lambda part: part[0]):
        yield [signal], [(start, end) for _, start, end in parts]


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
        raise InvalidInputError(
            f"The span holds more than {rows_max:,} samples. Choose a shorter one, or fewer signals.", rows_max=rows_max
        )
    return left - rows
