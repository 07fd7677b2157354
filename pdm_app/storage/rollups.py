"""The rollups of 10 s, a minute and an hour: derived, never updated in place.

Ten seconds are a pure function of their raw samples in the order of the key, so they cannot depend on the order in
which samples arrived; a minute is one of its ten seconds, an hour of its minutes (see `pdm_app.domain.summaries`).
What keeps rollups and raw together at every instant, also after kill -9:

* ``rolled_to``: every bucket before it has been derived. ``rolling_to``, never before it: where the step now under way
  ends.
* A write shares a lock on these positions. If it touches a bucket before ``rolling_to``, it marks that bucket in its
  own transaction: late data, a replay, a device with a slow clock.
* A step first moves ``rolling_to`` in a transaction of its own. From then on every write to that span leaves a mark,
  and every write before it is visible; so the step derives the span without keeping writers out.
* Marks are removed in the transaction that derives their buckets again, with the minutes and hours around them.
* A wide bucket is derived in the transaction that moves ``rolled_to`` to its end or beyond. So one position stands for
  all tiers: readers take the buckets that end at or before ``rolled_to`` and hold no mark, and raw for all others.
* A step takes the samples from `pdm_app.storage.fresh_rows` where that has all of a signal's, and reads the others. It
  asks after ``rolling_to`` moved: a write that memory does not know by then either is under way, so that its signals
  are read, or begins later and leaves a mark.
"""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from sqlalchemy import func, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.history import ROLLUPS, Tier
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.summaries import Summaries, none, summarise, together, widened
from pdm_app.storage.buckets import BUCKET_US, inside, inside_ranges, joined
from pdm_app.storage.columnar import Columns
from pdm_app.storage.database import Database
from pdm_app.storage.dialect import insert_new
from pdm_app.storage.fresh_rows import FreshRows, Taken
from pdm_app.storage.lease import check_fence
from pdm_app.storage.raw_rows import RawRows, following, no_rows, read_raw
from pdm_app.storage.removed_spans import without_removed
from pdm_app.storage.repository import chunks
from pdm_app.storage.rollup_tables import RollupMarkRow, RollupPositionRow
from pdm_app.storage.sample_reader import Held, SampleReader
from pdm_app.storage.samples import unmark_buckets
from pdm_app.storage.summary_rows import TABLES, put_summaries, read_summaries
from pdm_app.storage.tables import LatestRow, table_of

GRACE_US = 20 * MICROS_PER_S
"""How long after its end a bucket stays open; clocks of devices that are synchronised at all differ by less."""
SPAN_US_MIN = BUCKET_US
SPAN_US_MAX = 3600 * MICROS_PER_S
BUCKETS_PER_STEP = 20_000
"""A step aims at so many buckets and changes its span by what it found."""
SAMPLES_PER_STEP = 100_000
"""And at so many samples; about 0.2 s of work, most of it beside the event loop, and 10 MB of memory."""
SIGNALS_PER_STATEMENT = 1000
MARKS_PER_STEP = 2000
SAMPLES_MAX = 4_000_000  # Of 200 marked stretches at 1 kHz: 2 million.
RANGES_PER_STATEMENT = 200
DAY_US = 86_400 * MICROS_PER_S
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


async def begin_at(connection: AsyncConnection, at: int, *, is_sqlite: bool) -> None:
    """Have rolling up begin at a time, a whole multiple of ten seconds, where it has not begun yet."""
    values = {"tier": str(Tier.ROLLUP_10S), "rolled_to": at, "rolling_to": at}
    await connection.execute(insert_new(POSITIONS, is_sqlite=is_sqlite), [values])


async def rolled_to(connection: AsyncConnection) -> int:
    """Return before which time buckets without a mark are in the rollup."""
    return int(await connection.scalar(select(POSITIONS.c.rolled_to).where(MINE)) or 0)


