"""Hot rows by day on MySQL and MariaDB: a day has its partition before it begins, and goes with it at once.

``samples`` is cut by source time at the midnights of UTC. Its first partition takes whatever is older than the days,
its last one whatever is younger, so there is no sample without a place: where a day's partition is missing, because
nobody rolled forward or a clock was wrong, the one that took its rows is cut anew and the rows move.

A day goes by emptying its partition in one step; empty old ones become one with the past. Taking a partition away
instead would leave its span to the next day, whose end would then take late samples of the day before with it.

SQLite knows no partitions: nothing is rolled forward there, and rows are deleted in portions.
"""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.partitions import DAY_US, Partition, RolledForward, cuts_of, joinable, pieces
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.samples import Micros, moment
from pdm_app.storage.database import Database
from pdm_app.storage.failures import is_repeatable
from pdm_app.storage.lease import check_fence
from pdm_app.storage.rollups import MARKS, rolled_to

log = logging.getLogger(__name__)

DAYS_AHEAD = 3
"""So long may nobody look before samples of a new day share the last partition."""
LOCK_WAIT_S = 1
"""Who waits for a table keeps all who come later waiting, too: better to try again than to wait."""
TRIES = 5
TRY_AGAIN_S = 3.0
ROWS_MOVED_MAX = 5_000_000
"""Writers wait in the durable buffer while rows move, some 100,000 in a second."""
PAST, REST = "past", "rest"

PARTITIONS = """SELECT partition_name, partition_description, table_rows, data_length + index_length
    FROM information_schema.partitions
    WHERE table_schema = DATABASE() AND table_name = 'samples' AND partition_name IS NOT NULL
    ORDER BY partition_ordinal_position"""
LOCKED = "samples WRITE, leases READ, rollup_marks READ, rollup_positions READ"


class SqlDayPartitions:
    """The partitions of one database's hot rows."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def all(self) -> list[Partition]:
        """Return the partitions in the order of time; none on SQLite."""
        if self._database.is_sqlite:
            return []
        async with self._database.connected("look at the partitions") as connection:
            return await _partitions(connection)

    async def rows_of(self, connection: AsyncConnection, day: int) -> int | None:
        """Return how many rows the partition of a day holds; None where the day has none of its own."""
        own = await self._own(connection, day)
        if own is None:
            return None
        return int(await connection.scalar(text(f"SELECT COUNT(*) FROM samples PARTITION ({own.name})")) or 0)  # noqa: S608

    async def roll_forward(self, fence: Fence, now: Micros, hot_days: int) -> RolledForward:
        """Cut what holds more than one of the days, and join what is old and empty; see the Protocol."""
        partitions = await self.all()
        if not partitions:
            return RolledForward()
        async with self._database.writing("roll partitions forward") as connection:
            await check_fence(connection, fence, self._database.place)
        cuts = cuts_of(now - now % DAY_US, hot_days, DAYS_AHEAD)
        added: list[str] = []
        too_full: list[str] = []
        for one in partitions:
            parts = pieces(one, cuts)
            if len(parts) > 1 and one.rows > ROWS_MOVED_MAX:
                too_full.append(one.name)
            elif len(parts) > 1:
                await self._reorganize([one], parts)
                added += [_name(*part) for part in parts if _name(*part) != one.name]
        joined: list[str] = []
        for run in await self._joinable(cuts[0]):
            await self._reorganize(run, [(run[0].start_at, run[-1].end_at)])
            joined += [one.name for one in run[1:]]
        return RolledForward(added=tuple(added), joined=tuple(joined), too_full=tuple(too_full))

    async def let_go(self, fence: Fence, day: int) -> bool:
        """Have all rows of a day go at once if nothing came that is not rolled up; else, or where it cannot be, False.

        The caller knows that none of them is needed any more, and has kept marks of the day from being taken up since
        it looked (see `pdm_app.storage.rollups`). Writers and readers are kept out for a moment, by the connection that
        does it: if that is lost, so is the lock, and nothing happened.

        Raises:
            FencedError: Another process holds the lease.
        """
        if self._database.is_sqlite:
            return False
        for tried in range(1, TRIES + 1):
            try:
                return await self._let_go(fence, day)
            except UnavailableError as error:
                if tried == TRIES or error.__cause__ is None or not is_repeatable(error.__cause__):
                    log.info("%s goes row by row: %s", _day(day), error.message)
                    return False
            await self._clock.sleep(TRY_AGAIN_S)
        return False

    async def _let_go(self, fence: Fence, day: int) -> bool:
        async with self._changing(f"let the hot rows of {_day(day)} go") as connection:
            await connection.exec_driver_sql(f"LOCK TABLES {LOCKED}")
            await check_fence(connection, fence, self._database.place)
            own = await self._own(connection, day)
            in_day = (MARKS.c.bucket_at >= day, MARKS.c.bucket_at < day + DAY_US)
            is_touched = await connection.scalar(select(MARKS.c.bucket_at).where(*in_day).limit(1)) is not None
            if own is None or is_touched or await rolled_to(connection) < day + DAY_US:
                return False
            await connection.exec_driver_sql(f"ALTER TABLE samples TRUNCATE PARTITION {own.name}")
            await connection.exec_driver_sql("UNLOCK TABLES")
        return True

    async def _own(self, connection: AsyncConnection, day: int) -> Partition | None:
        if self._database.is_sqlite:
            return None
        return next((one for one in await _partitions(connection) if one.holds_just(day)), None)

    async def _joinable(self, before: int) -> list[list[Partition]]:
        async with self._database.connected("look for empty partitions") as connection:
            partitions = await _partitions(connection)
            old = [one.name for one in partitions if one.end_at is not None and one.end_at <= before]
            empty = [
                name
                for name in old
                if await connection.scalar(text(f"SELECT 1 FROM samples PARTITION ({name}) LIMIT 1")) is None  # noqa: S608
            ]
        return joinable(partitions, empty, before)

    async def _reorganize(self, old: Sequence[Partition], spans: Sequence[tuple[int | None, int | None]]) -> None:
        """Put the rows of some neighbours into other partitions for the same time; readers go on meanwhile."""
        names = ", ".join(one.name for one in old)
        made = ", ".join(f"PARTITION {_name(*span)} VALUES LESS THAN {_end(span[1])}" for span in spans)
        async with self._changing("roll partitions forward") as connection:
            await connection.exec_driver_sql(f"ALTER TABLE samples REORGANIZE PARTITION {names} INTO ({made})")

    @asynccontextmanager
    async def _changing(self, what: str) -> AsyncIterator[AsyncConnection]:
        """Lend a connection that waits for no table for long; it is not lent again, so nothing of it stays behind."""
        async with self._database.connected(what) as connection:
            try:
                await connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {LOCK_WAIT_S}")
                yield connection
            finally:
                await connection.invalidate()


async def _partitions(connection: AsyncConnection) -> list[Partition]:
    found: list[Partition] = []
    start: int | None = None
    for name, end, rows, size in (await connection.execute(text(PARTITIONS))).all():
        end_at = None if str(end).upper() == "MAXVALUE" else int(end)
        found.append(
            Partition(name=str(name), start_at=start, end_at=end_at, rows=int(rows or 0), bytes=int(size or 0))
        )
        start = end_at
    return found


def _name(start: int | None, end: int | None) -> str:
    if end is None:
        return REST
    return PAST if start is None else f"d{moment(start):%Y%m%d}"


def _end(at: int | None) -> str:
    return "MAXVALUE" if at is None else f"({int(at)})"


def _day(start: int) -> str:
    return f"{moment(start):%Y-%m-%d}"
