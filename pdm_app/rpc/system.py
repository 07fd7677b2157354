"""Procedures about the system itself."""

from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.system import Health, SystemInfo

system = procedures()


@system.query(permission="system.read", rest="GET /system/health")
async def health(ctx: Ctx) -> Health:
    """Run every check."""
    return await ctx.services.system.health()


@system.query(permission="system.read", rest="GET /system/info")
async def info(ctx: Ctx) -> SystemInfo:
    """Return versions and figures."""
    return await ctx.services.system.info(ctx.actor)


@system.query(rest="GET /system/now")
async def now(ctx: Ctx) -> int:
    """Return the server's time in microseconds UTC, by which screens set their clocks."""
    return ctx.services.system.now()
