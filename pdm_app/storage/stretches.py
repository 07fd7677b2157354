"""Reading the samples themselves: each signal's stretch of a span, with what stood when it began."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.samples import Micros, Stretch
from pdm_app.storage.tables import SampleRow, table_of

SAMPLES = table_of(SampleRow)
COLUMNS = (SAMPLES.c.source_at, SAMPLES.c.value, SAMPLES.c.quality)


async def stretches(
    connection: AsyncConnection, signals: Sequence[int], start_at: Micros, end_at: Micros, rows_max: int
) -> dict[int, Stretch]:
    """Return each signal's samples of the span on a connection whose reads all see one instant.

    Raises:
        InvalidInputError: They are more than ``rows_max``.
    """
    inside = (
        SAMPLES.c.signal_id.in_(signals),
        SAMPLES.c.source_at >= start_at,
        SAMPLES.c.source_at < end_at,
    )
    few = select(SAMPLES.c.signal_id).where(*inside).limit(rows_max + 1).subquery()
    if int(await connection.scalar(select(func.count()).select_from(few)) or 0) > rows_max:
        raise InvalidInputError(
            f"The span holds more than {rows_max:,} samples. Choose a shorter one.", rows_max=rows_max
        )
    return {signal: await _stretch(connection, signal, start_at, end_at) for signal in signals}


async def _stretch(connection: AsyncConnection, signal: int, start_at: Micros, end_at: Micros) -> Stretch:
    of_signal = select(*COLUMNS).where(SAMPLES.c.signal_id == signal)
    before = of_signal.where(SAMPLES.c.source_at < start_at).order_by(SAMPLES.c.source_at.desc()).limit(1)
    within = of_signal.where(SAMPLES.c.source_at >= start_at, SAMPLES.c.source_at < end_at)
    rows = [*await _rows(connection, before), *await _rows(connection, within.order_by(SAMPLES.c.source_at))]
    return Stretch(
        source_at=np.array([row[0] for row in rows], np.int64),
        value=np.array([np.nan if row[1] is None else row[1] for row in rows], np.float64),
        quality=np.array([row[2] for row in rows], np.uint16),
    )


async def _rows(connection: AsyncConnection, statement: Select[Any]) -> Sequence[Any]:
    found: Sequence[Any] = (await connection.execute(statement)).all()
    return found
