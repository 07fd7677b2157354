"""Procedures about service accounts and their keys."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.access import User
from pdm_app.domain.credentials import ApiKey
from pdm_app.domain.record import Id, Name
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.rpc.users import DisplayName, Rights, SiteIds, Username
from pdm_app.services.service_accounts import NewApiKey, ServiceAccount

service_accounts = procedures()

Days = Annotated[int, Field(ge=1, le=3650)]


@service_accounts.query("list", permission="users.configure", rest="GET /service-accounts")
async def every(ctx: Ctx) -> tuple[ServiceAccount, ...]:
    """Return all service accounts with their keys."""
    return await ctx.services.auth.service_accounts.all(ctx.actor)


@service_accounts.query(permission="users.configure", rest="GET /service-accounts/{user_id}")
async def by_id(ctx: Ctx, *, user_id: Id) -> ServiceAccount:
    """Return one service account with its keys."""
    return await ctx.services.auth.service_accounts.by_id(ctx.actor, user_id)


@service_accounts.mutation(permission="users.configure", rest="POST /service-accounts")
async def create(
    ctx: Ctx,
    *,
    username: Username,
    permissions: Rights,
    display_name: DisplayName = "",
    site_ids: SiteIds = (),
) -> ServiceAccount:
    """Make an account for a program, with these rights and no others."""
    return await ctx.services.auth.service_accounts.create(ctx.actor, username, display_name, site_ids, permissions)


@service_accounts.mutation(permission="users.configure", rest="PATCH /service-accounts/{user_id}")
async def change(
    ctx: Ctx,
    *,
    user_id: Id,
    display_name: DisplayName | None = None,
    site_ids: SiteIds | None = None,
    permissions: Rights | None = None,
    is_active: bool | None = None,
) -> ServiceAccount:
    """Change what a program may do and where; what is left out stays."""
    auth = ctx.services.auth
    found: ServiceAccount = await auth.service_accounts.by_id(ctx.actor, user_id)
    await auth.people.change(
        ctx.actor,
        found.account.username,
        display_name=display_name,
        site_ids=site_ids,
        grants=permissions,
        is_active=is_active,
    )
    return await auth.service_accounts.by_id(ctx.actor, user_id)


@service_accounts.mutation(permission="users.configure", rest="DELETE /service-accounts/{user_id}")
async def delete(ctx: Ctx, *, user_id: Id) -> User:
    """End a service account and all its keys for good."""
    found: ServiceAccount = await ctx.services.auth.service_accounts.by_id(ctx.actor, user_id)
    return await ctx.services.auth.people.delete(ctx.actor, found.account.username)


@service_accounts.mutation(permission="users.configure", rest="POST /service-accounts/{user_id}/keys 201")
async def create_key(ctx: Ctx, *, user_id: Id, name: Name, days: Days | None = 365) -> NewApiKey:
    """Make a key, shown now and never again; it ends after so many days, or never for null."""
    return await ctx.services.auth.service_accounts.create_key(ctx.actor, user_id, name, days)


@service_accounts.mutation(permission="users.configure", rest="POST /service-accounts/keys/{key_id}/rotation 201")
async def rotate_key(ctx: Ctx, *, key_id: Id) -> NewApiKey:
    """Make the successor of a key; the old one works on for the overlap that the settings say."""
    return await ctx.services.auth.service_accounts.rotate_key(ctx.actor, key_id)


@service_accounts.mutation(permission="users.configure", rest="DELETE /service-accounts/keys/{key_id}")
async def revoke_key(ctx: Ctx, *, key_id: Id) -> ApiKey:
    """End a key at once."""
    return await ctx.services.auth.service_accounts.revoke_key(ctx.actor, key_id)
