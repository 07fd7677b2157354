"""A replay as runtime composes it: the engine of the product around one clock that the data lead, and no server at all.

What people do, what devices do and what goes out of the house has no part in it: no pages, no drivers, no notices, no
reports by date. What samples lead to has: history in all its tiers, alarms, production and maintenance events.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.errors import ConflictError
from pdm_app.domain.plant_replay import ReplayProgress
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import MICROS_PER_S, Batch
from pdm_app.domain.shifts import ShiftCalendarFacts
from pdm_app.engine.alarm_watch import CONSUMER as ALARMS
from pdm_app.engine.alarm_watch import AlarmWatch
from pdm_app.engine.cooling import Cooling
from pdm_app.engine.intake import Intake
from pdm_app.engine.lease_keeper import LeaseKeeper
from pdm_app.engine.maintenance_watch import MaintenanceWatch
from pdm_app.engine.plant_replay import PlantReplay
from pdm_app.engine.production_watch import ProductionWatch
from pdm_app.engine.recorder import CONSUMER as RECORDER
from pdm_app.engine.recorder import Recorder
from pdm_app.engine.replay_clock import ReplayClock
from pdm_app.engine.rollup import Rollup
from pdm_app.engine.shift_watch import ShiftWatch
from pdm_app.engine.supervisor import Stage, Supervisor, first_of
from pdm_app.services.demo_maintenance import ensure_demo_maintenance
from pdm_app.services.demo_notices import ANCHOR, REASON, THREE_SHIFTS
from pdm_app.services.demo_production import ensure_demo_production
from pdm_app.services.provisioning import provision
from pdm_app.services.shifts import ShiftService
from pdm_app.settings import Settings
from pdm_app.simulation import production as plant_production
from pdm_app.simulation.labels import FILE_NAME as LABELS_FILE
from pdm_app.simulation.labels import Labels, write_labels
from pdm_app.simulation.plant import northfield
from pdm_app.simulation.replay import Replayed
from pdm_app.storage.buffer import DiskBuffer
from pdm_app.storage.cold import FOLDER as COLD_FOLDER
from pdm_app.storage.cold import ColdTier
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.migrations import migrate
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.alarm_book import AlarmBook
from pdm_app.stream.bus import Bus
from pdm_app.stream.latest import Latest
from pdm_app.stream.production_book import ProductionBook

BUFFER_FILE = "buffer.sqlite"
DATABASE_FILE = "pdm.sqlite"
HOLDER = "replay"
SLEEPERS = ("lease", "rollup", "cooling", "shifts", "production", "maintenance")  # By their names below.

Pace: TypeAlias = Callable[[ReplayClock], Callable[[], Awaitable[None]]]


class Replaying:
    """A replay that is ready to begin."""

    def __init__(self, replay: PlantReplay, failure: "asyncio.Future[BaseException]") -> None:
        self._replay = replay
        self._failure = failure
        self.stop = replay.stop

    @property
    def progress(self) -> ReplayProgress:
        return self._replay.progress

    async def run(self) -> None:
        """Replay to the end, or until it is stopped.

        Raises:
            PdmError: It cannot go on; what was replayed so far is stored.
        """
        await first_of(self._replay.run(), self._failed())

    async def _failed(self) -> None:
        raise await self._failure


@asynccontextmanager
async def replaying(
    settings: Settings, labels: Labels, source: Replayed, pace: Pace | None = None
) -> AsyncIterator[Replaying]:
    """Put a new plant into an empty directory, with the engine around it.

    Args:
        settings: Where everything is kept.
        labels: The plant, and what goes wrong with it.
        source: What is replayed.
        pace: Makes what waits after each step; None goes as fast as it goes.

    Raises:
        ConflictError: The directory holds something already.
        UnavailableError: The directory or the database cannot be made.
    """
    refuse_used(settings.data_dir)
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    clock = ReplayClock(source.start_at)
    async with AsyncExitStack() as stack:
        database = Database(settings.database_url)
        stack.push_async_callback(database.close)
        await migrate(database)
        work = SqlUnitOfWork(database)
        await _provide(work, labels, clock)
        await asyncio.to_thread(write_labels, settings.data_dir, labels)
        buffer = DiskBuffer(settings.data_dir / BUFFER_FILE, settings.buffer.bytes_max, (RECORDER, ALARMS))
        stack.push_async_callback(buffer.close)
        failure: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        supervisor = Supervisor(clock, lambda _, error: failure.set_result(error))
        keeper = LeaseKeeper(SqlLease(database, clock), clock, HOLDER)
        stack.push_async_callback(keeper.release)
        stack.push_async_callback(supervisor.stop)
        supervisor.start("lease", keeper.run, stage=Stage.SERVICE)

        async def waiting() -> list[Batch]:
            return list(await buffer.read(await buffer.position(RECORDER), settings.buffer.bytes_max))

        historian = SqlHistorian(database, clock, waiting, ColdTier(database, settings.data_dir / COLD_FOLDER))
        bus, latest, book = Bus[Batch](), Latest(), AlarmBook()
        async with work(EVERY_SITE) as reading:
            intake = Intake(await reading.signals.all(), bus, latest, buffer, clock)
        recorder = Recorder(buffer, historian, keeper.held, clock, intake.settled, gather_s=0.0)
        supervisor.start("recorder", recorder.run, stage=Stage.CONSUMER, backoff=recorder.backoff,
                         on_retry=recorder.retrying, drain=recorder.drain)  # fmt: skip
        rollup = Rollup(historian, keeper.held, clock)
        supervisor.start("rollup", rollup.run, stage=Stage.CONSUMER, backoff=rollup.backoff)
        cooling = Cooling(historian.ways_to_cold()[0], keeper.held, clock, settings.history.hot_days)
        supervisor.start("cooling", cooling.run, stage=Stage.CONSUMER, backoff=cooling.backoff)
        alarms = AlarmWatch(book, bus, buffer, work, clock, keeper.held)
        supervisor.start("alarms", alarms.run, stage=Stage.CONSUMER, drain=alarms.drain)
        supervisor.start("shifts", ShiftWatch(work, alarms, clock).run, stage=Stage.SERVICE)
        since = source.start_at  # Nothing is looked for before it.
        production = ProductionWatch(ProductionBook(), bus, historian, work, clock, keeper.held, lambda: since)
        supervisor.start("production", production.run, stage=Stage.CONSUMER, backoff=production.backoff)
        maintenance = MaintenanceWatch(work, book, latest, clock, keeper.held)
        supervisor.start("maintenance", maintenance.run, stage=Stage.CONSUMER, backoff=maintenance.backoff)
        own_pace = [pace(clock)] if pace is not None else []
        replay = PlantReplay(source, clock, intake, (recorder, alarms), SLEEPERS, book, work, *own_pace)
        yield Replaying(replay, failure)


async def _provide(work: UnitOfWork, labels: Labels, clock: Clock) -> None:
    plant = northfield(size=labels.plant)
    await provision(work, plant, clock.now())
    for site in plant.sites:
        facts = ShiftCalendarFacts(anchor=ANCHOR, days=(THREE_SHIFTS,))
        await ShiftService(work, clock).put(SYSTEM, site.id, facts, 0, REASON)
    rated = (plant_production.units(), plant_production.PRODUCTS, plant_production.REASONS, plant_production.RATES)
    await ensure_demo_production(work, clock, *rated)
    await ensure_demo_maintenance(work, clock)


def paced(speed: float, wall: Clock) -> Pace:
    """Make time go at most so many times as fast as the wall clock; a step that took too long is caught up with."""

    def pace(clock: ReplayClock) -> Callable[[], Awaitable[None]]:
        began, began_at = wall.now(), clock.now()

        async def wait() -> None:
            due = began + (clock.now() - began_at) / speed
            await wall.sleep(max(0.0, (due - wall.now()) / MICROS_PER_S))

        return wait

    return pace


def refuse_used(folder: Path) -> None:
    """Refuse a directory in which something is kept: a replay tells everything from its first moment on.

    Raises:
        ConflictError: There is a plant.
    """
    found = [name for name in (LABELS_FILE, BUFFER_FILE, DATABASE_FILE) if (folder / name).exists()]
    if found:
        raise ConflictError(
            f"{folder} holds a plant already ({', '.join(found)}), and a replay begins with nothing. Give another "
            "directory, or delete that one."
        )
