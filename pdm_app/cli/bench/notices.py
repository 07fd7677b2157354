"""How long an alarm takes from the sample that crosses its limit to a screen, and to the mail server.

The parts are those of the product: the buffer with its commits, bus, alarm watch, SQLite flushed to disk, the
pictures that screens get, the notifier, and mail over SMTP to a server on loopback. What lies before the sample's
arrival, and the way from the socket to paint, are those of every live value and measured by `bench live`; what both
take together is what a person waits for. Everything runs in one process here, server included, which makes it slower.
"""

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pdm_app.channels.doors import ChannelDoors
from pdm_app.cli.bench.figures import Figure, Report
from pdm_app.cli.bench.latencies import Latencies
from pdm_app.cli.bench.machine import machine
from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.alarms import AlarmRule, AlarmState
from pdm_app.domain.assets import Area, Asset, Line, Site
from pdm_app.domain.conditions.limits import HighLimit
from pdm_app.domain.notice_routes import Contact, NoticeRoute, RouteStep
from pdm_app.domain.notices import ChannelKind
from pdm_app.domain.samples import Batch, Micros, Quality, Sample, SignalId
from pdm_app.domain.signals import Signal
from pdm_app.engine.alarm_watch import CONSUMER, AlarmWatch
from pdm_app.engine.lease_keeper import LeaseKeeper
from pdm_app.engine.notifier import Notifier
from pdm_app.engine.supervisor import Stage, Supervisor
from pdm_app.runtime.process import SystemClock
from pdm_app.services.alarms import AlarmService
from pdm_app.simulation.catcher import Catcher, open_catcher
from pdm_app.storage.buffer import DiskBuffer
from pdm_app.storage.database import Database
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.migrations import migrate
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.alarm_book import AlarmBook
from pdm_app.stream.bus import Bus

LIMIT = 80.0
SCREEN_MUST_MS, SCREEN_GOAL_MS = 150.0, 60.0
MAIL_MUST_S, MAIL_GOAL_S = 5.0, 2.0
WAIT_S_MAX = 60.0
BUFFER_BYTES = 16 * 1024 * 1024
HERE = PERSON = "bench"


@dataclass(frozen=True, slots=True)
class Way:
    """How long each alarm took, in microseconds: to a screen, and until the mail server had its message."""

    to_screen: tuple[int, ...]
    to_mail: tuple[int, ...]


async def bench_notices(alarms: int) -> Report:
    """Raise alarms one after the other and see when each arrives."""
    with tempfile.TemporaryDirectory(prefix="bench-notices-") as folder:
        way = await way_of(alarms, Path(folder))
    screen = Latencies.of_micros(np.array(way.to_screen, dtype=np.int64))
    mail = Latencies.of_micros(np.array(way.to_mail, dtype=np.int64))
    in_s = None if mail.p95_ms is None else mail.p95_ms / 1000
    return Report(
        title="bench notices: from a limit that is crossed to a person",
        machine=machine(Path.cwd()),
        load=f"{alarms} critical alarms one after the other; on-delay none; SQLite, flushed to disk",
        peer="none",
        figures=(
            Figure("sample to the picture of a screen, p50", screen.p50_ms, "ms"),
            Figure("sample to the picture of a screen, p95", screen.p95_ms, "ms", SCREEN_MUST_MS, SCREEN_GOAL_MS),
            Figure("sample to the mail server, p95", in_s, "s", MAIL_MUST_S, MAIL_GOAL_S),
        ),
        notes=("Add the way of a live value from the device and to paint, which `bench live` measures.",),
    )


