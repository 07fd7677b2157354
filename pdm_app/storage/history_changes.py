"""Notes of what was changed in history on another way than the recorder's, written within the change's transaction.

Whoever keeps copies reads and forgets them in one transaction with its own places, so that none is lost and none stays.
"""

import zlib
from collections.abc import Sequence

import numpy as np
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.samples import I8
from pdm_app.storage.sink_tables import HistoryChangeRow
from pdm_app.storage.tables import table_of

CHANGES = table_of(HistoryChangeRow)
Span = tuple[int, int, int]


async def note_change(connection: AsyncConnection, clock: Clock, spans: Sequence[Span], *, is_gone: bool) -> None:
    """Note what the caller's transaction changes; nothing where it changes nothing."""
    if spans:
        row = {"id": new_id(clock.now()), "is_gone": is_gone, "spans": packed(spans)}
        await connection.execute(insert(CHANGES), [row])


def spans_of(signal: I8, source_at: I8) -> list[Span]:
    """Return between which times each signal has samples; the columns are sorted by signal and time."""
    if not len(signal):
        return []
    ends = np.append(np.flatnonzero(np.diff(signal)) + 1, len(signal))
    begins = np.append(0, ends[:-1])
    return list(
        zip(signal[begins].tolist(), source_at[begins].tolist(), (source_at[ends - 1] + 1).tolist(), strict=True)
    )


def packed(spans: Sequence[Span]) -> bytes:
    return zlib.compress(np.array(spans, "<i8").tobytes())


def unpacked(content: bytes) -> list[Span]:
    rows = np.frombuffer(zlib.decompress(content), "<i8").reshape(-1, 3).tolist()
    return [(number, begin, end) for number, begin, end in rows]
