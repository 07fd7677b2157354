"""Rollup rows in and out of the tables of their tiers, as columns."""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.history import Tier
from pdm_app.domain.samples import F8, I8
from pdm_app.domain.summaries import NAMES, NOWHERE, REALS, Summaries, none
from pdm_app.storage.columnar import json_parts
from pdm_app.storage.raw_rows import read_columns
from pdm_app.storage.samples import ROWS_PER_STATEMENT

TABLES = {Tier.ROLLUP_10S: "rollups_10s", Tier.ROLLUP_60S: "rollups_60s", Tier.ROLLUP_1H: "rollups_1h"}
RENAMED = {"signal": "signal_id", "at": "bucket_at"}
COLUMNS = tuple(RENAMED.get(name, name) for name in NAMES)
TIMES = frozenset({"first_at", "last_at"})

_NAMES = ", ".join(COLUMNS)
_PATHS = ", ".join(
    f"{name} {'DOUBLE' if name in REALS else 'BIGINT'} PATH '$[{number}]'" for number, name in enumerate(COLUMNS)
)
_MARKS = ", ".join("?" * len(COLUMNS))
_GIVEN = f"JSON_TABLE(%s, '$[*]' COLUMNS ({_PATHS})) AS given"


async def put_summaries(connection: AsyncConnection, tier: Tier, rows: Summaries, *, is_sqlite: bool) -> None:
    """Write whole rows over those of the same signal and bucket."""
    table = TABLES[tier]
    sqlite = f"REPLACE INTO {table} ({_NAMES}) VALUES ({_MARKS})"  # noqa: S608 - names of this module.
    mysql = f"REPLACE INTO {table} ({_NAMES}) SELECT {_NAMES} FROM {_GIVEN}"  # noqa: S608
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        part = rows.take(np.arange(start, min(start + ROWS_PER_STATEMENT, len(rows))))
        some = await asyncio.to_thread(_tuples, part) if len(rows) > ROWS_PER_STATEMENT else _tuples(part)
        if is_sqlite:
            await connection.exec_driver_sql(sqlite, some)
        else:
            for given, _ in json_parts(some):
                await connection.exec_driver_sql(mysql, (given,))


async def read_summaries(connection: AsyncConnection, tier: Tier, where: str, rows_max: int | None = None) -> Summaries:
    """Return the rows of a tier for which a condition on ``r`` holds, not more than ``rows_max``."""
    limit = "" if rows_max is None else f" LIMIT {int(rows_max)}"
    order = f"ORDER BY r.signal_id, r.bucket_at{limit}"
    columns = await read_columns(connection, f"SELECT {_NAMES} FROM {TABLES[tier]} r WHERE {where} {order}")  # noqa: S608
    if not columns:
        return none()
    arrays: dict[str, Any] = {name: _array(name, column) for name, column in zip(NAMES, columns, strict=True)}
    return Summaries(**arrays)


def _array(name: str, column: Sequence[float | int | None]) -> F8 | I8:
    if name in REALS:
        return np.array(column, np.float64)
    if name in TIMES:
        return np.array([NOWHERE if at is None else at for at in column], np.int64)
    return np.array(column, np.int64)


def _tuples(rows: Summaries) -> list[tuple[float | int | None, ...]]:
    columns: list[list[float | int | None]] = []
    for name in NAMES:
        column = getattr(rows, name)
        values: list[float | int | None] = column.tolist()
        missing = ~np.isfinite(column) if name in REALS else column == NOWHERE if name in TIMES else None
        if missing is not None:
            for row in np.flatnonzero(missing).tolist():
                values[row] = None
        columns.append(values)
    return list(zip(*columns, strict=True))
