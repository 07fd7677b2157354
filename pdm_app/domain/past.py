"""The past of a plant that has only just begun: what is put into its history, piece by piece, newest first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import Field

from pdm_app.domain.record import Record, Text
from pdm_app.domain.samples import Batch, Micros

IMPORT_SEQ = 1 << 40
"""Batches of imports are numbered from here on, above every number of the durable buffer: with the time of arrival it
tells the samples of an import from all others. A thousand batches each second would take thirty years to get here."""


@dataclass(frozen=True, slots=True)
class PastPiece:
    """A span of the past, ``end_at`` excluded, with which a source is asked for samples; one day at most, or a sketch.

    A sketch tells days by a few of their samples, so that something is seen of them before later pieces tell all.
    ``codes`` are the machines that it tells, where these are not all.
    """

    number: int
    start_at: Micros
    end_at: Micros
    is_sketch: bool = False
    codes: frozenset[str] | None = None


class PastSource(Protocol):
    """Knows what happened. Its methods block, and are called in a thread."""

    @property
    def pieces(self) -> Sequence[PastPiece]:
        """All pieces, in the order in which they are to be stored, newest first; the same ones after every start."""
        ...

    def done(self) -> frozenset[int]:
        """Return the numbers of the pieces that are stored."""
        ...

    def batches(self, piece: PastPiece) -> Iterator[Batch]:
        """Yield the samples of a piece, sorted by signal and time in each batch."""
        ...

    def keep(self, piece: PastPiece) -> None:
        """Note on disk that a piece is stored."""
        ...


class JudgedPast(PastSource, Protocol):
    """Also knows whether it has been judged by the rules of alarms."""

    def is_judged(self) -> bool: ...
    def keep_judged(self) -> None:
        """Note on disk that it has been."""
        ...


class PastProgress(Record):
    """How far a past is stored, and what follows from it. Times in microseconds UTC."""

    pieces: int
    pieces_done: int
    samples: int = Field(description="Stored since this start of the product.")
    back_to: int | None = Field(description="From here on to the plant's first start nothing is missing.")
    begins_at: int | None = Field(description="Where it is to begin.")
    is_done: bool = Field(description="Whether all of it is stored.")
    judged: float = Field(default=1.0, ge=0, le=1, description="Share of it in which alarms have been found.")
    shifts_owed: int = Field(default=0, ge=0, description="Shifts of production that are still to be derived.")
    trouble: Text = ""
