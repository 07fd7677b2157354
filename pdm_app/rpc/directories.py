"""Procedures about the company's own directories, for those who administer people."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.record import Id
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.directories import DirectoryCheck, DirectoryTrial, DirectoryView, UserDirectories

directories = procedures()

DirectoryId = Annotated[str, Field(min_length=1, max_length=24)]
Secret = Annotated[str, Field(max_length=2048)]
Name = Annotated[str, Field(min_length=1, max_length=256)]
Subject = Annotated[str, Field(min_length=1, max_length=255)]
Email = Annotated[str, Field(max_length=254)]


@directories.query("list", permission="users.configure", rest="GET /directories")
async def every(ctx: Ctx) -> tuple[DirectoryView, ...]:
    """Return the directories that the settings name, with their rules; never their secrets."""
    return await ctx.services.directories.all(ctx.actor)


@directories.query(permission="users.configure", rest="GET /directories/{directory_id}/check", rate="30/minute")
async def check(ctx: Ctx, *, directory_id: DirectoryId) -> DirectoryCheck:
    """Ask a directory whether it answers and is what the settings say."""
    return await ctx.services.directories.check(ctx.actor, directory_id)


@directories.query(permission="users.configure", rest="GET /directories/{directory_id}/people", rate="30/minute")
async def try_person(ctx: Ctx, *, directory_id: DirectoryId, username: Name) -> DirectoryTrial:
    """Look somebody up in an LDAP directory: their groups, and the role and sites that the rules give them."""
    return await ctx.services.directories.try_person(ctx.actor, directory_id, username)


@directories.mutation(permission="users.configure", rest="PUT /directories/{directory_id}/secret", rate="10/minute")
async def put_secret(ctx: Ctx, *, directory_id: DirectoryId, secret: Secret) -> DirectoryView:
    """Store the client secret of a provider, or the password with which an LDAP directory is searched."""
    return await ctx.services.directories.put_secret(ctx.actor, directory_id, secret)


@directories.mutation(permission="users.configure", rest="DELETE /directories/{directory_id}/secret")
async def remove_secret(ctx: Ctx, *, directory_id: DirectoryId) -> DirectoryView:
    """Forget the secret of a directory."""
    return await ctx.services.directories.remove_secret(ctx.actor, directory_id)


@directories.query(permission="users.configure", rest="GET /users/{user_id}/directories")
async def of_user(ctx: Ctx, *, user_id: Id) -> UserDirectories:
    """Return how directories know a person: their e-mail address, and the accounts there."""
    return await ctx.services.directories.of_user(ctx.actor, user_id)


@directories.mutation(permission="users.configure", rest="PUT /users/{user_id}/email")
async def set_email(ctx: Ctx, *, user_id: Id, email: Email) -> UserDirectories:
    """Set the e-mail address by which a directory may recognise a person; an empty one removes it."""
    return await ctx.services.directories.set_email(ctx.actor, user_id, email)


@directories.mutation(permission="users.configure", rest="POST /users/{user_id}/unlink")
async def unlink(ctx: Ctx, *, user_id: Id, directory_id: DirectoryId, subject: Subject) -> UserDirectories:
    """End the link between a person here and somebody of a directory."""
    return await ctx.services.directories.unlink(ctx.actor, user_id, directory_id, subject)