async def way_of(alarms: int, folder: Path) -> Way:
    """Run the parts in a folder; each alarm is acknowledged and returns before the next.

    Raises:
        TimeoutError: An alarm did not arrive within a minute.
    """
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        database = Database(f"sqlite+aiosqlite:///{folder / 'bench.sqlite'}")
        stack.push_async_callback(database.close)
        await migrate(database)
        work = SqlUnitOfWork(database)
        await _fill(work)
        catcher = await stack.enter_async_context(open_catcher(clock))
        doors = ChannelDoors(catcher.set_up, _no_secret, clock)
        stack.push_async_callback(doors.close)
        buffer = DiskBuffer(folder / "buffer.sqlite", BUFFER_BYTES, (CONSUMER,))
        stack.push_async_callback(buffer.close)
        bus, book = Bus[Batch](), AlarmBook()
        supervisor = Supervisor(clock, _fatal)
        stack.push_async_callback(supervisor.stop)
        keeper = LeaseKeeper(SqlLease(database, clock), clock, holder="bench")
        watch = AlarmWatch(book, bus, buffer, work, clock, keeper.held)
        notifier = Notifier(work, doors.channel, clock, keeper.held)
        watch.on_events = notifier.wake
        supervisor.start("lease", keeper.run, stage=Stage.SERVICE)
        supervisor.start("alarms", watch.run, stage=Stage.CONSUMER)
        supervisor.start("notices", notifier.run, stage=Stage.CONSUMER, backoff=notifier.backoff)
        await _until(lambda: watch.status.is_live)

        def see(value: float) -> Micros:
            at = clock.now()
            batch = Batch.of("bench", [Sample(SignalId(1), value, Quality.GOOD, at)], at)
            bus.publish(batch.numbered(buffer.offer(batch).seq))
            return at

        return await _measured(alarms, see, AlarmService(work, book, clock), catcher, clock)


async def _measured(
    alarms: int, see: Callable[[float], Micros], service: AlarmService, catcher: Catcher, clock: SystemClock
) -> Way:
    to_screen, to_mail = [], []
    async with aclosing(service.watch(SYSTEM)) as pictures:

        async def picture_of(state: AlarmState) -> str:
            async with asyncio.timeout(WAIT_S_MAX):
                async for picture in pictures:
                    for alarm in picture.alarms:
                        if alarm.state is state:
                            return alarm.id
            raise TimeoutError

        for number in range(1, alarms + 1):
            began = see(LIMIT + 1)
            alarm_id = await picture_of(AlarmState.UNACKNOWLEDGED)
            to_screen.append(clock.now() - began)
            await _until(lambda number=number: len(catcher.newest()) >= number)  # type: ignore[misc]
            to_mail.append(catcher.newest()[0].at - began)
            see(LIMIT - 10)
            await picture_of(AlarmState.RETURNED_UNACKNOWLEDGED)
            await service.acknowledge(SYSTEM, alarm_id)
    return Way(tuple(to_screen), tuple(to_mail))


async def _fill(work: SqlUnitOfWork) -> None:
    """One machine with one rule, and one person who is told at once."""
    step = RouteStep(user_ids=(PERSON,), channels=(ChannelKind.EMAIL,))
    async with work(EVERY_SITE) as w:
        await w.sites.put(Site(id=HERE, code="BENCH", name="Bench", time_zone="UTC", currency="EUR"))
        await w.assets.put_area(Area(id="area", name="Area", site_id=HERE))
        await w.assets.put_line(Line(id="line", area_id="area", name="Line", site_id=HERE))
        await w.assets.put(Asset(id="asset", line_id="line", code="P-1", name="Pump", asset_class="Pump", site_id=HERE))
        await w.signals.put([Signal(id=1, asset_id="asset", name="bearing", label="Bearing", site_id=HERE)])
        await w.alarms.put_rule(
            AlarmRule(
                id="rule", asset_id="asset", signal_id=1, name="Bearing hot", priority=1, action="Look at it.",
                condition=HighLimit(limit=LIMIT, deadband=1.0), site_id=HERE,
            )
        )  # fmt: skip
        await w.outbox.put_contact(Contact(id=PERSON, email="bench@plant.example"))
        await w.outbox.put_route(NoticeRoute(id="route", name="Bench", priorities=(1,), steps=(step,), site_id=HERE))
        await w.commit()


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S_MAX):
        while not is_so():  # noqa: ASYNC110 - parts of the product that tell nobody
            await asyncio.sleep(0.001)


async def _no_secret(channel: str) -> str | None:  # noqa: ARG001 - the server on loopback asks for none
    return None


def _fatal(name: str, error: BaseException) -> None:
    raise RuntimeError(f"{name} cannot go on") from error
