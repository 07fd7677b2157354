"""The 10 s rollup, derived from raw and never updated in place.

A bucket is a pure function of its raw samples, in SQL, in the order of the key; so it cannot depend on the order in
which samples arrived. What keeps rollup and raw together at every instant, also after kill -9:

* ``rolled_to``: every bucket before it has been derived. ``rolling_to``, never before it: where the step now under way
  ends.
* A write shares a lock on these positions. If it touches a bucket before ``rolling_to``, it marks that bucket in its
  own transaction: late data, a replay, a device with a slow clock.
* A step first moves ``rolling_to`` in a transaction of its own. From then on every write to that span leaves a mark,
  and every write before it is visible; so the step derives the span without keeping writers out.
* Marks are removed in the transaction that derives their buckets again.
* Readers take the rollup for buckets before ``rolled_to`` without a mark, and raw for all others.
"""

from collections.abc import Sequence

from sqlalchemy import delete, func, insert, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.history import Tier
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.storage.buckets import BUCKET_US, derive_rollups, inside, inside_ranges, joined
from pdm_app.storage.columnar import Columns
from pdm_app.storage.database import Database
from pdm_app.storage.lease import check_fence
from pdm_app.storage.repository import chunks
from pdm_app.storage.tables import LatestRow, RollupMarkRow, RollupPositionRow, table_of

GRACE_US = 20 * MICROS_PER_S
"""How long after its end a bucket stays open; clocks of devices that are synchronised at all differ by less."""
SPAN_US_MIN = BUCKET_US
SPAN_US_MAX = 3600 * MICROS_PER_S
BUCKETS_PER_STEP = 20_000
"""A step aims at so many buckets and changes its span by what it found; about 0.2 s of the server's work."""
SIGNALS_PER_STATEMENT = 1000
MARKS_PER_STEP = 2000
RANGES_PER_STATEMENT = 200
LEAPS_US = (30 * 86_400 * MICROS_PER_S, 86_400 * MICROS_PER_S, SPAN_US_MAX)
"""Spans that are tried for being empty, longest first, before one is walked through."""

MARKS = table_of(RollupMarkRow)
POSITIONS = table_of(RollupPositionRow)
LATEST = table_of(LatestRow)
MINE = POSITIONS.c.tier == str(Tier.ROLLUP_10S)


async def writing_position(connection: AsyncConnection, columns: Columns) -> int:
    """Return before which source time a write must mark its buckets, and hold that until the transaction ends.

    The first write ever decides where rolling up begins; older samples of the same write are late.
    """
    statement = select(POSITIONS.c.rolling_to).where(MINE).with_for_update(read=True)
    position = await connection.scalar(statement)
    if position is None:
        position = _floor(int(columns.received_at.min()))
        values = {"tier": str(Tier.ROLLUP_10S), "rolled_to": position, "rolling_to": position}
        await connection.execute(insert(POSITIONS).values(values))
    return int(position)


async def rolled_to(connection: AsyncConnection) -> int:
    """Return before which time buckets without a mark are in the rollup."""
    return int(await connection.scalar(select(POSITIONS.c.rolled_to).where(MINE)) or 0)


