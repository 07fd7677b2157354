"""What a detector says of rows of signals: how unusual each is, which signals made it so, and how sure that is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.samples import F8

Flags = NDArray[np.bool_]
"""Shape (rows,): one truth for each row."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of consecutive rows.

    Attributes:
        score: Shape (rows,), above 0; 1.0 is the threshold of the model. NaN where a mask forbids a judgement.
        contribution: Shape (rows, signals), the share of each signal in the score; a row sums to 1.
        confidence: Shape (rows,), 0 to 1: how far the score lies from the threshold in spreads of the held-out block.
            0.5 is on the threshold, so it says how sure the verdict "unusual" is, never how bad it is.
    """

    score: F8
    contribution: F8
    confidence: F8

    def first_contributors(self, row: int, names: tuple[str, ...], count: int = 3) -> tuple[str, ...]:
        """Name the signals with the largest shares at one row, the largest first."""
        order = np.argsort(-self.contribution[row], kind="stable")[:count]
        return tuple(names[place] for place in order)


def confidence_of(log_score: F8, spread: float) -> F8:
    """Return how sure it is that scores lie above their threshold.

    Args:
        log_score: Natural logarithm of the score, 0 at the threshold.
        spread: Of the held-out block's log scores, from its median to its 99th percentile; above 0.
    """
    bounded: F8 = np.clip(log_score / max(spread, 1e-6), -40, 40)
    return np.asarray(1 / (1 + np.exp(-4 * bounded)), dtype=np.float64)


def health_of(log_score: F8, spread: float) -> F8:
    """Turn scores into health, 0 to 100: 100 as usual, 60 at the threshold, 0 from four spreads above it on.

    The scale is linear in the logarithm of the score, for a fault's energy grows by factors, not by steps.
    """
    below = 60 + 40 * np.clip(-log_score / max(spread, 1e-6), 0, 1)
    above = 60 * (1 - np.clip(log_score / (4 * max(spread, 1e-6)), 0, 1))
    return np.where(np.isnan(log_score), np.nan, np.where(log_score <= 0, below, above))
