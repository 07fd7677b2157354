"""Procedures about alarms."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from pdm_app.domain.alarms import Alarm, AlarmPicture, AlarmRule, JournalPage, JournalQuery
from pdm_app.domain.record import Id, Text
from pdm_app.rpc.context import Ctx, procedures

alarms = procedures()


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


@alarms.mutation(permission="alarms.acknowledge", rest="POST /alarms/{alarm_id}/comments 201")
async def comment(ctx: Ctx, *, alarm_id: Id, comment: Text) -> Alarm:
    """Add a note to an alarm, standing or over."""
    return await ctx.services.alarms.comment(ctx.actor, alarm_id, comment)


@alarms.query(permission="alarms.read", rest="GET /alarms/journal")
async def journal(ctx: Ctx, query: JournalQuery) -> JournalPage:
    """Return one page of the journal, newest first."""
    return await ctx.services.alarms.journal(ctx.actor, query)


@alarms.query(permission="alarms.read")
async def rules(ctx: Ctx, *, asset_id: Id | None = None) -> tuple[AlarmRule, ...]:
    """Return the rules of one asset, or of all in reach, most urgent first."""
    return await ctx.services.alarms.rules(ctx.actor, asset_id)
