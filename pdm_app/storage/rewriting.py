"""Putting a span of one signal anew: what was there goes, what is given comes, and the rollups follow."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.storage.buckets import BUCKET_US
from pdm_app.storage.cold_tables import ColdErasureRow
from pdm_app.storage.columnar import Columns
from pdm_app.storage.dialect import insert_new
from pdm_app.storage.repository import chunks
from pdm_app.storage.rollup_tables import Rollup10sRow
from pdm_app.storage.rollups import POSITIONS, writing_position
from pdm_app.storage.samples import ROWS_PER_STATEMENT, insert_samples, mark_buckets, put_latest
from pdm_app.storage.tables import LatestRow, SampleRow, table_of

SAMPLES = table_of(SampleRow)
LATEST = table_of(LatestRow)
ROLLUPS = table_of(Rollup10sRow)
ERASURES = table_of(ColdErasureRow)
DAY_US = 86_400 * MICROS_PER_S


async def rewrite(
    connection: AsyncConnection, signal: int, start_at: int, end_at: int, columns: Columns, *, is_sqlite: bool
) -> int:
    """Replace a signal's samples of a span within the transaction of ``connection``; return how many there were.

    A bucket that is left empty is marked, too: deriving it again takes its rollups away.
    """
    locked = select(POSITIONS.c.rolling_to).with_for_update(read=True)  # As every write: a compaction shuts them out.
    rolling_to = await writing_position(connection, columns) if len(columns) else await connection.scalar(locked) or 0
    inside = (SAMPLES.c.signal_id == signal, SAMPLES.c.source_at >= start_at, SAMPLES.c.source_at < end_at)
    begin_of = SAMPLES.c.source_at - SAMPLES.c.source_at % BUCKET_US
    before = set((await connection.scalars(select(begin_of).where(*inside).distinct())).all())
    rolled = select(ROLLUPS.c.bucket_at).where(
        ROLLUPS.c.signal_id == signal, ROLLUPS.c.bucket_at > start_at - BUCKET_US, ROLLUPS.c.bucket_at < end_at
    )
    before |= set((await connection.scalars(rolled)).all())  # Also of what is cold.
    after = set((columns.source_at - columns.source_at % BUCKET_US).tolist())
    gone = (await connection.execute(delete(SAMPLES).where(*inside))).rowcount
    await insert_samples(connection, columns, is_sqlite=is_sqlite)
    marks = [(signal, bucket) for bucket in sorted(before | after) if bucket < rolling_to]
    await mark_buckets(connection, marks, is_sqlite=is_sqlite)
    await _put_latest(connection, signal, start_at, end_at, columns, is_sqlite=is_sqlite)
    return int(gone)


async def erase(connection: AsyncConnection, signal: int, start_at: int, end_at: int, *, is_sqlite: bool) -> None:
    """Note that what cold files hold of a span does not count any more, day by day as they are kept."""
    days = range(start_at - start_at % DAY_US, end_at, DAY_US)
    spans = [{"signal_id": signal, "start_at": max(day, start_at), "end_at": min(day + DAY_US, end_at)} for day in days]
    for some in chunks(spans, ROWS_PER_STATEMENT):
        await connection.execute(insert_new(ERASURES, is_sqlite=is_sqlite), some)


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
