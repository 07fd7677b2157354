"""Procedures about history, and the journal of alarms, as files."""

from pdm_app.domain.exports import Export, ExportEstimate, ExportOrder, JournalOrder
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


@exports.query(permission="history.export", rest="GET /exports/journal/estimate")
async def estimate_journal(ctx: Ctx, order: JournalOrder) -> ExportEstimate:
    """Return how many entries, and about how many bytes, an export of the alarm journal would have."""
    return await ctx.services.exports.estimate(ctx.actor, order)


@exports.mutation(permission="history.export", rest="POST /exports/journal", rate="30/minute")
async def create_journal(ctx: Ctx, order: JournalOrder) -> Export:
    """Write the alarm journal to a file, newest first, with a filter; for those who may read it."""
    return await ctx.services.exports.create(ctx.actor, order)


@exports.mutation(permission="history.export", rest="DELETE /exports/{export_id}")
async def delete(ctx: Ctx, *, export_id: Id) -> Export:
    """Stop an export that is under way; remove one that is over, with its file."""
    return await ctx.services.exports.delete(ctx.actor, export_id)
