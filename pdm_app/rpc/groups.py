"""Procedures about groups of people."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.holdings import MEMBERS_MAX, Description, Group
from pdm_app.domain.record import Id, Name, Revision, Text
from pdm_app.rpc.changes import given
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.rpc.users import Rights, SiteIds
from pdm_app.trpc import MISSING, Missing

groups = procedures()

Members = Annotated[tuple[Id, ...], Field(max_length=MEMBERS_MAX)]


@groups.query("list", permission="users.configure", rest="GET /groups")
async def every(ctx: Ctx, *, with_deleted: bool = False) -> tuple[Group, ...]:
    """Return groups by name, with their members."""
    return await ctx.services.auth.groups.all(ctx.actor, with_deleted=with_deleted)


@groups.query(permission="users.configure", rest="GET /groups/{group_id}")
async def by_id(ctx: Ctx, *, group_id: Id) -> Group:
    """Return one group, also a deleted one."""
    return await ctx.services.auth.groups.by_id(ctx.actor, group_id)


@groups.mutation(permission="users.configure", rest="POST /groups")
async def create(
    ctx: Ctx,
    *,
    name: Name,
    description: Description = "",
    site_ids: SiteIds = (),
    permissions: Rights = (),
    member_ids: Members = (),
) -> Group:
    """Make a group; its members have its sites and rights beside their own."""
    return await ctx.services.auth.groups.create(ctx.actor, name, description, site_ids, permissions, member_ids)


@groups.mutation(permission="users.configure", rest="PATCH /groups/{group_id}")
async def change(
    ctx: Ctx,
    *,
    group_id: Id,
    name: Name | Missing = MISSING,
    description: Description | Missing = MISSING,
    site_ids: SiteIds | Missing = MISSING,
    permissions: Rights | Missing = MISSING,
    member_ids: Members | Missing = MISSING,
    revision: Revision | None = None,
    reason: Text = "",
) -> Group:
    """Change the fields given; it holds for open pages of its members at once."""
    wanted = given(
        name=name, description=description, site_ids=site_ids, permissions=permissions, member_ids=member_ids
    )
    return await ctx.services.auth.groups.change(ctx.actor, group_id, wanted, revision, reason)


@groups.mutation(permission="users.configure", rest="DELETE /groups/{group_id}")
async def delete(ctx: Ctx, *, group_id: Id) -> Group:
    """Delete a group: it gives nothing from now on, and can be restored with its members."""
    return await ctx.services.auth.groups.delete(ctx.actor, group_id)


@groups.mutation(permission="users.configure", rest="POST /groups/{group_id}/restore")
async def restore(ctx: Ctx, *, group_id: Id) -> Group:
    """Bring a deleted group back, with those of its members and sites that are still there."""
    return await ctx.services.auth.groups.restore(ctx.actor, group_id)
