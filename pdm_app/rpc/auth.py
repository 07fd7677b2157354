"""Procedures about the caller."""

from pdm_app.domain.access import Permission, Role
from pdm_app.domain.assets import Site
from pdm_app.domain.record import Record
from pdm_app.rpc.context import Ctx, procedures

auth = procedures()


class Me(Record):
    """The caller: name, role, rights and the sites in reach."""

    user_id: str
    username: str
    role: Role
    permissions: tuple[Permission, ...]
    sites: tuple[Site, ...]


@auth.query(rest="GET /me")
async def me(ctx: Ctx) -> Me:
    """Say who is calling."""
    actor = ctx.actor
    sites = await ctx.services.assets.sites(actor) if Permission.ASSETS_READ in actor.permissions else ()
    return Me(
        user_id=actor.id,
        username=actor.name,
        role=actor.role,
        permissions=tuple(sorted(actor.permissions)),
        sites=sites,
    )
