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

COLUMNS = "s.signal_id, s.source_at, s.value, s.quality, s.received_at, s.place"

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
    every = every.take(np.lexsort((every.place, every.received_at, every.source_at, every.signal)))
    is_same = (every.signal[1:] == every.signal[:-1]) & (every.source_at[1:] == every.source_at[:-1])
    return every.take(np.append(~is_same, True))


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
    connection: AsyncConnection, where: str, rows_max: int | None = None, *, newest: bool = False
) -> RawRows:
    """Return the hot samples for which a condition on ``s`` holds, not more than ``rows_max``.

    With ``newest`` only the last one of a condition on a single signal.
    """
    order = "s.source_at DESC LIMIT 1" if newest else "s.signal_id, s.source_at"
    limit = "" if rows_max is None else f" LIMIT {int(rows_max)}"
    columns = await read_columns(connection, f"SELECT {COLUMNS} FROM samples s WHERE {where} ORDER BY {order}{limit}")  # noqa: S608
    if not columns:
        return no_rows()
    return await asyncio.to_thread(_arrays, columns) if len(columns[0]) >= ROWS_AT_ONCE else _arrays(columns)


def _arrays(columns: Sequence[Sequence[Any]]) -> RawRows:
    signal, source_at, value, quality, received_at, place = columns
    return RawRows(
        np.array(signal, np.int64),
        np.array(source_at, np.int64),
        np.array(value, np.float64),  # None becomes NaN.
        np.array(quality, np.int64),
        np.array(received_at, np.int64),
        np.array(place, np.int64),
    )
