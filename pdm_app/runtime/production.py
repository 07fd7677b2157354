"""Production as runtime composes it: the book, what follows it, and what may be asked."""

from collections.abc import Awaitable, Callable
from typing import TypedDict

from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import Batch
from pdm_app.engine.production_watch import ProductionWatch
from pdm_app.engine.supervisor import Stage, Supervisor
from pdm_app.runtime.demo import ToldPast
from pdm_app.services.alarm_services import AlarmServices
from pdm_app.services.count_sheets import CountSheetService
from pdm_app.services.handovers import HandoverService
from pdm_app.services.order_sheets import OrderSheetService
from pdm_app.services.orders import OrderService
from pdm_app.services.planned_stops import PlannedStopService
from pdm_app.services.production import ProductionService
from pdm_app.services.production_setup import ProductionSetupService
from pdm_app.services.signatures import SignatureService
from pdm_app.services.stops import StopService
from pdm_app.storage.historian import SqlHistorian
from pdm_app.stream.bus import Bus
from pdm_app.stream.production_book import ProductionBook


class ProductionServices(TypedDict):
    """What of production may be asked."""

    production: ProductionService
    production_setup: ProductionSetupService
    stops: StopService
    count_sheets: CountSheetService
    handovers: HandoverService
    orders: OrderService
    order_sheets: OrderSheetService
    planned_stops: PlannedStopService


def begin_production(
    bus: Bus[Batch],
    historian: SqlHistorian,
    work: UnitOfWork,
    clock: Clock,
    fence: Callable[[], Awaitable[Fence]],
    supervisor: Supervisor,
    past: ToldPast | None,
    alarms: AlarmServices,
    signatures: SignatureService,
) -> ProductionServices:
    """Have production followed; where a past is put in, a shift is derived once its part of it is there."""
    book = ProductionBook()

    def known_since() -> int:
        progress = None if past is None else past()
        if progress is None or progress.is_done:
            return 0
        return clock.now() if progress.back_to is None else progress.back_to

    watch = ProductionWatch(book, bus, historian, work, clock, fence, known_since)
    if past is not None:
        past.shifts_owed = lambda: watch.owed
    supervisor.start("production", watch.run, stage=Stage.CONSUMER, backoff=watch.backoff)
    stops = StopService(work, book, clock)
    production = ProductionService(work, book, clock)
    return ProductionServices(
        production=production,
        production_setup=ProductionSetupService(work, book, clock),
        stops=stops,
        handovers=HandoverService(work, production, alarms["alarms"], signatures, clock),
        count_sheets=CountSheetService(work, stops, clock),
        orders=OrderService(work, book, clock),
        order_sheets=OrderSheetService(work, clock),
        planned_stops=PlannedStopService(work, book, clock),
    )
