"""The product's historian under `bench history`: today recorded and rolled up, the past imported, then asked."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pdm_app.cli.bench.history_plan import (
    DAY_US,
    PIXELS,
    RAW_ROWS_MAX,
    SECOND,
    HistoryPlan,
    Portion,
    Question,
    Span,
)
from pdm_app.cli.bench.tables import Tables
from pdm_app.domain.history import HistoryQuery
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Batch, Micros
from pdm_app.storage.cold import ColdTier
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.migrations import migrate

ROWS_PER_WRITE = 20_000
LEASE_S = 86_400.0


class PlanClock:
    """Stands at the end of the plan, so that the same days are closed whenever it runs."""

    def __init__(self, at: int) -> None:
        self._at = Micros(at)

    def now(self) -> Micros:
        return self._at

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError("nothing of a historian sleeps")


class ProductStore:
    """One database and one folder of cold files."""

    def __init__(self, url: str, folder: Path, plan: HistoryPlan) -> None:
        self._database = Database(url)
        self._cold = folder / "cold"
        self._plan = plan
        clock = PlanClock(plan.end)
        self._lease = SqlLease(self._database, clock)
        self._historian = SqlHistorian(self._database, clock, cold=ColdTier(self._database, self._cold))
        self._seq = 0

    async def load(self) -> Mapping[str, object]:
        """Record today as in a plant; what is past by then is imported, day by day, as an old archive is."""
        await migrate(self._database)
        fence = await self._lease.acquire("bench", LEASE_S)
        if fence is None:
            raise RuntimeError("The collector lease of the benchmark's own database is taken.")
        *past, today = self._plan.day_starts()
        began_s = time.perf_counter()
        recorded = 0
        for portion in [*self._plan.portions(today), self._plan.lonely()]:
            recorded += await self._write(portion, fence)
        recorded_s = time.perf_counter() - began_s
        while await self._historian.roll_up(fence):
            pass
        rolled_up_s = time.perf_counter() - began_s
        imported, imported_s = 0, 0.0
        for day in past:
            batches = _by_signal(list(self._plan.portions(day)), day)
            began_s = time.perf_counter()
            imported += (await self._historian.import_past(batches, fence)).samples
            imported_s += time.perf_counter() - began_s
        return {
            "samples": recorded + imported,
            "stored": await self._stored(),
            "recorded": recorded,
            "recorded_s": recorded_s,
            "rolled_up_s": rolled_up_s,
            "imported": imported,
            "imported_s": imported_s,
            **await self._sizes(),
            "version": await Tables(self._database).version(),
        }

    async def ask(self, question: Question, span: Span) -> int:
        """Ask the historian as the services do."""
        if question.kind == "latest":
            return len(await self._historian.latest())
        if question.kind == "samples":
            found = await self._historian.samples(question.signals, Micros(span.start), Micros(span.end), RAW_ROWS_MAX)
            return sum(map(len, found.values()))
        query = HistoryQuery(
            signals=tuple(question.signals), start_at=Micros(span.start), end_at=Micros(span.end), buckets=PIXELS
        )
        return sum(len(envelope.at) for envelope in await self._historian.envelope(query))

    async def close(self) -> None:
        await self._database.close()

    async def _write(self, portion: Portion, fence: Fence) -> int:
        for begin in range(0, len(portion), ROWS_PER_WRITE):
            rows = slice(begin, begin + ROWS_PER_WRITE)
            at = portion.source_at[rows]
            self._seq += 1
            batch = Batch(
                "bench", portion.signal[rows].astype(np.uint32), at, portion.value[rows],
                np.zeros(len(at), np.uint16), Micros(int(at[-1])), self._seq,
            )  # fmt: skip
            await self._historian.write([batch], fence)
        return len(portion)

    async def _stored(self) -> int:
        """Return of how many samples the historian knows, which are to be all."""
        edges = np.array([self._plan.start, self._plan.end], np.int64)
        known = int((await self._historian.summaries(range(1, SECOND.stop), edges)).rows.samples.sum())
        return known + sum(sample.source_at == self._plan.end for sample in await self._historian.latest())

    async def _sizes(self) -> dict[str, int]:
        files = list(self._cold.glob("*.parquet"))
        async with self._database.connected("count hot rows") as connection:
            hot = int((await connection.exec_driver_sql("SELECT COUNT(*) FROM samples")).scalar_one())
        return {
            "hot": hot,
            "cold_bytes": sum(file.stat().st_size for file in files),
            "bytes": await Tables(self._database).bytes_used() + sum(file.stat().st_size for file in files),
        }


def _by_signal(portions: Sequence[Portion], day: int) -> list[Batch]:
    """Return a batch of each signal, in order, as an import wants them."""
    signal, at, value = (
        np.concatenate(columns)
        for columns in zip(*((part.signal, part.source_at, part.value) for part in portions), strict=True)
    )
    order = np.argsort(signal, kind="stable")
    signal, at, value = signal[order], at[order], value[order]
    edges = np.flatnonzero(np.diff(signal)) + 1
    return [
        Batch(
            "bench", numbers.astype(np.uint32), times, values, np.zeros(len(times), np.uint16), Micros(day + DAY_US),
            int(numbers[0]),
        )
        for numbers, times, values in zip(*(np.split(column, edges) for column in (signal, at, value)), strict=True)
    ]  # fmt: skip
