"""Samples as columns, read from SQL by the shortest way: no row object, no name, whole columns."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.samples import F8, I8
from pdm_app.storage.repository import chunks

UNRANKED = "s.signal_id, s.source_at, s.value, s.quality"
COLUMNS = f"{UNRANKED}, s.received_at, s.place"
ENDS_PER_STATEMENT = 100  # SQLite takes 500 queries in one.

ROWS_AT_ONCE = 5000
"""Rows from which on turning them into columns is left to a thread; fewer take less than 10 ms."""


@dataclass(frozen=True, slots=True, eq=False)
class RawRows:
    """What counts of each instant: columns of one length, sorted by (signal, source_at).

    Attributes:
        signal: Dense signal ids.
        source_at: Microseconds UTC.
        value: NaN where there is no number.
        quality: `Quality` codes.
        received_at: With ``place`` it says which of two samples of one instant came later.
        place: As `pdm_app.storage.columnar.Columns` has it.
    """

    signal: I8
    source_at: I8
    value: F8
    quality: I8
    received_at: I8
    place: I8

    def __len__(self) -> int:
        return len(self.signal)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "RawRows":
        """Return the rows at ``rows``, indexes or a mask."""
        return RawRows(*(column[rows] for column in self.columns()))

    def part(self, begin: int, end: int) -> "RawRows":
        """Return the rows from one up to, not including, another; views, no copies."""
        return RawRows(*(column[begin:end] for column in self.columns()))

    def columns(self) -> tuple[NDArray[Any], ...]:
        return (self.signal, self.source_at, self.value, self.quality, self.received_at, self.place)


def no_rows() -> RawRows:
    nothing = np.zeros(0, np.int64)
    return RawRows(nothing, nothing, np.zeros(0), nothing, nothing, nothing)


def merged(parts: Sequence[RawRows]) -> RawRows:
    """Return the rows of all parts, each of which is sorted and has no key twice; of a key in several the latest."""
    some = [part for part in parts if len(part)]
    return some[0] if len(some) == 1 else latest_of(some)


def latest_of(parts: Sequence[RawRows]) -> RawRows:
    """Return the rows of all parts, sorted; of those with one key only the latest."""
    if not parts:
        return no_rows()
    columns: list[Any] = [np.concatenate(column) for column in zip(*(part.columns() for part in parts), strict=True)]
    every = RawRows(*columns)
    if not len(every):
        return every
    every = every.take(np.lexsort((every.source_at, every.signal)))
    is_same = _again(every)
    if not is_same.any():
        return every
    every = every.take(np.lexsort((every.place, every.received_at, every.source_at, every.signal)))
    return every.take(np.append(~is_same, True))


def following(parts: Sequence[RawRows]) -> RawRows:
    """Return the rows of parts that have no key in common, each sorted; also where the order among keys is not known.

    Timsort merges the sorted stretches of each part, several times as fast as sorting anew.
    """
    some = [part for part in parts if len(part)]
    if len(some) < 2:
        return some[0] if some else no_rows()
    columns: list[Any] = [np.concatenate(column) for column in zip(*(part.columns() for part in some), strict=True)]
    every = RawRows(*columns)
    return every.take(np.lexsort((every.source_at, every.signal)))


def lasts(rows: RawRows) -> RawRows:
    """Return the last row of each signal."""
    return rows.take(np.append(rows.signal[1:] != rows.signal[:-1], True)) if len(rows) else rows


def firsts(rows: RawRows) -> RawRows:
    """Return the first row of each signal."""
    return rows.take(np.append(True, rows.signal[1:] != rows.signal[:-1])) if len(rows) else rows


def of_signal(rows: RawRows, signal: int) -> RawRows:
    """Return the rows of one signal."""
    begin, end = np.searchsorted(rows.signal, [signal, signal + 1])
    return rows.part(int(begin), int(end))


def _again(rows: RawRows) -> NDArray[np.bool_]:
    """Return for each row but the last whether the next one has the same key."""
    same: NDArray[np.bool_] = (rows.signal[1:] == rows.signal[:-1]) & (rows.source_at[1:] == rows.source_at[:-1])
    return same


async def read_columns(connection: AsyncConnection, statement: str) -> Sequence[Sequence[Any]]:
    """Return the columns of a query as sequences; none at all where there is no row.

    Numbers stand in the text as literals, so that it may hold thousands of ranges.
    """

    def read(sync: Connection) -> list[Any]:
        result = sync.execute(text(statement))
        # The driver has fetched all rows already; its tuples spare 2 µs of row object for each.
        rows = list(result.cursor.fetchall())
        result.close()
        return rows

    rows = await connection.run_sync(read)
    if len(rows) < ROWS_AT_ONCE:
        return list(zip(*rows, strict=True))
    return await asyncio.to_thread(lambda: list(zip(*rows, strict=True)))


async def read_raw(
    connection: AsyncConnection, where: str, rows_max: int | None = None, *, ranked: bool = True
) -> RawRows:
    """Return the hot samples for which a condition on ``s`` holds, not more than ``rows_max``.

    Without ``ranked`` it is not read which of two samples of an instant came later: zeros stand for that, and the rows
    are not to be merged with others of the same span.
    """
    limit = "" if rows_max is None else f" LIMIT {int(rows_max)}"
    names = COLUMNS if ranked else UNRANKED
    order = f"ORDER BY s.signal_id, s.source_at{limit}"
    return await _rows_of(connection, f"SELECT {names} FROM samples s WHERE {where} {order}")  # noqa: S608


async def read_ends(connection: AsyncConnection, signals: Sequence[int], condition: str, *, newest: bool) -> RawRows:
    """Return of each signal the newest hot sample, or the oldest, for which a condition on ``s.source_at`` holds.

    One look into the key for each signal, and one round trip for a hundred.
    """
    wanted = f"{condition} ORDER BY s.source_at {'DESC' if newest else 'ASC'} LIMIT 1"
    parts = []
    for some in chunks(signals, ENDS_PER_STATEMENT):
        looks = [
            f"SELECT * FROM (SELECT {COLUMNS} FROM samples s WHERE s.signal_id = {int(signal)} AND {wanted}) e"  # noqa: S608 - numbers and names of this module.
            for signal in some
        ]
        rows = await _rows_of(connection, " UNION ALL ".join(looks))
        parts.append(rows.take(np.argsort(rows.signal)))
    return following(parts)


async def _rows_of(connection: AsyncConnection, statement: str) -> RawRows:
    columns = await read_columns(connection, statement)
    if not columns:
        return no_rows()
    return await asyncio.to_thread(_arrays, columns) if len(columns[0]) >= ROWS_AT_ONCE else _arrays(columns)


def _arrays(columns: Sequence[Sequence[Any]]) -> RawRows:
    signal, source_at, value, quality, *ranks = columns
    nothing = np.zeros(len(signal), np.int64)
    received_at, place = (np.array(rank, np.int64) for rank in ranks) if ranks else (nothing, nothing)
    return RawRows(
        np.array(signal, np.int64),
        np.array(source_at, np.int64),
        np.array(value, np.float64),  # None becomes NaN.
        np.array(quality, np.int64),
        received_at,
        place,
    )
