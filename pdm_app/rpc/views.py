"""Procedures about views of the trend workspace."""

from pdm_app.domain.record import Id, Name, Revision
from pdm_app.domain.views import Audience, View, ViewAddress
from pdm_app.rpc.changes import given
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.trpc import MISSING, Missing

views = procedures()


@views.query("list", rest="GET /views")
async def every(ctx: Ctx) -> tuple[View, ...]:
    """Return the caller's own views and those shown to the caller's sites and groups, by name."""
    return await ctx.services.views.all(ctx.actor)


@views.query(rest="GET /views/audience")
async def audience(ctx: Ctx) -> Audience:
    """Return the sites and groups that the caller may show a view to."""
    return await ctx.services.views.audience(ctx.actor)


@views.mutation(rest="POST /views 201", rate="60/minute")
async def create(ctx: Ctx, *, name: Name, address: ViewAddress, is_default: bool = False) -> View:
    """Keep a view under a name."""
    return await ctx.services.views.create(ctx.actor, name, address, is_default=is_default)


@views.mutation(rest="POST /views/{view_id}/copy 201", rate="60/minute")
async def copy(ctx: Ctx, *, view_id: Id, name: Name | None = None) -> View:
    """Keep a view that somebody else shows as an own one."""
    return await ctx.services.views.copy(ctx.actor, view_id, name)


@views.mutation(rest="PATCH /views/{view_id}", rate="120/minute")
async def change(
    ctx: Ctx,
    *,
    view_id: Id,
    name: Name | Missing = MISSING,
    address: ViewAddress | Missing = MISSING,
    is_default: bool | Missing = MISSING,
    revision: Revision | None = None,
) -> View:
    """Change the fields given of an own view; whoever it is shown to finds it changed."""
    wanted = given(name=name, address=address, is_default=is_default)
    return await ctx.services.views.change(ctx.actor, view_id, wanted, revision)


@views.mutation(permission="assets.share", rest="PUT /views/{view_id}/audience", rate="60/minute")
async def show(ctx: Ctx, *, view_id: Id, site_id: Id | None = None, group_id: Id | None = None) -> View:
    """Show an own view to everybody of a site or of a group; with neither, to nobody any more."""
    return await ctx.services.views.show(ctx.actor, view_id, site_id, group_id)


@views.mutation(rest="DELETE /views/{view_id}")
async def delete(ctx: Ctx, *, view_id: Id) -> View:
    """Delete an own view; it can be restored."""
    return await ctx.services.views.delete(ctx.actor, view_id)


@views.mutation(rest="POST /views/{view_id}/restore")
async def restore(ctx: Ctx, *, view_id: Id) -> View:
    """Bring a deleted view back."""
    return await ctx.services.views.restore(ctx.actor, view_id)
