"""An import is taken back: its samples go, what they had replaced counts again, and the rollups follow.

Imported samples are known by their time of arrival, which no other sample shares with a place of theirs (see
`pdm_app.domain.past.IMPORT_SEQ`). A row keeps its two latest samples, so the one that the import beat is still there.
What came later than the import, and beat it, stays. Days are done one after the other, as they were made: a new file,
read back, then one transaction for catalogue and rollups; hot rows go in portions that leave marks. Whatever dies
wherever, doing it again does the rest.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Select, delete, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

if TYPE_CHECKING:
    import pyarrow as pa
else:
    from pdm_app.storage.lazily import pyarrow as pa

from pdm_app.domain.cold import ColdFile
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.history import ROLLUPS, Tier
from pdm_app.domain.history_facts import Beside
from pdm_app.domain.past import IMPORT_SEQ
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.samples import moment
from pdm_app.domain.summaries import Summaries, together
from pdm_app.storage import cold_files, dialect
from pdm_app.storage.buckets import BUCKET_US
from pdm_app.storage.cold import ERASURES, FILES, ColdTier
from pdm_app.storage.cold_rows import NONE, TEXTS, ColdRows, laid_over, schema
from pdm_app.storage.columnar import ROW_BITS
from pdm_app.storage.database import Database
from pdm_app.storage.history_changes import note_change
from pdm_app.storage.lease import check_fence
from pdm_app.storage.past_import import (
    DAY_US,
    ROWS_AT_ONCE,
    TRIES,
    forget_older,
    hot_rows,
    is_known,
    row_groups,
    summarised_anew,
)
from pdm_app.storage.repository import KEYS_PER_QUERY, chunks
from pdm_app.storage.rollups import POSITIONS, Rollups
from pdm_app.storage.samples import SAMPLES, mark_buckets, replace_samples
from pdm_app.storage.summary_rows import TABLES, put_summaries
from pdm_app.storage.tables import LatestRow, table_of

LATEST = table_of(LatestRow)
HOT_AT_ONCE = 5_000
PLACE_MIN = IMPORT_SEQ << ROW_BITS
PARTS = ("value", "text", "quality", "received_at", "place")


@dataclass(slots=True)
class _Made:
    """A day without the import: its new file, and what went of which signals."""

    file: ColdFile
    path: Path
    gone: int = 0
    touched: dict[int, tuple[int, int]] = field(default_factory=dict)
    rollups: dict[Tier, list[Summaries]] = field(default_factory=lambda: {tier: [] for tier in ROLLUPS})


class TakingBack:
    """The way of imported samples out of history."""

    def __init__(self, database: Database, cold: ColdTier | None, rollups: Rollups, clock: Clock) -> None:
        self._database = database
        self._cold = cold
        self._rollups = rollups
        self._clock = clock

    async def take(self, signals: Sequence[int], start: int, end: int, mark: int, fence: Fence) -> int:
        """Remove the samples of an import; return how many went.

        Raises:
            FencedError: Another process holds the lease.
            UnavailableError: The database does not answer, the disk is full, or a day's file cannot be read.
        """
        gone = 0
        for signal in signals:
            rows = HOT_AT_ONCE
            while rows == HOT_AT_ONCE:
                went, rows = await self._hot_portion(signal, start, end, mark, fence)
                gone += went
        if self._cold is not None:
            async with self._database.connected("see which days an import lies in") as connection:
                files = await self._cold.files(connection, start, end)
            for day in sorted({file.start_at - file.start_at % DAY_US for file in files}):
                gone += await self._day(self._cold, day, signals, mark, fence)
        async with self._database.writing("take latest values back") as connection:
            await check_fence(connection, fence, self._database.place)
            for some in chunks(signals, KEYS_PER_QUERY):
                mine = (LATEST.c.received_at == mark, LATEST.c.place >= PLACE_MIN)
                await connection.execute(delete(LATEST).where(LATEST.c.signal_id.in_(some), *mine))
        return gone

    async def without_latest(self, signals: Sequence[int]) -> list[int]:
        """Return which signals have no latest value; of those that have samples, `put_latest` restores it."""
        known: set[int] = set()
        async with self._database.connected("read latest values") as connection:
            for some in chunks(signals, KEYS_PER_QUERY):
                statement = select(LATEST.c.signal_id).where(LATEST.c.signal_id.in_(some))
                known |= set((await connection.scalars(statement)).all())
        return [signal for signal in signals if signal not in known]

    async def put_latest(self, newest: Mapping[int, Beside | None], mark: int, fence: Fence) -> None:
        """Have samples be the latest of their signals, unless a newer one came meanwhile."""
        rows = [
            {
                "signal_id": signal, "source_at": one.at, "text": one.value if isinstance(one.value, str) else None,
                "value": one.value if isinstance(one.value, float) and np.isfinite(one.value) else None,
                "quality": one.quality, "received_at": mark, "place": 0,
            }
            for signal, one in newest.items() if one is not None
        ]  # fmt: skip
        if rows:
            async with self._database.writing("put latest values back") as connection:
                await check_fence(connection, fence, self._database.place)
                await connection.execute(dialect.insert_new(LATEST, is_sqlite=self._database.is_sqlite), rows)

    # --- hot rows -------------------------------------------------------------------------------------------------

    async def _hot_portion(self, signal: int, start: int, end: int, mark: int, fence: Fence) -> tuple[int, int]:
        """Take one portion out; return how many samples went, and how many rows were met."""
        what = "take imported samples back"

        async def once() -> tuple[int, int]:
            async with self._database.writing(what) as connection:
                await check_fence(connection, fence, self._database.place)
                locked = select(POSITIONS.c.rolling_to).with_for_update(read=True)
                rolling_to = await connection.scalar(locked) or 0
                rows = [dict(row) for row in (await connection.execute(_mine(signal, start, end, mark))).mappings()]
                after = [_without_mark(row, mark) for row in rows]
                stay = [row for row in after if row is not None]
                go = [row["source_at"] for row, kept in zip(rows, after, strict=True) if kept is None]
                await replace_samples(connection, stay, is_sqlite=self._database.is_sqlite)
                for some in chunks(go, KEYS_PER_QUERY):
                    here = SAMPLES.c.source_at.in_(some)
                    await connection.execute(delete(SAMPLES).where(SAMPLES.c.signal_id == signal, here))
                buckets = sorted({row["source_at"] - row["source_at"] % BUCKET_US for row in rows})
                marks = [(signal, bucket) for bucket in buckets if bucket < rolling_to]
                await mark_buckets(connection, marks, is_sqlite=self._database.is_sqlite)
                counted = [row["source_at"] for row in rows if _is_mine(row["received_at"], row["place"], mark)]
                spans = [(signal, counted[0], counted[-1] + 1)] if counted else []
                await note_change(connection, self._clock, spans, is_gone=True)
            return len(counted), len(rows)

        return await self._database.twice(what, once)

    # --- files ----------------------------------------------------------------------------------------------------

    async def _day(self, cold: ColdTier, day: int, signals: Sequence[int], mark: int, fence: Fence) -> int:
        async with cold.turn:
            self._rollups.held_back = (day, day + DAY_US)
            try:
                async with self._rollups.deriving:
                    pass  # A step that is under way may not know yet that the span is held back.
                for _ in range(TRIES):
                    gone = await self._try_day(cold, day, signals, mark, fence)
                    if gone is not None:
                        return gone
            finally:
                self._rollups.held_back = None
        raise UnavailableError(
            f"{moment(day):%Y-%m-%d} was changed by others {TRIES} times while samples were taken out of its file. "
            "Try again."
        )

    async def _try_day(self, cold: ColdTier, day: int, signals: Sequence[int], mark: int, fence: Fence) -> int | None:
        """Put the day in place without the import; None where somebody changed the day meanwhile."""
        async with self._database.snapshot("read a day that an import is taken out of") as connection:
            files = await cold.files(connection, day, day + DAY_US)
            erased = await _erased(connection, day)
            made = await self._make(connection, cold, day, files, signals, mark)
        if made is None:
            return 0
        what = "take an import out of a day"
        try:
            done = await self._database.twice(what, lambda: self._take_over(what, cold, files, erased, made, fence))
        except BaseException:
            if not await is_known(self._database, cold, made.file):
                await cold.place.remove(made.path.name)
            raise
        if not done or not made.file.samples:
            await cold.place.remove(made.path.name)
        if done:
            await forget_older(cold, made.path.name)
        return made.gone if done else None

    async def _take_over(
        self,
        what: str,
        cold: ColdTier,
        files: Sequence[ColdFile],
        erased: frozenset[tuple[Any, ...]],
        made: _Made,
        fence: Fence,
    ) -> bool:
        """Put file and rollups in place unless the day's files or erasures are not those it was made from."""
        day = made.file.start_at
        async with self._rollups.deriving, self._database.writing(what) as connection:
            await check_fence(connection, fence, self._database.place)
            await connection.execute(select(POSITIONS.c.rolled_to).with_for_update())  # Keeps writers out.
            now = await cold.files(connection, day, day + DAY_US)
            if now != list(files) or await _erased(connection, day) != erased:
                return [file.name for file in now] == [made.file.name]  # The attempt before was committed after all.
            for file in files:
                await connection.execute(delete(FILES).where(FILES.c.start_at == file.start_at))
            if made.file.samples:
                statement = dialect.upsert(FILES, is_sqlite=self._database.is_sqlite)
                await connection.execute(statement, [made.file.model_dump()])
            inside = (ERASURES.c.start_at >= day, ERASURES.c.end_at <= day + DAY_US)
            await connection.execute(delete(ERASURES).where(*inside))
            await self._put_rollups(connection, made)
            spans = [(signal, first, last + 1) for signal, (first, last) in made.touched.items()]
            await note_change(connection, self._clock, spans, is_gone=True)
        return True

    async def _make(
        self,
        connection: AsyncConnection,
        cold: ColdTier,
        day: int,
        files: Sequence[ColdFile],
        signals: Sequence[int],
        mark: int,
    ) -> _Made | None:
        """Write the day's file without the import; None where the day has nothing of it."""
        mine, every = set(signals), set[int]()
        for file in files:
            every |= set(await cold.signals_of(file))
        held = max(1, sum(file.samples for file in files) // max(1, sum(file.signals for file in files)))
        at_once = max(1, ROWS_AT_ONCE // held)
        for some in chunks(sorted(mine & every), at_once):
            if (await self._without(connection, cold, files, some, mine, mark))[1]:
                break
        else:
            return None
        number = 1 + max(int(file.name.split(".")[1]) for file in files)
        path = cold.folder / f"{moment(day):%Y-%m-%d}.{number}.parquet"
        end = max(file.end_at for file in files)
        empty = ColdFile(
            start_at=day, end_at=end, name=path.name, samples=0, signals=0, bytes=0, sha256="",
            made_at=self._clock.now(), trouble=None,
        )  # fmt: skip
        made = _Made(empty, path)
        with cold_files.Writer(path) as writer:
            for some in chunks(sorted(every), at_once):
                rows, touched, gone = await self._without(connection, cold, files, some, mine, mark)
                made.gone, made.touched = made.gone + gone, made.touched | touched
                for group in row_groups(rows):
                    await asyncio.to_thread(writer.write, group)
                if touched:
                    given = np.array(sorted(touched), np.int64)
                    hot = await hot_rows(connection, given.tolist(), day, end)
                    for tier, part in (await asyncio.to_thread(summarised_anew, rows, given, hot)).items():
                        made.rollups[tier].append(part)
            written = await cold.finished(writer)
        told = {"samples": written.rows, "signals": written.signals, "bytes": written.size, "sha256": written.sha256}
        made.file = empty.model_copy(update=told)
        return made

    async def _without(
        self,
        connection: AsyncConnection,
        cold: ColdTier,
        files: Sequence[ColdFile],
        some: Sequence[int],
        mine: set[int],
        mark: int,
    ) -> tuple[ColdRows, dict[int, tuple[int, int]], int]:
        rows = ColdRows.of_hot([])
        for file in files:
            part = await cold.read_whole(connection, file, some)
            rows = await asyncio.to_thread(laid_over, rows, part)
        if not len(rows) or not mine.intersection(some):
            return rows, {}, 0
        return await asyncio.to_thread(_without_import, rows, mark, sorted(mine))

    async def _put_rollups(self, connection: AsyncConnection, made: _Made) -> None:
        """Put the buckets around what went anew; those that have no sample any more have no row."""
        for tier, parts in made.rollups.items():
            rows, width = together(parts), tier.width_us
            keep = np.zeros(len(rows), np.bool_)
            for signal, (first, last) in made.touched.items():
                low, high = first - first % width, last - last % width
                keep |= (rows.signal == signal) & (rows.at >= low) & (rows.at <= high)
                here = f"signal_id = {int(signal)} AND bucket_at >= {int(low)} AND bucket_at <= {int(high)}"
                await connection.execute(text(f"DELETE FROM {TABLES[tier]} WHERE {here}"))  # noqa: S608
            await put_summaries(connection, tier, rows.take(keep), is_sqlite=self._database.is_sqlite)


def _is_mine(received_at: int | None, place: int | None, mark: int) -> bool:
    return received_at == mark and place is not None and place >= PLACE_MIN


def _mine(signal: int, start: int, end: int, mark: int) -> Select[Any]:
    """Select whole hot rows that hold a sample of the import, as what counts or as what was beaten."""
    c = SAMPLES.c
    counts = (c.received_at == mark) & (c.place >= PLACE_MIN)
    beaten = (c.other_received_at == mark) & (c.other_place >= PLACE_MIN)
    here = (c.signal_id == signal, c.source_at >= start, c.source_at < end)
    return select(SAMPLES).where(*here, or_(counts, beaten)).order_by(c.source_at).limit(HOT_AT_ONCE)


def _without_mark(row: dict[str, Any], mark: int) -> dict[str, Any] | None:
    """Return a hot row without the import's samples; None where nothing is left of it."""
    nothing = {f"other_{part}": None for part in PARTS}
    is_other_mine = _is_mine(row["other_received_at"], row["other_place"], mark)
    if not _is_mine(row["received_at"], row["place"], mark):
        return row | nothing
    if row["other_place"] is None or is_other_mine:
        return None
    return row | {part: row[f"other_{part}"] for part in PARTS} | nothing


async def _erased(connection: AsyncConnection, day: int) -> frozenset[tuple[Any, ...]]:
    statement = select(ERASURES.c.signal_id, ERASURES.c.start_at, ERASURES.c.end_at).where(
        ERASURES.c.start_at >= day, ERASURES.c.end_at <= day + DAY_US
    )
    return frozenset(tuple(row) for row in await connection.execute(statement))


def _without_import(rows: ColdRows, mark: int, mine: Sequence[int]) -> tuple[ColdRows, dict[int, tuple[int, int]], int]:
    """Return a file's rows without the import's samples, between which times each signal lost some, and how many."""
    is_mine = np.isin(rows.column("signal"), mine)
    counts = is_mine & (rows.column("received_at") == mark) & (rows.column("place") >= PLACE_MIN)
    beaten = is_mine & (rows.column("other_received_at") == mark) & (rows.column("other_place") >= PLACE_MIN)
    met = counts | beaten
    if not met.any():
        return rows, {}, 0
    steps_up = counts & ~beaten & (rows.column("other_place") != NONE)
    goes = counts & ~steps_up
    missing = {"value": np.nan, "quality": 0, "received_at": 0, "place": NONE}
    columns: dict[str, Any] = {name: rows.column(name) for name in ("signal", "source_at")}
    for part in PARTS:
        other = f"other_{part}"
        if part in TEXTS:
            own_words, other_words = (rows.table.column(name).to_pylist() for name in (part, other))
            steps, forgets = steps_up.tolist(), met.tolist()
            pairs = zip(own_words, other_words, steps, strict=True)
            columns[part] = [other_one if step else one for one, other_one, step in pairs]
            columns[other] = [None if gone else one for one, gone in zip(other_words, forgets, strict=True)]
        else:
            columns[part] = np.where(steps_up, rows.column(other), rows.column(part))
            columns[other] = np.where(met, missing[part], rows.column(other))
    arrays = [pa.array(columns[field.name]).cast(field.type) for field in schema()]
    signal, at = rows.column("signal")[counts], rows.column("source_at")[counts]
    touched = {one: (int(at[signal == one].min()), int(at[signal == one].max())) for one in np.unique(signal).tolist()}
    whole = ColdRows(pa.table(arrays, schema=schema()))
    if not touched:  # Only what came later and beat the import: nothing that counts changes.
        return whole, {}, 0
    return whole.take(~goes), touched, int(counts.sum())
