"""Procedures about notes on the time axis."""

from pdm_app.domain.annotations import Annotation, AnnotationAnswer, AnnotationQuery, NoteWords
from pdm_app.domain.record import Id, Instant, Revision, SignalNumber
from pdm_app.rpc.changes import given
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.trpc import MISSING, Missing

annotations = procedures()


@annotations.query("list", permission="history.read", rest="GET /annotations")
async def touching(ctx: Ctx, query: AnnotationQuery) -> AnnotationAnswer:
    """Return the notes that touch a span, of some machines, the newest first."""
    return await ctx.services.annotations.page(ctx.actor, query)


@annotations.mutation(permission="annotations.write", rest="POST /annotations 201", rate="60/minute")
async def create(
    ctx: Ctx,
    *,
    asset_id: Id,
    start_at: Instant,
    words: NoteWords,
    end_at: Instant | None = None,
    signal_id: SignalNumber | None = None,
) -> Annotation:
    """Write a note about a machine or one of its signals, at a moment or over a span."""
    return await ctx.services.annotations.create(
        ctx.actor, asset_id, start_at, words, end_at=end_at, signal_id=signal_id
    )


@annotations.mutation(permission="annotations.write", rest="PATCH /annotations/{annotation_id}", rate="120/minute")
async def change(
    ctx: Ctx,
    *,
    annotation_id: Id,
    words: NoteWords | Missing = MISSING,
    start_at: Instant | Missing = MISSING,
    end_at: Instant | Missing | None = MISSING,
    revision: Revision | None = None,
) -> Annotation:
    """Change the fields given of an own note; an engineer changes everybody's."""
    wanted = given(words=words, start_at=start_at, end_at=end_at)
    return await ctx.services.annotations.change(ctx.actor, annotation_id, wanted, revision)


@annotations.mutation(permission="annotations.write", rest="DELETE /annotations/{annotation_id}")
async def delete(ctx: Ctx, *, annotation_id: Id) -> Annotation:
    """Delete an own note; an engineer deletes everybody's. It can be restored."""
    return await ctx.services.annotations.delete(ctx.actor, annotation_id)


@annotations.mutation(permission="annotations.write", rest="POST /annotations/{annotation_id}/restore")
async def restore(ctx: Ctx, *, annotation_id: Id) -> Annotation:
    """Bring a deleted note back."""
    return await ctx.services.annotations.restore(ctx.actor, annotation_id)
