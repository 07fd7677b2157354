"""The newest sample of each signal, read as columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.newest import Newest
from pdm_app.storage.raw_rows import read_columns
from pdm_app.storage.repository import KEYS_PER_QUERY, chunks

SELECT = "SELECT l.signal_id, l.source_at, l.value, l.quality, l.text FROM latest l"


async def read_latest(connection: AsyncConnection, signals: Sequence[int] | None = None) -> Newest:
    """Return the newest sample of some signals, or of all, in the order of their ids."""
    parts: list[Sequence[Sequence[Any]]] = []
    if signals is None:
        parts.append(await read_columns(connection, f"{SELECT} ORDER BY l.signal_id"))
    else:
        for some in chunks(sorted(set(signals)), KEYS_PER_QUERY):
            ids = ",".join(str(int(signal)) for signal in some)
            statement = f"{SELECT} WHERE l.signal_id IN ({ids}) ORDER BY l.signal_id"
            parts.append(await read_columns(connection, statement))
    columns: list[list[Any]] = [[], [], [], [], []]
    for part in parts:
        for column, more in zip(columns, part, strict=False):  # A part without a row has no column.
            column.extend(more)
    signal, source_at, value, quality, text = columns
    words = {row: found for row, found in enumerate(text) if found is not None}
    return Newest(
        np.array(signal, np.int64),
        np.array(source_at, np.int64),
        np.array(value, np.float64),  # None becomes NaN.
        np.array(quality, np.int64),
        words,
    )
