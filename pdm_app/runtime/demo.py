"""What runs in the demo alone: its plant, the month behind it with its alarms, and the scene with which it opens."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import asdict

import structlog

from pdm_app.domain.errors import PdmError, UnavailableError
from pdm_app.domain.past import PastProgress
from pdm_app.domain.plant_size import PlantSize
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.engine.backfill import Backfill
from pdm_app.engine.lease_keeper import LeaseKeeper
from pdm_app.engine.opening import Opening
from pdm_app.engine.past_alarms import PastAlarms
from pdm_app.engine.supervisor import Child, Stage, Supervisor
from pdm_app.services.catalogue import Services
from pdm_app.services.demo_accounts import ON_SHIFT
from pdm_app.services.demo_firmware import DemoFirmware
from pdm_app.services.demo_production import ensure_demo_production, ensure_demo_stops
from pdm_app.services.demo_reports import HANDOVER, WEEKLY, ensure_demo_report
from pdm_app.services.provisioning import provision, refuse_to_mix
from pdm_app.settings import Settings
from pdm_app.simulation import production as plant_production
from pdm_app.simulation.fleet import FOLDER, Fleet, running_fleet
from pdm_app.simulation.past import DemoPast
from pdm_app.simulation.process import ChildProcess, Message
from pdm_app.simulation.said_stops import said_stops
from pdm_app.simulation.story import SHELVING
from pdm_app.storage.historian import SqlHistorian
from pdm_app.stream.alarm_book import AlarmBook

log = structlog.get_logger(__name__)

GATEWAYS_AFTER_S = 4.0


class ToldPast:
    """How far the past is: stored, judged, and its shifts derived, which is over once for all.

    Attributes:
        shifts_owed: How many shifts are still to be derived, None where that is not known yet; set by who derives them.
    """

    def __init__(self, backfill: Backfill, judging: PastAlarms) -> None:
        self._backfill = backfill
        self._judging = judging
        self._is_derived = False
        self.shifts_owed: Callable[[], int | None] = lambda: 0

    def __call__(self) -> PastProgress:
        stored = self._backfill.progress()
        owed = self.shifts_owed()
        self._is_derived |= stored.is_done and owed == 0
        return stored.model_copy(
            update={"judged": self._judging.judged, "shifts_owed": 0 if self._is_derived else owed or 0}
        )


async def begin_plant(
    settings: Settings, work: UnitOfWork, clock: Clock, begin: asyncio.Event, stack: AsyncExitStack
) -> Fleet:
    """Store the plant's records, and have its processes start when ``begin`` is set."""
    plant = running_fleet(settings.data_dir, clock, begin=begin, size=settings.demo_plant)
    fleet = await stack.enter_async_context(plant)
    await refuse_to_mix(work, fleet.definition)
    await provision(work, fleet.definition, clock.now())
    await ensure_demo_production(
        work,
        clock,
        plant_production.units(),
        plant_production.PRODUCTS,
        plant_production.REASONS,
        plant_production.RATES,
    )
    return fleet


def begin_past(
    settings: Settings,
    plant: Fleet,
    historian: SqlHistorian,
    work: UnitOfWork,
    clock: Clock,
    keeper: LeaseKeeper,
    begin: asyncio.Event,
    supervisor: Supervisor,
) -> ToldPast | None:
    """Have the days behind the plant stored, then judged; return what tells how far that is."""
    if not settings.demo_history_days:
        return None
    past = DemoPast(settings.data_dir, plant.labels, settings.demo_history_days)

    async def said() -> None:
        """Have reasons of stops there before shifts are derived, which they are as soon as their samples are there."""
        await ensure_demo_stops(work, clock, lambda: said_stops(plant.labels, settings.demo_history_days))

    backfill = Backfill(past, historian, keeper.held, clock, begin.wait, said)
    supervisor.start("backfill", backfill.run, stage=Stage.CONSUMER, backoff=backfill.backoff)
    judging = PastAlarms(past, backfill.complete.wait, work, clock, keeper.held, ON_SHIFT)

    async def judged() -> None:
        await begin.wait()  # People are there then.
        await ensure_demo_report(work, clock, HANDOVER)
        await judging.run()
        await ensure_demo_report(work, clock, WEEKLY)  # Of a week whose alarms are known now.

    supervisor.start("past alarms", judged, stage=Stage.CONSUMER, backoff=judging.backoff)
    return ToldPast(backfill, judging)


def begin_scene(
    settings: Settings,
    plant: Fleet,
    book: AlarmBook,
    services: Services,
    work: UnitOfWork,
    clock: Clock,
    begin: asyncio.Event,
    supervisor: Supervisor,
) -> None:
    """Have people and gateways do what belongs to the first minutes of the whole plant, from ``begin`` on."""
    if plant.labels.plant is not PlantSize.WHOLE:
        return

    def has_come(rule_id: str) -> bool:
        known = book.rule(rule_id)
        return known is not None and known[1].alarm_id is not None

    opening = Opening(SHELVING, has_come, services.alarm_holds, work, clock)
    supervisor.start("opening", opening.run, stage=Stage.SERVICE)
    if not settings.tls.enabled:  # A demo over HTTPS has a certificate that no gateway knows: there they do not ask.
        _begin_gateways(settings, plant, services, work, clock, begin, supervisor)


def _begin_gateways(
    settings: Settings,
    plant: Fleet,
    services: Services,
    work: UnitOfWork,
    clock: Clock,
    begin: asyncio.Event,
    supervisor: Supervisor,
) -> None:
    """Have the gateways ask for firmware like any device, and two campaigns go on among them."""
    folder = settings.data_dir / FOLDER
    firmware = DemoFirmware(
        work, clock, settings.data_dir, uploads=services.uploads, releases=services.releases,
        signing_keys=services.signing_keys, director=services.director, devices=services.devices,
        groups=services.device_groups, campaigns=services.campaigns,
    )  # fmt: skip

    gateways: list[Child] = []

    async def heard(_name: str, message: Message) -> None:
        if "gateway" in message:
            plant.gateway_runs(message["gateway"], message["version"])

    async def run() -> None:
        await begin.wait()
        await clock.sleep(GATEWAYS_AFTER_S)  # The first pages come first.
        try:
            await scene()
        except UnavailableError:
            raise  # Tried again.
        except PdmError as error:  # Somebody has changed what it builds upon: a scene is no reason to end the product.
            log.warning("the demo's firmware stays as it is", why=error.message)

    async def scene() -> None:
        setup = await firmware.ensure()
        if setup is None:
            return
        server = f"http://{settings.host}:{settings.port}"
        configuration = {**asdict(setup), "server": server, "folder": str(folder / "gateways")}
        child = ChildProcess(
            "gateways", "pdm_app.simulation.children.gateway_agents", lambda: configuration, heard, folder, clock
        )
        if not gateways:
            gateways.append(supervisor.start("gateways", child.keep, stage=Stage.SERVICE))
        await firmware.run()

    supervisor.start("demo firmware", run, stage=Stage.SERVICE)
