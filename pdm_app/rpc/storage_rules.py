"""Procedures about storage rules: what of the samples is kept in history."""

from pdm_app.domain.record import Id, Name, Position, Revision
from pdm_app.domain.signals import DataType, UnitCode
from pdm_app.domain.storage_rules import (
    BoundIn,
    Method,
    Pattern,
    RuleEstimate,
    RuleView,
    StorageRule,
    StorageRuleFacts,
)
from pdm_app.rpc.changes import given
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.trpc import MISSING, Missing

storage_rules = procedures()


@storage_rules.query(permission="signals.read", rest="GET /storage-rules")
async def list(ctx: Ctx, *, site_id: Id | None = None) -> tuple[RuleView, ...]:
    """Return the storage rules in reach in the order in which they are asked, and for how many signals each counts."""
    return await ctx.services.storage_rules.all(ctx.actor, site_id)


@storage_rules.query(permission="signals.read", rest="GET /storage-rules/{rule_id}")
async def by_id(ctx: Ctx, *, rule_id: Id) -> StorageRule:
    """Return one storage rule."""
    return await ctx.services.storage_rules.get(ctx.actor, rule_id)


@storage_rules.query(permission="signals.read")
async def estimate(ctx: Ctx, facts: StorageRuleFacts) -> RuleEstimate:
    """Return what a rule would come to, reckoned on the samples of the last day; nothing is stored."""
    return await ctx.services.storage_rules.estimate(ctx.actor, facts)


@storage_rules.mutation(permission="signals.configure", rest="POST /storage-rules 201", rate="60/minute")
async def create(ctx: Ctx, facts: StorageRuleFacts) -> StorageRule:
    """Create a storage rule; it is in force when this returns, for samples that come from then on."""
    return await ctx.services.storage_rules.create(ctx.actor, facts)


@storage_rules.mutation(permission="signals.configure", rest="PATCH /storage-rules/{rule_id}", rate="60/minute")
async def change(
    ctx: Ctx,
    *,
    rule_id: Id,
    name: Name | Missing = MISSING,
    position: Position | Missing = MISSING,
    enabled: bool | Missing = MISSING,
    pattern: Pattern | Missing = MISSING,
    asset_id: Id | Missing | None = MISSING,
    unit: UnitCode | Missing | None = MISSING,
    data_type: DataType | Missing | None = MISSING,
    method: Method | Missing = MISSING,
    bound: float | Missing = MISSING,
    bound_in: BoundIn | Missing = MISSING,
    every_s: float | Missing = MISSING,
    keep_peaks: bool | Missing = MISSING,
    at_least_every_s: float | Missing = MISSING,
    revision: Revision | None = None,
) -> StorageRule:
    """Change the fields given; in force when this returns."""
    changes = given(
        name=name,
        position=position,
        enabled=enabled,
        pattern=pattern,
        asset_id=asset_id,
        unit=unit,
        data_type=data_type,
        method=method,
        bound=bound,
        bound_in=bound_in,
        every_s=every_s,
        keep_peaks=keep_peaks,
        at_least_every_s=at_least_every_s,
    )
    return await ctx.services.storage_rules.change(ctx.actor, rule_id, changes, revision)


@storage_rules.mutation(permission="signals.configure", rest="DELETE /storage-rules/{rule_id}", rate="60/minute")
async def delete(ctx: Ctx, *, rule_id: Id, revision: Revision | None = None) -> StorageRule:
    """Delete a storage rule; what it thinned is stored in full from then on, or as the next rule says."""
    return await ctx.services.storage_rules.delete(ctx.actor, rule_id, revision)


@storage_rules.mutation(permission="signals.configure", rest="POST /storage-rules/{rule_id}/restore", rate="60/minute")
async def restore(ctx: Ctx, *, rule_id: Id) -> StorageRule:
    """Bring back a storage rule that was deleted."""
    return await ctx.services.storage_rules.restore(ctx.actor, rule_id)
