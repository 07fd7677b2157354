"""What a run to failure looks like so far: causal windows over its signals, and how far it has come from its start."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.samples import F8
from pdm_app.inference.detector import scale_of

START_ROWS = 15
WINDOWS = (10, 30, 60)
HEALTHY_ROWS, FAILING_ROWS = 40, 10
LEVELS_MIN = 3
"""A signal of fewer levels says nothing of wear."""


def line_so_far(rows: F8, window: int) -> tuple[F8, F8]:
    """Return mean and slope of a least-squares line over the last rows of each row, itself included.

    Args:
        rows: Shape (rows, signals).
        window: Rows looked back at most; at the beginning there are fewer, and the slope of one row is 0.
    """
    count = len(rows)
    at = np.arange(count, dtype=np.float64)
    zero = np.zeros((1, rows.shape[1]))
    sums = np.concatenate([zero, np.cumsum(rows, axis=0)])
    moments = np.concatenate([zero, np.cumsum(rows * at[:, None], axis=0)])
    end = np.arange(1, count + 1)
    start = np.maximum(0, end - window)
    size = (end - start)[:, None].astype(np.float64)
    total, moment = sums[end] - sums[start], moments[end] - moments[start]
    middle = ((start + end - 1) / 2)[:, None]
    spread = size * (size**2 - 1) / 12
    slope = np.where(spread > 0, (moment - middle * total) / np.maximum(spread, 1e-12), 0.0)
    return total / size, slope


@dataclass(frozen=True, slots=True)
class WearFeatures:
    """How signals of one kind of machine are turned into features; learned from runs to failure.

    Attributes:
        kept: Shape (kept signals,): which signals change at all.
        centre: Shape (kept signals,).
        spread: Shape (kept signals,).
        wear: Shape (kept signals,): weights of the direction from healthy to failing.
    """

    kept: NDArray[np.int64]
    centre: F8
    spread: F8
    wear: F8

    @classmethod
    def learned(cls, runs: list[F8]) -> "WearFeatures":
        """Learn from whole runs, each of shape (rows, signals): first rows are healthy, the last ones are failing."""
        every = np.concatenate(runs)
        kept = np.array([
            column for column in range(every.shape[1])
            if every[:, column].std() > 1e-6 and len(np.unique(every[:, column])) >= LEVELS_MIN
        ])  # fmt: skip
        centre, spread = scale_of(every[:, kept])
        scaled = [(run[:, kept] - centre) / spread for run in runs]
        rows = np.concatenate([run[:HEALTHY_ROWS] for run in scaled] + [run[-FAILING_ROWS:] for run in scaled])
        worn = np.concatenate([np.zeros(min(HEALTHY_ROWS, len(run))) for run in scaled]
                              + [np.ones(min(FAILING_ROWS, len(run))) for run in scaled])  # fmt: skip
        wear = np.linalg.solve(rows.T @ rows + np.eye(len(kept)), rows.T @ (worn - worn.mean()))
        return cls(kept, centre, spread, wear)

    def of(self, run: F8) -> F8:
        """Return the features of each row from it and the rows before it, shape (rows, features)."""
        scaled = (run[:, self.kept] - self.centre) / self.spread
        worn = (scaled @ self.wear)[:, None]
        both = np.concatenate([scaled, worn], axis=1)
        (short, _), (middle, slope), (long, long_slope) = (line_so_far(both, window) for window in WINDOWS)
        whole, whole_slope = line_so_far(worn, len(run))
        count = np.arange(1, len(run) + 1)
        # The start as far as it is known: the mean of the first rows, of fewer where there are fewer yet.
        start = np.cumsum(both[:START_ROWS], axis=0) / count[: min(START_ROWS, len(run)), None]
        known = start[np.minimum(count, len(start)) - 1]
        highest = np.array([short[max(0, end - 16) : end, -1].max() for end in count])[:, None]
        return np.concatenate(
            [
                short, middle, slope, long_slope[:, -1:], whole, whole_slope, long[:, -1:] - middle[:, -1:],
                short - known, count[:, None].astype(np.float64), highest,
            ],
            axis=1,
        ).astype(np.float32).astype(np.float64)  # fmt: skip
