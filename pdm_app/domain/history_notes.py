"""What has to be said beside an answer about the past: of which time something cannot be read, or was removed."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from pydantic import Field

from pdm_app.domain.record import Record

NOTES_MAX = 20


class NoteKind(StrEnum):
    """Why an answer is not what all that was ever recorded would give."""

    DAMAGED = "damaged"
    AWAY = "away"
    REMOVED = "removed"


class HistoryNote(Record):
    """One reason, for one stretch of time in microseconds UTC."""

    kind: NoteKind
    start_at: int
    end_at: int
    text: str = Field(description="A sentence: what is missing, and what can be done about it.")
    tier: str = Field(default="", description="Which tier was removed; empty for a damaged file, which holds raw.")
    signals: tuple[int, ...] = Field(default=(), description="Which of those asked for; empty where it may be any.")


class HistoryNotes(Protocol):
    """Knows what of a time is not there."""

    async def notes(self, signals: Sequence[int], start_at: int, end_at: int) -> Sequence[HistoryNote]:
        """Return what has to be said about some signals in a time; what cannot be read first, at most twenty notes."""
        ...
