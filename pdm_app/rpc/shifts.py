"""Procedures of the shift calendars."""

from pdm_app.domain.record import Id, Instant, Revision, Text
from pdm_app.domain.shifts import ShiftCalendar, ShiftCalendarFacts, ShiftSpan
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.shifts import ShiftView

shifts = procedures()


@shifts.query(permission="assets.read", rest="GET /sites/{site_id}/shifts")
async def show(ctx: Ctx, *, site_id: Id) -> ShiftView:
    """Return the shift calendar of a site, and the shift that runs there now."""
    return await ctx.services.shifts.show(ctx.actor, site_id)


@shifts.query(permission="assets.read", rest="GET /sites/{site_id}/shifts/spans")
async def spans(ctx: Ctx, *, site_id: Id, start_at: Instant, end_at: Instant) -> tuple[ShiftSpan, ...]:
    """Return the shifts that touch a span, whole, in the order of time."""
    return await ctx.services.shifts.spans(ctx.actor, site_id, start_at, end_at)


@shifts.mutation(permission="assets.configure", rest="PUT /sites/{site_id}/shifts", rate="30/minute")
async def put(
    ctx: Ctx, *, site_id: Id, facts: ShiftCalendarFacts, revision: Revision, reason: Text = ""
) -> ShiftCalendar:
    """Put a calendar in the place of a site's; ``revision`` is the one that was looked at, 0 where there is none."""
    return await ctx.services.shifts.put(ctx.actor, site_id, facts, revision, reason)
