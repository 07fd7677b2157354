"""Samples of the past go straight into cold files and rollups: no row of SQL for each of them.

One day at a time: what is given is laid over the day's file, a new file is written and read back, and then one
transaction puts it into the catalogue, together with the rollups of all three tiers where these are few. Many are put
in place in portions after it, and marked before it (see `pdm_app.storage.rollup_portions`), so that nobody who wants to
write waits for long. Whatever dies wherever, a day is there or not at all, what is asked of it is answered from all of
its samples, and doing it again changes nothing. Hot rows of the day stay where they are; they count in the rollups, and
readers lay them over the file as ever. Writers to the day leave marks meanwhile (see `pdm_app.storage.rollups`), which
are not taken up before the file is in place.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.cold import ColdFile
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.history import ROLLUPS, Tier
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.samples import I8, MICROS_PER_S, moment
from pdm_app.domain.summaries import Summaries, summarise, together, widened
from pdm_app.storage import cold_files, dialect
from pdm_app.storage.buckets import BUCKET_US, inside
from pdm_app.storage.cold import ERASURES, FILES, ColdTier
from pdm_app.storage.cold_rows import ColdRows, laid_over, rows_of
from pdm_app.storage.columnar import Columns
from pdm_app.storage.database import Database
from pdm_app.storage.history_changes import note_change, spans_of
from pdm_app.storage.lease import check_fence
from pdm_app.storage.raw_rows import RawRows, merged, no_rows, read_raw
from pdm_app.storage.repository import chunks
from pdm_app.storage.rollup_portions import Portion, portions
from pdm_app.storage.rollups import POSITIONS, Rollups, begin_at, rolled_to
from pdm_app.storage.samples import put_latest

DAY_US = 86_400 * MICROS_PER_S
HOUR_US = 3600 * MICROS_PER_S
ROWS_AT_ONCE = 80_000
"""Rows that are laid over each other and written together, some 60 MB while it lasts."""
HOT_ROWS_MAX = 4_000_000
SIGNALS_PER_STATEMENT = 200
EVER = (0, 2**62)
TRIES = 5
"""A day whose file or erasures change again and again while it is made is given up after so many."""


@dataclass(frozen=True, slots=True)
class _Before:
    """What a day was made of when its new file was begun."""

    files: tuple[ColdFile, ...]
    erased: frozenset[tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class _Made:
    """What is taken over: the file, the newest sample of each signal, and the rollups, in portions."""

    file: ColdFile
    newest: Columns
    spans: Sequence[tuple[int, int, int]]
    rollups: tuple[Portion, ...]

    @property
    def marked(self) -> tuple[Portion, ...]:
        """The portions that are put after the file; one alone goes with it."""
        return self.rollups if len(self.rollups) > 1 else ()


class PastImport:
    """The way of past samples into files, one day at a time."""

    def __init__(self, database: Database, cold: ColdTier, rollups: Rollups, clock: Clock) -> None:
        self._database = database
        self._cold = cold
        self._rollups = rollups
        self._clock = clock

    async def take(self, columns: Columns, fence: Fence) -> tuple[int, Columns]:
        """Put what is old enough into the files of its days; return how many these are, and the rest.

        Raises:
            FencedError: Another process holds the lease.
            UnavailableError: The database does not answer, the disk is full, or a day's file cannot be read; the days
                before are there, that day is as it was.
        """
        reach = await self._reach()
        number = np.where(columns.source_at < reach, columns.source_at // DAY_US, -1)
        days = np.unique(number[number >= 0]).tolist()
        for day in days:
            await self._put_day(columns.take(number == day), reach, fence)
        return len(days), columns.take(number < 0)

    async def _reach(self) -> int:
        """Return before which time samples may go into files: to the last full hour that is rolled up.

        An hour is the widest rollup; readers find what is cold by it. Where nothing was ever written, rolling up
        begins now.
        """
        now = self._clock.now()
        async with self._database.writing("see how far samples are rolled up") as connection:
            await begin_at(connection, now - now % BUCKET_US, is_sqlite=self._database.is_sqlite)
            reached = min(await rolled_to(connection), now)
        return reached - reached % HOUR_US

    async def _put_day(self, columns: Columns, reach: int, fence: Fence) -> None:
        """Put sorted samples of one day, all before ``reach``, into the day's file and into the rollups."""
        start = int(columns.source_at[0]) - int(columns.source_at[0]) % DAY_US
        span = (start, min(start + DAY_US, reach))
        async with self._cold.turn:
            self._rollups.held_back = (start, start + DAY_US)
            try:
                async with self._rollups.deriving:
                    pass  # A step that is under way may not know yet that the span is held back.
                for _ in range(TRIES):
                    if await self._put(columns, span, fence):
                        return
            finally:
                self._rollups.held_back = None
        raise UnavailableError(
            f"{moment(start):%Y-%m-%d} was changed by others {TRIES} times while samples were put into its file. "
            "Nothing was stored for that day; try again."
        )

    async def _put(self, columns: Columns, span: tuple[int, int], fence: Fence) -> bool:
        start, end = span
        async with self._database.snapshot("read a day that samples are put into") as connection:
            before = await self._before(connection, start)
            made, path = await self._make(connection, before, columns, start, end)
        what = "put past samples into place"
        try:
            for portion in made.marked:
                await self._database.twice(what, partial(self._mark, what, portion, fence))
            done = await self._database.twice(what, lambda: self._take_over(what, before, made, fence))
        except BaseException:
            if not await is_known(self._database, self._cold, made.file):
                await self._cold.place.remove(path.name)
            raise
        if not done:
            await self._cold.place.remove(path.name)
            return False
        await forget_older(self._cold, path.name)
        after = _Before((made.file,), frozenset())
        for portion in made.marked:
            await self._database.twice(what, partial(self._put_portion, what, portion, after, fence))
        return True

    async def _before(self, connection: AsyncConnection, start: int) -> _Before:
        files = tuple(await self._cold.files(connection, start, start + DAY_US))
        statement = select(ERASURES.c.signal_id, ERASURES.c.start_at, ERASURES.c.end_at).where(
            ERASURES.c.start_at >= start, ERASURES.c.end_at <= start + DAY_US
        )
        return _Before(files, frozenset(tuple(row) for row in await connection.execute(statement)))

    async def _make(
        self, connection: AsyncConnection, before: _Before, columns: Columns, start: int, end: int
    ) -> tuple[_Made, Path]:
        """Write the day's new file, and derive the rollups of the given signals from it and the hot rows.

        Of a part of the day that is derived, in whole hours: what has no new sample is as it was, and the transaction
        that takes it over, during which nobody else writes, gets no longer than its part.
        """
        first, last = int(columns.source_at.min()), int(columns.source_at.max())
        span = (max(start, first - first % HOUR_US), min(end, last - last % HOUR_US + HOUR_US))
        number = 1 + max((int(file.name.split(".")[1]) for file in before.files), default=0)
        path = self._cold.folder / f"{moment(start):%Y-%m-%d}.{number}.parquet"
        olds = [set(await self._cold.signals_of(file)) for file in before.files]
        held = sum(file.samples for file in before.files) // max(1, sum(file.signals for file in before.files))
        rollups: dict[Tier, list[Summaries]] = {tier: [] for tier in ROLLUPS}
        with cold_files.Writer(path) as writer:
            for some in _portions(columns, set().union(*olds), held):
                rows = await self._old_rows(connection, before, some)
                new = columns.take(_of(columns.signal, some))
                rows = await asyncio.to_thread(_with, rows, new)
                for group in row_groups(rows):
                    await asyncio.to_thread(writer.write, group)
                given = np.unique(new.signal)
                if len(given):
                    hot = await hot_rows(connection, given.tolist(), *span)
                    for tier, part in (await asyncio.to_thread(summarised_anew, rows, given, hot, span)).items():
                        rollups[tier].append(part)
            written = await self._cold.finished(writer)
        file = ColdFile(
            start_at=start, end_at=max([end, *(file.end_at for file in before.files)]), name=path.name,
            samples=written.rows, signals=written.signals, bytes=written.size, sha256=written.sha256,
            made_at=self._clock.now(), trouble=None,
        )  # fmt: skip
        tiers = {tier: together(parts) for tier, parts in rollups.items()}
        spans = spans_of(columns.signal, columns.source_at)
        return _Made(file, columns.split_winners()[0].newest(), spans, tuple(portions(tiers))), path

    async def _old_rows(self, connection: AsyncConnection, before: _Before, signals: Sequence[int]) -> ColdRows:
        rows = ColdRows.of_hot([])
        for file in before.files:
            part = await self._cold.read_whole(connection, file, signals)
            rows = await asyncio.to_thread(laid_over, rows, part)
        return rows

    async def _mark(self, what: str, portion: Portion, fence: Fence) -> None:
        async with self._taking_over(what, fence) as connection:
            await portion.mark(connection, is_sqlite=self._database.is_sqlite)

    async def _take_over(self, what: str, before: _Before, made: _Made, fence: Fence) -> bool:
        """Put the file in place unless the day's files or erasures are not those it was made from."""
        is_sqlite = self._database.is_sqlite
        async with self._taking_over(what, fence) as connection:
            now = await self._before(connection, made.file.start_at)
            if made.file.name in {file.name for file in now.files}:
                return True  # The attempt before was committed after all.
            if now != before:
                return False
            for file in before.files:
                await connection.execute(delete(FILES).where(FILES.c.start_at == file.start_at))
            await connection.execute(dialect.upsert(FILES, is_sqlite=is_sqlite), [made.file.model_dump()])
            inside_it = (ERASURES.c.start_at >= made.file.start_at, ERASURES.c.end_at <= made.file.start_at + DAY_US)
            await connection.execute(delete(ERASURES).where(*inside_it))
            if not made.marked:
                await made.rollups[0].put(connection, is_sqlite=is_sqlite)
            await put_latest(connection, made.newest, is_sqlite=is_sqlite)
            await note_change(connection, self._clock, made.spans, is_gone=False)
        return True

    async def _put_portion(self, what: str, portion: Portion, after: _Before, fence: Fence) -> None:
        """Put rollups in place of marks unless the day has been changed since; then they are derived again."""
        async with self._taking_over(what, fence) as connection:
            if await self._before(connection, after.files[0].start_at) == after:
                await portion.put_marked(connection, is_sqlite=self._database.is_sqlite)

    @asynccontextmanager
    async def _taking_over(self, what: str, fence: Fence) -> AsyncIterator[AsyncConnection]:
        """Lend a connection in a transaction during which nobody else writes samples or derives what is marked."""
        async with self._rollups.deriving, self._database.writing(what) as connection:
            await check_fence(connection, fence, self._database.place)
            await connection.execute(select(POSITIONS.c.rolled_to).with_for_update())  # Keeps writers out.
            yield connection


