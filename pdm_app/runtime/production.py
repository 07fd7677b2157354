"""Production as runtime composes it: the book, what follows it, and what may be asked."""

from collections.abc import Awaitable, Callable
from typing import TypedDict

from pdm_app.domain.past import PastProgress
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import Batch
from pdm_app.engine.production_watch import ProductionWatch
from pdm_app.engine.supervisor import Stage, Supervisor
from pdm_app.services.production import ProductionService
from pdm_app.services.production_setup import ProductionSetupService
from pdm_app.services.stops import StopService
from pdm_app.storage.historian import SqlHistorian
from pdm_app.stream.bus import Bus
from pdm_app.stream.production_book import ProductionBook


class ProductionServices(TypedDict):
    """What of production may be asked."""

    production: ProductionService
    production_setup: ProductionSetupService
    stops: StopService


def begin_production(
    bus: Bus[Batch],
    historian: SqlHistorian,
    work: UnitOfWork,
    clock: Clock,
    fence: Callable[[], Awaitable[Fence]],
    supervisor: Supervisor,
    past: Callable[[], PastProgress] | None,
) -> ProductionServices:
    """Have production followed; shifts that are over are derived once the past, if one is put in, is there."""
    book = ProductionBook()

    def has_past() -> bool:
        return past is None or past().is_done

    watch = ProductionWatch(book, bus, historian, work, clock, fence, has_past)
    supervisor.start("production", watch.run, stage=Stage.CONSUMER, backoff=watch.backoff)
    return ProductionServices(
        production=ProductionService(work, book, clock),
        production_setup=ProductionSetupService(work, book, clock),
        stops=StopService(work, book, clock),
    )
