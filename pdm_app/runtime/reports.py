"""Plugs reports together: who says what they tell, who writes them, and who makes them at their dates."""

from collections.abc import Awaitable, Callable

from pdm_app.documents.report_printer import Printer
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.engine.report_watch import ReportWatch
from pdm_app.engine.supervisor import Stage, Supervisor
from pdm_app.services.alarm_figures import AlarmFiguresService
from pdm_app.services.alarm_holds import AlarmHoldService
from pdm_app.services.alarms import AlarmService
from pdm_app.services.annotations import AnnotationService
from pdm_app.services.audit import AuditService
from pdm_app.services.report_contents import ReportContents
from pdm_app.services.report_making import ReportMaker
from pdm_app.services.reports import ReportService


def begin_reports(
    work: UnitOfWork,
    alarms: AlarmService,
    figures: AlarmFiguresService,
    holds: AlarmHoldService,
    audit: AuditService,
    clock: Clock,
    fence: Callable[[], Awaitable[Fence]],
    supervisor: Supervisor,
) -> ReportService:
    """Start making reports at their dates."""
    annotations = AnnotationService(work, clock)
    contents = ReportContents(work, alarms, figures, holds, annotations, audit, clock)
    maker = ReportMaker(work, contents, Printer(), clock)
    watch = ReportWatch(work, maker, clock, fence)
    supervisor.start("reports", watch.run, stage=Stage.CONSUMER, backoff=watch.backoff)
    return ReportService(work, maker, clock)
