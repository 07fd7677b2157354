"""Procedures about how long history is kept: rules, held spans, what would go, and runs."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.record import Id, Instant, SignalNumber, Text
from pdm_app.domain.retention import RetentionFacts, RetentionHold, RetentionRule, RetentionRun
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.retention import HoldFacts, RetentionPlan, RuleView
from pdm_app.services.retention_runs import RunStatus

retention = procedures()

Reason = Annotated[str, Field(min_length=1, max_length=2000)]
Signals = Annotated[tuple[SignalNumber, ...], Field(max_length=1000)]


@retention.query(permission="storage.configure", rest="GET /retention/rules")
async def rules(ctx: Ctx) -> tuple[RuleView, ...]:
    """Return the rules, and of how many signals each speaks."""
    return await ctx.services.retention.rules(ctx.actor)


@retention.mutation(permission="storage.configure", rest="POST /retention/rules 201", rate="60/minute")
async def add(ctx: Ctx, *, facts: RetentionFacts, reason: Text = "") -> RetentionRule:
    """Add a rule; it takes effect with the next run."""
    return await ctx.services.retention.add(ctx.actor, facts, reason)


@retention.mutation(permission="storage.configure", rest="PUT /retention/rules/{rule_id}", rate="60/minute")
async def change(ctx: Ctx, *, rule_id: Id, facts: RetentionFacts, reason: Text = "") -> RetentionRule:
    """Put other facts in the place of a rule's."""
    return await ctx.services.retention.change(ctx.actor, rule_id, facts, reason)


@retention.mutation(permission="storage.configure", rest="DELETE /retention/rules/{rule_id}", rate="60/minute")
async def remove(ctx: Ctx, *, rule_id: Id, reason: Text = "") -> RetentionRule:
    """Take a rule away; what it spoke of is kept for ever again unless another rule speaks of it."""
    return await ctx.services.retention.remove(ctx.actor, rule_id, reason)


@retention.query(permission="storage.configure", rest="GET /retention/plan", rate="20/minute")
async def plan(ctx: Ctx) -> RetentionPlan:
    """Count what would go now, by rule and tier; deletes nothing."""
    return await ctx.services.retention.plan(ctx.actor)


@retention.query(permission="storage.configure", rate="20/minute")
async def preview(ctx: Ctx, *, facts: RetentionFacts, rule_id: Id | None = None) -> RetentionPlan:
    """Count what would go if this were a rule, in the place of the one that is named; deletes and stores nothing."""
    return await ctx.services.retention.plan(ctx.actor, facts, rule_id)


@retention.query(permission="storage.configure", rest="GET /retention/holds")
async def holds(ctx: Ctx) -> tuple[RetentionHold, ...]:
    """Return the spans that are kept whatever the rules say."""
    return await ctx.services.retention.holds(ctx.actor)


@retention.mutation(permission="storage.configure", rest="POST /retention/holds 201", rate="60/minute")
async def hold(ctx: Ctx, *, reason: Reason, start_at: Instant, end_at: Instant, signals: Signals = ()) -> RetentionHold:
    """Keep a span whatever the rules say, of some signals or of all."""
    facts = HoldFacts(reason=reason, signals=signals, start_at=start_at, end_at=end_at)
    return await ctx.services.retention.hold(ctx.actor, facts)


@retention.mutation(permission="storage.configure", rest="DELETE /retention/holds/{hold_id}", rate="60/minute")
async def release(ctx: Ctx, *, hold_id: Id, reason: Text = "") -> RetentionHold:
    """Let the rules have a span again."""
    return await ctx.services.retention.release(ctx.actor, hold_id, reason)


@retention.query(permission="storage.configure", rest="GET /retention/runs")
async def runs(ctx: Ctx) -> RunStatus:
    """Return the run that is under way, those before, and when the next one begins by itself."""
    return await ctx.services.retention_runs.status(ctx.actor)


@retention.mutation(permission="storage.configure", rest="POST /retention/runs 201", rate="6/minute")
async def run(ctx: Ctx) -> RunStatus:
    """Carry the rules out now; what goes does not come back."""
    await ctx.services.retention_runs.ask(ctx.actor)
    return await ctx.services.retention_runs.status(ctx.actor)


@retention.mutation(permission="storage.configure", rest="DELETE /retention/runs/current", rate="20/minute")
async def cancel(ctx: Ctx) -> RetentionRun:
    """End the run after the day that it works at; what is gone stays gone."""
    return await ctx.services.retention_runs.cancel(ctx.actor)
