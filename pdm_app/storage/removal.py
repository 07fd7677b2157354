"""Takes history away that no rule keeps: only what is in the coarser tier, whole or resumed, day by day.

For one day of a tier: the rows of each signal are counted and held against the next coarser tier. Signals of which the
two agree go, others stay and are named. One transaction, which keeps writers out for a moment, makes sure that nothing
came meanwhile and notes the span as removed; with it the day's cold file is replaced by one without those signals, or
leaves the catalogue. From then on readers take coarser tiers; what is left of the rows is deleted in portions, by this
run or, whatever dies, by the next. Samples that come later for a removed span go with the next run.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from sqlalchemy import delete, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.cold import ColdFile
from pdm_app.domain.history import ROLLUPS, Tier
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.removals import DueRemoval, RemovalOrder, Removed, TierSize
from pdm_app.domain.retention import DAY_US, without_holds
from pdm_app.domain.samples import I8
from pdm_app.storage import cold_thinning, dialect
from pdm_app.storage.buckets import inside
from pdm_app.storage.cold import ERASURES, FILES, ColdTier
from pdm_app.storage.compaction import Compaction, portions
from pdm_app.storage.database import Database
from pdm_app.storage.lease import check_fence
from pdm_app.storage.partitions import SqlDayPartitions
from pdm_app.storage.removal_counts import RemovalCounts, Span
from pdm_app.storage.removed_spans import note_removed, removed_spans
from pdm_app.storage.repository import KEYS_PER_QUERY, chunks
from pdm_app.storage.sizes import tier_sizes
from pdm_app.storage.summary_rows import TABLES

NOT_READY = "The rollups of this day are not derived yet, or late samples are being added; the next run looks again."
DIFFERENT = "Samples and rollups of this day disagree, so the samples stay."

Changed: TypeAlias = Callable[[I8, int, int], None]


def _nobody_keeps(_signals: I8, _low: int, _high: int) -> None:
    """Stand for a cache where there is none."""


class Removal:
    """Counts and deletes by orders.

    Args:
        database: Holds hot rows and rollups.
        cold: Holds the files of closed days.
        compaction: Whoever changes a day's file does so alone.
        clock: Injected time.
        partitions: Those of the hot rows; a day of which everything goes, goes with its own.
        changed: Told which signals lost samples or rollups between two times, to forget what it remembers of them.
    """

    def __init__(
        self,
        database: Database,
        cold: ColdTier,
        compaction: Compaction,
        clock: Clock,
        partitions: SqlDayPartitions,
        changed: Changed = _nobody_keeps,
    ) -> None:
        self._database = database
        self._cold = cold
        self._compaction = compaction
        self._clock = clock
        self._partitions = partitions
        self._changed = changed
        self._counts = RemovalCounts(cold)

    async def sizes(self) -> Sequence[TierSize]:
        """Return what each tier takes now."""
        return await tier_sizes(self._database)

    async def due(self, order: RemovalOrder) -> DueRemoval:
        """Count what an order would take; changes nothing."""
        sizes = {(size.tier, size.place): size.bytes_per_row for size in await self.sizes()}
        async with self._database.snapshot("count what retention would remove") as connection:
            hot = await self._counts.of_table(connection, order)
            rows, first_at, signals = hot.rows, hot.first_at, set(hot.signals)
            size = round(rows * (sizes.get((order.tier, "hot")) or dialect.ROW_BYTES))
            whole = anew = 0
            if order.tier is Tier.RAW:
                for file in await self._cold.files(connection, 0, order.before_at):
                    if file.end_at > order.before_at or file.trouble is not None:
                        continue
                    counts = await self._counts.going(connection, file, order)
                    going = sum(counts.values())
                    if not going:
                        continue
                    is_whole = going == file.samples
                    whole, anew = whole + is_whole, anew + (not is_whole)
                    rows += going
                    size += file.bytes if is_whole else round(file.bytes * going / file.samples)
                    signals |= {signal for signal, number in counts.items() if number}
                    first_at = file.start_at if first_at is None else min(first_at, file.start_at)
        return DueRemoval(
            rule_id=order.rule_id, tier=order.tier, before_at=order.before_at, signals=len(signals), rows=rows,
            bytes=size, first_at=first_at, files=whole, files_rewritten=anew,
        )  # fmt: skip

    async def remove(self, order: RemovalOrder, fence: Fence) -> AsyncGenerator[Removed, None]:
        """Take it, day by day; whoever stops iterating leaves whole steps done."""
        at = 0
        while True:
            async with self._database.connected("look for what retention removes") as connection:
                oldest = await self._counts.oldest(connection, order, at)
            if oldest is None or oldest >= order.before_at:
                return
            day = oldest - oldest % DAY_US
            if order.tier is Tier.RAW:
                yield await self._remove_raw(order, day, fence)
            else:
                yield await self._remove_rollups(order, day, fence)
            at = day + DAY_US

    # --- rollups --------------------------------------------------------------------------------------------------

    async def _remove_rollups(self, order: RemovalOrder, day: int, fence: Fence) -> Removed:
        going = spans_of(order, day)
        async with self._database.snapshot("hold a rollup against the coarser one") as connection:
            counts = await self._counts.rollups(connection, order.tier, going)
            fresh = await self._not_noted(connection, order.tier, going, day)
            stood_for = await self._counts.rollups(connection, order.tier, fresh)
            coarser = await self._coarser(connection, order.tier, fresh)
            ready = await self._is_derived(connection, day)
        agreed = {
            signal: spans
            for signal, spans in going.items()
            if counts[signal].rows
            and (signal not in fresh or (ready and coarser.get(signal) in (None, stood_for[signal].samples)))
        }
        if agreed:
            async with self._database.writing("note what is removed") as connection:
                await self._compaction.shut(connection, fence)
                marked = await self._counts.marked(connection, list(agreed), day)
                agreed = {signal: spans for signal, spans in agreed.items() if signal not in marked}
                await note_removed(connection, order.tier, agreed)
            self._changed(np.array(list(agreed), np.int64), day, day + DAY_US)
        rows = await self._delete(
            TABLES[order.tier], "bucket_at", agreed, {signal: counts[signal].rows for signal in agreed}, fence
        )
        blocked = sum(counts[signal].rows for signal in going if signal not in agreed)
        size = round(rows * dialect.ROW_BYTES)
        return Removed(
            day_at=day, rows=rows, bytes=size, blocked=blocked,
            reason="" if not blocked else DIFFERENT if ready else NOT_READY,
        )  # fmt: skip

    # --- samples --------------------------------------------------------------------------------------------------

    async def _remove_raw(self, order: RemovalOrder, day: int, fence: Fence) -> Removed:
        going = spans_of(order, day)
        await self._settle(day, going, fence)
        async with self._compaction.alone_with(day):
            async with self._database.snapshot("hold samples against their rollups") as connection:
                file = next(iter(await self._cold.files(connection, day, day + DAY_US)), None)
                hot, cold = await self._samples(connection, file, going)
                all_hot = await self._partitions.rows_of(connection, day)
                there = {signal: hot.get(signal, 0) + cold.get(signal, 0) for signal in going}
                fresh = await self._not_noted(connection, Tier.RAW, going, day)
                found = [hot, cold] if fresh == going else await self._samples(connection, file, fresh)
                coarser = await self._coarser(connection, Tier.RAW, fresh)
                ready = await self._is_derived(connection, day)
            agreed = {
                signal: spans
                for signal, spans in going.items()
                if there[signal]
                and (signal not in fresh
                     or (ready and coarser.get(signal) in (None, sum(part.get(signal, 0) for part in found))))
            }  # fmt: skip
            freed = 0
            if agreed:
                agreed, freed = await self._take_out(file, day, agreed, cold, hot, fence)
            counts = {signal: hot.get(signal, 0) for signal in agreed}
            if agreed and sum(counts.values()) == all_hot and await self._partitions.let_go(fence, day):
                deleted = sum(counts.values())
            else:
                deleted = await self._delete("samples", "source_at", agreed, counts, fence)
            await self._compaction.sweep()
        blocked = sum(there[signal] for signal in going if signal not in agreed)
        return Removed(
            day_at=day,
            rows=deleted + sum(cold.get(signal, 0) for signal in agreed),
            bytes=freed + round(deleted * dialect.ROW_BYTES),
            blocked=blocked,
            reason="" if not blocked else DIFFERENT if ready else NOT_READY,
        )

    async def _settle(self, day: int, going: Mapping[int, Sequence[Span]], fence: Fence) -> None:
        """Have hot rows beside a file join it, so that each sample is in one place and can be counted."""
        async with self._database.snapshot("look beside a cold file") as connection:
            file = next(iter(await self._cold.files(connection, day, day + DAY_US)), None)
            is_mixed = file is not None and any((await self._counts.hot(connection, going)).values())
        if is_mixed:
            await self._compaction.compact(fence, day)

    async def _take_out(
        self,
        file: ColdFile | None,
        day: int,
        agreed: dict[int, list[Span]],
        cold: Mapping[int, int],
        hot: Mapping[int, int],
        fence: Fence,
    ) -> tuple[dict[int, list[Span]], int]:
        """Note the spans as removed and have the file go, or be replaced; return what goes and the bytes freed."""
        dropped = {signal: spans for signal, spans in agreed.items() if cold.get(signal)}
        fresh = await self._written_anew(file, dropped) if file is not None and dropped else None
        try:
            async with self._database.writing("remove samples") as connection:
                await self._compaction.shut(connection, fence)
                marked = await self._counts.marked(connection, list(agreed), day)
                now_hot = await self._counts.hot(connection, agreed)
                if marked or any(now_hot[one] != hot.get(one, 0) for one in agreed):
                    raise _CameMeanwhileError
                if file is not None and dropped:
                    await self._replace(connection, file, fresh)
                    for some in chunks(sorted(dropped), KEYS_PER_QUERY):
                        inside_it = (ERASURES.c.start_at >= day, ERASURES.c.end_at <= day + DAY_US)
                        await connection.execute(delete(ERASURES).where(ERASURES.c.signal_id.in_(some), *inside_it))
                await note_removed(connection, Tier.RAW, agreed)
        except _CameMeanwhileError:
            return {}, 0  # The new file is in no catalogue, so the sweep takes it.
        self._changed(np.array(list(agreed), np.int64), day, day + DAY_US)
        return agreed, 0 if file is None or not dropped else file.bytes - (fresh.bytes if fresh is not None else 0)

    async def _written_anew(self, file: ColdFile, dropped: Mapping[int, Sequence[Span]]) -> ColdFile | None:
        day, number, _ = file.name.split(".", 2)
        path = self._cold.folder / f"{day}.{int(number) + 1}.parquet"
        async with self._cold.place.lent(file) as old:
            written = await asyncio.to_thread(cold_thinning.thinned, old, path, dropped)
        if written is not None:
            await self._cold.place.keep(path.name, written)
        if written is None:
            return None
        return file.model_copy(
            update={
                "name": path.name, "samples": written.rows, "signals": written.signals, "bytes": written.size,
                "sha256": written.sha256, "made_at": self._clock.now(), "trouble": None,
            }
        )  # fmt: skip

    async def _replace(self, connection: AsyncConnection, file: ColdFile, fresh: ColdFile | None) -> None:
        if fresh is None:
            await connection.execute(delete(FILES).where(FILES.c.start_at == file.start_at))
        else:
            statement = dialect.upsert(FILES, is_sqlite=self._database.is_sqlite)
            await connection.execute(statement, [fresh.model_dump()])

    # --- both -----------------------------------------------------------------------------------------------------

    async def _samples(
        self, connection: AsyncConnection, file: ColdFile | None, spans: Mapping[int, Sequence[Span]]
    ) -> tuple[dict[int, int], dict[int, int]]:
        return await self._counts.hot(connection, spans), await self._counts.cold(connection, file, spans)

    async def _not_noted(
        self, connection: AsyncConnection, tier: Tier, going: Mapping[int, Sequence[Span]], day: int
    ) -> dict[int, list[Span]]:
        """Return what of the spans is not noted as removed yet; of the rest some rows may still be there."""
        gone = (await removed_spans(connection, list(going), day, day + DAY_US)).get(tier, {})
        left = {
            signal: [part for span in spans for part in without_holds(span, gone.get(signal, ()))]
            for signal, spans in going.items()
        }
        return {signal: parts for signal, parts in left.items() if parts}

    async def _coarser(
        self, connection: AsyncConnection, tier: Tier, spans: Mapping[int, Sequence[Span]]
    ) -> dict[int, int]:
        """Return the samples that the next coarser tier stands for; nothing of the coarsest, which has none above."""
        wider = [other for other in ROLLUPS if other.width_us > tier.width_us]
        if not wider or not spans:
            return {}
        start, end = min(parts[0][0] for parts in spans.values()), max(parts[-1][1] for parts in spans.values())
        gone = await removed_spans(connection, list(spans), start, end)
        by_tier: dict[Tier, dict[int, Sequence[Span]]] = defaultdict(dict)
        for signal, parts in spans.items():
            still = next((one for one in wider if not gone.get(one, {}).get(signal)), wider[-1])
            by_tier[still][signal] = parts
        found: dict[int, int] = {}
        for one, few in by_tier.items():
            counts = await self._counts.rollups(connection, one, few)
            found.update({signal: counts[signal].samples for signal in few})
        return found

    async def _is_derived(self, connection: AsyncConnection, day: int) -> bool:
        return await self._counts.rolled_to(connection) >= day + DAY_US

    async def _delete(
        self, table: str, column: str, spans: Mapping[int, Sequence[Span]], counts: dict[int, int], fence: Fence
    ) -> int:
        """Delete in portions, each a transaction of its own; a signal that came to have more is deleted whole."""
        rows = 0
        for some in portions({signal: counts[signal] for signal in spans}):
            async with self._database.writing("delete what retention removes") as connection:
                await check_fence(connection, fence, self._database.place)
                for signal in some:
                    for start, end in spans[signal]:
                        where = inside([signal], start, end, column)
                        done = await connection.execute(text(f"DELETE FROM {table} WHERE {where}"))  # noqa: S608
                        rows += done.rowcount
        return rows


class _CameMeanwhileError(Exception):
    """A sample came between counting and removing; the transaction is rolled back."""


def spans_of(order: RemovalOrder, day: int) -> dict[int, list[Span]]:
    """Return what of a day goes, signal by signal; signals that are held all day are not in it."""
    if not order.held:
        return {signal: [(day, day + DAY_US)] for signal in order.signals}
    spans = {signal: without_holds((day, day + DAY_US), order.held_of(signal)) for signal in order.signals}
    return {signal: parts for signal, parts in spans.items() if parts}