def _portions(columns: Columns, old: set[int], held: int) -> Iterator[list[int]]:
    """Yield all signals of the new file in order, so many at once as make a bounded number of rows.

    Args:
        columns: What comes.
        old: Signals of the files that are there.
        held: How many rows such a signal has there, about.
    """
    new, counts = np.unique(columns.signal, return_counts=True)
    rows = dict(zip(new.tolist(), counts.tolist(), strict=True))
    some: list[int] = []
    total = 0
    for signal in sorted({*rows, *old}):
        count = rows.get(signal, 0) + (held if signal in old else 0)
        if some and total + count > ROWS_AT_ONCE:
            yield some
            some, total = [], 0
        some.append(signal)
        total += count
    if some:
        yield some


def _with(old: ColdRows, new: Columns) -> ColdRows:
    return laid_over(old, rows_of(new))


def _of(signal: I8, some: Sequence[int]) -> NDArray[np.int64]:
    """Return the rows of a run of neighbouring signals; ``signal`` is sorted."""
    return np.arange(np.searchsorted(signal, some[0]), np.searchsorted(signal, some[-1], side="right"))


def row_groups(rows: ColdRows) -> Iterator[ColdRows]:
    """Cut rows where signals end, into groups as readers like them; see `pdm_app.storage.cold_files`."""
    signal = rows.column("signal")
    ends = np.append(np.flatnonzero(np.diff(signal.astype(np.int64))) + 1, len(rows))
    begin = 0
    for end in ends.tolist():
        while end - begin >= cold_files.ROWS_PER_GROUP:
            size = cold_files.ROWS_PER_GROUP
            yield ColdRows(rows.table.slice(begin, size))
            begin += size
    if begin < len(rows):
        yield ColdRows(rows.table.slice(begin))


