"""Procedures about the past."""

from pdm_app.domain.history import HistoryAnswer, HistoryQuery
from pdm_app.rpc.context import Ctx, procedures

history = procedures()


@history.query(permission="history.read", rest="GET /history")
async def envelope(ctx: Ctx, query: HistoryQuery) -> HistoryAnswer:
    """Return series over a span at the resolution asked for; peaks never vanish, gaps stay gaps."""
    return await ctx.services.history.envelope(ctx.actor, query)
