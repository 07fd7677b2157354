"""Models at work on live rows, as the engine asks for them and inference implements it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pdm_app.domain.models import ModelCard
from pdm_app.domain.samples import F8
from pdm_app.domain.scores import Flags, Scores


@dataclass(frozen=True, slots=True)
class InferenceFigures:
    """What inference has done since the start.

    Attributes:
        windows: Scored windows.
        batches: Runs of a graph; windows of one model that wait together are one.
        refused: Windows that found the queue full.
        shed: Windows given up because they had waited too long.
        failed: Windows whose graph raised an error.
        latency_edges_s: Upper edges of ``latency``, which has one more entry.
        latency: Windows by the time from asking to answer.
    """

    windows: int
    batches: int
    refused: int
    shed: int
    failed: int
    latency_edges_s: tuple[float, ...]
    latency: tuple[int, ...]


class LiveModel(Protocol):
    """One version at work on one machine: it keeps the last window, the baseline and whether it is unusual now."""

    @property
    def drift(self) -> F8:
        """How far the baseline has followed, shape (signals,), in spreads."""
        ...

    def remember(self, rows: F8, *, follows: bool) -> None:
        """Take rows that came before, without judging them."""
        ...

    def resume(self, drift: F8, unusual_since_peak: float | None) -> None:
        """Go on where it was: with this baseline, and unusual with this highest log score where it is given."""
        ...

    async def judge(self, rows: F8, masked: Flags) -> tuple[Scores, Flags]:
        """Judge the next rows, shape (rows, signals); off the event loop.

        Raises:
            UnavailableError: There is too much to do; the rows were not judged, and it has to be loaded anew.
        """
        ...


class LiveModels(Protocol):
    """Loads models, trains the default one, and replays one on the past."""

    async def load(self, version_id: str, card: ModelCard, graph: bytes) -> LiveModel:
        """Have a version ready to score; the one it takes over from goes on until it is dropped.

        Raises:
            InvalidInputError: The graph is unlike its card.
        """
        ...

    def drop(self, version_id: str) -> None: ...
    async def train_default(self, name: str, signals: Sequence[str], rows: F8, row_s: float) -> tuple[ModelCard, bytes]:
        """Fit the default detector to rows of a normal period.

        Raises:
            InvalidInputError: The rows are too few, or unfit.
        """
        ...

    async def replay(self, card: ModelCard, graph: bytes, before: F8, rows: F8, masked: Flags) -> F8:
        """Return the log scores of rows of the past, shape (rows,), 0 at the threshold; ``before`` came before them."""
        ...

    @property
    def figures(self) -> InferenceFigures: ...