async def hot_rows(connection: AsyncConnection, signals: Sequence[int], start: int, end: int) -> RawRows:
    parts = [
        await read_raw(connection, inside(some, start, end), HOT_ROWS_MAX)
        for some in chunks(signals, SIGNALS_PER_STATEMENT)
    ]
    return merged(parts) if any(map(len, parts)) else no_rows()


def summarised_anew(rows: ColdRows, given: I8, hot: RawRows, span: tuple[int, int] = EVER) -> dict[Tier, Summaries]:
    """Return the rollups of some signals over some hours, from their cold and hot rows as readers see them."""
    signal, source_at = rows.column("signal").astype(np.int64), rows.column("source_at")
    mine = np.isin(signal, given) & (source_at >= span[0]) & (source_at < span[1])
    whole = RawRows(
        signal[mine],
        source_at[mine],
        rows.column("value")[mine],
        rows.column("quality").astype(np.int64)[mine],
        rows.column("received_at")[mine],
        rows.column("place")[mine],
    )
    if len(hot):
        whole = merged([whole, hot])
    found = {Tier.ROLLUP_10S: summarise(whole.signal, whole.source_at, whole.value, whole.quality, BUCKET_US)}
    narrow = found[Tier.ROLLUP_10S]
    for tier in ROLLUPS[1:]:
        narrow = widened(narrow, tier.width_us)
        found[tier] = narrow
    return found


async def is_known(database: Database, cold: ColdTier, file: ColdFile) -> bool:
    """Whether the catalogue names a file; where nobody can say, it might."""
    try:
        async with database.connected("look for a cold file") as connection:
            return file.name in {one.name for one in await cold.files(connection, file.start_at, file.end_at)}
    except UnavailableError:
        return True


async def forget_older(cold: ColdTier, name: str) -> None:
    """Remove the file before the one that was replaced; who is reading the latter may go on."""
    day, number, kind = name.split(".")
    if int(number) > 2:
        await cold.place.remove(f"{day}.{int(number) - 2}.{kind}")
