"""Whole rows of the hot table as columns, on their way into a cold file and out of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa
else:
    from pdm_app.storage.lazily import pyarrow as pa

from pdm_app.storage.columnar import Columns

NONE = -1
"""The ``other_place`` of a row without a runner-up."""
NAMES = (
    "signal",
    "source_at",
    "value",
    "text",
    "quality",
    "received_at",
    "place",
    "other_value",
    "other_text",
    "other_quality",
    "other_received_at",
    "other_place",
)
SELECT = """SELECT s.signal_id, s.source_at, s.value, s.text, s.quality, s.received_at, s.place, s.other_value,
    s.other_text, s.other_quality, s.other_received_at, s.other_place FROM samples s"""
TEXTS = ("text", "other_text")


@cache
def schema() -> "pa.Schema":
    """Return the columns and their types."""
    return pa.schema(
        [
            ("signal", pa.uint32()),
            ("source_at", pa.int64()),
            ("value", pa.float64()),
            ("text", pa.string()),
            ("quality", pa.uint16()),
            ("received_at", pa.int64()),
            ("place", pa.int64()),
            ("other_value", pa.float64()),
            ("other_text", pa.string()),
            ("other_quality", pa.uint16()),
            ("other_received_at", pa.int64()),
            ("other_place", pa.int64()),
        ]
    )


@dataclass(frozen=True, slots=True, eq=False)
class ColdRows:
    """Rows sorted by (signal, source_at), no key twice, as a table of `schema`.

    A value that is no number is NaN. A row without a runner-up has ``other_place`` -1 and zeros beside it.
    """

    table: "pa.Table"

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @classmethod
    def of_hot(cls, columns: Sequence[Sequence[Any]]) -> "ColdRows":
        """Take the columns of `SELECT` over, which may be empty."""
        if not columns:
            return cls(schema().empty_table())
        arrays = []
        for name, kind, column in zip(NAMES, schema().types, columns, strict=True):
            if name in TEXTS:
                arrays.append(pa.array(column, kind))
            elif pa.types.is_floating(kind):
                arrays.append(pa.array(np.array(column, np.float64)))  # None becomes NaN.
            elif name.startswith("other_"):
                missing = NONE if name == "other_place" else 0
                arrays.append(pa.array([missing if value is None else value for value in column], kind))
            else:
                arrays.append(pa.array(np.array(column, np.int64)).cast(kind))
        return cls(pa.table(arrays, schema=schema()))

    def column(self, name: str) -> NDArray[Any]:
        """Return a column of numbers."""
        numbers: NDArray[Any] = self.table.column(name).to_numpy()
        return numbers

    def take(self, rows: NDArray[Any]) -> "ColdRows":
        """Return the rows at ``rows``, indexes or a mask."""
        index = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return ColdRows(self.table.take(pa.array(index)))

    def parts(self, rows_max: int) -> "list[ColdRows]":
        return [ColdRows(self.table.slice(start, rows_max)) for start in range(0, len(self), rows_max)]


def joined(parts: Sequence[ColdRows]) -> ColdRows:
    """Return the rows of parts that follow each other."""
    return ColdRows(pa.concat_tables([part.table for part in parts]).combine_chunks())


def laid_over(cold: ColdRows, hot: ColdRows) -> ColdRows:
    """Return the rows of both; of a key in both the two latest samples, as if all had been written to one table."""
    if not len(cold) or not len(hot):
        return cold if len(cold) else hot
    every = joined([cold, hot])
    order = np.lexsort((every.column("source_at"), every.column("signal")))
    every = every.take(order)
    signal, source_at = every.column("signal"), every.column("source_at")
    again = np.flatnonzero((signal[1:] == signal[:-1]) & (source_at[1:] == source_at[:-1]))
    if not len(again):
        return every
    keep = np.ones(len(every), np.bool_)
    keep[again] = keep[again + 1] = False
    whole = joined([every.take(keep), _settled(every.take(again), every.take(again + 1))])
    return whole.take(np.lexsort((whole.column("source_at"), whole.column("signal"))))


def rows_of(columns: Columns) -> ColdRows:
    """Return sorted samples as rows: of each key the one that counts and its runner-up."""
    if not len(columns):
        return ColdRows.of_hot([])
    signal, at, received_at, place = columns.signal, columns.source_at, columns.received_at, columns.place
    again = (signal[1:] == signal[:-1]) & (at[1:] == at[:-1])
    twice = again & (received_at[1:] == received_at[:-1]) & (place[1:] == place[:-1])
    if twice.any():
        return rows_of(columns.take(np.append(~twice, True)))
    counts = np.flatnonzero(np.append(~again, True))
    beaten = np.append(False, again)[counts] if len(counts) else np.zeros(0, np.bool_)
    value = np.where(np.isfinite(columns.value), columns.value, np.nan)
    texts = pa.array([columns.text.get(row) for row in range(len(columns))], pa.string()) if columns.text else None
    parts = {"value": value, "quality": columns.quality, "received_at": received_at, "place": place}
    table: dict[str, Any] = {"signal": signal[counts], "source_at": at[counts]}
    table |= {name: column[counts] for name, column in parts.items()}
    table["text"] = _taken(texts, counts, np.ones(len(counts), np.bool_))
    table |= _runners_up(parts, texts, counts - 1, beaten)
    return _of_columns(table)


def _settled(one: ColdRows, other: ColdRows) -> ColdRows:
    """Return, of rows with the same keys in the same order, the two latest samples of each key."""
    rows = len(one)
    columns: dict[str, NDArray[Any]] = {}
    for name in ("value", "quality", "received_at", "place"):
        four = [side.column(prefix + name) for side in (one, other) for prefix in ("", "other_")]
        columns[name] = np.concatenate(four)
    texts = pa.concat_arrays(
        [side.table.column(prefix + "text").combine_chunks() for side in (one, other) for prefix in ("", "other_")]
    )
    key = np.tile(np.arange(rows), 4)
    order = np.lexsort((columns["place"], columns["received_at"], key))
    order = order[columns["place"][order] != NONE]
    found, received_at, place = key[order], columns["received_at"][order], columns["place"][order]
    same = (found[1:] == found[:-1]) & (received_at[1:] == received_at[:-1]) & (place[1:] == place[:-1])
    order = order[np.append(~same, True)]
    found = key[order]
    last = np.flatnonzero(np.append(found[1:] != found[:-1], True))
    beaten = np.append(False, found[1:] == found[:-1])[last]
    table: dict[str, Any] = {name: one.column(name) for name in ("signal", "source_at")}
    table |= {name: column[order[last]] for name, column in columns.items()}
    table["text"] = texts.take(pa.array(order[last]))
    table |= _runners_up(columns, texts, order[np.maximum(last - 1, 0)], beaten)
    return _of_columns(table)


def _runners_up(
    columns: Mapping[str, NDArray[Any]], texts: Any, rows: NDArray[np.int64], there: NDArray[np.bool_]
) -> dict[str, Any]:
    rows = np.where(there, rows, 0)
    missing = {"value": np.nan, "quality": 0, "received_at": 0, "place": NONE}
    found: dict[str, Any] = {
        f"other_{name}": np.where(there, column[rows], missing[name]) for name, column in columns.items()
    }
    found["other_text"] = _taken(texts, rows, there)
    return found


def _taken(texts: Any, rows: NDArray[np.int64], there: NDArray[np.bool_]) -> Any:
    if texts is None:
        return pa.nulls(len(rows), pa.string())
    return texts.take(pa.array(rows, mask=~there))


def _of_columns(columns: Mapping[str, Any]) -> ColdRows:
    arrays = []
    for name, kind in zip(NAMES, schema().types, strict=True):
        column = columns[name]
        arrays.append(column if name in TEXTS else pa.array(column).cast(kind))
    return ColdRows(pa.table(arrays, schema=schema()))
