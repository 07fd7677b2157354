"""Procedures about releases of firmware; files come in by ``POST /api/uploads?kind=firmware``."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.firmware_versions import FirmwareVersion
from pdm_app.domain.record import Code, Id, Revision, Text
from pdm_app.domain.releases import HARDWARE_MAX, Hardware, Release, ReleaseFacts, SecurityVersion
from pdm_app.rpc.changes import given
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.releases import ReleaseManifest, ReleaseView
from pdm_app.trpc import MISSING, Missing

Reason = Annotated[str, Field(min_length=3, max_length=2000, description="Why; the page shows it.")]
Signature = Annotated[str, Field(min_length=1, max_length=200, description="As `pdm-app firmware sign` prints it.")]
FittingHardware = Annotated[tuple[Hardware, ...], Field(min_length=1, max_length=HARDWARE_MAX)]

releases = procedures()


@releases.query("list", permission="firmware.read", rest="GET /releases")
async def every(ctx: Ctx) -> tuple[ReleaseView, ...]:
    """Return the releases of firmware, the newest upload first, and what can be done with each."""
    return await ctx.services.releases.all(ctx.actor)


@releases.query(permission="firmware.read", rest="GET /releases/{release_id}")
async def by_id(ctx: Ctx, *, release_id: Id) -> ReleaseView:
    """Return one release."""
    return await ctx.services.releases.get(ctx.actor, release_id)


@releases.query(permission="firmware.read", rest="GET /releases/{release_id}/manifest")
async def manifest(ctx: Ctx, *, release_id: Id) -> ReleaseManifest:
    """Return what is to be signed offline, byte for byte, and the command that does it."""
    return await ctx.services.releases.manifest(ctx.actor, release_id)


@releases.mutation(permission="firmware.upload", rest="POST /releases 201", rate="60/minute")
async def create(ctx: Ctx, *, upload_id: Id, facts: ReleaseFacts) -> Release:
    """Make a draft of a file that you have handed in."""
    return await ctx.services.releases.create(ctx.actor, upload_id, facts)


@releases.mutation(permission="firmware.upload", rest="PATCH /releases/{release_id}", rate="60/minute")
async def change(
    ctx: Ctx,
    *,
    release_id: Id,
    name: Code | Missing = MISSING,
    version: FirmwareVersion | Missing = MISSING,
    security_version: SecurityVersion | Missing = MISSING,
    hardware: FittingHardware | Missing = MISSING,
    min_from_version: FirmwareVersion | Missing | None = MISSING,
    rollback_safe: bool | Missing = MISSING,
    notes: Text | Missing = MISSING,
    revision: Revision | None = None,
) -> Release:
    """Change the fields given of a draft; a signature for what was said before does not hold any more."""
    changes = given(
        name=name, version=version, security_version=security_version, hardware=hardware,
        min_from_version=min_from_version, rollback_safe=rollback_safe, notes=notes,
    )  # fmt: skip
    return await ctx.services.releases.change(ctx.actor, release_id, changes, revision)


@releases.mutation(permission="firmware.upload", rest="DELETE /releases/{release_id}", rate="60/minute")
async def delete(ctx: Ctx, *, release_id: Id, revision: Revision | None = None) -> Release:
    """Delete a draft and its file; what was signed once stays on record."""
    return await ctx.services.releases.delete(ctx.actor, release_id, revision)


@releases.mutation(permission="firmware.upload", rest="POST /releases/{release_id}/sign", rate="60/minute")
async def sign(ctx: Ctx, *, release_id: Id, signature: Signature, revision: Revision | None = None) -> Release:
    """Hand in a signature that was made offline; it is verified with the keys on the list."""
    return await ctx.services.releases.sign(ctx.actor, release_id, signature, revision)


@releases.mutation(permission="firmware.approve", rest="POST /releases/{release_id}/approve", rate="60/minute")
async def approve(ctx: Ctx, *, release_id: Id, revision: Revision | None = None) -> Release:
    """Say that a release may be published; not by whoever has uploaded it."""
    return await ctx.services.releases.approve(ctx.actor, release_id, revision)


@releases.mutation(permission="firmware.publish", rest="POST /releases/{release_id}/publish", rate="60/minute")
async def publish(ctx: Ctx, *, release_id: Id, revision: Revision | None = None) -> Release:
    """Let devices have an approved release."""
    return await ctx.services.releases.publish(ctx.actor, release_id, revision)


@releases.mutation(permission="firmware.publish", rest="POST /releases/{release_id}/deprecate", rate="60/minute")
async def deprecate(ctx: Ctx, *, release_id: Id, reason: Reason, revision: Revision | None = None) -> Release:
    """Give a release to no more devices; those that had it before may still go back to it."""
    return await ctx.services.releases.deprecate(ctx.actor, release_id, reason, revision)


@releases.mutation(permission="firmware.publish", rest="POST /releases/{release_id}/revoke", rate="60/minute")
async def revoke(ctx: Ctx, *, release_id: Id, reason: Reason, revision: Revision | None = None) -> Release:
    """Keep a release from every device for good."""
    return await ctx.services.releases.revoke(ctx.actor, release_id, reason, revision)
