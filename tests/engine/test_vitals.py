"""What health checks and figures say while parts of the engine are in trouble."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pdm_app.domain.errors import BufferFullError, UnavailableError
from pdm_app.domain.ports import Ticket
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Quality, Sample, SignalId
from pdm_app.engine.alarm_watch import AlarmWatch
from pdm_app.engine.collector import Collector
from pdm_app.engine.deriver import CONSUMER as FORMULAS
from pdm_app.engine.deriver import Deriver
from pdm_app.engine.intake import Intake
from pdm_app.engine.lease_keeper import LeaseKeeper
from pdm_app.engine.recorder import Recorder
from pdm_app.engine.supervisor import Retry, Supervisor
from pdm_app.engine.vitals import LAG_S_MAX, About, Vitals
from pdm_app.services.metrics import Metrics
from pdm_app.services.system import Check
from pdm_app.storage.buffer import DiskBuffer
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.stream.alarm_book import AlarmBook
from pdm_app.stream.bus import Bus
from pdm_app.stream.frames import LiveFrames
from pdm_app.stream.latest import Latest
from tests.counterparts.clocks import NOON, HandClock, until
from tests.counterparts.installation import SIGNALS, stored_plant

PUMP_SIGNAL = SIGNALS[0].id
BUFFER_BYTES_MAX = 100_000


@dataclass
class Engine:
    """The engine's parts on real storage; no loop runs unless a test runs it."""

    clock: HandClock
    buffer: DiskBuffer
    buffer_path: Path
    intake: Intake
    recorder: Recorder
    keeper: LeaseKeeper
    other_lease: SqlLease
    vitals: Vitals
    metrics: Metrics

    async def check(self, name: str) -> Check:
        return await self.vitals.checks()[name]()

    def send(self, samples: int, value: float = 1.0) -> Ticket:
        """Let new samples of one signal come in."""
        first = self.clock.at - samples
        rows = [Sample(SignalId(PUMP_SIGNAL), value + row, Quality.GOOD, Micros(first + row)) for row in range(samples)]
        self.clock.at += MICROS_PER_S
        return self.intake.accept(Batch.of("pump", rows, Micros(self.clock.at)))

    def figure(self, name: str) -> float:
        lines = self.metrics.page().decode().splitlines()
        return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


@pytest.fixture
async def engine(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Engine]:
    clock, path = HandClock(), tmp_path / "buffer.sqlite"
    async with stored_plant(sqlite_url) as work:
        database = Database(sqlite_url)
        buffer = DiskBuffer(path, BUFFER_BYTES_MAX, ("recorder", "alarms", FORMULAS))
        bus, latest = Bus[Batch](), Latest()
        keeper = LeaseKeeper(SqlLease(database, clock), clock, "this one")
        intake = Intake(SIGNALS, bus, latest, buffer, clock)
        recorder = Recorder(buffer, SqlHistorian(database, clock), keeper.held, clock)
        collector = Collector(work, intake, Supervisor(clock, lambda *_: None), {}, clock, keeper)
        watch = AlarmWatch(AlarmBook(), bus, buffer, work, clock, keeper.held)
        historian = SqlHistorian(database, clock)
        deriver = Deriver(buffer, intake, historian, work, clock, keeper.held, intake.settled)
        about = About("1.0", Micros(NOON), database.place, str(tmp_path), demo=False)
        frames = LiveFrames(latest, clock)
        vitals = Vitals(about, clock, work, buffer, recorder, collector, watch, deriver, keeper, bus, frames)
        metrics = Metrics()
        vitals.register(metrics)
        yield Engine(clock, buffer, path, intake, recorder, keeper, SqlLease(database, clock), vitals, metrics)
        await buffer.close()
        await database.close()


async def leading(engine: Engine) -> "asyncio.Task[None]":
    """Let the keeper take the lease."""
    task = asyncio.create_task(engine.keeper.run())
    await until(lambda: engine.keeper.fence is not None)
    return task


