"""Procedures about alarms."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from pydantic import Field

from pdm_app.domain.alarm_figures import AlarmScorecard
from pdm_app.domain.alarms import (
    AcknowledgedAlarms,
    Alarm,
    AlarmPicture,
    AlarmRule,
    JournalPage,
    JournalQuery,
    ShelveSpan,
    Words,
)
from pdm_app.domain.record import Id, Instant, Text
from pdm_app.rpc.context import Ctx, procedures

alarms = procedures()

ALARMS_AT_ONCE_MAX = 200  # More than a person can have read before acknowledging.
ZoneWords = Annotated[str, Field(max_length=60, description="IANA name of the clock for weekdays and hours.")]
ScorecardDays = Annotated[float, Field(gt=0, le=92)]
AlarmIds = Annotated[tuple[Id, ...], Field(min_length=1, max_length=ALARMS_AT_ONCE_MAX)]


@alarms.query(permission="alarms.read", rest="GET /alarms")
async def active(ctx: Ctx, *, site_id: Id | None = None) -> tuple[Alarm, ...]:
    """Return the standing alarms of one site, or of all in reach, most urgent first."""
    return await ctx.services.alarms.active(ctx.actor, site_id)


@alarms.subscription(permission="alarms.read", coalesce=False)
async def watch(ctx: Ctx, *, site_id: Id | None = None) -> AsyncIterator[AlarmPicture]:
    """Send what stands, then what changes, and a sign of life each second."""
    async with aclosing(ctx.services.alarms.watch(ctx.actor, site_id)) as pictures:
        async for picture in pictures:
            yield picture


@alarms.mutation(permission="alarms.acknowledge", rest="POST /alarms/{alarm_id}/acknowledge")
async def acknowledge(ctx: Ctx, *, alarm_id: Id, comment: Text = "") -> Alarm:
    """Acknowledge a standing alarm; answered when that is stored."""
    return await ctx.services.alarms.acknowledge(ctx.actor, alarm_id, comment)


@alarms.mutation(permission="alarms.acknowledge", rest="POST /alarms/acknowledge")
async def acknowledge_all(ctx: Ctx, *, alarm_ids: AlarmIds, comment: Text = "") -> AcknowledgedAlarms:
    """Acknowledge several alarms, each by itself; says of each that was refused why."""
    return await ctx.services.alarms.acknowledge_all(ctx.actor, alarm_ids, comment)


@alarms.mutation(permission="alarms.acknowledge", rest="POST /alarms/{alarm_id}/reset")
async def reset(ctx: Ctx, *, alarm_id: Id, comment: Text = "") -> Alarm:
    """Let a latched alarm go that was acknowledged and whose process has returned."""
    return await ctx.services.alarms.reset(ctx.actor, alarm_id, comment)


@alarms.query(permission="alarms.read", rest="GET /alarms/shelf")
async def shelf(ctx: Ctx, *, site_id: Id | None = None) -> tuple[Alarm, ...]:
    """Return the alarms that are silent: shelved, suppressed by design, out of service."""
    return await ctx.services.alarm_holds.shelf(ctx.actor, site_id)


@alarms.mutation(permission="alarms.shelve", rest="POST /alarm-rules/{rule_id}/shelve")
async def shelve(
    ctx: Ctx,
    *,
    rule_id: Id,
    for_s: ShelveSpan,
    reason: Text,
    one_shot: bool = False,
    until_seen: Instant | None = None,
) -> Alarm:
    """Keep the alarm of a rule silent for some time; ``until_seen`` to change a shelving that was seen to end then."""
    holds = ctx.services.alarm_holds
    return await holds.shelve(ctx.actor, rule_id, for_s, reason, one_shot=one_shot, until_seen=until_seen)


@alarms.mutation(permission="alarms.shelve", rest="POST /alarm-rules/{rule_id}/unshelve")
async def unshelve(ctx: Ctx, *, rule_id: Id, reason: Text = "") -> Alarm:
    """Let a shelved alarm speak again; it is announced anew where its process is abnormal."""
    return await ctx.services.alarm_holds.unshelve(ctx.actor, rule_id, reason)


@alarms.mutation(permission="alarms.service", rest="POST /alarm-rules/{rule_id}/out-of-service")
async def take_out(ctx: Ctx, *, rule_id: Id, reason: Text, permit: Words = "") -> Alarm:
    """Take the alarm of a rule out of service, under a work permit or order if there is one."""
    return await ctx.services.alarm_holds.take_out(ctx.actor, rule_id, reason, permit)


@alarms.mutation(permission="alarms.service", rest="POST /alarm-rules/{rule_id}/in-service")
async def put_back(ctx: Ctx, *, rule_id: Id, reason: Text = "") -> Alarm:
    """Put the alarm of a rule back into service; it is announced anew where its process is abnormal."""
    return await ctx.services.alarm_holds.put_back(ctx.actor, rule_id, reason)


@alarms.mutation(permission="alarms.acknowledge", rest="POST /alarms/{alarm_id}/comments 201")
async def comment(ctx: Ctx, *, alarm_id: Id, comment: Text) -> Alarm:
    """Add a note to an alarm, standing or over."""
    return await ctx.services.alarms.comment(ctx.actor, alarm_id, comment)


@alarms.query(permission="alarms.read", rest="GET /alarms/journal")
async def journal(ctx: Ctx, query: JournalQuery) -> JournalPage:
    """Return one page of the journal, newest first."""
    return await ctx.services.alarms.journal(ctx.actor, query)


@alarms.query(permission="alarms.read", rest="GET /alarms/scorecard")
async def scorecard(
    ctx: Ctx, *, days: ScorecardDays = 30.0, site_id: Id | None = None, zone: ZoneWords = "UTC"
) -> AlarmScorecard:
    """Rate how the alarms of the last days were: the figures of alarm management, the worst rules, and when it was."""
    return await ctx.services.alarm_figures.scorecard(ctx.actor, days, site_id, zone)


@alarms.query(permission="alarms.read")
async def rules(ctx: Ctx, *, asset_id: Id | None = None) -> tuple[AlarmRule, ...]:
    """Return the rules of one asset, or of all in reach, most urgent first."""
    return await ctx.services.alarms.rules(ctx.actor, asset_id)
