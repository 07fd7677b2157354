"""How much of which signal there is in a span: hot rows, samples in cold files, rollups and what they stand for."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.cold import ColdFile
from pdm_app.domain.history import Tier
from pdm_app.domain.removals import RemovalOrder
from pdm_app.domain.retention import DAY_US, without_holds
from pdm_app.storage.buckets import inside
from pdm_app.storage.cold import ERASURES, ColdTier
from pdm_app.storage.repository import KEYS_PER_QUERY, chunks
from pdm_app.storage.rollup_tables import RollupMarkRow
from pdm_app.storage.rollups import rolled_to
from pdm_app.storage.summary_rows import TABLES
from pdm_app.storage.tables import table_of

MARKS = table_of(RollupMarkRow)
SIGNALS_AT_ONCE = 200
HELD_ROWS_MAX = 100_000_000
"""Samples of signals of which only a part of a day goes; they are counted one signal at a time."""
REMEMBERED_MAX = 1_000_000
"""Counts of signals in files, about 100 MB; a file never changes, so each is counted once."""
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one signal in some spans, and the samples that they stand for."""

    rows: int
    samples: int


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of an order in one table."""

    rows: int
    first_at: int | None
    signals: frozenset[int]


class RemovalCounts:
    """Counts, all of them exact."""

    def __init__(self, cold: ColdTier) -> None:
        self._cold = cold
        self._of_file: dict[str, dict[int, int]] = {}

    async def rolled_to(self, connection: AsyncConnection) -> int:
        return await rolled_to(connection)

    async def marked(self, connection: AsyncConnection, signals: Sequence[int], day: int) -> set[int]:
        """Return the signals to which something came in a day that is not rolled up yet."""
        found: set[int] = set()
        for some in chunks(signals, KEYS_PER_QUERY):
            in_day = (MARKS.c.bucket_at >= day, MARKS.c.bucket_at < day + DAY_US)
            statement = select(MARKS.c.signal_id).where(MARKS.c.signal_id.in_(some), *in_day).distinct()
            found |= set((await connection.scalars(statement)).all())
        return found

    async def oldest(self, connection: AsyncConnection, order: RemovalOrder, at: int) -> int | None:
        """Return the time of the oldest row that an order takes, from ``at`` on."""
        table, column = _table(order.tier)
        found: list[int] = []
        for some in chunks(order.signals, SIGNALS_AT_ONCE):
            where = inside(some, at, order.before_at, f"s.{column}")
            statement = f"SELECT s.signal_id, MIN(s.{column}) FROM {table} s WHERE {where} GROUP BY s.signal_id"  # noqa: S608
            for signal, oldest in await connection.execute(text(statement)):
                found += _first_outside(order, int(signal), int(oldest))
        if order.tier is Tier.RAW:
            for file in await self._cold.files(connection, at, order.before_at):
                if file.trouble is None and any((await self.going(connection, file, order)).values()):
                    found.append(file.start_at)
                    break
        return min(found, default=None)

    async def of_table(self, connection: AsyncConnection, order: RemovalOrder) -> Found:
        """Count what an order takes of the rows in the database."""
        table, column = _table(order.tier)
        rows, first, signals = 0, None, set()
        spans = {one: without_holds((0, order.before_at), order.held_of(one)) for one in order.signals}
        for parts, few in _alike(spans):
            for some in chunks(few, SIGNALS_AT_ONCE):
                for start, end in parts:
                    where = inside(some, start, end, f"s.{column}")
                    statement = f"""SELECT s.signal_id, COUNT(*), MIN(s.{column}) FROM {table} s
                        WHERE {where} GROUP BY s.signal_id"""  # noqa: S608
                    for signal, number, oldest in await connection.execute(text(statement)):
                        rows, first = rows + int(number), min(first or int(oldest), int(oldest))
                        signals.add(int(signal))
        return Found(rows, first, frozenset(signals))

    async def hot(self, connection: AsyncConnection, spans: Mapping[int, Sequence[Span]]) -> dict[int, int]:
        """Return each signal's hot rows in its spans."""
        counts = dict.fromkeys(spans, 0)
        for parts, few in _alike(spans):
            for some in chunks(few, SIGNALS_AT_ONCE):
                for start, end in parts:
                    where = inside(some, start, end)
                    statement = f"SELECT s.signal_id, COUNT(*) FROM samples s WHERE {where} GROUP BY s.signal_id"  # noqa: S608
                    for signal, number in await connection.execute(text(statement)):
                        counts[int(signal)] += int(number)
        return counts

    async def rollups(
        self, connection: AsyncConnection, tier: Tier, spans: Mapping[int, Sequence[Span]]
    ) -> dict[int, Rows]:
        """Return each signal's rows of a rollup in its spans, and the samples that they stand for."""
        counts = dict.fromkeys(spans, Rows(0, 0))
        for parts, few in _alike(spans):
            for some in chunks(few, SIGNALS_AT_ONCE):
                for start, end in parts:
                    where = inside(some, start, end, "r.bucket_at")
                    statement = f"""SELECT r.signal_id, COUNT(*), SUM(r.samples) FROM {TABLES[tier]} r
                        WHERE {where} GROUP BY r.signal_id"""  # noqa: S608
                    for signal, rows, samples in await connection.execute(text(statement)):
                        before = counts[int(signal)]
                        counts[int(signal)] = Rows(before.rows + int(rows), before.samples + int(samples))
        return counts

    async def cold(
        self, connection: AsyncConnection, file: ColdFile | None, spans: Mapping[int, Sequence[Span]]
    ) -> dict[int, int]:
        """Return each signal's samples of a file in its spans; erased ones do not count.

        Raises:
            ColdFileError: The file is missing or damaged.
        """
        if file is None:
            return {}
        of_file = await self._counted(file)
        erased = await self._erased(connection, file)
        counts: dict[int, int] = {}
        for signal, parts in spans.items():
            if signal not in of_file:
                continue
            is_whole = len(parts) == 1 and parts[0][0] <= file.start_at and parts[0][1] >= file.end_at
            if is_whole and signal not in erased:
                counts[signal] = of_file[signal]
            else:
                found = await self._cold.read(connection, {signal: parts}, HELD_ROWS_MAX, strict=True, ranked=False)
                counts[signal] = len(found)
        return counts

    async def going(self, connection: AsyncConnection, file: ColdFile, order: RemovalOrder) -> dict[int, int]:
        """Return each signal's samples of a file that an order takes."""
        of_file = await self._counted(file)
        day = (file.start_at, file.end_at)
        parts = {one: without_holds(day, order.held_of(one)) for one in order.signals if one in of_file}
        return await self.cold(connection, file, {one: spans for one, spans in parts.items() if spans})

    async def _counted(self, file: ColdFile) -> dict[int, int]:
        known = self._of_file.get(file.name)
        if known is None:
            known = await self._cold.counted(file)
            self._of_file[file.name] = known
            while len(self._of_file) > 1 and sum(map(len, self._of_file.values())) > REMEMBERED_MAX:
                del self._of_file[next(iter(self._of_file))]
        return known

    async def _erased(self, connection: AsyncConnection, file: ColdFile) -> set[int]:
        meets = (ERASURES.c.start_at < file.end_at, ERASURES.c.end_at > file.start_at)
        return set((await connection.scalars(select(ERASURES.c.signal_id).where(*meets).distinct())).all())


def _table(tier: Tier) -> tuple[str, str]:
    return ("samples", "source_at") if tier is Tier.RAW else (TABLES[tier], "bucket_at")


def _alike(spans: Mapping[int, Iterable[Span]]) -> Iterator[tuple[tuple[Span, ...], list[int]]]:
    """Yield signals of which the same spans go, together."""
    found: dict[tuple[Span, ...], list[int]] = defaultdict(list)
    for signal, parts in spans.items():
        found[tuple(parts)].append(signal)
    yield from found.items()


def _first_outside(order: RemovalOrder, signal: int, at: int) -> list[int]:
    """Return the first time from ``at`` on that is not held; the rows there may be later, never earlier."""
    left = without_holds((at, order.before_at), order.held_of(signal))
    return [left[0][0]] if left else []
