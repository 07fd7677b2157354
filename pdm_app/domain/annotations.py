"""Notes on the time axis: what somebody knows of a machine or of one of its signals, at a moment or over a span."""

from collections.abc import Sequence
from typing import Annotated, Protocol

from pydantic import Field, model_validator

from pdm_app.domain.record import Id, Instant, Name, Record, Revision, SignalNumber

WORDS_MAX = 500
ANNOTATIONS_MAX = 500
"""Notes of one answer."""
ASSETS_MAX = 50

NoteWords = Annotated[str, Field(min_length=1, max_length=WORDS_MAX)]


class Annotation(Record):
    """A note. ``end_at`` is None for a moment, ``signal_id`` None for the machine as a whole."""

    id: Id
    site_id: Id
    asset_id: Id
    signal_id: SignalNumber | None = None
    start_at: Instant
    end_at: Instant | None = None
    words: NoteWords
    author_id: Id
    author: Name
    revision: Revision = 1
    created_at: Instant = 0
    changed_at: Instant = 0
    deleted_at: Instant | None = None

    @model_validator(mode="after")
    def _span_is_forward(self) -> "Annotation":
        if self.end_at is not None and self.end_at <= self.start_at:
            raise ValueError("end_at must be after start_at")
        return self


class AnnotationQuery(Record):
    """Notes that touch a span, of some machines."""

    asset_ids: tuple[Id, ...] = Field(min_length=1, max_length=ASSETS_MAX)
    start_at: Instant = Field(description="Microseconds UTC, included.")
    end_at: Instant = Field(description="Microseconds UTC, excluded.")
    limit: int = Field(default=200, ge=1, le=ANNOTATIONS_MAX)


class AnnotationAnswer(Record):
    """Notes, the newest first; ``more`` where older ones of the span were left out."""

    annotations: tuple[Annotation, ...]
    more: bool = False


class Annotations(Protocol):
    """Notes, inside the scope and on machines shared with it."""

    async def touching(self, query: AnnotationQuery, rows_max: int) -> Sequence[Annotation]:
        """Return those that touch the span, the newest first; deleted ones are not there."""
        ...

    async def get(self, annotation_id: str) -> Annotation | None:
        """Return one, also if it was deleted."""
        ...

    async def put(self, annotation: Annotation) -> None:
        """Store a note.

        Raises:
            NotFoundError: Its site is not in scope.
        """
        ...
