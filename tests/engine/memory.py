"""Buffer, historian, lease and configuration in memory, with faults that tests switch on."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

from pdm_app.domain.access import Scope
from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import BufferFullError, FencedError, UnavailableError
from pdm_app.domain.history import Envelope, HistoryQuery
from pdm_app.domain.history_facts import Beside, Imported, Recorded, SpanSummaries
from pdm_app.domain.newest import Newest
from pdm_app.domain.ports import Fence, Ticket
from pdm_app.domain.repositories import Work
from pdm_app.domain.samples import I8, Batch, Micros, Sample, Stretch
from pdm_app.domain.signals import Signal


class MemoryBuffer:
    """Batches in a list, durable at once unless ``commits`` is off; full above ``samples_max``."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.positions: dict[str, int] = {}
        self.samples_max = 10**9
        self.bytes_used = 0
        self.bytes_max = 1
        self.trouble = ""
        self.quarantined = 0
        self.identity = "memory"
        self._arrived = asyncio.Event()
        self._pending: list[asyncio.Future[None]] | None = None

    def hold_commits(self) -> "list[asyncio.Future[None]]":
        """Leave the commits of further batches to the test: they are in the list that this returns."""
        self._pending = []
        return self._pending

    def offer(self, batch: Batch) -> Ticket:
        if self.depth + len(batch) > self.samples_max:
            raise BufferFullError("The buffer is full.")
        seq = len(self.batches) + 1
        self.batches.append(batch.numbered(seq))
        self._arrived.set()
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._pending is None:
            durable.set_result(None)
        else:
            self._pending.append(durable)
        return Ticket(seq, durable)

    async def read(self, after: int, samples_max: int) -> Sequence[Batch]:
        taken: list[Batch] = []
        for batch in self.batches[after:]:
            if taken and sum(map(len, taken)) + len(batch) > samples_max:
                break
            taken.append(batch)
        return taken

    async def wait(self, after: int) -> None:
        while len(self.batches) <= after:
            self._arrived.clear()
            await self._arrived.wait()

    async def confirm(self, consumer: str, seq: int) -> None:
        self.positions[consumer] = seq

    async def position(self, consumer: str) -> int:
        return self.positions.get(consumer, 0)

    @property
    def depth(self) -> int:
        return sum(len(batch) for batch in self.batches[self.positions.get("recorder", 0) :])

    def samples(self) -> list[Sample]:
        """Everything that was offered."""
        return [sample for batch in self.batches for sample in batch.samples()]


class MemoryHistorian:
    """Samples by signal and source time; can be away, or held by another."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, int], Sample] = {}
        self.writes: list[int] = []
        self.away = False
        self.dies_after_commit = False
        self.token = 1
        self.rollups_due = 0

    async def write(self, batches: Sequence[Batch], fence: Fence, *, past_buffer: bool = False) -> Recorded:
        if self.away:
            raise UnavailableError("The database at db:3306 does not answer. Start it.")
        if fence.token != self.token:
            raise FencedError("Another process records.")
        samples = [sample for batch in batches for sample in batch.samples()]
        fresh = {(int(sample.signal), int(sample.source_at)): sample for sample in samples}
        duplicates = sum(key in self.rows for key in fresh)
        self.rows.update(fresh)
        self.writes.append(len(samples))
        if self.dies_after_commit:
            self.dies_after_commit = False
            raise UnavailableError("The connection broke before the answer came.")
        return Recorded(len(samples), duplicates)

    async def import_past(self, batches: Sequence[Batch], fence: Fence) -> Imported:
        raise NotImplementedError

    async def rewrite(self, signal: int, start_at: Micros, end_at: Micros, batch: Batch, fence: Fence) -> int:
        raise NotImplementedError

    async def roll_up(self, fence: Fence) -> bool:
        if self.away:
            raise UnavailableError("The database at db:3306 does not answer. Start it.")
        assert fence.token == self.token
        self.rollups_due = max(0, self.rollups_due - 1)
        return self.rollups_due > 0

    async def envelope(self, query: HistoryQuery) -> Sequence[Envelope]:
        raise NotImplementedError

    async def samples(
        self, signals: Sequence[int], start_at: Micros, end_at: Micros, rows_max: int
    ) -> Mapping[int, Stretch]:
        raise NotImplementedError

    async def summaries(self, signals: Sequence[int], edges: I8) -> SpanSummaries:
        raise NotImplementedError

    async def beside(self, signals: Sequence[int], at: Micros) -> Mapping[int, tuple[Beside | None, Beside | None]]:
        raise NotImplementedError

    async def latest(self, signals: Sequence[int] | None = None) -> Newest:
        raise NotImplementedError

    async def count(self, signal: int, start_at: Micros, end_at: Micros) -> int:
        return sum(start_at <= at < end_at for number, at in self.rows if number == signal)


class MemoryLease:
    """One lease on somebody's clock."""

    def __init__(self) -> None:
        self.holder: str | None = None
        self.token = 0
        self.away = False
        self.released: list[Fence] = []

    async def acquire(self, holder: str, ttl_s: float) -> Fence | None:
        assert ttl_s > 0
        if self.away:
            raise UnavailableError("The database does not answer.")
        if self.holder not in (None, holder):
            return None
        if self.holder is None:
            self.token += 1
        self.holder = holder
        return Fence(self.token)

    async def release(self, fence: Fence) -> None:
        self.released.append(fence)
        self.holder = None


class MemoryPlant:
    """Connections and signals behind a unit of work."""

    def __init__(self, connections: Sequence[Connection], signals: Sequence[Signal]) -> None:
        self.connections = {connection.id: connection for connection in connections}
        self.signals = list(signals)

    @asynccontextmanager
    async def __call__(self, scope: Scope) -> AsyncIterator[Work]:
        assert scope.sites is None, "the collector serves every site"

        async def connections() -> Sequence[Connection]:
            return list(self.connections.values())

        async def connection(connection_id: str) -> Connection | None:
            return self.connections.get(connection_id)

        async def signals() -> Sequence[Signal]:
            return list(self.signals)

        work: Any = SimpleNamespace(
            connections=SimpleNamespace(all=connections, get=connection), signals=SimpleNamespace(all=signals)
        )
        yield cast(Work, work)

    async def ping(self) -> float:
        return 0.0


def signal(number: int, **settings: Any) -> Signal:
    """A signal of connection ``line-1`` unless ``settings`` say otherwise."""
    facts: dict[str, Any] = {
        "id": number,
        "site_id": "graz",
        "asset_id": "pump",
        "name": f"Signal_{number}",
        "label": "Signal",
        "connection_id": "line-1",
    }
    return Signal(**(facts | settings))


def connection(connection_id: str = "line-1", **settings: Any) -> Connection:
    facts: dict[str, Any] = {
        "id": connection_id,
        "site_id": "graz",
        "name": f"Connection {connection_id}",
        "driver": "scripted",
        "endpoint": "memory:1",
    }
    return Connection(**(facts | settings))
