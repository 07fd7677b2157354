"""Load generator and recorder in one process beside the database, as ``python -m pdm_app.cli.bench.recording``.

Order ``{"what": "record"}`` offers batches to the durable buffer as fast as it admits them, while recorder and rollup
write them to the historian as in the product. Order ``{"what": "replay"}`` writes what was recorded once more. Order
``{"what": "outage"}`` fills a buffer while nobody records, opens it anew and records what waits in it.
Order ``{"what": "plain"}`` is the peer: the same samples as plain multi-row inserts into a table of the same columns.
Time in the samples is the plant's: each batch is one second later, so that a rollup bucket holds as many samples as in
a plant at 1 Hz.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from pdm_app.cli.bench.tables import PLAIN_TABLE, Tables, plain_insert
from pdm_app.domain.ports import Fence, Ticket
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros
from pdm_app.engine.cooling import HOT_DAYS
from pdm_app.engine.recorder import CONSUMER, Recorder
from pdm_app.engine.rollup import Rollup
from pdm_app.engine.supervisor import first_of
from pdm_app.runtime.process import SystemClock
from pdm_app.simulation.children.child import ChildLink, Message, run_child
from pdm_app.storage.buckets import BUCKET_US
from pdm_app.storage.buffer import DiskBuffer
from pdm_app.storage.columnar import columns_of_batches
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.migrations import migrate
from pdm_app.storage.rollups import GRACE_US

T = TypeVar("T")

SEED = 42
BEGIN_AT = Micros(1_767_225_600 * MICROS_PER_S)  # 2026-01-01
BACKLOG_MAX = 200_000  # Samples waiting in the buffer at which the generator pauses: what counts is what gets out.
PAUSE_S = 0.002
PLAIN_BATCHES = 10  # Of 1,000 samples each per commit: where multi-row inserts are at their best.
LEASE_S = 86_400.0
BUFFER_BYTES_MAX = 1_000_000_000
OUTAGE_PER_S = 50_000  # Samples that come in each second of an outage: what must be caught up in one.
COMMITTED_EVERY = 100  # Batches: what is offered and not committed has a limit.
VALUES = 100_000  # Prepared random values, used in turn.


def batches(signals: int) -> Iterator[Batch]:
    """Yield one batch per second of the plant's time, with one noisy sample of each signal."""
    values = np.random.default_rng(SEED).normal(50.0, 10.0, VALUES)
    ids = np.arange(1, signals + 1, dtype=np.uint32)
    quality = np.zeros(signals, dtype=np.uint16)
    at = int(BEGIN_AT)
    while True:
        first = at // MICROS_PER_S * 7919 % (VALUES - signals)
        value = values[first : first + signals]
        yield Batch("bench", ids, np.full(signals, at, dtype=np.int64), value, quality, received_at=Micros(at))
        at += MICROS_PER_S


