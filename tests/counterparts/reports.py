"""A report and a copy of a site, for the tests of what may be done with them."""

from hashlib import sha256

from pdm_app.domain.reports import CopyState, ReportCopy, ReportDefinition, ReportFormat, ReportPeriod, ReportTemplate
from pdm_app.domain.repositories import Work

CONTENT = b"{}"


def report_id(site_id: str) -> str:
    return f"report-{site_id}"


def spare_id(site_id: str) -> str:
    return f"spare-report-{site_id}"


def copy_id(site_id: str) -> str:
    return f"copy-{site_id}"


async def put_reports(work: Work, site_id: str, user_id: str) -> None:
    """A report without a date, a copy of it, and another one that can be removed."""
    report = ReportDefinition(
        id=report_id(site_id), site_id=site_id, name="Yesterday", template=ReportTemplate.ALARM_KPI, owner_id=user_id,
        period=ReportPeriod.DAY, format=ReportFormat.JSON, revision=7,
    )  # fmt: skip
    await work.reports.put(report)
    await work.reports.put(report.model_copy(update={"id": spare_id(site_id), "name": "Spare"}))
    await work.reports.add_copy(
        ReportCopy(
            id=copy_id(site_id), site_id=site_id, report_id=report.id, name=report.name, format=report.format,
            made_at=0, made_by=user_id, start_at=0, end_at=1, state=CopyState.DONE, parts=report.contents,
            file_name="yesterday.json", bytes=len(CONTENT), sha256=sha256(CONTENT).hexdigest(), kept_until=2**52,
        ),
        CONTENT,
    )  # fmt: skip