class Rollups:
    """Steps of deriving, each short, none lost when the process dies between them."""

    def __init__(self, database: Database, reader: SampleReader) -> None:
        self._database = database
        self._reader = reader
        self.fresh = FreshRows()
        """Told of every change of samples."""
        self.held_back: tuple[int, int] | None = None
        """A span whose marks are left alone: somebody wants to see whether it is written to."""
        self.deriving = asyncio.Lock()
        """Held while marked buckets are derived again."""
        self._received_to: int | None = None
        self._span_us = 6 * BUCKET_US

    def note(self, received_at: int) -> None:
        """Learn how far the writer has come; while it drains a backlog, buckets it will still fill stay open."""
        self._received_to = max(self._received_to or 0, received_at)

    async def step(self, fence: Fence) -> bool:
        """Derive one span and some marked buckets; True while more are due."""
        if self._received_to is None:
            self._received_to = await self._received_before()
        await self._gather(fence)
        async with self.deriving:
            more_marks = await self._derive_marked(fence)
        span = await self._open_span(fence)
        if span is None:
            return more_marks
        await self._derive_span(fence, *span)
        return True

    async def _gather(self, fence: Fence) -> None:
        """Begin to keep what is written, where that is not so yet."""
        gathering = self.fresh.gather(fence)
        if gathering is not None:
            async with self._database.connected("read how far samples are recorded") as connection:
                latest = (await connection.execute(select(LATEST.c.signal_id, LATEST.c.source_at))).all()
            self.fresh.follow(gathering, ((row.signal_id, row.source_at) for row in latest))

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
            if start > position.rolled_to:
                await self._close_wide(connection, position.rolled_to, start)
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

    async def _close_wide(self, connection: AsyncConnection, left_at: int, start: int) -> None:
        """Derive the wide buckets that an empty time, which is leapt over, brings to their end."""
        signals = list((await connection.scalars(select(LATEST.c.signal_id).order_by(LATEST.c.signal_id))).all())
        for some in chunks(signals, SIGNALS_PER_STATEMENT):
            fine = none()
            for narrow, wide in pairwise(ROLLUPS):
                fine = await self._widen(connection, some, fine, (narrow, wide), left_at, start)

    async def _derive_span(self, fence: Fence, start: int, end: int) -> None:
        buckets = samples = 0
        async with self._database.writing("roll up samples") as connection:
            await check_fence(connection, fence, self._database.place)
            taken = self.fresh.inside(start, end, fence)
            fresh = await asyncio.to_thread(taken.rows) if taken is not None else no_rows()
            signals = list((await connection.scalars(select(LATEST.c.signal_id).order_by(LATEST.c.signal_id))).all())
            for some in chunks(signals, SIGNALS_PER_STATEMENT):
                rows = await _rows_of(connection, some, start, end, taken, fresh)
                fine = await asyncio.to_thread(
                    summarise, rows.signal, rows.source_at, rows.value, rows.quality, BUCKET_US
                )
                await self._put(connection, Tier.ROLLUP_10S, fine)
                buckets, samples = buckets + len(fine), samples + len(rows)
                for narrow, wide in pairwise(ROLLUPS):
                    fine = await self._widen(connection, some, fine, (narrow, wide), start, end)
            done = update(POSITIONS).where(MINE, POSITIONS.c.rolling_to == end).values(rolled_to=end)
            await connection.execute(done)
        self.fresh.derived(end)
        if buckets < BUCKETS_PER_STEP // 2 and samples < SAMPLES_PER_STEP // 2:
            self._span_us = min(self._span_us * 2, SPAN_US_MAX)
        elif buckets > BUCKETS_PER_STEP or samples > SAMPLES_PER_STEP:
            self._span_us = max(_floor(self._span_us // 2), SPAN_US_MIN)

    async def _widen(
        self,
        connection: AsyncConnection,
        signals: Sequence[int],
        fresh: Summaries,
        tiers: tuple[Tier, Tier],
        start: int,
        end: int,
    ) -> Summaries:
        """Derive the wide buckets that end with this step, of fresh narrow rows and of those made before."""
        narrow, wide = tiers
        begin, close = start - start % wide.width_us, end - end % wide.width_us
        if close <= begin:
            return none()
        before = none()
        if begin < start:
            # What was derived before stands in the tier; of the widest, from whole buckets of the narrower one.
            known_to = start - start % narrow.width_us
            before = await read_summaries(connection, narrow, inside(signals, begin, known_to, "r.bucket_at"))
        rows = widened(together([before, fresh.take(fresh.at < close)]), wide.width_us)
        await self._put(connection, wide, rows)
        return rows

    async def _derive_marked(self, fence: Fence) -> bool:
        away = await self._reader.out_of_reach(await self._marked_days())
        async with self._database.writing("roll up late samples") as connection:
            await check_fence(connection, fence, self._database.place)
            # The marks stay locked to the end: a write that touches one of these buckets waits, then marks it anew.
            skipped = [self.held_back or (0, 0), *away]
            statement = (
                select(MARKS.c.signal_id, MARKS.c.bucket_at)
                .where(*(or_(MARKS.c.bucket_at < low, MARKS.c.bucket_at >= high) for low, high in skipped))
                .order_by(MARKS.c.signal_id, MARKS.c.bucket_at)
                .limit(MARKS_PER_STEP)
                .with_for_update()
            )
            marks = [(row.signal_id, row.bucket_at) for row in await connection.execute(statement)]
            if not marks:
                return False
            alive = await without_removed(connection, marks)
            for some in chunks(joined(alive), RANGES_PER_STATEMENT):
                held = Held(connection, no_rows())
                rows = await self._reader.read(held, [], [], some, rows_max=SAMPLES_MAX, strict=True)
                fine = summarise(rows.signal, rows.source_at, rows.value, rows.quality, BUCKET_US)
                await self._replace(connection, Tier.ROLLUP_10S, some, fine)
            done_to = await rolled_to(connection)
            for narrow, wide in pairwise(ROLLUPS):
                touched = _containing(alive, wide.width_us, done_to)
                for few in chunks(joined(touched, wide.width_us), RANGES_PER_STATEMENT):
                    parts = await read_summaries(connection, narrow, inside_ranges(few, "r.bucket_at"))
                    await self._replace(connection, wide, few, widened(parts, wide.width_us))
            await unmark_buckets(connection, marks, is_sqlite=self._database.is_sqlite)
        return len(marks) == MARKS_PER_STEP

    async def _marked_days(self) -> list[int]:
        """Return the beginnings of days that have marks; nobody waits for a bucket while their rows are locked."""
        day = MARKS.c.bucket_at - MARKS.c.bucket_at % DAY_US
        async with self._database.connected("look where late samples lie") as connection:
            return [int(one) for one in (await connection.scalars(select(day).distinct().order_by(day))).all()]

    async def _replace(
        self, connection: AsyncConnection, tier: Tier, ranges: Sequence[tuple[int, int, int]], rows: Summaries
    ) -> None:
        """Put rows in the place of those that lie in some ranges: a bucket whose samples went has no row any more."""
        here = inside_ranges(ranges, "bucket_at")
        await connection.execute(text(f"DELETE FROM {TABLES[tier]} WHERE {here}"))  # noqa: S608
        await self._put(connection, tier, rows)

    async def _put(self, connection: AsyncConnection, tier: Tier, rows: Summaries) -> None:
        await put_summaries(connection, tier, rows, is_sqlite=self._database.is_sqlite)


def _containing(marks: Sequence[tuple[int, int]], width_us: int, done_to: int) -> list[tuple[int, int]]:
    """Return the wide buckets that hold the marks, without those that are not derived for the first time yet."""
    wide = dict.fromkeys((signal, at - at % width_us) for signal, at in marks)
    return [(signal, at) for signal, at in wide if at + width_us <= done_to]


def _floor(at: int) -> int:
    return max(0, at - at % BUCKET_US)


async def _rows_of(
    connection: AsyncConnection, signals: Sequence[int], start: int, end: int, taken: Taken | None, fresh: RawRows
) -> RawRows:
    """Return the samples of some signals in order, from memory where it has all of a signal's."""
    if taken is None:
        return await read_raw(connection, inside(signals, start, end), ranked=False)
    begin, stop = np.searchsorted(fresh.signal, [signals[0], signals[-1] + 1]).tolist()
    asked = [signal for signal in signals if signal in taken.doubtful]
    read = await read_raw(connection, inside(asked, start, end), ranked=False) if asked else no_rows()
    return following([fresh.part(begin, stop), read])


async def _is_empty(connection: AsyncConnection, signals: Sequence[int], start: int, end: int) -> bool:
    for some in chunks(signals, SIGNALS_PER_STATEMENT):
        statement = f"SELECT 1 FROM samples s WHERE {inside(some, start, end)} LIMIT 1"  # noqa: S608
        if await connection.scalar(text(statement)) is not None:
            return False
    return True
