"""Plugs maintenance together: who finds that a machine needs work, and who answers questions about it."""

from collections.abc import Awaitable, Callable
from typing import TypedDict

from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.engine.maintenance_watch import MaintenanceWatch
from pdm_app.engine.supervisor import Stage, Supervisor
from pdm_app.services.cases import CaseService
from pdm_app.services.demo_maintenance import ensure_demo_maintenance
from pdm_app.services.maintenance import MaintenanceService
from pdm_app.services.maintenance_rules import MaintenanceRuleService
from pdm_app.stream.alarm_book import AlarmBook
from pdm_app.stream.latest import Latest


class MaintenanceServices(TypedDict):
    """By their names among the services."""

    cases: CaseService
    maintenance: MaintenanceService
    maintenance_rules: MaintenanceRuleService


async def begin_maintenance(
    work: UnitOfWork,
    book: AlarmBook,
    latest: Latest,
    clock: Clock,
    fence: Callable[[], Awaitable[Fence]],
    supervisor: Supervisor,
    *,
    demo: bool,
) -> MaintenanceServices:
    """Start the watch of maintenance rules; in the demo it is known what work costs."""
    if demo:
        await ensure_demo_maintenance(work, clock)
    watch = MaintenanceWatch(work, book, latest, clock, fence)
    supervisor.start("maintenance", watch.run, stage=Stage.CONSUMER, backoff=watch.backoff)
    return MaintenanceServices(
        cases=CaseService(work, clock),
        maintenance=MaintenanceService(work, clock),
        maintenance_rules=MaintenanceRuleService(work, clock, watch.reload),
    )
