"""The composition root: settings become adapters, services and an engine, in order, and end in the opposite order.

`running` is the whole life of the product: database > consumers > producers; at the end producers are cancelled,
consumers drained, the recorder flushed, the database closed. A fatal error in the engine ends the process.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import psutil
import structlog

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.errors import PdmError
from pdm_app.domain.ports import Clock, PlantControl, UnitOfWork
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros
from pdm_app.drivers.registry import DRIVERS
from pdm_app.engine.alarm_watch import AlarmWatch
from pdm_app.engine.collector import Collector
from pdm_app.engine.intake import Intake
from pdm_app.engine.lease_keeper import LeaseKeeper
from pdm_app.engine.recorder import Recorder
from pdm_app.engine.supervisor import Stage, Supervisor
from pdm_app.services.alarms import AlarmService
from pdm_app.services.assets import AssetService
from pdm_app.services.auth import AuthService
from pdm_app.services.catalogue import Services
from pdm_app.services.connections import ConnectionService
from pdm_app.services.demo import DemoService
from pdm_app.services.devices import DeviceService
from pdm_app.services.history import HistoryService
from pdm_app.services.ingest import IngestService
from pdm_app.services.live import LiveService
from pdm_app.services.signals import SignalService
from pdm_app.services.system import Check, HealthChecks, SystemInfo, SystemService
from pdm_app.settings import Settings
from pdm_app.simulation.fleet import running_fleet
from pdm_app.simulation.plant import PlantDefinition
from pdm_app.storage.buffer import DiskBuffer
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.bus import Bus
from pdm_app.stream.frames import LiveFrames
from pdm_app.stream.latest import Latest

log = structlog.get_logger(__name__)

BUFFER_FILE = "buffer.sqlite"
LAG_S_MAX = 60.0  # A recorder further behind than this is not healthy.
FATAL_EXIT = 70  # EX_SOFTWARE of sysexits.h: a service manager starts the product again.


class SystemClock:
    """The wall clock."""

    def now(self) -> Micros:
        return Micros(time.time_ns() // 1000)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Product:
    """The running product."""

    settings: Settings
    services: Services
    clock: Clock
    supervisor: Supervisor
    collector: Collector
    recorder: Recorder
    frames: LiveFrames
    version: str


def product_version() -> str:
    """Version of the installed package, or of a checkout."""
    try:
        return version("pdm-app")
    except PackageNotFoundError:
        return "0.1.0+checkout"


def end_process(child: str, error: BaseException) -> None:
    """End the process with a non-zero code after an orderly stop: what a bug in the engine leads to."""
    log.critical("the product ends", child=child, error=str(error))
    os.environ[FATAL_VARIABLE] = "1"
    signal.raise_signal(signal.SIGTERM)


FATAL_VARIABLE = "PDM_INTERNAL_FATAL"  # Read by the command that serves, which turns it into the exit code.


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    clock: Clock | None = None,
    on_fatal: Callable[[str, BaseException], None] = end_process,
) -> AsyncIterator[Product]:
    """Run the product until the block is left.

    Raises:
        PdmError: The database or the data directory cannot be used; says what to do.
    """
    clock = clock or SystemClock()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(_open_database(settings))
        work = SqlUnitOfWork(database)
        plant = await _demo_plant(settings, work, clock, stack) if settings.demo else None
        buffer = DiskBuffer(settings.data_dir / BUFFER_FILE, bytes_max=settings.buffer.bytes_max)
        stack.push_async_callback(buffer.close)
        historian = SqlHistorian(database, clock)
        bus, latest = Bus[Batch](), Latest()
        frames = LiveFrames(latest, clock)
        stack.enter_context(latest.listening(frames.note))
        for sample in await historian.latest():
            latest.merge(Batch.of("history", [sample], clock.now()))

        supervisor = Supervisor(clock, on_fatal)
        stack.push_async_callback(supervisor.stop)
        keeper = LeaseKeeper(SqlLease(database, clock), clock, holder=str(settings.data_dir))
        stack.push_async_callback(keeper.release)
        recorder = Recorder(buffer, historian, keeper.held, clock)
        intake = Intake([], bus, latest, buffer, clock)
        collector = Collector(work, intake, supervisor, DRIVERS, clock, keeper)
        alarm_watch = AlarmWatch(work, bus, buffer, clock)

        supervisor.start("lease", keeper.run, stage=Stage.SERVICE)
        supervisor.start("recorder", recorder.run, stage=Stage.CONSUMER, backoff=recorder.backoff,
                         on_retry=recorder.retrying, drain=recorder.drain)  # fmt: skip
        supervisor.start("alarms", alarm_watch.run, stage=Stage.CONSUMER, drain=alarm_watch.drain)
        await collector.start()

        signals = SignalService(work)
        auth = AuthService(work, clock, settings)
        stack.callback(auth.close)
        if settings.demo:
            await auth.ensure_demo_accounts()
        started_at = clock.now()
        services = Services(
            alarms=AlarmService(work, alarm_watch, clock),
            assets=AssetService(work),
            auth=auth,
            connections=ConnectionService(work, collector, clock),
            devices=DeviceService(work, clock),
            history=HistoryService(historian, signals),
            ingest=IngestService(work, intake, clock, settings.ingest),
            live=LiveService(frames, signals),
            signals=signals,
            system=SystemService(
                _checks(work, recorder, buffer, collector),
                lambda: _info(settings, clock, started_at, database, recorder, buffer, frames),
                clock,
            ),
            demo=DemoService(plant) if plant is not None else None,
        )
        yield Product(settings, services, clock, supervisor, collector, recorder, frames, product_version())


@asynccontextmanager
async def _open_database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings.database_url)
    try:
        await database.migrate()
        yield database
    finally:
        await database.close()


async def _demo_plant(settings: Settings, work: UnitOfWork, clock: Clock, stack: AsyncExitStack) -> PlantControl:
    fleet = await stack.enter_async_context(running_fleet(settings.data_dir, clock))
    await _provision(work, fleet.definition)
    return fleet


async def _provision(work: UnitOfWork, plant: PlantDefinition) -> None:
    """Store the demo plant; what is stored already is brought to the ports of this start."""
    async with work(EVERY_SITE) as transaction:
        for site in plant.sites:
            await transaction.sites.put(site)
        for area in plant.areas:
            await transaction.assets.put_area(area)
        for line in plant.lines:
            await transaction.assets.put_line(line)
        for asset in plant.assets:
            await transaction.assets.put(asset)
        paused = {connection.id for connection in await transaction.connections.all() if not connection.enabled}
        for connection in plant.connections:
            await transaction.connections.put(connection.model_copy(update={"enabled": connection.id not in paused}))
        for device in plant.devices:
            await transaction.devices.put(device)
        await transaction.signals.put(plant.signals)
        known = {rule.id for rule in await transaction.alarms.rules()}
        for rule in plant.rules:
            if rule.id not in known:
                await transaction.alarms.put_rule(rule)
        await transaction.commit()


def _checks(work: SqlUnitOfWork, recorder: Recorder, buffer: DiskBuffer, collector: Collector) -> HealthChecks:
    async def database() -> Check:
        try:
            round_trip_ms = await work.ping()
        except PdmError as error:
            return Check(name="database", ok=False, detail=error.message)
        return Check(name="database", ok=True, detail=f"answers in {round_trip_ms:.1f} ms")

    async def recording() -> Check:
        status = recorder.status()
        if not status.recording:
            return Check(name="recorder", ok=False, detail=status.last_error, needed=False)
        ok = status.lag_s < LAG_S_MAX
        return Check(name="recorder", ok=ok, detail=f"{status.lag_s:.1f} s behind", needed=False)

    async def buffering() -> Check:
        share = buffer.bytes_used / buffer.bytes_max
        return Check(name="buffer", ok=share < 1.0, detail=f"{buffer.depth} samples, {share:.0%} of its cap")

    async def connections() -> Check:
        statuses = collector.statuses
        down = [status.connection_id for status in statuses if status.state in {"disconnected", "connecting"}]
        detail = f"{len(statuses) - len(down)} of {len(statuses)} deliver"
        return Check(name="connections", ok=not down, detail=detail, needed=False)

    return {"database": database, "recorder": recording, "buffer": buffering, "connections": connections}


def _info(
    settings: Settings,
    clock: Clock,
    started_at: Micros,
    database: Database,
    recorder: Recorder,
    buffer: DiskBuffer,
    frames: LiveFrames,
) -> SystemInfo:
    process = psutil.Process()
    status = recorder.status()
    busy = process.cpu_times()
    lived_s = max(1e-3, (clock.now() - started_at) / MICROS_PER_S)
    return SystemInfo(
        version=product_version(),
        started_at=started_at,
        now=clock.now(),
        database=database.shown_url,
        data_dir=str(settings.data_dir),
        demo=settings.demo,
        python=sys.version.split()[0],
        samples_recorded=status.samples_total,
        samples_per_s=status.samples_per_s,
        buffer_samples=buffer.depth,
        buffer_bytes=buffer.bytes_used,
        buffer_bytes_max=buffer.bytes_max,
        samples_dropped=0,
        viewers=frames.watchers,
        memory_bytes=process.memory_info().rss,
        cpu_percent=round(100 * (busy.user + busy.system) / lived_s, 1),
    )
