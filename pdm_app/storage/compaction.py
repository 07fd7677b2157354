"""Closed days go from hot rows to a cold file; nothing is deleted that the file does not hold.

For one day: its hot rows, laid over its file if it has one already, are written to a new file, which is read back and
compared. Then one transaction, which keeps writers out for a moment, makes sure that nothing came meanwhile and puts
the file into the catalogue. From then on the hot rows are there twice, which readers see as once. Where the day has a
partition of its own, they go with it at once; else they are deleted signal by signal. Whatever dies wherever: before
that transaction the file is nobody's, after it the hot rows are too many and the next round takes them up. What comes
late leaves a mark (see `pdm_app.storage.rollups`); while a day is being compacted its marks stay, so no late sample
goes unseen.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.cold import ColdFile, Compacted, DueDay, DueHours
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.samples import MICROS_PER_S, moment
from pdm_app.storage import cold_files, dialect
from pdm_app.storage.buckets import inside
from pdm_app.storage.cold import ERASURES, FILES, ColdTier
from pdm_app.storage.cold_files import ROWS_PER_GROUP
from pdm_app.storage.cold_rows import SELECT, ColdRows, joined, laid_over
from pdm_app.storage.database import Database
from pdm_app.storage.lease import check_fence
from pdm_app.storage.partitions import SqlDayPartitions
from pdm_app.storage.raw_rows import read_columns
from pdm_app.storage.repository import chunks
from pdm_app.storage.rollup_tables import RollupMarkRow
from pdm_app.storage.rollups import POSITIONS, Rollups, rolled_to
from pdm_app.storage.tables import LatestRow, table_of

log = logging.getLogger(__name__)

DAY_US = 86_400 * MICROS_PER_S
HOUR_US = 3600 * MICROS_PER_S
HOUR_GRACE_US = 5 * 60 * MICROS_PER_S
"""How long an hour stays hot after its end: what comes late comes mostly within minutes."""
FAST_SAMPLES_MIN = 18_000
"""Samples of an hour from which on a signal is fast: 5 Hz."""
GROWS_BY = 12
SIGNALS_AT_ONCE = 200
PAGE_ROWS = 200_000
"""Hot rows that are read at once, about 60 MB while they become columns."""
DELETED_AT_ONCE = 20_000
BYTES_PER_SAMPLE = 8.0
"""What a sample takes in a file before there is one to learn from."""
MARKS = table_of(RollupMarkRow)
LATEST = table_of(LatestRow)


@dataclass(frozen=True, slots=True)
class _Part:
    """What of a day is compacted: up to when, and which signals; None for all."""

    start: int
    end: int
    signals: tuple[int, ...] | None

    async def counts(self, connection: AsyncConnection) -> dict[int, int]:
        return await counts_of_day(connection, self.start, self.end, self.signals)


class Compaction:
    """The way of days from hot to cold, one day at a time."""

    def __init__(
        self, database: Database, cold: ColdTier, rollups: Rollups, clock: Clock, partitions: SqlDayPartitions
    ) -> None:
        self._database = database
        self._partitions = partitions
        self._cold = cold
        self._rollups = rollups
        self._clock = clock

    async def due(self, hot_days: int) -> list[DueDay]:
        """Return the closed days that have hot rows, oldest first; the last ``hot_days`` days, with today, stay hot."""
        found: list[DueDay] = []
        async with self._database.snapshot("look for closed days") as connection:
            today = self._clock.now() - self._clock.now() % DAY_US
            done_to = await rolled_to(connection)
            horizon = min(today - (hot_days - 1) * DAY_US, done_to - done_to % DAY_US)
            files = {file.start_at: file for file in await self._cold.files(connection)}
            rate = _bytes_per_sample(list(files.values()))
            at = await _oldest(connection, 0)
            while at is not None and at < horizon:
                start = at - at % DAY_US
                counts = await counts_of_day(connection, start)
                samples = sum(counts.values())
                file = files.get(start)
                found.append(
                    DueDay(
                        start_at=start,
                        samples=samples,
                        signals=len(counts),
                        bytes=round(rate * samples) + (file.bytes if file is not None else 0),
                        trouble=file.trouble if file is not None else None,
                    )
                )
                at = await _oldest(connection, start + DAY_US)
        return found

    async def compact(self, fence: Fence, start: int) -> Compacted | None:
        """Compact one day; None where samples came meanwhile, and another round has to do it.

        Raises:
            FencedError: Another process holds the lease.
            ColdFileError: The disk is full, or the day's file cannot be read; nothing was deleted.
            UnavailableError: The database or the bucket does not answer; nothing was deleted.
        """
        async with self.alone_with(start):
            return await self._compact(fence, _Part(start, start + DAY_US, None))

    async def due_hours(self) -> DueHours | None:
        """Return the closed hours of signals of 5 Hz and more that have hot rows; None where that is not worth a file.

        A file that grows is written anew, so it grows by a twelfth at least.
        """
        async with self._database.snapshot("look for closed hours") as connection:
            end = min(await rolled_to(connection), self._clock.now() - HOUR_GRACE_US)
            end -= end % HOUR_US
            start = (end - 1) - (end - 1) % DAY_US
            signals = await _fast_signals(connection, end - HOUR_US)
            counts = await counts_of_day(connection, start, end, signals)
            file = next(iter(await self._cold.files(connection, start, start + DAY_US)), None)
        counts = {signal: samples for signal, samples in counts.items() if samples >= FAST_SAMPLES_MIN}
        samples = sum(counts.values())
        if not samples or (file is not None and (file.trouble is not None or samples < file.samples // GROWS_BY)):
            return None
        return DueHours(start_at=start, end_at=end, signals=tuple(counts), samples=samples)

    async def compact_hours(self, fence: Fence, due: DueHours) -> Compacted | None:
        """Have closed hours of some signals join the file of their day; raises as `compact` does."""
        async with self.alone_with(due.start_at):
            return await self._compact(fence, _Part(due.start_at, due.end_at, due.signals))

    @asynccontextmanager
    async def alone_with(self, start: int) -> AsyncIterator[None]:
        """Keep others from changing a day's files; what is written to the day meanwhile leaves marks that stay."""
        async with self._cold.turn:
            self._rollups.held_back = (start, start + DAY_US)
            try:
                async with self._rollups.deriving:
                    pass  # A step that is under way may not know yet that the day is held back.
                yield
            finally:
                self._rollups.held_back = None

    async def _compact(self, fence: Fence, part: _Part) -> Compacted | None:
        start = part.start
        async with self._database.snapshot("read a closed day") as connection:
            if await _marked(connection, part):
                return None
            before = next(iter(await self._cold.files(connection, start, start + DAY_US)), None)
            counts = await part.counts(connection)
            if not counts:
                return None
            rows = sum(counts.values())
            is_alone = part.signals is None and await self._partitions.rows_of(connection, start) == rows
            number = 1 + (int(before.name.split(".")[1]) if before is not None else 0)
            path = self._cold.folder / f"{_day_name(start)}.{number}.parquet"
            old = await self._cold.signals_of(before) if before else []
            with cold_files.Writer(path) as writer:
                left: list[ColdRows] = []
                for signal in sorted({*counts, *old}):
                    async for page in self._pages(connection, signal, part, before, counts.get(signal, 0)):
                        left.append(page)
                        if sum(map(len, left)) >= ROWS_PER_GROUP:
                            await asyncio.to_thread(writer.write, joined(left))
                            left = []
                if left:
                    await asyncio.to_thread(writer.write, joined(left))
                written = await self._cold.finished(writer)
        file = ColdFile(
            start_at=start, end_at=max(part.end, before.end_at if before is not None else 0), name=path.name,
            samples=written.rows, signals=written.signals, bytes=written.size, sha256=written.sha256,
            made_at=self._clock.now(), trouble=None,
        )  # fmt: skip
        if not await self._take_over(fence, file, part, rows):
            await self._cold.place.remove(path.name)
            return None
        if not is_alone or not await self._partitions.let_go(fence, start):
            await self._forget_hot(fence, part, counts)
        await self.sweep()
        return Compacted(file=file, samples=rows)

    async def _pages(
        self, connection: AsyncConnection, signal: int, part: _Part, before: ColdFile | None, hot: int
    ) -> AsyncIterator[ColdRows]:
        """Yield the rows of one signal in order; those of a file that is there already all at once."""
        cold = await self._cold.read_whole(connection, before, [signal]) if before is not None else ColdRows.of_hot([])
        pages: list[ColdRows] = []
        at = part.start
        while hot:
            where = f"{inside([signal], at, part.end)} ORDER BY s.source_at LIMIT {PAGE_ROWS}"
            columns = await read_columns(connection, f"{SELECT} WHERE {where}")
            page = await asyncio.to_thread(ColdRows.of_hot, columns)
            if len(cold):
                pages.append(page)
            else:
                yield page
            if len(page) < PAGE_ROWS:
                break
            at = int(page.column("source_at")[-1]) + 1
        if len(cold):
            yield await asyncio.to_thread(laid_over, cold, joined(pages)) if pages else cold

    async def _take_over(self, fence: Fence, file: ColdFile, part: _Part, hot: int) -> bool:
        """Put the file into the catalogue unless a sample came since its rows were read."""
        async with self._database.writing("take a closed day over") as connection:
            await self.shut(connection, fence)
            if await _marked(connection, part):
                return False
            if sum((await part.counts(connection)).values()) != hot:
                return False
            row = file.model_dump()
            await connection.execute(dialect.upsert(FILES, is_sqlite=self._database.is_sqlite), [row])
            inside_it = (ERASURES.c.start_at >= file.start_at, ERASURES.c.end_at <= file.end_at)
            await connection.execute(delete(ERASURES).where(*inside_it))
        return True

    async def _forget_hot(self, fence: Fence, part: _Part, counts: dict[int, int]) -> None:
        """Delete the hot rows that the file holds; signals to which something came since keep theirs beside it."""
        for some in portions(counts):
            async with self._database.writing("delete hot rows that are cold") as connection:
                await self.shut(connection, fence)
                marked = await _marked(connection, part)
                for signal in some:
                    if signal in marked:
                        continue
                    where = inside([signal], part.start, part.end, "source_at")
                    await connection.execute(text(f"DELETE FROM samples WHERE {where}"))  # noqa: S608

    async def shut(self, connection: AsyncConnection, fence: Fence) -> None:
        """Keep writers out until this transaction ends; whoever writes takes a lock on the position first."""
        await check_fence(connection, fence, self._database.place)
        await connection.execute(select(POSITIONS.c.rolled_to).with_for_update())

    async def sweep(self) -> None:
        """Remove files that are in no catalogue: of rounds that died, and those a newer one has replaced.

        The newest replaced one stays until the next round, for those who are reading it.
        """
        async with self._database.connected("look for cold files") as connection:
            known = {file.name: file for file in await self._cold.files(connection)}
        try:
            names = await self._cold.place.names()
        except UnavailableError:
            return  # A bucket that does not answer; the next round sweeps.
        for name in names:
            if name not in known and not _is_replaced_just_now(name, known):
                await self._cold.place.remove(name)

    async def move(self, fence: Fence) -> int:
        """See `pdm_app.domain.cold.ColdStore.move`."""

        async def checked() -> None:
            async with self._database.connected("see who holds the lease") as connection:
                await check_fence(connection, fence, self._database.place)

        return await self._cold.move(checked)


