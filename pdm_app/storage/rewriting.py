"""Putting a span of one signal anew: what was there goes, what is given comes, and the rollups follow."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.storage.buckets import BUCKET_US
from pdm_app.storage.columnar import Columns
from pdm_app.storage.rollups import writing_position
from pdm_app.storage.samples import insert_samples, mark_buckets, put_latest
from pdm_app.storage.tables import LatestRow, SampleRow, table_of

SAMPLES = table_of(SampleRow)
LATEST = table_of(LatestRow)


async def rewrite(
    connection: AsyncConnection, signal: int, start_at: int, end_at: int, columns: Columns, *, is_sqlite: bool
) -> int:
    """Replace a signal's samples of a span within the transaction of ``connection``; return how many there were.

    A bucket that is left empty is marked, too: deriving it again takes its rollups away.
    """
    rolling_to = await writing_position(connection, columns) if len(columns) else end_at
    inside = (SAMPLES.c.signal_id == signal, SAMPLES.c.source_at >= start_at, SAMPLES.c.source_at < end_at)
    begin_of = SAMPLES.c.source_at - SAMPLES.c.source_at % BUCKET_US
    before = set((await connection.scalars(select(begin_of).where(*inside).distinct())).all())
    after = set((columns.source_at - columns.source_at % BUCKET_US).tolist())
    gone = (await connection.execute(delete(SAMPLES).where(*inside))).rowcount
    await insert_samples(connection, columns, is_sqlite=is_sqlite)
    marks = [(signal, bucket) for bucket in sorted(before | after) if bucket < rolling_to]
    await mark_buckets(connection, marks, is_sqlite=is_sqlite)
    await _put_latest(connection, signal, start_at, end_at, columns, is_sqlite=is_sqlite)
    return int(gone)


async def _put_latest(
    connection: AsyncConnection, signal: int, start_at: int, end_at: int, columns: Columns, *, is_sqlite: bool
) -> None:
    """Have the latest value follow, also backwards where it lay in the span."""
    latest = await connection.scalar(select(LATEST.c.source_at).where(LATEST.c.signal_id == signal))
    if latest is not None and start_at <= latest < end_at:
        await connection.execute(delete(LATEST).where(LATEST.c.signal_id == signal))
        if not len(columns):
            names = [SAMPLES.c[column.name] for column in LATEST.c]
            newest = select(*names).where(SAMPLES.c.signal_id == signal).order_by(SAMPLES.c.source_at.desc()).limit(1)
            await connection.execute(LATEST.insert().from_select([column.name for column in LATEST.c], newest))
    await put_latest(connection, columns.newest(), is_sqlite=is_sqlite)
