"""Procedures about single things shown to people of other sites."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.holdings import Share, ShareAccess, ShareKind
from pdm_app.domain.record import Id, Instant, Name
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.shares import SharedWithMe, ShareView

shares = procedures()

Username = Annotated[str, Field(min_length=1, max_length=80)]


@shares.query(permission="assets.share", rest="GET /shares/{kind}/{resource_id}")
async def of(ctx: Ctx, *, kind: ShareKind, resource_id: Id) -> tuple[ShareView, ...]:
    """Return with whom one thing is shared, and was."""
    return await ctx.services.auth.shares.of(ctx.actor, kind, resource_id)


@shares.query(permission="assets.read", rest="GET /shares")
async def mine(ctx: Ctx) -> tuple[SharedWithMe, ...]:
    """Return the machines of other sites that are shared with the caller."""
    return await ctx.services.auth.shares.mine(ctx.actor)


@shares.mutation(permission="assets.share", rest="POST /shares/{kind}/{resource_id} 201", rate="60/minute")
async def create(
    ctx: Ctx,
    *,
    kind: ShareKind,
    resource_id: Id,
    username: Username | None = None,
    group: Name | None = None,
    access: ShareAccess = ShareAccess.READ,
    until: Instant | None = None,
) -> Share:
    """Share one thing with a person or a group, for reading or for changing, until a time or until it is revoked."""
    return await ctx.services.auth.shares.create(
        ctx.actor, kind, resource_id, username=username, group=group, access=access, until=until
    )


@shares.mutation(permission="assets.share", rest="DELETE /shares/{share_id}")
async def revoke(ctx: Ctx, *, share_id: Id) -> Share:
    """End a share at once."""
    return await ctx.services.auth.shares.revoke(ctx.actor, share_id)
