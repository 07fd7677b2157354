"""Procedures about sites."""

from pdm_app.domain.assets import Currency, Site, SiteFacts, TimeZone
from pdm_app.domain.plant import Cursor, Listing, Page, PageSize, Words
from pdm_app.domain.record import Code, Id, Name, Revision
from pdm_app.rpc.changes import given
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.trpc import MISSING, Missing

sites = procedures()


@sites.query(permission="assets.read", rest="GET /sites")
async def page(
    ctx: Ctx,
    *,
    text: Words = "",
    deleted: bool = False,
    cursor: Cursor | None = None,
    limit: PageSize = 100,
) -> Page[Site]:
    """Return a page of the sites in reach, by code."""
    listing = Listing(text=text, deleted=deleted, cursor=cursor, limit=limit)
    return await ctx.services.sites.page(ctx.actor, listing)


@sites.query(permission="assets.read", rest="GET /sites/{site_id}")
async def by_id(ctx: Ctx, *, site_id: Id) -> Site:
    """Return one site."""
    return await ctx.services.sites.get(ctx.actor, site_id)


@sites.mutation(permission="sites.configure", rest="POST /sites")
async def create(ctx: Ctx, facts: SiteFacts) -> Site:
    """Create a site."""
    return await ctx.services.sites.create(ctx.actor, facts)


@sites.mutation(permission="sites.configure", rest="PATCH /sites/{site_id}")
async def change(
    ctx: Ctx,
    *,
    site_id: Id,
    code: Code | Missing = MISSING,
    name: Name | Missing = MISSING,
    time_zone: TimeZone | Missing = MISSING,
    currency: Currency | Missing = MISSING,
    revision: Revision | None = None,
) -> Site:
    """Change the fields given. With a revision, only if nobody has changed the site since."""
    changes = given(
        code=code,
        name=name,
        time_zone=time_zone,
        currency=currency,
    )
    return await ctx.services.sites.change(ctx.actor, site_id, changes, revision)


@sites.mutation(permission="sites.configure", rest="DELETE /sites/{site_id}")
async def delete(ctx: Ctx, *, site_id: Id, revision: Revision | None = None) -> Site:
    """Delete a site; it can be restored. Refused while areas, connections or devices belong to it."""
    return await ctx.services.sites.delete(ctx.actor, site_id, revision)


@sites.mutation(permission="sites.configure", rest="POST /sites/{site_id}/restore")
async def restore(ctx: Ctx, *, site_id: Id) -> Site:
    """Bring back a site that was deleted."""
    return await ctx.services.sites.restore(ctx.actor, site_id)
