"""Procedures about the signal registry."""

from pdm_app.domain.record import Id, SignalNumber
from pdm_app.domain.signals import Signal
from pdm_app.rpc.context import Ctx, procedures

signals = procedures()


@signals.query("list", permission="signals.read", rest="GET /signals")
async def every(ctx: Ctx, *, asset_id: Id | None = None) -> tuple[Signal, ...]:
    """Return all signals in reach, or those of one machine in order of importance."""
    return await ctx.services.signals.all(ctx.actor, asset_id)


@signals.query(permission="signals.read", rest="GET /signals/{signal_id}")
async def by_id(ctx: Ctx, *, signal_id: SignalNumber) -> Signal:
    """Return one signal."""
    return (await ctx.services.signals.some(ctx.actor, [signal_id]))[0]
