"""Procedures about people's accounts, for those who administer them."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.access import Permission, Role, User
from pdm_app.domain.record import Id, Text
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.links import NewLink
from pdm_app.services.users import UserRights, UserView

users = procedures()

Username = Annotated[str, Field(min_length=1, max_length=80)]
DisplayName = Annotated[str, Field(max_length=120)]
Word = Annotated[str, Field(max_length=256)]
SiteIds = Annotated[tuple[Id, ...], Field(max_length=500)]
Rights = Annotated[tuple[Permission, ...], Field(max_length=100)]


@users.query("list", permission="users.configure", rest="GET /users")
async def every(ctx: Ctx, *, with_deleted: bool = False) -> tuple[UserView, ...]:
    """Return people by name, with how far their sign-in is set up."""
    return await ctx.services.auth.users.all(ctx.actor, with_deleted=with_deleted)


@users.query(permission="users.configure", rest="GET /users/{user_id}")
async def by_id(ctx: Ctx, *, user_id: Id) -> UserView:
    """Return one person, also a deleted one."""
    return await ctx.services.auth.users.by_id(ctx.actor, user_id)


@users.query(permission="users.configure", rest="GET /users/{user_id}/rights")
async def rights(ctx: Ctx, *, user_id: Id) -> UserRights:
    """Return what one person may do and see, and where each right comes from."""
    return await ctx.services.auth.users.rights(ctx.actor, user_id)


@users.mutation(permission="users.configure", rest="POST /users", rate="60/minute")
async def create(
    ctx: Ctx,
    *,
    username: Username,
    role: Role,
    password: Word,
    display_name: DisplayName = "",
    site_ids: SiteIds = (),
    must_change: bool = True,
) -> User:
    """Add a person with a password, which by default the first sign-in asks to replace."""
    return await ctx.services.auth.people.add(
        ctx.actor, username, password, role, display_name, site_ids, must_change=must_change
    )


@users.mutation(permission="users.configure", rest="POST /users/invitations", rate="60/minute")
async def invite(
    ctx: Ctx, *, username: Username, role: Role, display_name: DisplayName = "", site_ids: SiteIds = ()
) -> NewLink:
    """Add a person without a password, and make the one-time link with which they set one."""
    return await ctx.services.auth.links.invite(ctx.actor, username, role, display_name, site_ids)


@users.mutation(permission="users.configure", rest="PATCH /users/{user_id}")
async def change(
    ctx: Ctx,
    *,
    user_id: Id,
    display_name: DisplayName | None = None,
    role: Role | None = None,
    site_ids: SiteIds | None = None,
    is_active: bool | None = None,
    grants: Rights | None = None,
    denials: Rights | None = None,
    custom_role_id: Id | None = None,
    reason: Text = "",
) -> User:
    """Change what a person may do and where; what is left out stays. Holds for open pages at once.

    A role made here brings the built-in one it was copied from; a ``role`` alone ends it.
    """
    people = ctx.services.auth.people
    person = await people.by_id(ctx.actor, user_id)
    return await people.change(
        ctx.actor,
        person.username,
        display_name=display_name,
        role=role,
        site_ids=site_ids,
        is_active=is_active,
        grants=grants,
        denials=denials,
        custom_role_id=custom_role_id,
        reason=reason,
    )


@users.mutation(permission="users.configure", rest="POST /users/{user_id}/link 201", rate="60/minute")
async def renew_link(ctx: Ctx, *, user_id: Id) -> NewLink:
    """Make a one-time link for a new password; links of before end, the password of now works until it is used."""
    person = await ctx.services.auth.people.by_id(ctx.actor, user_id)
    return await ctx.services.auth.links.renew(ctx.actor, person.username)


@users.mutation(permission="users.configure", rest="POST /users/{user_id}/mfa-reset")
async def reset_mfa(ctx: Ctx, *, user_id: Id) -> User:
    """Take a lost authenticator app away; all sessions of the person end."""
    person = await ctx.services.auth.people.by_id(ctx.actor, user_id)
    return await ctx.services.auth.people.reset_mfa(ctx.actor, person.username)


@users.mutation(permission="users.configure", rest="DELETE /users/{user_id}")
async def delete(ctx: Ctx, *, user_id: Id) -> User:
    """End an account for good; its name stays in journals, and nobody else gets it."""
    person = await ctx.services.auth.people.by_id(ctx.actor, user_id)
    return await ctx.services.auth.people.delete(ctx.actor, person.username)