class Rollups:
    """Steps of deriving, each short, none lost when the process dies between them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._received_to: int | None = None
        self._span_us = 6 * BUCKET_US

    def note(self, received_at: int) -> None:
        """Learn how far the writer has come; while it drains a backlog, buckets it will still fill stay open."""
        self._received_to = max(self._received_to or 0, received_at)

    async def step(self, fence: Fence) -> bool:
        """Derive one span and some marked buckets; True while more are due."""
        if self._received_to is None:
            self._received_to = await self._received_before()
        more_marks = await self._derive_marked(fence)
        span = await self._open_span(fence)
        if span is None:
            return more_marks
        await self._derive_span(fence, *span)
        return True

    async def _received_before(self) -> int:
        async with self._database.connected("read how far samples are recorded") as connection:
            return int(await connection.scalar(select(func.max(LATEST.c.received_at))) or 0)

    async def _open_span(self, fence: Fence) -> tuple[int, int] | None:
        """Announce the next span to writers and return it; None when all closed buckets are derived."""
        horizon = _floor((self._received_to or 0) - GRACE_US)
        async with self._database.writing("roll up samples") as connection:
            await check_fence(connection, fence, self._database.place)
            statement = select(POSITIONS.c.rolled_to, POSITIONS.c.rolling_to).where(MINE).with_for_update()
            position = (await connection.execute(statement)).one_or_none()
            if position is None:
                return None
            if position.rolling_to > position.rolled_to:
                return position.rolled_to, position.rolling_to  # A step that did not come to its end.
            start = await self._next_filled(connection, position.rolled_to, horizon)
            end = max(start, min(start + self._span_us, horizon))
            await connection.execute(update(POSITIONS).where(MINE).values(rolled_to=start, rolling_to=end))
        return (start, end) if end > start else None

    async def _next_filled(self, connection: AsyncConnection, start: int, horizon: int) -> int:
        """Leap over times in which no signal has a sample, such as a week in which the program was off."""
        signals = list((await connection.scalars(select(LATEST.c.signal_id))).all())
        for leap_us in (max(0, horizon - start), *LEAPS_US):
            while leap_us >= SPAN_US_MAX and start + leap_us <= horizon:
                if not await _is_empty(connection, signals, start, start + leap_us):
                    break
                start += leap_us
        return start

    async def _derive_span(self, fence: Fence, start: int, end: int) -> None:
        buckets = 0
        async with self._database.writing("roll up samples") as connection:
            await check_fence(connection, fence, self._database.place)
            signals = list((await connection.scalars(select(LATEST.c.signal_id).order_by(LATEST.c.signal_id))).all())
            for some in chunks(signals, SIGNALS_PER_STATEMENT):
                result = await connection.execute(text(derive_rollups(inside(some, start, end))))
                buckets += result.rowcount
            done = update(POSITIONS).where(MINE, POSITIONS.c.rolling_to == end).values(rolled_to=end)
            await connection.execute(done)
        if buckets < BUCKETS_PER_STEP // 2:
            self._span_us = min(self._span_us * 2, SPAN_US_MAX)
        elif buckets > BUCKETS_PER_STEP:
            self._span_us = max(_floor(self._span_us // 2), SPAN_US_MIN)

    async def _derive_marked(self, fence: Fence) -> bool:
        async with self._database.writing("roll up late samples") as connection:
            await check_fence(connection, fence, self._database.place)
            # The marks stay locked to the end: a write that touches one of these buckets waits, then marks it anew.
            statement = (
                select(MARKS.c.signal_id, MARKS.c.bucket_at)
                .order_by(MARKS.c.signal_id, MARKS.c.bucket_at)
                .limit(MARKS_PER_STEP)
                .with_for_update()
            )
            marks = [(row.signal_id, row.bucket_at) for row in await connection.execute(statement)]
            for some in chunks(joined(marks), RANGES_PER_STATEMENT):
                await connection.execute(text(derive_rollups(inside_ranges(some))))
            for few in chunks(marks, RANGES_PER_STATEMENT):
                await connection.execute(delete(MARKS).where(tuple_(MARKS.c.signal_id, MARKS.c.bucket_at).in_(few)))
        return len(marks) == MARKS_PER_STEP


def _floor(at: int) -> int:
    return max(0, at - at % BUCKET_US)


async def _is_empty(connection: AsyncConnection, signals: Sequence[int], start: int, end: int) -> bool:
    for some in chunks(signals, SIGNALS_PER_STATEMENT):
        statement = f"SELECT 1 FROM samples s WHERE {inside(some, start, end)} LIMIT 1"  # noqa: S608
        if await connection.scalar(text(statement)) is not None:
            return False
    return True
