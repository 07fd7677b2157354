"""Scoring rows as they come: the baseline, the windows and the verdict of one model on one asset, strictly causal."""

from typing import Protocol

import numpy as np

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.models import ModelCard, Windows
from pdm_app.domain.samples import F8
from pdm_app.domain.scores import Flags, Scores, confidence_of
from pdm_app.domain.thresholds import Verdict
from pdm_app.inference.training import LOG_MIN, baseline_of
from pdm_app.inference.windows import windows_of

GAP_ROWS_MAX = 10
"""So many rows a missing value is stood in for by the one before; from then on the row is not judged."""


class ScoresWindows(Protocol):
    """What runs a model's graph."""

    def score(self, windows: Windows) -> tuple[F8, F8]: ...


class Scorer:
    """One asset's rows on their way through one model. What it keeps is the last window, the drift and the verdict."""

    def __init__(self, card: ModelCard, session: ScoresWindows) -> None:
        self._card = card
        self._session = session
        self._baseline = baseline_of(card)
        self._drift: F8 = np.zeros(len(card.signals))
        self._before: F8 = np.empty((0, len(card.signals)))
        self._last_value: F8 = np.array(card.centre)
        self._gap = np.zeros(len(card.signals), dtype=np.int64)
        self._verdict = Verdict(card.alarm)

    def remember(self, rows: F8, *, follows: bool) -> None:
        """Take rows that came before without judging them; ``follows`` says whether the baseline moves with them."""
        filled, masked = self._filled(rows, np.zeros(len(rows), dtype=np.bool_))
        if follows:
            filled, self._drift = self._baseline.rows(filled, self._drift, masked)
        self._keep(filled)

    def score(self, rows: F8, masked: Flags | None = None) -> tuple[Scores, Flags]:
        """Judge the next rows.

        Args:
            rows: Shape (rows, signals), in units; NaN where there is no good value.
            masked: Shape (rows,): stopped, starting, in maintenance. Not judged, and nothing is learned from them.

        Returns:
            Scores of which 1.0 is the threshold, and whether the alarm is on, row by row.
        """
        windows, held = self.windows(rows, masked)
        return self.judged(*self._session.score(windows), held)

    def windows(self, rows: F8, masked: Flags | None = None) -> tuple[Windows, Flags]:
        """Take the next rows as `score` does, and return their windows and which rows are not to be judged.

        Whoever runs the graph elsewhere hands what it gives to `judged`, in the order of the rows.
        """
        if rows.ndim != 2 or rows.shape[1] != len(self._card.signals):
            raise InvalidInputError(
                f"Model '{self._card.name}' scores rows of {len(self._card.signals)} signals; an array of shape "
                f"{rows.shape} came."
            )
        if not len(rows):
            return np.empty((0, self._card.window_rows, rows.shape[1]), np.float32), np.empty(0, dtype=np.bool_)
        filled, held = self._filled(rows, np.zeros(len(rows), dtype=np.bool_) if masked is None else masked)
        flat, self._drift = self._baseline.rows(filled, self._drift, held)
        whole = np.concatenate([self._before, flat])
        windows = windows_of(whole, self._card.window_rows)[len(self._before) :]
        self._keep(flat)
        return windows, held

    def judged(self, raw: F8, shares: F8, held: Flags) -> tuple[Scores, Flags]:
        """Judge what the graph gave for `windows`."""
        logs = np.log(raw + LOG_MIN) - self._card.log_threshold
        logs[held] = np.nan
        confidence = confidence_of(logs, self._card.held_out_spread)
        return Scores(np.exp(logs), shares, confidence), self._verdict.run(logs)

    @property
    def drift(self) -> F8:
        """How far the baseline has followed, shape (signals,), in spreads."""
        return self._drift

    def resume(self, drift: F8, unusual_since_peak: float | None) -> None:
        """Go on with this baseline, and unusual with this highest log score where it is given."""
        self._drift = drift
        if unusual_since_peak is not None:
            self._verdict.resume(unusual_since_peak)

    def _keep(self, flat: F8) -> None:
        self._before = np.concatenate([self._before, flat])[-(self._card.window_rows - 1) :]

    def _filled(self, rows: F8, masked: Flags) -> tuple[F8, Flags]:
        """Stand in for short gaps by the value before; rows with longer ones are masked, and masked rows repeat too."""
        filled, held = rows.astype(np.float64), masked.copy()
        for place, row in enumerate(filled):
            missing = ~np.isfinite(row)
            self._gap = np.where(missing, self._gap + 1, 0)
            held[place] |= bool((self._gap > GAP_ROWS_MAX).any())
            row[missing] = self._last_value[missing]
            if held[place]:
                row[:] = self._last_value
            self._last_value = row.copy()
        return filled, held
