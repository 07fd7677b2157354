"""The demo's reports: the handover of a shift, a few minutes after the first start, and the alarms of the last week."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from pdm_app.domain.access import EVERY_SITE, SYSTEM, User
from pdm_app.domain.assets import Site
from pdm_app.domain.identifiers import derived_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.report_schedules import Rhythm, Schedule
from pdm_app.domain.reports import ReportDefinition, ReportPeriod, ReportTemplate
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.domain.wall_clock import on_wall
from pdm_app.services.report_making import note_report

DONE = "demo.reports."  # With the name of one: what somebody has removed since stays removed.
MANAGER = "max.manager"
REASON = "demo plant"
HANDOVER, WEEKLY = "handover", "weekly"
HANDED_OVER_IN = timedelta(minutes=4)
LAST_WEEK_US = 7 * 86_400 * MICROS_PER_S


async def ensure_demo_report(work: UnitOfWork, clock: Clock, kind: str) -> None:
    """Keep the handover or the weekly report for each site of the manager, once in the life of a data directory."""
    now = clock.now()
    async with work(EVERY_SITE) as w:
        manager = await w.users.by_username(MANAGER)
        if manager is None or await w.users.value(DONE + kind) is not None:
            return
        for site in await w.sites.all():
            if site.id in manager.site_ids:
                report = (_handover if kind == HANDOVER else _weekly)(site, manager, now)
                await w.reports.put(report)
                await note_report(w, SYSTEM, now, "reports.added", report, after=report, reason=REASON)
        await w.users.put_value(DONE + kind, "done")
        await w.commit()


def _handover(site: Site, manager: User, now: Micros) -> ReportDefinition:
    soon = on_wall(now, ZoneInfo(site.time_zone)) + HANDED_OVER_IN
    return _report(
        site, manager, HANDOVER, name=f"Shift handover {site.name}", template=ReportTemplate.SHIFT_HANDOVER,
        period=ReportPeriod.SHIFT, made_for_at=now,
        schedule=Schedule(rhythm=Rhythm.DAILY, at=f"{soon:%H:%M}", zone=site.time_zone),
    )  # fmt: skip


def _weekly(site: Site, manager: User, now: Micros) -> ReportDefinition:
    """Made a week ago, as far as it knows: its last Monday is caught up at once."""
    return _report(
        site, manager, WEEKLY, name=f"Alarms of the week {site.name}", template=ReportTemplate.ALARM_KPI,
        period=ReportPeriod.WEEK, made_for_at=now - LAST_WEEK_US,
        schedule=Schedule(rhythm=Rhythm.WEEKLY, at="06:30", zone=site.time_zone, weekdays=(0,)),
    )  # fmt: skip


def _report(site: Site, manager: User, kind: str, **facts: object) -> ReportDefinition:
    return ReportDefinition.model_validate(
        {
            "id": derived_id(Micros(0), "demo report", kind, site.id), "site_id": site.id, "owner_id": manager.id,
            "recipient_ids": (manager.id,), **facts,
        }
    )  # fmt: skip
