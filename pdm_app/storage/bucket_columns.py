"""Buckets of a trend as columns: read, added up and cut into series without an object for each."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.history import Tier
from pdm_app.domain.samples import F8, I8
from pdm_app.domain.summaries import NOWHERE, summarise
from pdm_app.storage.raw_rows import RawRows, read_columns
from pdm_app.storage.series import Series


@dataclass(frozen=True, slots=True, eq=False)
class Buckets:
    """What the samples of some stretches of time come to: columns of one length, as `buckets` has them queried.

    Attributes:
        signal: Dense signal ids.
        at: Beginning of the bucket in microseconds UTC.
        samples: How many there are; of these ``good`` and ``usable``.
        low: Extremes and sum of the usable samples, NaN where there is none; ``high`` and ``total`` likewise.
        last_at: Time of the last usable sample, -1 where there is none; its value in ``last``.
    """

    signal: I8
    at: I8
    samples: I8
    good: I8
    usable: I8
    low: F8
    high: F8
    total: F8
    last_at: I8
    last: F8

    def __len__(self) -> int:
        return len(self.signal)

    def series(self, signals: Sequence[int], tier: Tier, width_us: int) -> dict[int, Series]:
        """Return the series of each signal; the rows are those of `added_up`."""
        found: dict[int, Series] = {}
        with np.errstate(invalid="ignore"):  # A sum beyond the largest double has no mean.
            mean = self.total / np.maximum(self.usable, 1)
        numbers = np.stack((self.low, self.high, mean, self.last))
        counts = np.stack((self.good, self.samples))
        for signal in signals:
            begin, end = np.searchsorted(self.signal, [signal, signal + 1])
            part = slice(int(begin), int(end))
            found[signal] = Series(signal, tier, width_us, self.at[part], numbers[:, part], counts[:, part])
        return found


NAMES = tuple(field.name for field in fields(Buckets))
REALS = frozenset({"low", "high", "total", "last"})
COUNTS = frozenset({"samples", "good", "usable"})
"""Databases add these up as doubles."""


def no_buckets() -> Buckets:
    columns: dict[str, Any] = {name: np.zeros(0, np.float64 if name in REALS else np.int64) for name in NAMES}
    return Buckets(**columns)


async def read_buckets(connection: AsyncConnection, statement: str) -> Buckets:
    """Return the rows of a query of `pdm_app.storage.buckets`."""
    columns = await read_columns(connection, statement)
    if not columns:
        return no_buckets()
    arrays: dict[str, Any] = {name: _array(name, column) for name, column in zip(NAMES, columns, strict=True)}
    return Buckets(**arrays)


def _array(name: str, column: Sequence[Any]) -> F8 | I8:
    if name in REALS:
        return np.array(column, np.float64)  # None becomes NaN.
    if name == "last_at" and None in column:
        column = [NOWHERE if at is None else at for at in column]
    return np.array(column, np.float64).astype(np.int64) if name in COUNTS else np.array(column, np.int64)


def counted(rows: RawRows, width_us: int) -> Buckets:
    """Return the buckets of samples in memory."""
    found = summarise(rows.signal, rows.source_at, rows.value, rows.quality, width_us)
    columns: dict[str, Any] = {name: getattr(found, name) for name in NAMES}
    return Buckets(**columns)


def added_up(parts: Sequence[Buckets]) -> Buckets:
    """Return the buckets of all parts, sorted, none twice; the parts share no sample."""
    some = [part for part in parts if len(part)]
    if not some:
        return no_buckets()
    columns: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in some]) for name in NAMES}
    order = np.lexsort((columns["last_at"], columns["at"], columns["signal"]))
    every = {name: column[order] for name, column in columns.items()}
    is_new = (every["signal"][1:] != every["signal"][:-1]) | (every["at"][1:] != every["at"][:-1])
    if is_new.all():
        return Buckets(**every)
    begins = np.concatenate(([0], np.flatnonzero(is_new) + 1))
    ends = np.append(begins[1:], len(order)) - 1  # The latest one's value is the last of all; without any it is NaN.
    usable = np.add.reduceat(every["usable"], begins)
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.add.reduceat(np.where(every["usable"] > 0, every["total"], 0.0), begins)
    return Buckets(
        signal=every["signal"][begins],
        at=every["at"][begins],
        samples=np.add.reduceat(every["samples"], begins),
        good=np.add.reduceat(every["good"], begins),
        usable=usable,
        low=np.fmin.reduceat(every["low"], begins),
        high=np.fmax.reduceat(every["high"], begins),
        total=np.where(usable > 0, total, np.nan),
        last_at=every["last_at"][ends],
        last=every["last"][ends],
    )
