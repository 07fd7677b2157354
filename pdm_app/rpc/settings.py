"""Procedures about the settings of the installation."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.record import Text
from pdm_app.domain.settings_revisions import RevisionNumber, SettingKey, SettingValue
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.settings import (
    CHANGES_MAX,
    PAGE_MAX,
    SettingChange,
    SettingsPage,
    SettingsReview,
    SettingsStatus,
    SettingsView,
)
from pdm_app.services.settings_text import TEXT_CHARACTERS_MAX

settings = procedures()

Changes = Annotated[dict[SettingKey, SettingValue], Field(max_length=CHANGES_MAX)]
Resets = Annotated[tuple[SettingKey, ...], Field(max_length=CHANGES_MAX)]
FileText = Annotated[str, Field(max_length=TEXT_CHARACTERS_MAX, description="TOML, as `export` writes it.")]
Base = Annotated[
    RevisionNumber | None,
    Field(description="The revision this was made from: a stale one is refused, with who was first. None asks nobody."),
]
PageSize = Annotated[int, Field(ge=1, le=PAGE_MAX)]


@settings.query(permission="settings.read", rest="GET /settings")
async def tree(ctx: Ctx) -> SettingsView:
    """Return all settings: value, default, bounds, who fixes them and when a change takes effect."""
    return await ctx.services.settings.tree(ctx.actor)


@settings.query(permission="settings.read", rest="GET /settings/status")
async def status(ctx: Ctx) -> SettingsStatus:
    """Return which revision is in force and what waits for the next start."""
    return await ctx.services.settings.status(ctx.actor)


@settings.query(permission="settings.read", rest="GET /settings/revisions")
async def history(ctx: Ctx, *, before: RevisionNumber | None = None, limit: PageSize = 50) -> SettingsPage:
    """Return who changed settings, when and why, newest first."""
    return await ctx.services.settings.history(ctx.actor, before, limit)


@settings.query(permission="settings.read", rest="GET /settings/difference")
async def difference(ctx: Ctx, *, older: RevisionNumber, newer: RevisionNumber) -> tuple[SettingChange, ...]:
    """Return how two revisions differ; 0 is before anything was set."""
    return await ctx.services.settings.difference(ctx.actor, older, newer)


@settings.mutation(permission="settings.read", rest="POST /settings/review 200")
async def review(ctx: Ctx, *, changes: Changes, resets: Resets = ()) -> SettingsReview:
    """Return what a change would do, without making it; what cannot be set is refused by key."""
    return await ctx.services.settings.review(ctx.actor, changes, resets)


@settings.query(permission="settings.read", rest="GET /settings/revisions/{number}/review")
async def review_back(ctx: Ctx, *, number: RevisionNumber) -> SettingsReview:
    """Return what going back to a revision would change, and what of it cannot be used any more."""
    return await ctx.services.settings.review_back(ctx.actor, number)


@settings.mutation(permission="settings.read", rest="POST /settings/file/review 200")
async def review_text(ctx: Ctx, *, text: FileText, replace: bool = False) -> SettingsReview:
    """Return what bringing in a file would change; what cannot be set is refused by key and line."""
    return await ctx.services.settings.review_text(ctx.actor, text, replace=replace)


@settings.query(permission="settings.read", rest="GET /settings/file")
async def export(ctx: Ctx, *, comments: bool = True) -> str:
    """Return what is set in the product as a TOML file that fits into Git."""
    return await ctx.services.settings.export(ctx.actor, comments=comments)


@settings.mutation(permission="settings.write", rest="PATCH /settings", rate="60/minute")
async def change(
    ctx: Ctx, *, changes: Changes, resets: Resets = (), base: Base = None, reason: Text = ""
) -> SettingsStatus:
    """Set some settings, and leave others to the installation again."""
    return await ctx.services.settings.change(ctx.actor, changes, resets, base, reason)


@settings.mutation(permission="settings.write", rest="POST /settings/revisions/{number}/restoration 200")
async def go_back(ctx: Ctx, *, number: RevisionNumber, base: Base = None, reason: Text = "") -> SettingsStatus:
    """Set again what a revision held, as a new revision; 0 sets nothing."""
    return await ctx.services.settings.go_back(ctx.actor, number, base, reason)


@settings.mutation(permission="settings.write", rest="PUT /settings/file")
async def bring_in(
    ctx: Ctx, *, text: FileText, replace: bool = False, base: Base = None, reason: Text = ""
) -> SettingsStatus:
    """Set what a TOML file says; what it does not name stays, or is reset where it is to replace everything."""
    return await ctx.services.settings.bring_in(ctx.actor, text, replace=replace, base=base, reason=reason)
