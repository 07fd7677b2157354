"""Procedures about campaigns: a release on its way to groups of devices."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.campaigns import DEVICES_MAX, Campaign, CampaignFacts
from pdm_app.domain.firmware_actions import ActionEvent
from pdm_app.domain.record import Id, Text
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.campaign_plans import CampaignPlan
from pdm_app.services.campaign_views import CampaignDetail, CampaignView

campaigns = procedures()

ActionIds = Annotated[tuple[Id, ...], Field(max_length=DEVICES_MAX)]


@campaigns.query("list", permission="firmware.read", rest="GET /campaigns")
async def list_(ctx: Ctx, *, site_id: Id | None = None) -> tuple[CampaignView, ...]:
    """Return campaigns, the newest first, with how many devices stand where."""
    return await ctx.services.campaigns.all(ctx.actor, site_id)


@campaigns.query(permission="firmware.read", rest="GET /campaigns/{campaign_id}")
async def by_id(ctx: Ctx, *, campaign_id: Id) -> CampaignDetail:
    """Return a campaign with each of its devices, and its failures by cause."""
    return await ctx.services.campaigns.get(ctx.actor, campaign_id)


@campaigns.query(permission="firmware.read", rest="GET /campaigns/{campaign_id}/plan")
async def simulate(ctx: Ctx, *, campaign_id: Id) -> CampaignPlan:
    """Return who would get what if it began now, who would not and why, how long it would take, and how many bytes."""
    return await ctx.services.campaigns.simulate(ctx.actor, campaign_id)


@campaigns.query(permission="firmware.read", rest="GET /firmware-actions/{action_id}/story")
async def story(ctx: Ctx, *, action_id: Id) -> tuple[ActionEvent, ...]:
    """Return what happened to one device, the newest first."""
    return await ctx.services.campaigns.story(ctx.actor, action_id)


@campaigns.mutation(permission="firmware.publish", rest="POST /campaigns 201", rate="60/minute")
async def create(ctx: Ctx, *, facts: CampaignFacts) -> Campaign:
    """Keep a draft; nothing happens before it is approved and started."""
    return await ctx.services.campaigns.create(ctx.actor, facts)


@campaigns.mutation(permission="firmware.approve", rest="POST /campaigns/{campaign_id}/approval", rate="60/minute")
async def approve(ctx: Ctx, *, campaign_id: Id, reason: Text = "") -> Campaign:
    """Approve a draft; where it asks for a second person its author may not."""
    return await ctx.services.campaigns.approve(ctx.actor, campaign_id, reason)


@campaigns.mutation(permission="firmware.publish", rest="POST /campaigns/{campaign_id}/start", rate="60/minute")
async def start(ctx: Ctx, *, campaign_id: Id) -> Campaign:
    """Begin with the first phase."""
    return await ctx.services.campaigns.start(ctx.actor, campaign_id)


@campaigns.mutation(permission="firmware.publish", rest="POST /campaigns/{campaign_id}/pause", rate="60/minute")
async def pause(ctx: Ctx, *, campaign_id: Id, reason: Text = "") -> Campaign:
    """Give no further device the release; those under way go on."""
    return await ctx.services.campaigns.pause(ctx.actor, campaign_id, reason)


@campaigns.mutation(permission="firmware.publish", rest="POST /campaigns/{campaign_id}/resumption", rate="60/minute")
async def resume(ctx: Ctx, *, campaign_id: Id, reason: Text = "") -> Campaign:
    """Go on with a campaign that was paused."""
    return await ctx.services.campaigns.resume(ctx.actor, campaign_id, reason)


@campaigns.mutation(permission="firmware.publish", rest="POST /campaigns/{campaign_id}/abortion", rate="60/minute")
async def abort(ctx: Ctx, *, campaign_id: Id, reason: Text = "") -> Campaign:
    """End it: what has not begun is canceled, what loads is asked to stop, what installs finishes first."""
    return await ctx.services.campaigns.abort(ctx.actor, campaign_id, reason)


@campaigns.mutation(permission="firmware.publish", rest="POST /campaigns/{campaign_id}/retries", rate="60/minute")
async def retry(ctx: Ctx, *, campaign_id: Id, action_ids: ActionIds = ()) -> Campaign:
    """Give devices that failed, all or those named, the release once more."""
    return await ctx.services.campaigns.retry(ctx.actor, campaign_id, action_ids)


@campaigns.mutation(permission="firmware.publish", rest="POST /campaigns/{campaign_id}/exclusions", rate="60/minute")
async def exclude(ctx: Ctx, *, campaign_id: Id, action_ids: ActionIds) -> Campaign:
    """Leave devices out that failed or have not begun; they count no more."""
    return await ctx.services.campaigns.exclude(ctx.actor, campaign_id, action_ids)


@campaigns.mutation(permission="firmware.publish", rest="POST /campaigns/{campaign_id}/rollback 201", rate="60/minute")
async def roll_back(ctx: Ctx, *, campaign_id: Id, reason: Text = "") -> Campaign:
    """Stop it and draft the way back, for each device to its own last good release."""
    return await ctx.services.campaigns.roll_back(ctx.actor, campaign_id, reason)
