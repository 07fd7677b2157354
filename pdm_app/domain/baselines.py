"""A baseline that follows slow change of a process, and cannot be dragged along by a fault.

Seasons, ambient heat and dirt move a machine's normal point; a model that does not follow alarms for good. Each row may
move the baseline by no more than ``rate * clip`` spreads of its signal, so a step of many spreads is followed as slowly
as a small one, and is seen all the while.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.samples import F8

ROWS_PER_SPREAD = 1000
"""Rows in which the baseline at most moves one spread: 17 min at one row a second, 2.8 h at ten seconds."""


@dataclass(frozen=True, slots=True)
class AdaptiveBaseline:
    """How fast a baseline may move.

    Attributes:
        centre: Shape (signals,), of the training rows.
        spread: Shape (signals,), of the training rows, above 0.
        clip: Spreads of one row that count at most.
        rate: Share of the clipped difference that is taken over by each row.
    """

    centre: F8
    spread: F8
    clip: float = 2.0
    rate: float = 0.5 / ROWS_PER_SPREAD

    def rows(self, values: F8, drift: F8, held: NDArray[np.bool_] | None = None) -> tuple[F8, F8]:
        """Take the drift out of consecutive rows, causally: each row by what the rows before it had moved.

        Args:
            values: Shape (rows, signals), in units.
            drift: Shape (signals,), in spreads: where the rows before ended; zeros at the first.
            held: Shape (rows,): rows that must not teach, such as masked ones.

        Returns:
            The rows in units with their drift taken out, and the drift after the last one.
        """
        scaled = (values - self.centre) / self.spread
        now = drift.copy()
        flat = np.empty_like(scaled)
        for row, at in enumerate(scaled):
            flat[row] = at - now
            if held is None or not held[row]:
                now = now + self.rate * np.clip(at - now, -self.clip, self.clip)
        return flat * self.spread + self.centre, now