def _is_replaced_just_now(name: str, known: dict[str, ColdFile]) -> bool:
    day, _, rest = name.partition(".")
    number = rest.partition(".")[0]
    return number.isdecimal() and f"{day}.{int(number) + 1}.parquet" in known


def _day_name(start: int) -> str:
    return f"{moment(start):%Y-%m-%d}"


def _bytes_per_sample(files: Sequence[ColdFile]) -> float:
    samples = sum(file.samples for file in files)
    return sum(file.bytes for file in files) / samples if samples else BYTES_PER_SAMPLE


def portions(counts: dict[int, int]) -> Iterator[list[int]]:
    some: list[int] = []
    rows = 0
    for signal, count in sorted(counts.items()):
        if some and rows + count > DELETED_AT_ONCE:
            yield some
            some, rows = [], 0
        some.append(signal)
        rows += count
    if some:
        yield some


async def _oldest(connection: AsyncConnection, at: int) -> int | None:
    """Return the time of the oldest hot row from ``at`` on: one look into the key for each signal."""
    one = f"SELECT MIN(s.source_at) FROM samples s WHERE s.signal_id = l.signal_id AND s.source_at >= {int(at)}"  # noqa: S608
    found = await connection.scalar(text(f"SELECT MIN(oldest) FROM (SELECT ({one}) AS oldest FROM latest l) found"))  # noqa: S608
    return None if found is None else int(found)


