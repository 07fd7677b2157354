"""What all detectors share: the scaler in front, the unit of the score behind, and both again in the exported graph."""

from abc import ABC, abstractmethod
from typing import Self

import numpy as np

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.models import SIGNALS_MAX, TRAINING_ROWS_MIN, DetectorKind, Windows
from pdm_app.domain.samples import F8
from pdm_app.inference.graphs import INPUT, Graph
from pdm_app.inference.windows import in_chunks, whole_windows_of, windows_of

SPREAD_MIN = 1e-6
"""Of the size of a signal: below that, its changes are those of rounding."""
ERROR_MIN = 1e-9


class WindowDetector(ABC):
    """A detector of windows. Subclasses say what an error is, in numpy and as nodes; tests hold the two together.

    Attributes:
        window_rows: Rows that one score looks at.
        centre: Shape (signals,), what is taken from each signal.
        spread: Shape (signals,), by what it is divided then.
        unit: The median error of rows that were not fitted: a score of 1 is the usual one.
    """

    kind: DetectorKind
    window_rows: int

    def __init__(self, window_rows: int) -> None:
        self.window_rows = window_rows
        self.centre: F8 = np.empty(0)
        self.spread: F8 = np.empty(0)
        self.unit = 1.0

    def fit(self, rows: F8) -> Self:
        """Learn from rows in time order, shape (rows, signals).

        Raises:
            InvalidInputError: Too few rows to learn from, too many signals, or values that are no numbers.
        """
        checked_rows(rows, max(TRAINING_ROWS_MIN // 2, 2 * self.window_rows))
        self.centre, self.spread = self._scale(rows)
        self._learn((rows - self.centre) / self.spread)
        return self

    def calibrate(self, held_out: F8) -> Self:
        """Take the median error of later rows as the unit of the score."""
        errors, _ = in_chunks(windows_of(held_out, self.window_rows), self._raw)
        self.unit = max(float(np.median(errors)), ERROR_MIN)
        return self

    def score(self, windows: Windows) -> tuple[F8, F8]:
        """Return scores, shape (windows,), and shares of signals, shape (windows, signals)."""
        errors, parts = in_chunks(windows[:, -self.window_rows :], self._raw)
        whole = parts.sum(axis=1, keepdims=True) + 1e-12
        return errors / self.unit, parts / whole

    def export(self) -> tuple[bytes, dict[str, object]]:
        """Return the graph, and what the detector was set to."""
        graph = Graph(self.window_rows, len(self.centre))
        return graph.finished(*self.nodes(graph)), self.settings()

    def nodes(self, graph: Graph) -> tuple[str, str]:
        """Add this detector to a graph, scaler and unit included; returns the names of score and shares."""
        windows = graph.last_rows(INPUT, self.window_rows)
        centred = graph.node("Sub", windows, graph.constant(self.centre))
        error, parts = self._nodes(graph, graph.node("Div", centred, graph.constant(self.spread)))
        return graph.node("Div", error, graph.constant(self.unit)), graph.shares(parts)

    def settings(self) -> dict[str, object]:
        """Return what the detector was set to, for its card."""
        return {"kind": self.kind.value, "window_rows": self.window_rows}

    def _raw(self, windows: Windows) -> tuple[F8, F8]:
        return self._errors((windows - self.centre) / self.spread)

    def _scale(self, rows: F8) -> tuple[F8, F8]:
        return scale_of(rows)

    @abstractmethod
    def _learn(self, scaled: F8) -> None:
        """Learn from scaled rows, shape (rows, signals)."""

    @abstractmethod
    def _errors(self, scaled: F8) -> tuple[F8, F8]:
        """Return errors above 0, shape (windows,), and what each signal adds, shape (windows, signals)."""

    @abstractmethod
    def _nodes(self, graph: Graph, scaled: str) -> tuple[str, str]:
        """Say the same in nodes."""


def scale_of(rows: F8) -> tuple[F8, F8]:
    """Return mean and spread of each signal; the spread never 0."""
    centre = rows.mean(axis=0)
    return centre, np.maximum(rows.std(axis=0), SPREAD_MIN * np.maximum(np.abs(centre), 1.0))


def learned_windows(scaled: F8, window_rows: int) -> F8:
    """Return whole windows of scaled rows in double precision."""
    return whole_windows_of(scaled, window_rows).astype(np.float64)


def checked_rows(rows: F8, least: int) -> None:
    """Refuse what nothing can be learned from.

    Raises:
        InvalidInputError: The shape, the number of rows or signals, or values that are not finite.
    """
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise InvalidInputError(f"A detector learns from rows of signals; an array of shape {rows.shape} came.")
    if rows.shape[1] > SIGNALS_MAX:
        raise InvalidInputError(f"A model watches {SIGNALS_MAX} signals at most, {rows.shape[1]} came: choose fewer.")
    if len(rows) < least:
        raise InvalidInputError(
            f"{len(rows)} rows are too few to learn what is usual; {least} are needed. Take a longer normal period."
        )
    if not np.isfinite(rows).all():
        row, signal = (int(place[0]) for place in np.nonzero(~np.isfinite(rows)))
        raise InvalidInputError(f"Row {row} has no number in signal {signal}; fill gaps or leave the row out.")
