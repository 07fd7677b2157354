"""Procedures about the areas of sites."""

from pdm_app.domain.assets import Area, AreaFacts
from pdm_app.domain.plant import Cursor, Listing, Page, PageSize, Words
from pdm_app.domain.record import Id, Name, Position, Revision
from pdm_app.rpc.changes import given
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.trpc import MISSING, Missing

areas = procedures()


@areas.query(permission="assets.read", rest="GET /areas")
async def page(
    ctx: Ctx,
    *,
    site_id: Id | None = None,
    text: Words = "",
    deleted: bool = False,
    cursor: Cursor | None = None,
    limit: PageSize = 100,
) -> Page[Area]:
    """Return a page of the areas in reach, by name."""
    listing = Listing(site_id=site_id, text=text, deleted=deleted, cursor=cursor, limit=limit)
    return await ctx.services.areas.page(ctx.actor, listing)


@areas.query(permission="assets.read", rest="GET /areas/{area_id}")
async def by_id(ctx: Ctx, *, area_id: Id) -> Area:
    """Return one area."""
    return await ctx.services.areas.get(ctx.actor, area_id)


@areas.mutation(permission="assets.configure", rest="POST /areas")
async def create(ctx: Ctx, facts: AreaFacts) -> Area:
    """Create an area in a site."""
    return await ctx.services.areas.create(ctx.actor, facts)


@areas.mutation(permission="assets.configure", rest="PATCH /areas/{area_id}")
async def change(
    ctx: Ctx,
    *,
    area_id: Id,
    name: Name | Missing = MISSING,
    position: Position | Missing = MISSING,
    revision: Revision | None = None,
) -> Area:
    """Change the fields given. With a revision, only if nobody has changed the area since."""
    changes = given(
        name=name,
        position=position,
    )
    return await ctx.services.areas.change(ctx.actor, area_id, changes, revision)


@areas.mutation(permission="assets.configure", rest="DELETE /areas/{area_id}")
async def delete(ctx: Ctx, *, area_id: Id, revision: Revision | None = None) -> Area:
    """Delete an area; it can be restored. Refused while lines belong to it."""
    return await ctx.services.areas.delete(ctx.actor, area_id, revision)


@areas.mutation(permission="assets.configure", rest="POST /areas/{area_id}/restore")
async def restore(ctx: Ctx, *, area_id: Id) -> Area:
    """Bring back an area that was deleted."""
    return await ctx.services.areas.restore(ctx.actor, area_id)
