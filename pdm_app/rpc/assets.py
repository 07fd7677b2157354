"""Procedures about the asset tree."""

from pdm_app.domain.assets import Asset
from pdm_app.domain.record import Id
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.assets import AssetDetail, PlantOverview

assets = procedures()


@assets.query(permission="assets.read", rest="GET /assets/overview")
async def overview(ctx: Ctx, *, site_id: Id | None = None) -> PlantOverview:
    """Return the lines of one site, or of all sites in reach, with their machines in flow order."""
    return await ctx.services.assets.overview(ctx.actor, site_id)


@assets.query("list", permission="assets.read", rest="GET /assets")
async def every(ctx: Ctx, *, site_id: Id | None = None) -> tuple[Asset, ...]:
    """Return machines in plant order."""
    return await ctx.services.assets.all(ctx.actor, site_id)


@assets.query(permission="assets.read", rest="GET /assets/{asset_id}")
async def by_id(ctx: Ctx, *, asset_id: Id) -> AssetDetail:
    """Return one machine with its place, signals, rules and devices."""
    return await ctx.services.assets.by_id(ctx.actor, asset_id)
