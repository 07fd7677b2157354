"""A feed of sinks with everything around it over a real database; the recorder is the test."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Quality, Sample, SignalId
from pdm_app.domain.signals import Signal
from pdm_app.domain.sinks import FileOptions, SentSamples, SentSpan, Sink, SinkError, SinkStatus, Target
from pdm_app.engine.sink_feed import SinkFeed
from pdm_app.engine.supervisor import Supervisor
from pdm_app.sinks.doors import SinkDoors
from pdm_app.storage.cold import ColdTier
from pdm_app.storage.committed import SqlCommitted
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import NOON, HandClock
from tests.counterparts.installation import SIGNALS
from tests.counterparts.sink_servers import FileSide, Row, Side
from tests.engine.memory import MemoryBuffer

RSSI, UPTIME, DOOR, FIRMWARE = (signal for signal in SIGNALS if signal.asset_id == "g-1")
OPTIONS = FileOptions(kind="csv", folder="copy", minutes_max=1440)


class Gate:
    """Stands before the real target of a sink, and lets nothing through while it is shut."""

    def __init__(self, doors: SinkDoors) -> None:
        self.doors = doors
        self.shut = ""
        self.breaks = False
        self.writes: list[SentSamples] = []
        self.erased: list[SentSpan] = []

    def target(self, sink: Sink, secret: str | None) -> Target:
        return _Gated(self, self.doors.target(sink, secret))


class _Gated:
    def __init__(self, gate: Gate, inner: Target) -> None:
        self._gate, self._inner, self.refused = gate, inner, 0

    def _pass(self) -> None:
        if self._gate.shut:
            raise SinkError(self._gate.shut)
        if self._gate.breaks:
            raise KeyError("nobody foresaw this")

    async def open(self, checkpoint: str) -> None:
        self._pass()
        await self._inner.open(checkpoint)

    async def write(self, samples: SentSamples) -> str | None:
        self._pass()
        self._gate.writes.append(samples)
        return await self._inner.write(samples)

    async def erase(self, spans: Sequence[SentSpan]) -> str | None:
        self._pass()
        self._gate.erased += spans
        return await self._inner.erase(spans)

    async def settle(self, *, at_once: bool) -> str | None:
        self._pass()
        return await self._inner.settle(at_once=at_once)

    async def confirm(self, checkpoint: str) -> None:
        await self._inner.confirm(checkpoint)

    async def probe(self) -> str:
        return await self._inner.probe()

    async def close(self) -> None:
        await self._inner.close()


class Plant:
    """A feed with everything around it over a real database; the recorder is the test."""

    def __init__(self, work: SqlUnitOfWork, url: str, root: Path, clock: HandClock, side: Side | None = None) -> None:
        self.work, self.clock, self.database = work, clock, Database(url)
        self.cold = ColdTier(self.database, root / "cold")
        self.historian = SqlHistorian(self.database, clock, cold=self.cold)
        self.buffer = MemoryBuffer()
        self.recorded = 0
        self.gate = Gate(SinkDoors(root, clock))
        self.side: Side = side or FileSide(root, OPTIONS)
        self.died: list[BaseException] = []
        self.lease: Fence | None = None

    async def held(self) -> Fence:
        if self.lease is None:
            self.lease = await SqlLease(self.database, self.clock).acquire("tests", 86_400)
            assert self.lease is not None
        return self.lease

    async def put(self, given: Sink) -> None:
        async with self.work(EVERY_SITE) as work:
            await work.sinks.put(given)
            await work.commit()

    async def start(self) -> None:
        async def secret_of(sink_id: str) -> str | None:
            return self.side.secret

        self.supervisor = Supervisor(self.clock, lambda _child, error: self.died.append(error))
        self.feed = SinkFeed(
            self.buffer, lambda: self.recorded, SqlCommitted(self.database, self.cold), self.work, self.clock,
            self.held, self.gate, secret_of, self.supervisor, "here",
        )  # fmt: skip
        self.supervisor.start("sinks", self.feed.run, backoff=self.feed.backoff, on_retry=self.feed.retrying,
                              drain=self.feed.drain)  # fmt: skip
        await self.until(lambda: self.feed._runs)

    async def crash(self) -> None:
        """End as a kill would: nothing is stored any more."""
        for child in list(self.supervisor.children()):
            await self.supervisor.cancel(child)
        await self.start()

    def offer(self, signal: Signal, *values: float | str | None, at_s: float, every_s: float = 1.0) -> Batch:
        """Put samples into the buffer, which the recorder has not read yet."""
        rows = [
            Sample(SignalId(signal.id), value, Quality.BAD_STALE if value is None else Quality.GOOD,
                   Micros(NOON + round((at_s + place * every_s) * MICROS_PER_S)))
            for place, value in enumerate(values)
        ]  # fmt: skip
        self.clock.at = max(self.clock.at, *(row.source_at for row in rows))
        self.buffer.offer(Batch.of("plc", rows, self.clock.now()))
        return self.buffer.batches[-1]

    async def record(
        self, signal: Signal, *values: float | str | bool | None, at_s: float, every_s: float = 1.0
    ) -> None:
        """Have samples received and stored."""
        batch = self.offer(signal, *values, at_s=at_s, every_s=every_s)
        await self.historian.write([batch], await self.held())
        self.recorded = batch.seq

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(90):
            while not condition():
                await self.clock.advance(0.25)
                await asyncio.sleep(0.002)  # For threads and the database.

    def status(self, sink_id: str = "sink-1") -> SinkStatus:
        return self.feed.statuses()[sink_id]

    async def sent(self, count: int) -> list[Row]:
        """Wait until so many rows are safe in the files, and return them as they lie there."""
        found: list[Row] = []
        async with asyncio.timeout(90):
            while len(found) < count:
                await self.clock.advance(0.5)
                await asyncio.sleep(0.005)
                found = await asyncio.to_thread(self.in_files)
        await self.settled()
        return await asyncio.to_thread(self.in_files)

    async def settled(self) -> None:
        """Let what may still be on its way arrive."""
        for _ in range(12):
            await self.clock.advance(0.5)
            await asyncio.sleep(0.005)

    def in_files(self) -> list[Row]:
        assert isinstance(self.side, FileSide)
        paths = sorted(self.side.folder.glob("*.csv*")) if self.side.folder.exists() else []
        return self.side._rows(paths)

    async def close(self) -> None:
        await self.supervisor.stop()
        await self.database.close()
        assert not self.died
