"""What runs in the demo alone: its plant, the month behind it with its alarms, and the scene with which it opens."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from pdm_app.domain.past import PastProgress
from pdm_app.domain.plant_size import PlantSize
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.engine.backfill import Backfill
from pdm_app.engine.lease_keeper import LeaseKeeper
from pdm_app.engine.opening import Opening
from pdm_app.engine.past_alarms import PastAlarms
from pdm_app.engine.supervisor import Stage, Supervisor
from pdm_app.services.alarm_holds import AlarmHoldService
from pdm_app.services.demo_accounts import ON_SHIFT
from pdm_app.services.demo_production import ensure_demo_production, ensure_demo_stops
from pdm_app.services.demo_reports import HANDOVER, WEEKLY, ensure_demo_report
from pdm_app.services.provisioning import provision, refuse_to_mix
from pdm_app.settings import Settings
from pdm_app.simulation import production as plant_production
from pdm_app.simulation.fleet import Fleet, running_fleet
from pdm_app.simulation.past import DemoPast
from pdm_app.simulation.said_stops import said_stops
from pdm_app.simulation.story import SHELVING
from pdm_app.storage.historian import SqlHistorian
from pdm_app.stream.alarm_book import AlarmBook


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
) -> Callable[[], PastProgress] | None:
    """Have the days behind the plant stored, then judged; return what tells how far that is."""
    if not settings.demo_history_days:
        return None
    past = DemoPast(settings.data_dir, plant.labels, settings.demo_history_days)
    backfill = Backfill(past, historian, keeper.held, clock, begin.wait)

    async def filled() -> None:
        await begin.wait()
        # Before the shifts of the past are derived, which they are as soon as their samples are there.
        await ensure_demo_stops(work, clock, lambda: said_stops(plant.labels, settings.demo_history_days))
        await backfill.run()

    supervisor.start("backfill", filled, stage=Stage.CONSUMER, backoff=backfill.backoff)
    judging = PastAlarms(past, backfill.complete.wait, work, clock, keeper.held, ON_SHIFT)

    async def judged() -> None:
        await begin.wait()  # People are there then.
        await ensure_demo_report(work, clock, HANDOVER)
        await judging.run()
        await ensure_demo_report(work, clock, WEEKLY)  # Of a week whose alarms are known now.

    supervisor.start("past alarms", judged, stage=Stage.CONSUMER, backoff=judging.backoff)
    return backfill.progress


def begin_opening(
    plant: Fleet, book: AlarmBook, holds: AlarmHoldService, work: UnitOfWork, clock: Clock, supervisor: Supervisor
) -> None:
    """Have somebody on shift do what belongs to the first minutes of the whole plant."""
    if plant.labels.plant is not PlantSize.WHOLE:
        return

    def has_come(rule_id: str) -> bool:
        known = book.rule(rule_id)
        return known is not None and known[1].alarm_id is not None

    opening = Opening(SHELVING, has_come, holds, work, clock)
    supervisor.start("opening", opening.run, stage=Stage.SERVICE)
