"""Procedures about runs: production batches and events, and the rules that find them."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.record import Id, Instant, Name, Revision, SignalNumber, Text
from pdm_app.domain.runs import (
    AlignedQuery,
    AlignedSeries,
    Attributes,
    Product,
    Run,
    RunDetail,
    RunKind,
    RunName,
    RunQuery,
    RunRule,
    RunRuleFacts,
    RunRuleView,
    Signals,
)
from pdm_app.domain.signals import FormulaText
from pdm_app.rpc.changes import given
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.trpc import MISSING, Missing

batches = procedures()

Seconds = Annotated[float, Field(ge=0, le=86_400)]


@batches.query(permission="history.read", rest="GET /batches")
async def page(ctx: Ctx, query: RunQuery) -> tuple[Run, ...]:
    """Return runs in reach, the newest first."""
    return await ctx.services.batches.page(ctx.actor, query)


@batches.query(permission="history.read", rest="GET /batches/{run_id}")
async def by_id(ctx: Ctx, *, run_id: Id) -> RunDetail:
    """Return one run with its duration and the figures of its signals."""
    return await ctx.services.batches.get(ctx.actor, run_id)


@batches.query(permission="history.read")
async def series(ctx: Ctx, query: AlignedQuery) -> AlignedSeries:
    """Return a signal in several runs, each counted from its beginning, and a band around the golden ones."""
    return await ctx.services.batches.series(ctx.actor, query)


@batches.mutation(permission="runs.control", rest="POST /batches 201", rate="60/minute")
async def start(
    ctx: Ctx,
    *,
    asset_id: Id,
    name: RunName,
    product: Product = "",
    kind: RunKind = RunKind.BATCH,
    signals: Signals = (),
    at: Instant | None = None,
) -> Run:
    """Begin a run by hand, now or at a time that has passed."""
    return await ctx.services.batches.start(
        ctx.actor, asset_id, name, product=product, kind=kind, signals=signals, at=at
    )


@batches.mutation(permission="runs.control", rest="POST /batches/{run_id}/stop", rate="60/minute")
async def stop(ctx: Ctx, *, run_id: Id, at: Instant | None = None) -> Run:
    """End a run that was begun by hand."""
    return await ctx.services.batches.stop(ctx.actor, run_id, at)


@batches.mutation(permission="runs.control", rest="PATCH /batches/{run_id}", rate="60/minute")
async def change(
    ctx: Ctx,
    *,
    run_id: Id,
    name: RunName | Missing = MISSING,
    product: Product | Missing = MISSING,
    note: Text | Missing = MISSING,
    signals: Signals | Missing = MISSING,
    attributes: Attributes | Missing = MISSING,
    is_golden: bool | Missing = MISSING,
    revision: Revision | None = None,
) -> Run:
    """Change what is said of a run, or mark it as golden."""
    changes = given(name=name, product=product, note=note, signals=signals, attributes=attributes, is_golden=is_golden)
    return await ctx.services.batches.change(ctx.actor, run_id, changes, revision)


# --- the rules that find runs ---------------------------------------------------------------------------------------


@batches.query(permission="signals.read", rest="GET /batch-rules")
async def rules(ctx: Ctx, *, site_id: Id | None = None) -> tuple[RunRuleView, ...]:
    """Return the rules in reach, and why one of them finds nothing now."""
    return await ctx.services.batches.rules.all(ctx.actor, site_id)


@batches.mutation(permission="signals.configure", rest="POST /batch-rules 201", rate="60/minute")
async def create_rule(ctx: Ctx, facts: RunRuleFacts) -> RunRule:
    """Create a rule that finds runs; it is in force when this returns, for samples that come from then on."""
    return await ctx.services.batches.rules.create(ctx.actor, facts)


@batches.mutation(permission="signals.configure", rest="PATCH /batch-rules/{rule_id}", rate="60/minute")
async def change_rule(
    ctx: Ctx,
    *,
    rule_id: Id,
    name: Name | Missing = MISSING,
    kind: RunKind | Missing = MISSING,
    enabled: bool | Missing = MISSING,
    condition: FormulaText | Missing = MISSING,
    gap_s: Seconds | Missing = MISSING,
    min_s: Seconds | Missing = MISSING,
    id_signal_id: SignalNumber | Missing | None = MISSING,
    product: Product | Missing = MISSING,
    product_signal_id: SignalNumber | Missing | None = MISSING,
    signals: Signals | Missing = MISSING,
    full_rate: bool | Missing = MISSING,
    pre_s: Seconds | Missing = MISSING,
    post_s: Seconds | Missing = MISSING,
    revision: Revision | None = None,
) -> RunRule:
    """Change the fields given; in force when this returns."""
    changes = given(
        name=name,
        kind=kind,
        enabled=enabled,
        condition=condition,
        gap_s=gap_s,
        min_s=min_s,
        id_signal_id=id_signal_id,
        product=product,
        product_signal_id=product_signal_id,
        signals=signals,
        full_rate=full_rate,
        pre_s=pre_s,
        post_s=post_s,
    )
    return await ctx.services.batches.rules.change(ctx.actor, rule_id, changes, revision)


@batches.mutation(permission="signals.configure", rest="DELETE /batch-rules/{rule_id}", rate="60/minute")
async def delete_rule(ctx: Ctx, *, rule_id: Id, revision: Revision | None = None) -> RunRule:
    """Delete a rule; the runs it has found stay."""
    return await ctx.services.batches.rules.delete(ctx.actor, rule_id, revision)


@batches.mutation(permission="signals.configure", rest="POST /batch-rules/{rule_id}/restore", rate="60/minute")
async def restore_rule(ctx: Ctx, *, rule_id: Id) -> RunRule:
    """Bring back a rule that was deleted."""
    return await ctx.services.batches.rules.restore(ctx.actor, rule_id)