async def counts_of_day(
    connection: AsyncConnection, start: int, end: int | None = None, only: Sequence[int] | None = None
) -> dict[int, int]:
    """Return each signal's hot rows of a day, or of its beginning up to ``end``, where it has any."""
    signals = await _known_signals(connection) if only is None else only
    counts: dict[int, int] = {}
    for some in chunks(signals, SIGNALS_AT_ONCE):
        where = inside(some, start, start + DAY_US if end is None else end)
        statement = f"SELECT s.signal_id, COUNT(*) FROM samples s WHERE {where} GROUP BY s.signal_id"  # noqa: S608
        counts.update({int(signal): int(count) for signal, count in await connection.execute(text(statement))})
    return counts


async def _known_signals(connection: AsyncConnection) -> Sequence[int]:
    return (await connection.scalars(select(LATEST.c.signal_id).order_by(LATEST.c.signal_id))).all()


async def _fast_signals(connection: AsyncConnection, hour: int) -> list[int]:
    """Return the signals that had 5 samples a second and more in an hour."""
    found: list[int] = []
    for some in chunks(await _known_signals(connection), SIGNALS_AT_ONCE):
        where = inside(some, hour, hour + 1, "r.bucket_at")
        statement = f"SELECT r.signal_id FROM rollups_1h r WHERE {where} AND r.samples >= {FAST_SAMPLES_MIN}"  # noqa: S608
        found += (await connection.scalars(text(statement))).all()
    return found


async def _marked(connection: AsyncConnection, part: _Part) -> set[int]:
    """Return the signals of a part to which something came that is not rolled up yet."""
    inside_it = (MARKS.c.bucket_at >= part.start, MARKS.c.bucket_at < part.end)
    found = set((await connection.scalars(select(MARKS.c.signal_id).where(*inside_it).distinct())).all())
    return found if part.signals is None else found.intersection(part.signals)
