"""The long memory in SQL: ``SqlHistorian(database, clock)``.

Writes are idempotent: each instant of a signal is one row whatever is sent how often in which order. A write first
inserts what is new, in bulk; only rows that met another sample of the same microsecond are read, merged and written
back. Rows, latest values and the marks of late buckets change in one transaction that also checks the fence.
Rollups are made later, by `SqlHistorian.roll_up`; see `pdm_app.storage.rollups` for why they always agree with raw.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.aggregates import Edge
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.history import CacheFigures, Envelope, HistoryQuery
from pdm_app.domain.history_facts import Beside, Imported, Recorded, SpanSummaries
from pdm_app.domain.newest import Newest
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.samples import I8, QUALITY_BAD_MIN, Batch, Micros, Stretch
from pdm_app.storage.buckets import BUCKET_US
from pdm_app.storage.cached_envelopes import CachedEnvelopes
from pdm_app.storage.cold import ColdTier
from pdm_app.storage.columnar import Columns, columns_of_batches
from pdm_app.storage.compaction import Compaction
from pdm_app.storage.database import Database
from pdm_app.storage.failures import is_repeatable
from pdm_app.storage.history_changes import note_change, spans_of
from pdm_app.storage.lease import check_fence
from pdm_app.storage.newest_rows import read_latest
from pdm_app.storage.partitions import SqlDayPartitions
from pdm_app.storage.past_import import PastImport
from pdm_app.storage.pyramid import summarised
from pdm_app.storage.query_cache import QueryCache
from pdm_app.storage.raw_rows import RawRows, of_signal
from pdm_app.storage.removal import Removal
from pdm_app.storage.rewriting import erase, rewrite
from pdm_app.storage.rollups import Rollups, writing_position
from pdm_app.storage.sample_reader import Held, SampleReader, Waiting, nothing_waits, waiting_rows
from pdm_app.storage.samples import find_conflicts, insert_samples, mark_buckets, put_latest, replace_samples
from pdm_app.storage.stretches import stretches
from pdm_app.storage.taking_back import TakingBack

LAST = Micros(2**53)
HOT_AT_ONCE = 10_000
"""Imported samples that are stored as hot rows in one transaction."""
POINTS_AT_ONCE = 20_000
"""Points from which on writing them out is left to a thread; fewer take less than 5 ms."""


class SqlHistorian:
    """Samples, latest values and rollups of one database."""

    def __init__(
        self, database: Database, clock: Clock, waiting: Waiting = nothing_waits, cold: ColdTier | None = None
    ) -> None:
        """Name what belongs together.

        Args:
            database: Holds the samples.
            clock: Injected time.
            waiting: Returns what is acknowledged and not recorded yet; reads see it with all the rest.
            cold: Where closed days are kept; all stay hot where there is none.
        """
        self._database = database
        self._clock = clock
        self._waiting = waiting
        self._cold = cold
        self._reader = SampleReader(cold)
        self._cache = QueryCache()
        self._rollups = Rollups(database, self._reader)
        self.partitions = SqlDayPartitions(database, clock)
        self.compaction = (
            Compaction(database, cold, self._rollups, clock, self.partitions) if cold is not None else None
        )
        self.removal = (
            Removal(database, cold, self.compaction, clock, self.partitions, self._cache.changed)
            if cold is not None and self.compaction is not None
            else None
        )
        if cold is not None:
            cold.missed = self._cache.changed
        self._past = PastImport(database, cold, self._rollups, clock) if cold is not None else None
        self._taking_back = TakingBack(database, cold, self._rollups, clock)

    def ways_to_cold(self) -> tuple[Compaction, Removal]:
        """Return who takes closed days to files, and who forgets them.

        Raises:
            ValueError: There is no cold tier.
        """
        if self.compaction is None or self.removal is None:
            raise ValueError("a historian without a cold tier keeps everything hot, for ever")
        return self.compaction, self.removal

    async def write(self, batches: Sequence[Batch], fence: Fence, *, past_buffer: bool = False) -> Recorded:
        """Store all samples in one transaction; a replay changes nothing.

        A deadlock or a lost connection is answered by one more attempt at once; nothing can be stored twice.
        Of samples that come past the buffer those who keep copies are told.

        Raises:
            FencedError: Another process holds the lease.
            UnavailableError: The database does not answer; nothing was written, or all of it.
        """
        return await self._store(columns_of_batches(batches), fence, past_buffer=past_buffer)

    async def _store(self, columns: Columns, fence: Fence, *, past_buffer: bool) -> Recorded:
        if not len(columns):
            return Recorded(samples=0, duplicates=0)
        what = f"store {len(columns)} samples"
        span = (int(columns.source_at.min()), int(columns.source_at.max()) + 1)
        winners, losers = columns.split_winners()
        with self._changing(columns.signal, *span, fence), self._rollups.fresh.writing(winners, fence) as write:
            recorded = await self._database.twice(
                what, lambda: self._write(what, (columns, winners), fence, past_buffer)
            )
            write.is_new = recorded.duplicates == len(losers)
        self._rollups.note(int(columns.received_at.max()))
        return recorded

    async def _write(self, what: str, rows: tuple[Columns, Columns], fence: Fence, past_buffer: bool) -> Recorded:
        is_sqlite = self._database.is_sqlite
        columns, winners = rows
        async with self._database.writing(what) as connection:
            await check_fence(connection, fence, self._database.place)
            rolling_to = await writing_position(connection, columns)
            inserted = await insert_samples(connection, winners, is_sqlite=is_sqlite)
            superseded = merged = 0
            if inserted < len(columns):
                superseded, merged = await _merge(connection, columns, is_sqlite=is_sqlite)
            await put_latest(connection, winners.newest(), is_sqlite=is_sqlite)
            late = winners.source_at < rolling_to
            if late.any() and (inserted or merged):  # A replay changes nothing, so nothing is due again.
                await mark_buckets(connection, _buckets(winners.take(late)), is_sqlite=is_sqlite)
            if past_buffer:
                spans = spans_of(winners.signal, winners.source_at)
                await note_change(connection, self._clock, spans, is_gone=False)
        return Recorded(samples=len(columns), duplicates=len(columns) - inserted, superseded=superseded)

    async def import_past(self, batches: Sequence[Batch], fence: Fence) -> Imported:
        """Store samples of the past, straight in cold files and rollups where their hours are closed.

        The files of the days are made one after the other; what is younger goes the way of `write`.

        Raises:
            FencedError: Another process holds the lease.
            UnavailableError: The database does not answer, or the disk is full; each day is there whole or not at all.
        """
        columns = await asyncio.to_thread(columns_of_batches, batches)
        days, rest = 0, columns
        if self._past is not None and len(columns):
            span = (int(columns.source_at.min()), int(columns.source_at.max()) + 1)
            with self._changing(columns.signal, *span, fence), self._rollups.fresh.changing(span[1]):
                days, rest = await self._past.take(columns, fence)
        for start in range(0, len(rest), HOT_AT_ONCE):
            some = rest.take(np.arange(start, min(start + HOT_AT_ONCE, len(rest))))
            await self._store(some, fence, past_buffer=True)
        return Imported(samples=len(columns), days=days, hot=len(rest))

    async def take_back(
        self, signals: Sequence[int], start_at: Micros, end_at: Micros, mark: Micros, fence: Fence
    ) -> int:
        """Remove the samples that were imported with a mark; see `pdm_app.storage.taking_back`.

        Raises:
            FencedError: Another process holds the lease.
            UnavailableError: The database does not answer, or a day's file cannot be read; doing it again goes on.
        """
        signal = np.array(signals, np.int64)
        with self._changing(signal, start_at, end_at, fence), self._rollups.fresh.changing(end_at):
            gone = await self._taking_back.take(signals, start_at, end_at, mark, fence)
            lost = await self._taking_back.without_latest(signals)
            beside = await self.beside(lost, LAST) if lost else {}
            await self._taking_back.put_latest({one: before for one, (before, _) in beside.items()}, mark, fence)
        return gone

    async def rewrite(self, signal: int, start_at: Micros, end_at: Micros, batch: Batch, fence: Fence) -> int:
        """Replace a signal's samples of a span by those of a batch, in one transaction; return how many there were.

        Raises:
            FencedError: Another process holds the lease.
            UnavailableError: The database does not answer; the span is as it was, or as it was to be.
            ValueError: The batch holds something else than samples of this signal and span.
        """
        inside = (batch.signal == signal) & (batch.source_at >= start_at) & (batch.source_at < end_at)
        if not inside.all():
            raise ValueError("a span is rewritten with samples of its own signal and time only")
        columns, _ = columns_of_batches([batch]).split_winners()
        what = f"rewrite {len(columns)} samples"

        async def once() -> int:
            async with self._database.writing(what) as connection:
                await check_fence(connection, fence, self._database.place)
                is_sqlite = self._database.is_sqlite
                if self._cold is not None and await self._cold.ends_after(connection, start_at):
                    await erase(connection, signal, start_at, end_at, is_sqlite=is_sqlite)
                await note_change(connection, self._clock, [(signal, start_at, end_at)], is_gone=True)
                return await rewrite(connection, signal, start_at, end_at, columns, is_sqlite=is_sqlite)

        ours = np.array([signal], np.int64)
        with self._changing(ours, start_at, end_at, fence), self._rollups.fresh.changing(end_at):
            return await self._database.twice(what, once)

    async def roll_up(self, fence: Fence) -> bool:
        """Derive some of the closed 10 s buckets; True while more are due.

        Raises:
            FencedError: Another process holds the lease.
            UnavailableError: The database does not answer; the same buckets are derived next time.
        """
        try:
            more = await self._database.twice("roll up samples", lambda: self._rollups.step(fence))
            self._cache.hold(fence.token)
            return more
        except UnavailableError as error:
            if error.__cause__ is None or not is_repeatable(error.__cause__):
                raise
            return True  # Writers were in its way twice: the same buckets are due next time.

    async def envelope(self, query: HistoryQuery) -> Sequence[Envelope]:
        """Return one envelope per signal of the query, in its order; see `pdm_app.storage.envelopes`.

        Raises:
            InvalidInputError: It would take too many samples.
        """
        with self._cache.reading() as reading:
            async with self._holding("read history", query.signals) as held:
                series = await CachedEnvelopes(self._cache, reading, self._reader, held).answer(query)
        if sum(map(len, series)) < POINTS_AT_ONCE:
            return [each.envelope() for each in series]
        return await asyncio.to_thread(lambda: [each.envelope() for each in series])

    def cache_figures(self) -> CacheFigures:
        return self._cache.figures()

    @contextmanager
    def _changing(self, signals: NDArray[Any], low: int, high: int, fence: Fence) -> Iterator[None]:
        """Have the cache follow a change of samples from ``low`` up to, not including, ``high``."""
        try:
            yield
        except BaseException:
            self._cache.distrust()  # It may have been committed all the same.
            raise
        finally:
            self._cache.changed(signals, low, high)
        self._cache.hold(fence.token)

    async def samples(
        self, signals: Sequence[int], start_at: Micros, end_at: Micros, rows_max: int
    ) -> Mapping[int, Stretch]:
        """Return each signal's samples of the span; see `pdm_app.storage.stretches`."""
        async with self._holding("read samples", signals) as held:
            return await stretches(self._reader, held, signals, start_at, end_at, rows_max)

    async def summaries(self, signals: Sequence[int], edges: I8) -> SpanSummaries:
        """Return what each signal comes to between neighbouring edges, and what lies beside them.

        Raises:
            InvalidInputError: It would take more than a million rows.
        """
        signals = list(dict.fromkeys(signals))
        async with self._holding("summarise history", signals) as held:
            found = await summarised(self._reader, held, signals, edges)
            last = await self._reader.before(held, signals, int(edges[0]))
            first = await self._reader.after(held, signals, int(edges[-1]))
        before = {each: _edge(of_signal(last, each)) for each in signals}
        after = {each: _edge(of_signal(first, each)) for each in signals}
        return SpanSummaries(found.rows, before, after, found.tiers, found.rows_read)

    async def beside(self, signals: Sequence[int], at: Micros) -> Mapping[int, tuple[Beside | None, Beside | None]]:
        """Return each signal's last sample at or before a time, and the first one after it."""
        found: dict[int, tuple[Beside | None, Beside | None]] = {}
        signals = list(dict.fromkeys(signals))
        async with self._holding("read values at a time", signals) as held:
            last = await self._reader.before(held, signals, at + 1)
            first = await self._reader.after(held, signals, at + 1)
            for signal in signals:
                before, after = of_signal(last, signal), of_signal(first, signal)
                found[signal] = (await self._beside(held, before), await self._beside(held, after))
        return found

    async def _beside(self, held: Held, rows: RawRows) -> Beside | None:
        if not len(rows):
            return None
        value: float | str | None = float(rows.value[0])
        if not np.isfinite(rows.value[0]):
            value = await self._reader.text(held, rows)
        return Beside(int(rows.source_at[0]), value, int(rows.quality[0]))

    @asynccontextmanager
    async def _holding(self, what: str, signals: Sequence[int]) -> AsyncIterator[Held]:
        waits = await waiting_rows(self._waiting, signals)
        async with self._database.snapshot(what) as connection:
            yield Held(connection, waits)

    async def latest(self, signals: Sequence[int] | None = None) -> Newest:
        """Return the newest sample of each signal (all signals for None), by signal id."""
        async with self._database.connected("read latest values") as connection:
            return await read_latest(connection, signals)

    async def count(self, signal: int, start_at: Micros, end_at: Micros) -> int:
        """Return how many instants of ``signal`` are stored from ``start_at`` up to, not including, ``end_at``."""
        if end_at <= start_at:
            return 0
        found = await self.summaries([signal], np.array([start_at, end_at], np.int64))
        return int(found.rows.samples.sum())


