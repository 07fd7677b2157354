"""Procedures about roles: the built-in ones, and copies of them with rights of their own."""

from pdm_app.domain.access import Role
from pdm_app.domain.holdings import CustomRole
from pdm_app.domain.record import Id, Name, Revision, Text
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.rpc.users import Rights
from pdm_app.services.roles import RoleTable

roles = procedures()


@roles.query(rest="GET /roles")
async def table(ctx: Ctx) -> RoleTable:
    """Return every role with its rights."""
    return await ctx.services.auth.roles.table(ctx.actor)


@roles.mutation(permission="users.configure", rest="POST /roles")
async def create(ctx: Ctx, *, name: Name, based_on: Role, permissions: Rights | None = None) -> CustomRole:
    """Copy a built-in role, with its rights or with others."""
    return await ctx.services.auth.roles.create(ctx.actor, name, based_on, permissions)


@roles.mutation(permission="users.configure", rest="PATCH /roles/{role_id}")
async def change(
    ctx: Ctx,
    *,
    role_id: Id,
    name: Name | None = None,
    permissions: Rights | None = None,
    revision: Revision | None = None,
    reason: Text = "",
) -> CustomRole:
    """Change what a role made here is called or may do; it holds for open pages of its people at once."""
    return await ctx.services.auth.roles.change(
        ctx.actor, role_id, name=name, permissions=permissions, revision=revision, reason=reason
    )


@roles.mutation(permission="users.configure", rest="DELETE /roles/{role_id}")
async def delete(ctx: Ctx, *, role_id: Id) -> CustomRole:
    """Delete a role that nobody has."""
    return await ctx.services.auth.roles.delete(ctx.actor, role_id)
