"""Procedures about reports: what is kept, what was made, and what each would be now."""

from pdm_app.domain.record import Id, Revision, Text
from pdm_app.domain.report_blocks import Report
from pdm_app.domain.reports import CopyQuery, ReportCopy, ReportDefinition, ReportFacts
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.reports import CopyView, Recipient, ReportPreview, ReportView

reports = procedures()


@reports.query("list", permission="reports.read", rest="GET /sites/{site_id}/reports")
async def every(ctx: Ctx, *, site_id: Id) -> tuple[ReportView, ...]:
    """Return the reports of a site with their next dates and their newest copies."""
    return await ctx.services.reports.all(ctx.actor, site_id)


@reports.query(permission="reports.configure", rest="GET /sites/{site_id}/reports/recipients")
async def recipients(ctx: Ctx, *, site_id: Id) -> tuple[Recipient, ...]:
    """Return the people to whom a report of a site can go."""
    return await ctx.services.reports.recipients(ctx.actor, site_id)


@reports.mutation(permission="reports.configure", rest="POST /reports 201", rate="60/minute")
async def add(ctx: Ctx, *, facts: ReportFacts, reason: Text = "") -> ReportDefinition:
    """Keep a report; its first date is the next one from now."""
    return await ctx.services.reports.add(ctx.actor, facts, reason)


@reports.mutation(permission="reports.configure", rest="PUT /reports/{report_id}", rate="60/minute")
async def change(
    ctx: Ctx, *, report_id: Id, facts: ReportFacts, revision: Revision, reason: Text = ""
) -> ReportDefinition:
    """Say anew what a report tells; it is made with your rights from then on."""
    return await ctx.services.reports.change(ctx.actor, report_id, facts, revision, reason)


@reports.mutation(permission="reports.configure", rest="DELETE /reports/{report_id}")
async def remove(ctx: Ctx, *, report_id: Id, reason: Text = "") -> ReportDefinition:
    """Make a report no more; its copies stay as long as they are kept."""
    return await ctx.services.reports.remove(ctx.actor, report_id, reason)


@reports.query(permission="reports.read", rate="30/minute")
async def preview(ctx: Ctx, facts: ReportFacts) -> ReportPreview:
    """Return the first pages of what a report would be that is made now; nothing is kept."""
    return await ctx.services.reports.preview(ctx.actor, facts)


@reports.query(permission="reports.read", rest="GET /reports/{report_id}/contents", rate="30/minute")
async def contents(ctx: Ctx, *, report_id: Id) -> Report:
    """Return what a report says that is made now, as blocks of words and numbers; nothing is kept."""
    return await ctx.services.reports.contents(ctx.actor, report_id)


@reports.mutation(permission="reports.configure", rest="POST /reports/{report_id}/copies 201", rate="20/minute")
async def make(ctx: Ctx, *, report_id: Id) -> ReportCopy:
    """Make a report now and send it to its recipients; its file is at ``/api/reports/`` and the id of the copy."""
    return await ctx.services.reports.make(ctx.actor, report_id)


@reports.mutation(permission="reports.read", rest="POST /reports/{report_id}/test 201", rate="10/minute")
async def test(ctx: Ctx, *, report_id: Id) -> ReportCopy:
    """Make a report now and send it to you alone."""
    return await ctx.services.reports.make(ctx.actor, report_id, is_test=True)


@reports.query(permission="reports.read", rest="GET /sites/{site_id}/reports/copies")
async def copies(ctx: Ctx, query: CopyQuery) -> tuple[ReportCopy, ...]:
    """Return a page of what was made at a site, newest first."""
    return await ctx.services.reports.copies(ctx.actor, query)


@reports.query(permission="reports.read", rest="GET /reports/copies/{copy_id}")
async def copy(ctx: Ctx, *, copy_id: Id) -> CopyView:
    """Return a copy with what became of each message that carried it."""
    return await ctx.services.reports.copy(ctx.actor, copy_id)
