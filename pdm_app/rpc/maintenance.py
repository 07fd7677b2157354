"""Procedures about maintenance: events, the rules that open them, and what work costs."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.maintenance_events import CostBasis, CostFacts, EventPage, EventQuery, MaintenanceEvent, Money
from pdm_app.domain.maintenance_rules import MaintenanceRule, MaintenanceRuleFacts, Severity
from pdm_app.domain.record import Id, Name, Revision, Text
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.maintenance import CostView

maintenance = procedures()

Resolution = Annotated[str, Field(min_length=1, max_length=2000, description="What was done, or found.")]


@maintenance.query(permission="alarms.read", rest="GET /maintenance/events")
async def events(ctx: Ctx, query: EventQuery) -> EventPage:
    """Return maintenance events, the newest first, and what they come to."""
    return await ctx.services.maintenance.events(ctx.actor, query)


@maintenance.query(permission="alarms.read", rest="GET /maintenance/events/{event_id}")
async def event(ctx: Ctx, *, event_id: Id) -> MaintenanceEvent:
    """Return one maintenance event."""
    return await ctx.services.maintenance.event(ctx.actor, event_id)


@maintenance.mutation(permission="maintenance.write", rest="POST /maintenance/events 201", rate="60/minute")
async def report(
    ctx: Ctx, *, asset_id: Id, name: Name, severity: Severity = Severity.MEDIUM, note: Text = ""
) -> MaintenanceEvent:
    """Open a maintenance event by hand."""
    return await ctx.services.maintenance.report(ctx.actor, asset_id, name, severity, note)


@maintenance.mutation(permission="maintenance.write", rest="PUT /maintenance/events/{event_id}/cost", rate="60/minute")
async def price(
    ctx: Ctx, *, event_id: Id, cost: Money | None, revision: Revision, reason: Text = ""
) -> MaintenanceEvent:
    """Put another cost in the place of an event's estimate; nothing takes it away."""
    return await ctx.services.maintenance.price(ctx.actor, event_id, cost, revision, reason)


@maintenance.mutation(
    permission="maintenance.write", rest="POST /maintenance/events/{event_id}/resolve", rate="60/minute"
)
async def resolve(ctx: Ctx, *, event_id: Id, resolution: Resolution, revision: Revision) -> MaintenanceEvent:
    """Say what was done, and close the event."""
    return await ctx.services.maintenance.resolve(ctx.actor, event_id, resolution, revision)


@maintenance.query(permission="alarms.read", rest="GET /sites/{site_id}/maintenance/costs")
async def costs(ctx: Ctx, *, site_id: Id) -> CostView:
    """Return how a site estimates what work costs."""
    return await ctx.services.maintenance.costs(ctx.actor, site_id)


@maintenance.mutation(permission="alarms.configure", rest="PUT /sites/{site_id}/maintenance/costs", rate="30/minute")
async def put_costs(ctx: Ctx, *, site_id: Id, facts: CostFacts, revision: Revision, reason: Text = "") -> CostBasis:
    """Say how a site estimates costs. The revision is the one that was looked at, 0 where there is none."""
    return await ctx.services.maintenance.put_costs(ctx.actor, site_id, facts, revision, reason)


@maintenance.query(permission="alarms.read", rest="GET /maintenance/rules")
async def rules(ctx: Ctx, *, site_id: Id | None = None) -> tuple[MaintenanceRule, ...]:
    """Return the rules that open maintenance events, by name."""
    return await ctx.services.maintenance_rules.list(ctx.actor, site_id)


@maintenance.mutation(permission="alarms.configure", rest="POST /maintenance/rules 201", rate="30/minute")
async def add_rule(ctx: Ctx, *, facts: MaintenanceRuleFacts, reason: Text = "") -> MaintenanceRule:
    """Make a rule: a critical sensor together with a score opens an event."""
    return await ctx.services.maintenance_rules.add(ctx.actor, facts, reason)


@maintenance.mutation(permission="alarms.configure", rest="PUT /maintenance/rules/{rule_id}", rate="30/minute")
async def change_rule(
    ctx: Ctx, *, rule_id: Id, facts: MaintenanceRuleFacts, revision: Revision, reason: Text = ""
) -> MaintenanceRule:
    """Put other facts in the place of a rule's."""
    return await ctx.services.maintenance_rules.change(ctx.actor, rule_id, facts, revision, reason)


@maintenance.mutation(permission="alarms.configure", rest="POST /maintenance/rules/{rule_id}/remove", rate="30/minute")
async def remove_rule(ctx: Ctx, *, rule_id: Id, revision: Revision, reason: Text = "") -> None:
    """Remove a rule; the events it has opened stay."""
    await ctx.services.maintenance_rules.remove(ctx.actor, rule_id, revision, reason)
