"""Plugs reports together: who says what they tell, who writes them, and who makes them at their dates."""

from collections.abc import Awaitable, Callable

from pdm_app.documents.report_printer import Printer
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.engine.report_watch import ReportWatch
from pdm_app.engine.supervisor import Stage, Supervisor
from pdm_app.services.alarm_services import AlarmServices
from pdm_app.services.annotations import AnnotationService
from pdm_app.services.audit import AuditService
from pdm_app.services.production import ProductionService
from pdm_app.services.report_contents import ReportContents
from pdm_app.services.report_making import ReportMaker
from pdm_app.services.reports import ReportService


def begin_reports(
    work: UnitOfWork,
    alarms: AlarmServices,
    audit: AuditService,
    production: ProductionService,
    clock: Clock,
    fence: Callable[[], Awaitable[Fence]],
    supervisor: Supervisor,
) -> ReportService:
    """Start making reports at their dates."""
    annotations = AnnotationService(work, clock)
    contents = ReportContents(
        work, alarms["alarms"], alarms["alarm_figures"], alarms["alarm_holds"], annotations, audit, production, clock
    )
    maker = ReportMaker(work, contents, Printer(), clock)
    watch = ReportWatch(work, maker, clock, fence)
    supervisor.start("reports", watch.run, stage=Stage.CONSUMER, backoff=watch.backoff)
    return ReportService(work, maker, clock)
