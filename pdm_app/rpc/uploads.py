"""Procedures about files that were handed in; they come in by ``POST /api/uploads``."""

from pdm_app.domain.record import Id
from pdm_app.domain.uploads import Upload
from pdm_app.rpc.context import Ctx, procedures

uploads = procedures()


@uploads.query("list", permission="history.import", rest="GET /uploads")
async def every(ctx: Ctx) -> tuple[Upload, ...]:
    """Return the files that you handed in and that are kept, newest first."""
    return await ctx.services.uploads.all(ctx.actor)


@uploads.mutation(permission="history.import", rest="DELETE /uploads/{upload_id}")
async def delete(ctx: Ctx, *, upload_id: Id) -> Upload:
    """Remove a file that you handed in."""
    return await ctx.services.uploads.delete(ctx.actor, upload_id)
