"""Procedures about imports of history. The file itself comes in by ``POST /api/uploads?kind=history``."""

from pdm_app.domain.imports import Import, ImportLook, ImportPlan, ImportPreview
from pdm_app.domain.record import Id
from pdm_app.rpc.context import Ctx, procedures

imports = procedures()


@imports.query("list", permission="history.import", rest="GET /imports")
async def every(ctx: Ctx) -> tuple[Import, ...]:
    """Return the last hundred imports of your sites, newest first; refused rows are at ``/api/imports/ID/refused``."""
    return await ctx.services.imports.all(ctx.actor)


@imports.query(permission="history.import", rest="GET /imports/preview")
async def preview(ctx: Ctx, look: ImportLook) -> ImportPreview:
    """Return how a file that you handed in would be read, and which signals it seems to hold."""
    return await ctx.services.imports.preview(ctx.actor, look.upload_id, look.form)


@imports.mutation(permission="history.import", rest="POST /imports", rate="30/minute")
async def create(ctx: Ctx, plan: ImportPlan) -> Import:
    """Have a file checked in the background: counted and compared with what is stored; nothing is imported yet."""
    return await ctx.services.imports.create(ctx.actor, plan)


@imports.mutation(permission="history.import", rest="POST /imports/{import_id}/start")
async def start(ctx: Ctx, *, import_id: Id) -> Import:
    """Import what was checked, in the background; or go on with what failed on its way."""
    return await ctx.services.imports.start(ctx.actor, import_id)


@imports.mutation(permission="history.import", rest="POST /imports/{import_id}/cancel")
async def cancel(ctx: Ctx, *, import_id: Id) -> Import:
    """Stop an import; what it has stored already is taken back."""
    return await ctx.services.imports.cancel(ctx.actor, import_id)


@imports.mutation(permission="history.import", rest="POST /imports/{import_id}/undo")
async def undo(ctx: Ctx, *, import_id: Id) -> Import:
    """Take an import back: its samples go, and what they had replaced counts again."""
    return await ctx.services.imports.undo(ctx.actor, import_id)