def _edge(rows: RawRows) -> Edge | None:
    if not len(rows):
        return None
    is_usable = rows.quality[0] < QUALITY_BAD_MIN and np.isfinite(rows.value[0])
    return Edge(int(rows.source_at[0]), float(rows.value[0]) if is_usable else np.nan)


def _buckets(late: Columns) -> list[tuple[int, int]]:
    pairs = np.column_stack((late.signal, late.source_at - late.source_at % BUCKET_US))
    return [(signal, bucket) for signal, bucket in np.unique(pairs, axis=0).tolist()]


async def _merge(connection: AsyncConnection, columns: Columns, *, is_sqlite: bool) -> tuple[int, int]:
    """Give the rows that met another sample of the same microsecond their two latest samples.

    Returns:
        How many samples met one that said something else (value, text or quality), and how many rows changed.
    """
    stored = await find_conflicts(connection, columns, is_sqlite=is_sqlite)
    rows = {(row[0], row[1]): row for row in stored}
    if not rows:
        return 0, 0
    given: dict[tuple[int, int], list[tuple[Any, ...]]] = {}
    for signal, source_at, value, text, quality, received_at, place in columns.tuples():
        if (signal, source_at) in rows:
            given.setdefault((signal, source_at), []).append((received_at, place, value, text, quality))
    changed: list[dict[str, Any]] = []
    superseded = 0
    for key, row in rows.items():
        before = [(row[5], row[6], row[2], row[3], row[4])]
        if row[11] is not None:
            before.append((row[10], row[11], row[7], row[8], row[9]))
        after, contradictions = _two_latest(before, given[key])
        superseded += contradictions
        if after != before:
            changed.append(_row(key, after))
    await replace_samples(connection, changed, is_sqlite=is_sqlite)
    return superseded, len(changed)


def _two_latest(
    before: Sequence[tuple[Any, ...]], given: Sequence[tuple[Any, ...]]
) -> tuple[list[tuple[Any, ...]], int]:
    """Return the two latest of all candidates, latest first, and how many given ones contradict what was there."""
    by_place = {candidate[:2]: candidate for candidate in (*before, *given)}
    latest = sorted(by_place.values(), key=lambda candidate: candidate[:2], reverse=True)[:2]
    known = {candidate[:2] for candidate in before}
    contradictions = sum(
        1 for candidate in given if candidate[:2] not in known and any(candidate[2:] != old[2:] for old in before)
    )
    return latest, contradictions


def _row(key: tuple[int, int], latest: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    winner = latest[0]
    other = latest[1] if len(latest) > 1 else (None, None, None, None, None)
    names = ("received_at", "place", "value", "text", "quality")
    return {
        "signal_id": key[0],
        "source_at": key[1],
        **dict(zip(names, winner, strict=True)),
        **{f"other_{name}": part for name, part in zip(names, other, strict=True)},
    }
