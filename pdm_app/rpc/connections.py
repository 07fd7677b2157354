"""Procedures about connections."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from pdm_app.domain.record import Id
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.connections import ConnectionView

connections = procedures()


@connections.query("list", permission="connections.read", rest="GET /connections")
async def every(ctx: Ctx) -> tuple[ConnectionView, ...]:
    """Return all connections in reach with their state."""
    return await ctx.services.connections.all(ctx.actor)


@connections.subscription(permission="connections.read", coalesce=True)
async def watch(ctx: Ctx) -> AsyncIterator[tuple[ConnectionView, ...]]:
    """Send all connections with their state, then again whenever one changes."""
    async with aclosing(ctx.services.connections.watch(ctx.actor)) as views:
        async for view in views:
            yield view


@connections.mutation(permission="connections.configure", rest="POST /connections/{connection_id}/pause")
async def pause(ctx: Ctx, *, connection_id: Id) -> ConnectionView:
    """Stop reading a connection."""
    return await ctx.services.connections.pause(ctx.actor, connection_id)


@connections.mutation(permission="connections.configure", rest="POST /connections/{connection_id}/resume")
async def resume(ctx: Ctx, *, connection_id: Id) -> ConnectionView:
    """Read a paused connection again."""
    return await ctx.services.connections.resume(ctx.actor, connection_id)
