"""Procedures of time in which machines are not to run."""

from pdm_app.domain.production_plan import PlannedStop, PlannedStopFacts
from pdm_app.domain.record import Id, Instant, Revision, Text
from pdm_app.rpc.context import Ctx, procedures

planned_stops = procedures()


@planned_stops.query("list", permission="history.read", rest="GET /sites/{site_id}/planned-stops")
async def every(ctx: Ctx, *, site_id: Id, begin_at: Instant, end_at: Instant) -> tuple[PlannedStop, ...]:
    """Return the time of a span in which machines of a site are not to run."""
    return await ctx.services.planned_stops.page(ctx.actor, site_id, begin_at, end_at)


@planned_stops.mutation(permission="production.manage", rest="PUT /planned-stops", rate="60/minute")
async def put(ctx: Ctx, *, facts: PlannedStopFacts, stop_id: Id | None = None, revision: Revision = 0) -> PlannedStop:
    """Say when machines are not to run; shifts of that time are rated anew, but locked ones."""
    return await ctx.services.planned_stops.put(ctx.actor, facts, stop_id, revision)


@planned_stops.mutation(permission="production.manage", rest="POST /planned-stops/{stop_id}/drop", rate="60/minute")
async def drop(ctx: Ctx, *, stop_id: Id, revision: Revision, reason: Text = "") -> None:
    """Say that planned time does not take place."""
    await ctx.services.planned_stops.drop(ctx.actor, stop_id, revision, reason)
