"""Procedures about the caller's own account."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.credentials import Preferences
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.mfa import Enrolment
from pdm_app.services.profile import Profile, RecoveryCodes

profile = procedures()

Word = Annotated[str, Field(max_length=256)]
Code = Annotated[str, Field(min_length=1, max_length=64)]
OldCode = Annotated[str, Field(max_length=64)]


@profile.query(rest="GET /profile")
async def show(ctx: Ctx) -> Profile:
    """Return the caller's account, second factor and preferences."""
    return await ctx.services.auth.profile.show(ctx.actor)


@profile.mutation(rest="PUT /profile/preferences")
async def prefer(ctx: Ctx, preferences: Preferences) -> Preferences:
    """Keep how the caller likes the pages."""
    return await ctx.services.auth.profile.prefer(ctx.actor, preferences)


@profile.mutation(rest="PUT /profile/password", rate="10/minute")
async def change_password(ctx: Ctx, *, password: Word, new_password: Word) -> Profile:
    """Replace the caller's password by the one of now; every other session of theirs ends."""
    await ctx.services.auth.profile.change_password(ctx.actor, password, new_password)
    return await ctx.services.auth.profile.show(ctx.actor)


@profile.mutation(rest="POST /profile/mfa 200", rate="10/minute")
async def begin_mfa(ctx: Ctx, *, password: Word, code: OldCode = "") -> Enrolment:
    """Return what an authenticator app scans; it counts once `confirm_mfa` has seen a code of it.

    Where there is an app already, ``code`` is one of it, or a recovery code.
    """
    return await ctx.services.auth.profile.begin_mfa(ctx.actor, password, code)


@profile.mutation(rest="POST /profile/mfa/confirmation 200", rate="10/minute")
async def confirm_mfa(ctx: Ctx, *, code: Code) -> RecoveryCodes:
    """Take the app into use with its first code; the recovery codes are shown now and never again."""
    return await ctx.services.auth.profile.confirm_mfa(ctx.actor, code)


@profile.mutation(rest="POST /profile/mfa/end 200", rate="10/minute")
async def end_mfa(ctx: Ctx, *, password: Word, code: Code) -> Profile:
    """Give the app up, where the role does not need one."""
    await ctx.services.auth.profile.end_mfa(ctx.actor, password, code)
    return await ctx.services.auth.profile.show(ctx.actor)


@profile.mutation(rest="POST /profile/recovery-codes 200", rate="10/minute")
async def new_recovery(ctx: Ctx, *, code: Code) -> RecoveryCodes:
    """Replace all recovery codes, with a code of the app."""
    return await ctx.services.auth.profile.new_recovery(ctx.actor, code)
