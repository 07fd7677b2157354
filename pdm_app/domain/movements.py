"""How far signals have moved from what is usual, each in the spread of its own usual movements.

A stretch of an hour is compared with usual hours, not with usual samples: what a pump does every afternoon is usual,
and a hundred samples of one afternoon are one observation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.samples import F8
from pdm_app.domain.signal_roles import Role, role_of

BLOCKS_MIN = 8
"""Below so many usual stretches their spread is a guess."""
SPREAD_MIN = 1e-4
"""Of the size of a signal: less is rounding."""
SPREADS_MAX = 1000.0


@dataclass(frozen=True, slots=True)
class Movement:
    """One signal over a recent stretch beside usual ones.

    Attributes:
        name: Of the signal.
        unit: Its UCUM code.
        role: What it measures.
        usual: Middle of its usual level, in its unit.
        now: Its level over the recent stretch.
        spreads: How many spreads of usual stretches it has moved, downwards below zero.
        low: Its usual lower end (10 %), in its unit.
        high: Its usual upper end (90 %).
        low_shift: How far the lower end has moved.
        high_shift: How far the upper end has moved.
    """

    name: str
    unit: str
    role: Role
    usual: float
    now: float
    spreads: float
    low: float
    high: float
    low_shift: float
    high_shift: float

    @property
    def change(self) -> float:
        return self.now - self.usual

    @property
    def share(self) -> float | None:
        """Return the change as a share of the usual level; None where that is nothing."""
        return self.change / abs(self.usual) if abs(self.usual) > 1e-9 else None


def movements(names: Sequence[str], units: Sequence[str], usual: F8, recent: F8) -> tuple[Movement, ...]:
    """Return how far each signal has moved; one without a value in either stretch is left out.

    Args:
        names: Of the signals.
        units: Of the signals.
        usual: Rows of a normal period, shape (rows, signals); NaN where there is no good value.
        recent: Rows of the stretch to be explained, with the same seconds between two rows.

    Raises:
        InvalidInputError: The shapes do not go together, or there are fewer than `BLOCKS_MIN` usual stretches.
    """
    if usual.ndim != 2 or recent.ndim != 2 or not len(names) == len(units) == usual.shape[1] == recent.shape[1]:
        raise InvalidInputError(
            f"{len(names)} signals are named; rows of shapes {usual.shape} and {recent.shape} do not go with them."
        )
    rows = len(recent)
    blocks = len(usual) // rows if rows else 0
    if blocks < BLOCKS_MIN:
        raise InvalidInputError(
            f"{len(usual)} usual rows hold {blocks} stretches of {rows} rows; {BLOCKS_MIN} are needed to know what is "
            "usual. Take a longer normal period or a shorter stretch."
        )
    cut = usual[-blocks * rows :].reshape(blocks, rows, len(names))
    found = []
    for place, (name, unit) in enumerate(zip(names, units, strict=True)):
        own, now = cut[:, :, place], recent[:, place]
        told = np.isfinite(own).any(axis=1)
        now = now[np.isfinite(now)]
        if told.sum() < BLOCKS_MIN or not len(now):
            continue
        found.append(_movement(name, unit, own[told], now))
    return tuple(found)


def _movement(name: str, unit: str, blocks: F8, now: F8) -> Movement:
    means = np.nanmean(blocks, axis=1)
    usual, level = float(np.median(means)), float(np.mean(now))
    spread = max(float(np.std(means)), SPREAD_MIN * max(abs(usual), 1e-3))
    low, high = (float(value) for value in np.nanquantile(blocks, (0.1, 0.9)))
    low_now, high_now = (float(value) for value in np.quantile(now, (0.1, 0.9)))
    spreads = float(np.clip((level - usual) / spread, -SPREADS_MAX, SPREADS_MAX))
    return Movement(name, unit, role_of(name, unit), usual, level, spreads, low, high, low_now - low, high_now - high)
