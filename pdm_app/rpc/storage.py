"""Procedures about where history is kept and how long the room will do."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.cold import ColdFile
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.storage import FILES_MAX, StorageStatus

storage = procedures()

Limit = Annotated[int, Field(ge=1, le=FILES_MAX)]


@storage.query(permission="storage.configure", rest="GET /storage")
async def status(ctx: Ctx) -> StorageStatus:
    """Return what each tier takes, how it grows, and how long the room will do; at most 20 s old."""
    return await ctx.services.storage.status(ctx.actor)


@storage.query(permission="storage.configure", rest="GET /storage/files")
async def files(ctx: Ctx, *, limit: Limit = 200) -> tuple[ColdFile, ...]:
    """Return cold files: damaged ones first, then the newest."""
    return await ctx.services.storage.files(ctx.actor, limit)