async def test_a_buffer_whose_disk_refuses_is_not_sound_and_what_it_lost_is_counted(engine: Engine) -> None:
    await engine.send(1).durable
    assert (await engine.check("buffer")).ok
    pages = engine.buffer._file._connection.execute("PRAGMA page_count").fetchone()[0]
    engine.buffer._file._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(UnavailableError):
        await engine.send(3000, 2.0).durable
    await asyncio.sleep(0)
    check = await engine.check("buffer")
    assert (check.ok, check.needed) == (False, True)
    assert "Make room on the disk" in check.detail
    assert engine.vitals.info().samples_dropped == engine.figure("samples_lost_total") == 3000

    engine.buffer._file._connection.execute("PRAGMA max_page_count = 1000000")
    await engine.send(1, 9.0).durable
    assert (await engine.check("buffer")).ok


async def test_a_buffer_that_refuses_is_not_ready_although_a_few_bytes_are_free(engine: Engine) -> None:
    def fill() -> None:
        for turn in range(1000):
            engine.send(500, float(turn))

    with pytest.raises(BufferFullError):
        fill()
    assert engine.buffer.bytes_used < BUFFER_BYTES_MAX
    check = await engine.check("buffer")
    assert not check.ok
    assert "full" in check.detail
    assert engine.vitals.info().samples_dropped == engine.figure("samples_refused_total") == 500


async def test_what_the_disk_has_damaged_is_said_and_keeps_nothing_from_being_taken(engine: Engine) -> None:
    engine.buffer.quarantined = 3
    check = await engine.check("buffer")
    assert check.ok
    assert "3 batches were damaged by the disk and are set aside. Check the disk" in check.detail


async def test_a_standby_says_that_it_is_one_and_takes_over(engine: Engine) -> None:
    fence = await engine.other_lease.acquire("another one", 60)
    assert fence is not None
    task = asyncio.create_task(engine.keeper.run())
    await until(lambda: engine.keeper.waiting)
    check = await engine.check("lease")
    assert (check.ok, check.needed) == (False, False)
    assert "another process collects" in check.detail

    await engine.other_lease.release(fence)
    await engine.clock.advance(2)
    await until(lambda: engine.keeper.fence is not None)
    assert await engine.check("lease") == Check(name="lease", ok=True, detail="this process collects", needed=False)
    task.cancel()


async def test_a_recorder_that_cannot_write_says_why_and_one_far_behind_is_in_trouble(engine: Engine) -> None:
    keeper = await leading(engine)
    await engine.send(10).durable
    recording = asyncio.create_task(engine.recorder.run())
    await until(lambda: engine.recorder.status().samples_total == 10)
    assert (await engine.check("recorder")).ok

    recording.cancel()
    await asyncio.gather(recording, return_exceptions=True)
    engine.recorder.retrying(Retry(UnavailableError("The server is read-only: point the URL at the primary."), 1, 1.0))
    check = await engine.check("recorder")
    assert (check.ok, check.detail) == (False, "The server is read-only: point the URL at the primary.")

    writing = sqlite3.connect(engine.buffer_path.parent / "pdm.sqlite", isolation_level=None)
    writing.execute("BEGIN IMMEDIATE")  # Another program holds the database for writing.
    await engine.send(10, 50.0).durable
    engine.clock.at += round((LAG_S_MAX + 1) * MICROS_PER_S)
    recording = asyncio.create_task(engine.recorder.run())
    await until(lambda: engine.recorder.status().lag_s > LAG_S_MAX)
    assert not (await engine.check("recorder")).ok
    writing.execute("ROLLBACK")
    writing.close()
    await until(lambda: engine.recorder.status().samples_total == 20)
    assert (await engine.check("recorder")).ok
    for task in (recording, keeper):
        task.cancel()


async def test_figures_count_what_came_by_what_became_of_it(engine: Engine) -> None:
    await engine.send(10).durable
    rows = [Sample(SignalId(PUMP_SIGNAL), 1.0, Quality.GOOD, Micros(engine.clock.at + 3600 * MICROS_PER_S))]
    engine.intake.accept(Batch.of("pump", rows, Micros(engine.clock.at)))
    info = engine.vitals.info()
    assert (info.samples_dropped, info.buffer_samples, info.samples_recorded) == (1, 10, 0)
    assert engine.figure("sensor_readings_total") == 11
    assert engine.figure("samples_rejected_time_total") == 1
    assert engine.figure("buffer_depth_samples") == 10
    assert info.memory_bytes > 10_000_000
