"""Procedures of handing over a shift."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.handovers import PAGE_MAX, Handover, HandoverDraft
from pdm_app.domain.record import Id, Text
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.handovers import Which
from pdm_app.services.signatures import Signing

handovers = procedures()

Word = Annotated[str, Field(max_length=256)]
Code = Annotated[str, Field(max_length=64)]
Limit = Annotated[int, Field(ge=1, le=PAGE_MAX)]


@handovers.query(permission="history.read", rest="GET /sites/{site_id}/handovers/draft")
async def draft(ctx: Ctx, *, site_id: Id, which: Which = "now") -> HandoverDraft:
    """Return the shift that runs, or the last one that ended, as it would be handed over now."""
    return await ctx.services.handovers.draft(ctx.actor, site_id, which)


@handovers.query("list", permission="history.read", rest="GET /sites/{site_id}/handovers")
async def every(ctx: Ctx, *, site_id: Id, limit: Limit = 30) -> tuple[Handover, ...]:
    """Return the shifts that were handed over, the newest first."""
    return await ctx.services.handovers.page(ctx.actor, site_id, limit)


@handovers.mutation(permission="production.record", rest="POST /sites/{site_id}/handovers 201", rate="20/minute")
async def hand_over(
    ctx: Ctx, *, site_id: Id, password: Word, which: Which = "now", code: Code = "", notes: Text = "", reason: Text = ""
) -> Handover:
    """Sign a shift as it stands, with the caller's password, for the next one to take."""
    signing = Signing(password=password, code=code, reason=reason)
    return await ctx.services.handovers.hand_over(ctx.actor, site_id, which, notes, signing)


@handovers.mutation(permission="production.record", rest="POST /handovers/{handover_id}/take", rate="20/minute")
async def take(
    ctx: Ctx, *, handover_id: Id, password: Word, code: Code = "", remarks: Text = "", reason: Text = ""
) -> Handover:
    """Sign that a shift was taken over; who has handed it over cannot."""
    signing = Signing(password=password, code=code, reason=reason)
    return await ctx.services.handovers.take(ctx.actor, handover_id, remarks, signing)
