"""Procedures about the past."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from pdm_app.domain.history import (
    AggregateAnswer,
    AggregateQuery,
    HistoryAnswer,
    HistoryQuery,
    MomentAnswer,
    MomentQuery,
)
from pdm_app.rpc.context import Ctx, procedures

history = procedures()


@history.query(permission="history.read", rest="GET /history")
async def envelope(ctx: Ctx, query: HistoryQuery) -> HistoryAnswer:
    """Return series over a span at the resolution asked for; peaks never vanish, gaps stay gaps."""
    return await ctx.services.history.envelope(ctx.actor, query)


@history.subscription(permission="history.read")
async def progressive(ctx: Ctx, query: HistoryQuery) -> AsyncIterator[HistoryAnswer]:
    """Send a coarse series at once and then the one asked for, which says so and ends the subscription."""
    async with aclosing(ctx.services.history.progressive(ctx.actor, query)) as answers:
        async for answer in answers:
            yield answer


@history.query(permission="history.read", rest="GET /history/aggregates")
async def aggregate(ctx: Ctx, query: AggregateQuery) -> AggregateAnswer:
    """Return figures over a span or its stretches: time-weighted average, extremes, sum, count, and more."""
    return await ctx.services.history.aggregate(ctx.actor, query)


@history.query(permission="history.read", rest="GET /history/at")
async def at(ctx: Ctx, query: MomentQuery) -> MomentAnswer:
    """Return what signals stood at, at one time: a sample, the one before it held, or a point on the line between."""
    return await ctx.services.history.at(ctx.actor, query)
