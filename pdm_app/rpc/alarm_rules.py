"""Procedures about alarm rules."""

from pdm_app.domain.alarms import AlarmRule, AlarmRuleFacts, Delay, Priority
from pdm_app.domain.conditions.any_condition import AnyCondition
from pdm_app.domain.plant import Cursor, Listing, Page, PageSize, Words
from pdm_app.domain.record import Id, Name, Revision, SignalNumber, Text
from pdm_app.rpc.changes import given
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.trpc import MISSING, Missing

alarm_rules = procedures()


@alarm_rules.query(permission="alarms.read", rest="GET /alarm-rules")
async def page(
    ctx: Ctx,
    *,
    site_id: Id | None = None,
    asset_id: Id | None = None,
    signal_id: SignalNumber | None = None,
    text: Words = "",
    deleted: bool = False,
    cursor: Cursor | None = None,
    limit: PageSize = 100,
) -> Page[AlarmRule]:
    """Return a page of the alarm rules in reach, by name."""
    listing = Listing(site_id=site_id, text=text, deleted=deleted, cursor=cursor, limit=limit)
    return await ctx.services.alarm_rules.page(ctx.actor, listing, asset_id=asset_id, signal_id=signal_id)


@alarm_rules.query(permission="alarms.read", rest="GET /alarm-rules/{rule_id}")
async def by_id(ctx: Ctx, *, rule_id: Id) -> AlarmRule:
    """Return one alarm rule."""
    return await ctx.services.alarm_rules.get(ctx.actor, rule_id)


@alarm_rules.mutation(permission="alarms.configure", rest="POST /alarm-rules")
async def create(ctx: Ctx, facts: AlarmRuleFacts) -> AlarmRule:
    """Create an alarm rule of a signal; it is in force when this returns."""
    return await ctx.services.alarm_rules.create(ctx.actor, facts)


@alarm_rules.mutation(permission="alarms.configure", rest="PATCH /alarm-rules/{rule_id}")
async def change(
    ctx: Ctx,
    *,
    rule_id: Id,
    name: Name | Missing = MISSING,
    condition: AnyCondition | Missing = MISSING,
    priority: Priority | Missing = MISSING,
    on_delay_s: Delay | Missing = MISSING,
    off_delay_s: Delay | Missing = MISSING,
    comment_required: bool | Missing = MISSING,
    cause: Text | Missing = MISSING,
    consequence: Text | Missing = MISSING,
    action: Text | Missing = MISSING,
    enabled: bool | Missing = MISSING,
    revision: Revision | None = None,
) -> AlarmRule:
    """Change the fields given; in force when this returns."""
    changes = given(
        name=name,
        condition=condition,
        priority=priority,
        on_delay_s=on_delay_s,
        off_delay_s=off_delay_s,
        comment_required=comment_required,
        cause=cause,
        consequence=consequence,
        action=action,
        enabled=enabled,
    )
    return await ctx.services.alarm_rules.change(ctx.actor, rule_id, changes, revision)


@alarm_rules.mutation(permission="alarms.configure", rest="POST /alarm-rules/{rule_id}/enable")
async def enable(ctx: Ctx, *, rule_id: Id) -> AlarmRule:
    """Judge by a rule again."""
    return await ctx.services.alarm_rules.enable(ctx.actor, rule_id)


@alarm_rules.mutation(permission="alarms.configure", rest="POST /alarm-rules/{rule_id}/disable")
async def disable(ctx: Ctx, *, rule_id: Id) -> AlarmRule:
    """Judge by a rule no longer; its alarm is cleared."""
    return await ctx.services.alarm_rules.disable(ctx.actor, rule_id)


@alarm_rules.mutation(permission="alarms.configure", rest="DELETE /alarm-rules/{rule_id}")
async def delete(ctx: Ctx, *, rule_id: Id, revision: Revision | None = None) -> AlarmRule:
    """Delete an alarm rule; its alarm is cleared, its journal stays, and it can be restored."""
    return await ctx.services.alarm_rules.delete(ctx.actor, rule_id, revision)


@alarm_rules.mutation(permission="alarms.configure", rest="POST /alarm-rules/{rule_id}/restore")
async def restore(ctx: Ctx, *, rule_id: Id) -> AlarmRule:
    """Bring back an alarm rule that was deleted."""
    return await ctx.services.alarm_rules.restore(ctx.actor, rule_id)
