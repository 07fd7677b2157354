"""Procedures about history as files."""

from pdm_app.domain.exports import Export, ExportEstimate, ExportOrder
from pdm_app.domain.record import Id
from pdm_app.rpc.context import Ctx, procedures

exports = procedures()


@exports.query("list", permission="history.export", rest="GET /exports")
async def every(ctx: Ctx) -> tuple[Export, ...]:
    """Return your exports, newest first; their files are at ``/api/files/`` and the id."""
    return ctx.services.exports.all(ctx.actor)


@exports.query(permission="history.export", rest="GET /exports/estimate")
async def estimate(ctx: Ctx, order: ExportOrder) -> ExportEstimate:
    """Return how many rows and about how many bytes an export would have."""
    return await ctx.services.exports.estimate(ctx.actor, order)


@exports.mutation(permission="history.export", rest="POST /exports", rate="30/minute")
async def create(ctx: Ctx, order: ExportOrder) -> Export:
    """Write history to a file; a small one is done when this returns, a large one is made in the background."""
    return await ctx.services.exports.create(ctx.actor, order)


@exports.mutation(permission="history.export", rest="DELETE /exports/{export_id}")
async def delete(ctx: Ctx, *, export_id: Id) -> Export:
    """Stop an export that is under way; remove one that is over, with its file."""
    return await ctx.services.exports.delete(ctx.actor, export_id)
