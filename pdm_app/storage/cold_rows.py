"""Whole rows of the hot table as columns, on their way into a cold file and out of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

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
SCHEMA = pa.schema(
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
TEXTS = ("text", "other_text")


@dataclass(frozen=True, slots=True, eq=False)
class ColdRows:
    """Rows sorted by (signal, source_at), no key twice, as a table of `SCHEMA`.

    A value that is no number is NaN. A row without a runner-up has ``other_place`` -1 and zeros beside it.
    """

    table: pa.Table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @classmethod
    def of_hot(cls, columns: Sequence[Sequence[Any]]) -> "ColdRows":
        """Take the columns of `SELECT` over, which may be empty."""
        if not columns:
            return cls(SCHEMA.empty_table())
        arrays = []
        for name, kind, column in zip(NAMES, SCHEMA.types, columns, strict=True):
            if name in TEXTS:
                arrays.append(pa.array(column, kind))
            elif pa.types.is_floating(kind):
                arrays.append(pa.array(np.array(column, np.float64)))  # None becomes NaN.
            elif name.startswith("other_"):
                missing = NONE if name == "other_place" else 0
                arrays.append(pa.array([missing if value is None else value for value in column], kind))
            else:
                arrays.append(pa.array(np.array(column, np.int64)).cast(kind))
        return cls(pa.table(arrays, schema=SCHEMA))

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
    pairs = every.take(np.column_stack((again, again + 1)).ravel()).table.to_pylist()
    settled = [_settled(pairs[row], pairs[row + 1]) for row in range(0, len(pairs), 2)]
    whole = joined([every.take(keep), ColdRows(pa.Table.from_pylist(settled, schema=SCHEMA))])
    return whole.take(np.lexsort((whole.column("source_at"), whole.column("signal"))))


def _settled(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    candidates: dict[tuple[int, int], dict[str, Any]] = {}
    parts = ("received_at", "place", "value", "text", "quality")
    for row in (one, other):
        candidates[row["received_at"], row["place"]] = {name: row[name] for name in parts}
        if row["other_place"] != NONE:
            runner_up = {name: row[f"other_{name}"] for name in parts}
            candidates[runner_up["received_at"], runner_up["place"]] = runner_up
    missing: dict[str, Any] = {"received_at": 0, "place": NONE, "value": float("nan"), "text": None, "quality": 0}
    first, second = [*(candidates[key] for key in sorted(candidates, reverse=True)), missing][:2]
    return {
        "signal": one["signal"],
        "source_at": one["source_at"],
        **first,
        **{f"other_{name}": value for name, value in second.items()},
    }
