"""Procedures about alarm rules."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from pydantic import Field

from pdm_app.domain.alarms import AlarmRule, AlarmRuleFacts, Delay, ShelveSpan, Words
from pdm_app.domain.audit import AuditEntry
from pdm_app.domain.conditions.any_condition import AnyCondition
from pdm_app.domain.plant import Cursor, Listing, Page, PageSize
from pdm_app.domain.plant import Words as Sought
from pdm_app.domain.rationale import ConsequenceLevel, Priority, RespondWithin
from pdm_app.domain.rationale import proposed_priority as priority_of
from pdm_app.domain.record import Finite, Id, Instant, Name, Revision, SignalNumber, Text
from pdm_app.domain.rule_proposals import RuleProposal
from pdm_app.domain.suppression import SUPPRESSIONS_MAX, AnySuppression
from pdm_app.rpc.changes import given
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.alarm_backtest import Backtest
from pdm_app.services.alarm_rule_sheet import CHARACTERS_MAX, SheetOutcome
from pdm_app.trpc import MISSING, Missing

alarm_rules = procedures()
SheetText = Annotated[str, Field(max_length=CHARACTERS_MAX)]
BacktestDays = Annotated[float, Field(gt=0, le=92)]
Suppressions = Annotated[tuple[AnySuppression, ...], Field(max_length=SUPPRESSIONS_MAX)]


@alarm_rules.query(permission="alarms.read", rest="GET /alarm-rules")
async def page(
    ctx: Ctx,
    *,
    site_id: Id | None = None,
    asset_id: Id | None = None,
    signal_id: SignalNumber | None = None,
    text: Sought = "",
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
    latching: bool | Missing = MISSING,
    ack_required: bool | Missing = MISSING,
    alarm_class: Words | Missing = MISSING,
    group: Words | Missing = MISSING,
    first_out: bool | Missing = MISSING,
    suppressions: Suppressions | Missing = MISSING,
    shelvable: bool | Missing = MISSING,
    shelve_s_max: ShelveSpan | Missing = MISSING,
    consequence_level: ConsequenceLevel | Missing | None = MISSING,
    respond_within: RespondWithin | Missing | None = MISSING,
    owner_role: Words | Missing = MISSING,
    notification: Words | Missing = MISSING,
    escalation: Words | Missing = MISSING,
    review_at: Instant | Missing | None = MISSING,
    revision: Revision | None = None,
    reason: Text = "",
) -> AlarmRule:
    """Change the fields given, and say why; in force when this returns. An approval is taken back by that."""
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
        latching=latching,
        ack_required=ack_required,
        alarm_class=alarm_class,
        group=group,
        first_out=first_out,
        suppressions=suppressions,
        shelvable=shelvable,
        shelve_s_max=shelve_s_max,
        consequence_level=consequence_level,
        respond_within=respond_within,
        owner_role=owner_role,
        notification=notification,
        escalation=escalation,
        review_at=review_at,
    )
    return await ctx.services.alarm_rules.change(ctx.actor, rule_id, changes, revision, reason)


@alarm_rules.mutation(permission="alarms.configure", rest="POST /alarm-rules/{rule_id}/approve")
async def approve(ctx: Ctx, *, rule_id: Id, revision: Revision | None = None, reason: Text = "") -> AlarmRule:
    """Say that a rule, as it was read, is what it should be."""
    return await ctx.services.alarm_rules.approve(ctx.actor, rule_id, revision, reason)


@alarm_rules.query(permission="alarms.read", rest="GET /alarm-rules/sheet")
async def sheet(ctx: Ctx, *, site_id: Id | None = None) -> str:
    """Return all alarm rules in reach as CSV, one row each."""
    return await ctx.services.alarm_rule_sheet.written(ctx.actor, site_id)


@alarm_rules.mutation(permission="alarms.configure", rest="POST /alarm-rules/sheet")
async def take_sheet(ctx: Ctx, *, sheet: SheetText, reason: Text = "", only_look: bool = False) -> SheetOutcome:
    """Take such a sheet back as a whole or not at all; ``only_look`` says what it would change."""
    return await ctx.services.alarm_rule_sheet.read(ctx.actor, sheet, reason, only_look=only_look)


@alarm_rules.subscription(permission="alarms.configure", coalesce=False)
async def backtest(ctx: Ctx, *, rule: AlarmRuleFacts, days: BacktestDays = 30.0) -> AsyncIterator[Backtest]:
    """Judge the past by a rule before it is saved; tells how far it is, then what the rule would have done."""
    async with aclosing(ctx.services.alarm_backtest.run(ctx.actor, rule, days)) as told:
        async for backtest in told:
            yield backtest


@alarm_rules.query(permission="alarms.read", rest="GET /alarm-rules/proposed-priority")
async def proposed_priority(
    ctx: Ctx,  # noqa: ARG001 - every procedure has it
    *,
    consequence_level: ConsequenceLevel,
    respond_within: RespondWithin,
) -> int | None:
    """Return the priority that the matrix of consequence and time gives; null where the matter is no alarm."""
    return priority_of(consequence_level, respond_within)


@alarm_rules.query(permission="alarms.configure", rest="GET /alarm-rules/proposed")
async def proposed(ctx: Ctx, *, signal_id: SignalNumber, value: Finite | None = None) -> RuleProposal:
    """Return what a rule on a signal could begin with, on the side of ``value`` where one was pointed at."""
    return await ctx.services.alarm_proposals.propose(ctx.actor, signal_id, value)


@alarm_rules.query(permission="alarms.configure", rest="GET /alarm-rules/{rule_id}/history")
async def history(ctx: Ctx, *, rule_id: Id) -> tuple[AuditEntry, ...]:
    """Return what was changed of a rule, newest first: who, when, why, from what to what."""
    return await ctx.services.alarm_rules.history(ctx.actor, rule_id)


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