class Recording:
    """One database with the product's way into it."""

    def __init__(self, database: Database, folder: Path, signals: int) -> None:
        self._database = database
        self._folder = folder
        self._signals = signals
        self._clock = SystemClock()
        self._fence: Fence | None = None
        self._source = batches(signals)
        self._batches = 0

    async def record(self, seconds: float) -> Message:
        """Offer for ``seconds``, wait until all of it is recorded, then until all closed buckets are rolled up."""
        database, tables = self._database, Tables(self._database)
        await migrate(database)
        fence = await SqlLease(database, self._clock).acquire("bench", LEASE_S)
        if fence is None:
            raise RuntimeError("The collector lease of the benchmark's own database is taken.")
        self._fence = fence
        historian = SqlHistorian(database, self._clock)
        await historian.partitions.roll_forward(fence, BEGIN_AT, HOT_DAYS)  # As the product does.
        buffer = DiskBuffer(self._folder / f"buffer-{database.engine.name}.sqlite", BUFFER_BYTES_MAX, (CONSUMER,))
        tickets: deque[Ticket] = deque(maxlen=1)
        recorder = Recorder(buffer, historian, self._held, self._clock, lambda: _settled(tickets))
        rollup = Rollup(historian, self._held, self._clock)
        bytes_before = await tables.bytes_used()
        began_s = time.perf_counter()
        offered = await first_of(_recorded(recorder, _offer(buffer, self._source, seconds, tickets)), rollup.run())
        recorded_s = time.perf_counter() - began_s
        while await historian.roll_up(fence):
            pass
        rolled_up_s = time.perf_counter() - began_s
        await buffer.close()
        self._batches = offered // self._signals
        horizon = BEGIN_AT + (offered // self._signals - 1) * MICROS_PER_S - GRACE_US
        due = max(0, horizon - horizon % BUCKET_US - BEGIN_AT) // MICROS_PER_S * self._signals
        return {
            "offered": offered,
            "stored": await tables.count("samples"),
            "rolled_up": await tables.rolled_up(),
            "rolled_up_due": due,
            "recorded_s": recorded_s,
            "rolled_up_s": rolled_up_s,
            "bytes": await tables.bytes_used() - bytes_before,
            "version": await tables.version(),
        }

    async def outage(self, seconds: float) -> Message:
        """Fill a buffer as in an outage of ``seconds``, then record what waits in it, read from the disk."""
        path = self._folder / f"outage-{self._database.engine.name}.sqlite"
        buffer = DiskBuffer(path, BUFFER_BYTES_MAX, (CONSUMER,))
        tickets: deque[Ticket] = deque(maxlen=1)
        offered = 0
        while offered < seconds * OUTAGE_PER_S:
            batch = next(self._source)
            tickets.append(buffer.offer(batch))
            offered += len(batch)
            if tickets[-1].seq % COMMITTED_EVERY == 0:
                await _settled(tickets)
        await _settled(tickets)
        await buffer.close()
        buffer = DiskBuffer(path, BUFFER_BYTES_MAX, (CONSUMER,))
        tables, historian = Tables(self._database), SqlHistorian(self._database, self._clock)
        before = await tables.count("samples")
        recorder = Recorder(buffer, historian, self._held, self._clock)
        rollup = Rollup(historian, self._held, self._clock)
        began_s = time.perf_counter()
        await first_of(_recorded(recorder, asyncio.sleep(0)), rollup.run())
        recorded_s = time.perf_counter() - began_s
        await buffer.close()
        stored = await tables.count("samples") - before
        return {"offered": offered, "stored": stored, "recorded_s": recorded_s, "bytes": 0}

    async def _held(self) -> Fence:
        if self._fence is None:
            raise RuntimeError("The lease of the benchmark's own database is taken by its first order.")
        return self._fence

    async def replay(self, seconds: float) -> Message:
        """Write what was recorded once more, the very same, as after a kill before the buffer learnt of it."""
        fence = await self._held()
        tables, historian = Tables(self._database), SqlHistorian(self._database, self._clock)
        before = await tables.count("samples")
        source, seq = batches(self._signals), 0
        began_s = time.perf_counter()
        while seq < self._batches and time.perf_counter() - began_s < seconds:
            some = [
                next(source).numbered(seq + place) for place in range(1, min(PLAIN_BATCHES, self._batches - seq) + 1)
            ]
            await historian.write(some, fence)
            seq += len(some)
        took_s = time.perf_counter() - began_s
        grown = await tables.count("samples") - before
        return {"offered": seq * self._signals, "stored": seq * self._signals - grown, "recorded_s": took_s, "bytes": 0}

    async def plain(self, seconds: float) -> Message:
        """Insert the same samples without looking at what is there, without latest values and without rollups."""
        tables = Tables(self._database)
        await tables.make_plain()
        bytes_before = await tables.bytes_used()
        statement, source = plain_insert(is_sqlite=self._database.is_sqlite), batches(self._signals)
        began_s = time.perf_counter()
        offered = 0
        while time.perf_counter() - began_s < seconds:
            rows = columns_of_batches([next(source) for _ in range(PLAIN_BATCHES)]).tuples()
            async with self._database.writing("insert plainly") as connection:
                await connection.exec_driver_sql(statement, rows)
            offered += len(rows)
        recorded_s = time.perf_counter() - began_s
        return {
            "offered": offered,
            "stored": await tables.count(PLAIN_TABLE),
            "recorded_s": recorded_s,
            "bytes": await tables.bytes_used() - bytes_before,
        }


async def _recorded(recorder: Recorder, offering: Awaitable[T]) -> T:
    """Record while samples are offered and until all of them are in the database; returns what the offering does."""
    async with asyncio.TaskGroup() as group:
        group.create_task(recorder.run())
        offered = await offering
        await recorder.drain()
    return offered


async def _settled(tickets: deque[Ticket]) -> None:
    for ticket in tickets:  # Commits are in order: the last one stands for all.
        await ticket.durable


async def _offer(buffer: DiskBuffer, source: Iterator[Batch], seconds: float, tickets: deque[Ticket]) -> int:
    """Offer batches for ``seconds`` as fast as they get out again; returns how many samples that were."""
    offered = 0
    give_up_s = time.perf_counter() + seconds
    while time.perf_counter() < give_up_s:
        if buffer.depth >= BACKLOG_MAX:
            await asyncio.sleep(PAUSE_S)
            continue
        batch = next(source)
        tickets.append(buffer.offer(batch))
        offered += len(batch)
        await asyncio.sleep(0)
    return offered


async def serve(link: ChildLink, configuration: Message) -> None:
    """Do what is ordered, one after the other, and say how it went."""
    database = Database(configuration["database_url"])
    recording = Recording(database, Path(configuration["folder"]), configuration["signals"])
    work: dict[str, Any] = {
        "record": recording.record,
        "outage": recording.outage,
        "replay": recording.replay,
        "plain": recording.plain,
        "empty": Tables(database).empty,
    }
    try:
        link.tell(ready=True)
        while True:
            order = await link.order()
            link.tell(**await work[order["what"]](order["seconds"]))
    finally:
        await database.close()


if __name__ == "__main__":
    run_child(serve)
