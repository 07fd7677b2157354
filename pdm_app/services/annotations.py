"""Notes on the time axis: who works at a machine writes them; their author or an engineer changes and deletes them."""

from typing import Any

from pydantic import ValidationError

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.annotations import Annotation, AnnotationAnswer, AnnotationQuery
from pdm_app.domain.assets import Asset
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros
from pdm_app.services.auditing import audit


class AnnotationService:
    """Notes about machines and their signals."""

    def __init__(self, work: UnitOfWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def page(self, actor: Actor, query: AnnotationQuery) -> AnnotationAnswer:
        """Return the notes that touch a span, the newest first; machines out of reach have none."""
        actor.require(Permission.HISTORY_READ)
        async with self._work(actor.scope) as work:
            found = await work.annotations.touching(query, query.limit + 1)
        return AnnotationAnswer(annotations=tuple(found[: query.limit]), more=len(found) > query.limit)

    async def create(
        self,
        actor: Actor,
        asset_id: str,
        start_at: int,
        words: str,
        *,
        end_at: int | None = None,
        signal_id: int | None = None,
    ) -> Annotation:
        """Write a note about a machine, or about one of its signals.

        Raises:
            NotFoundError: There is no such machine in reach.
            InvalidInputError: The signal is none of the machine's, or the span ends before it begins.
        """
        actor.require(Permission.ANNOTATIONS_WRITE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            asset = await work.plant.get(Asset, asset_id)
            if asset is None or not actor.scope.covers(asset.site_id):
                raise NotFoundError(f"There is no asset {asset_id!r}.", asset_id=asset_id)
            signals = await work.signals.some([signal_id]) if signal_id is not None else ()
            if signal_id is not None and not any(signal.asset_id == asset_id for signal in signals):
                raise InvalidInputError(
                    f"{asset.code} has no signal {signal_id}; choose one of its signals, or none.",
                    [FieldIssue("signal_id", f"is no signal of {asset.code}", "choose one of its signals")],
                )
            note = _made(
                {"id": new_id(now), "site_id": asset.site_id, "asset_id": asset_id, "signal_id": signal_id,
                 "start_at": start_at, "end_at": end_at, "words": words, "author_id": actor.id, "author": actor.name,
                 "created_at": int(now), "changed_at": int(now)}
            )  # fmt: skip
            await _store(work, actor, now, "annotations.created", None, note)
        return note

    async def change(
        self, actor: Actor, annotation_id: str, wanted: dict[str, Any], revision: int | None = None
    ) -> Annotation:
        """Change the fields given of a note: words, start_at, end_at.

        Raises:
            NotFoundError: There is no such note in reach, it is deleted, or it is somebody else's and the actor is no
                engineer.
            ConflictError: It was changed since.
            InvalidInputError: The span ends before it begins.
        """
        actor.require(Permission.ANNOTATIONS_WRITE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await _of(work, actor, annotation_id)
            if before.deleted_at is not None:
                raise NotFoundError("The note is deleted. Restore it first.", annotation_id=annotation_id)
            if revision is not None and revision != before.revision:
                raise ConflictError(
                    "The note was changed since. Read it again and repeat your change.",
                    annotation_id=annotation_id,
                    revision=before.revision,
                )
            after = _changed(before, now, wanted)
            await _store(work, actor, now, "annotations.changed", before, after)
        return after

    async def delete(self, actor: Actor, annotation_id: str) -> Annotation:
        """Delete a note; it can be restored.

        Raises:
            NotFoundError: There is no such note in reach, or it is somebody else's and the actor is no engineer.
        """
        return await self._mark(actor, annotation_id, "annotations.deleted", deleted=True)

    async def restore(self, actor: Actor, annotation_id: str) -> Annotation:
        """Bring a note back; raises as `delete` does."""
        return await self._mark(actor, annotation_id, "annotations.restored", deleted=False)

    async def _mark(self, actor: Actor, annotation_id: str, action: str, *, deleted: bool) -> Annotation:
        actor.require(Permission.ANNOTATIONS_WRITE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await _of(work, actor, annotation_id)
            if (before.deleted_at is not None) == deleted:
                return before
            after = _changed(before, now, {"deleted_at": int(now) if deleted else None})
            await _store(work, actor, now, action, before, after)
        return after


def _made(fields: dict[str, Any]) -> Annotation:
    try:
        return Annotation.model_validate(fields)
    except ValidationError as error:
        issues = [
            FieldIssue(str(each["loc"][0]) if each["loc"] else "end_at", str(each["msg"]), "correct it")
            for each in error.errors(include_url=False)
        ]
        raise InvalidInputError(f"The note cannot be kept: {issues[0].field} {issues[0].problem}.", issues) from error


def _changed(before: Annotation, now: Micros, wanted: dict[str, Any]) -> Annotation:
    return _made({**before.model_dump(), **wanted, "revision": before.revision + 1, "changed_at": int(now)})


async def _of(work: Work, actor: Actor, annotation_id: str) -> Annotation:
    """Return a note that the actor may change."""
    note = await work.annotations.get(annotation_id)
    if note is None or not actor.scope.covers(note.site_id):
        raise NotFoundError(f"There is no note {annotation_id!r}.", annotation_id=annotation_id)
    if note.author_id != actor.id and Permission.ASSETS_CONFIGURE not in actor.permissions:
        raise NotFoundError(
            f"You have no note {annotation_id!r}. Its author changes and deletes it, or somebody with the permission "
            f"{Permission.ASSETS_CONFIGURE}.",
            annotation_id=annotation_id,
        )
    return note


async def _store(
    work: Work, actor: Actor, now: Micros, action: str, before: Annotation | None, after: Annotation
) -> None:
    await work.annotations.put(after)
    await audit(
        work, actor, now, action, subject="annotation", subject_id=after.id, name=after.words[:60],
        site_id=after.site_id, before=before, after=after,
    )  # fmt: skip
    await work.commit()
