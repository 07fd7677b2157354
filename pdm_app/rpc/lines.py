"""Procedures about the lines of areas."""

from pdm_app.domain.assets import Line, LineFacts
from pdm_app.domain.plant import Cursor, Listing, Page, PageSize, Words
from pdm_app.domain.record import Id, Name, Position, Revision, SignalNumber
from pdm_app.rpc.changes import given
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.trpc import MISSING, Missing

lines = procedures()


@lines.query(permission="assets.read", rest="GET /lines")
async def page(
    ctx: Ctx,
    *,
    site_id: Id | None = None,
    area_id: Id | None = None,
    text: Words = "",
    deleted: bool = False,
    cursor: Cursor | None = None,
    limit: PageSize = 100,
) -> Page[Line]:
    """Return a page of the lines in reach, by name."""
    listing = Listing(site_id=site_id, text=text, deleted=deleted, cursor=cursor, limit=limit)
    return await ctx.services.lines.page(ctx.actor, listing, area_id=area_id)


@lines.query(permission="assets.read", rest="GET /lines/{line_id}")
async def by_id(ctx: Ctx, *, line_id: Id) -> Line:
    """Return one line."""
    return await ctx.services.lines.get(ctx.actor, line_id)


@lines.mutation(permission="assets.configure", rest="POST /lines")
async def create(ctx: Ctx, facts: LineFacts) -> Line:
    """Create a line in an area."""
    return await ctx.services.lines.create(ctx.actor, facts)


@lines.mutation(permission="assets.configure", rest="PATCH /lines/{line_id}")
async def change(
    ctx: Ctx,
    *,
    line_id: Id,
    area_id: Id | Missing = MISSING,
    name: Name | Missing = MISSING,
    position: Position | Missing = MISSING,
    lead_signal_id: SignalNumber | Missing | None = MISSING,
    revision: Revision | None = None,
) -> Line:
    """Change the fields given; another area of the site moves the line there."""
    changes = given(
        area_id=area_id,
        name=name,
        position=position,
        lead_signal_id=lead_signal_id,
    )
    return await ctx.services.lines.change(ctx.actor, line_id, changes, revision)


@lines.mutation(permission="assets.configure", rest="DELETE /lines/{line_id}")
async def delete(ctx: Ctx, *, line_id: Id, revision: Revision | None = None) -> Line:
    """Delete a line; it can be restored. Refused while assets belong to it."""
    return await ctx.services.lines.delete(ctx.actor, line_id, revision)


@lines.mutation(permission="assets.configure", rest="POST /lines/{line_id}/restore")
async def restore(ctx: Ctx, *, line_id: Id) -> Line:
    """Bring back a line that was deleted."""
    return await ctx.services.lines.restore(ctx.actor, line_id)
