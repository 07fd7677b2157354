"""Procedures about what ends at a known time."""

from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.expiries import ExpiryView

expiries = procedures()


@expiries.query("list", permission="system.read", rest="GET /expiries")
async def every(ctx: Ctx) -> tuple[ExpiryView, ...]:
    """Return certificates and the like with their ends, the soonest first."""
    return await ctx.services.expiries.all(ctx.actor)
