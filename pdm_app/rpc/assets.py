"""Procedures about the asset tree."""

from pdm_app.domain.assets import Asset, AssetClass, AssetFacts
from pdm_app.domain.plant import Cursor, Listing, Page, PageSize, Words
from pdm_app.domain.record import Code, Id, Name, Position, Revision, SignalNumber
from pdm_app.rpc.changes import given
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.assets import AssetDetail, PlantOverview
from pdm_app.services.signatures import Signing
from pdm_app.trpc import MISSING, Missing

assets = procedures()


@assets.query(permission="assets.read", rest="GET /assets/overview")
async def overview(ctx: Ctx, *, site_id: Id | None = None) -> PlantOverview:
    """Return the lines of one site, or of all sites in reach, with their machines in flow order."""
    return await ctx.services.assets.overview(ctx.actor, site_id)


@assets.query("list", permission="assets.read")
async def every(ctx: Ctx, *, site_id: Id | None = None) -> tuple[Asset, ...]:
    """Return machines in plant order."""
    return await ctx.services.assets.all(ctx.actor, site_id)


@assets.query(permission="assets.read", rest="GET /assets/{asset_id}")
async def by_id(ctx: Ctx, *, asset_id: Id) -> AssetDetail:
    """Return one machine with its place, signals, rules and devices."""
    return await ctx.services.assets.by_id(ctx.actor, asset_id)


@assets.query(permission="assets.read", rest="GET /assets")
async def page(
    ctx: Ctx,
    *,
    site_id: Id | None = None,
    line_id: Id | None = None,
    text: Words = "",
    deleted: bool = False,
    cursor: Cursor | None = None,
    limit: PageSize = 100,
) -> Page[Asset]:
    """Return a page of the machines in reach, by code."""
    listing = Listing(site_id=site_id, text=text, deleted=deleted, cursor=cursor, limit=limit)
    return await ctx.services.assets.page(ctx.actor, listing, line_id=line_id)


@assets.mutation(permission="assets.configure", rest="POST /assets")
async def create(ctx: Ctx, facts: AssetFacts) -> Asset:
    """Create a machine in a line."""
    return await ctx.services.assets.create(ctx.actor, facts)


@assets.mutation(permission="assets.configure", rest="PATCH /assets/{asset_id}")
async def change(
    ctx: Ctx,
    *,
    asset_id: Id,
    line_id: Id | Missing = MISSING,
    code: Code | Missing = MISSING,
    name: Name | Missing = MISSING,
    asset_class: AssetClass | Missing = MISSING,
    position: Position | Missing = MISSING,
    state_signal_id: SignalNumber | Missing | None = MISSING,
    revision: Revision | None = None,
) -> Asset:
    """Change the fields given; another line of the site moves the machine there."""
    changes = given(
        line_id=line_id,
        code=code,
        name=name,
        asset_class=asset_class,
        position=position,
        state_signal_id=state_signal_id,
    )
    return await ctx.services.assets.change(ctx.actor, asset_id, changes, revision)


@assets.mutation(permission="assets.configure", rest="DELETE /assets/{asset_id}")
async def delete(
    ctx: Ctx,
    *,
    asset_id: Id,
    revision: Revision | None = None,
    with_parts: bool = False,
    signing: Signing | None = None,
) -> Asset:
    """Delete a machine, with_parts its signals and alarm rules too. It can be restored, with what went with it.

    Where the settings ask for an electronic signature, ``signing`` holds the password of the caller.
    """
    return await ctx.services.assets.delete(ctx.actor, asset_id, revision, with_parts=with_parts, signing=signing)


@assets.mutation(permission="assets.configure", rest="POST /assets/{asset_id}/restore")
async def restore(ctx: Ctx, *, asset_id: Id) -> Asset:
    """Bring back a machine that was deleted."""
    return await ctx.services.assets.restore(ctx.actor, asset_id)
