"""Pieces from the counters of controllers, which roll over and are set back.

A counter that falls has rolled over where it stood above 90 % of its modulus and stands below 10 % of it; it was set
back where it stands below 10 % otherwise, and what it shows then was counted since. Any other fall cannot be
explained: the new value is taken as the new beginning, nothing is counted, and it is reported.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.samples import F8, I8, QUALITY_BAD_MIN, Stretch

NEAR_TOP, NEAR_ZERO = 0.9, 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Increments:
    """By how much a counter grew: row k between ``since_at[k]`` and ``at[k]``, the times of two usable samples.

    Attributes:
        since_at: Microseconds UTC.
        at: Microseconds UTC, strictly rising.
        count: Pieces, above zero, or NaN where the counter fell in a way nobody can explain.
    """

    since_at: I8
    at: I8
    count: F8

    @property
    def unexplained(self) -> int:
        return int(np.isnan(self.count).sum())


def increments(stretch: Stretch | None, modulus: float | None) -> Increments:
    """Return by how much a counter grew from sample to sample.

    Args:
        stretch: Its samples, with the last one before the span first.
        modulus: Where it begins again at zero; None for one that never does. Without it, a fall below 10 % of what was
            read before is a reset.
    """
    if stretch is None:
        return Increments(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    usable = (stretch.quality < QUALITY_BAD_MIN) & np.isfinite(stretch.value)
    at, value = stretch.source_at[usable], stretch.value[usable]
    old, new = value[:-1], value[1:]
    count = new - old
    fell = count < 0
    top = np.full(len(old), np.nan) if modulus is None else np.full(len(old), modulus)
    with np.errstate(invalid="ignore"):
        rolled: NDArray[np.bool_] = fell & (old > NEAR_TOP * top) & (new < NEAR_ZERO * top)
        set_back = fell & ~rolled & (new < NEAR_ZERO * (old if modulus is None else top))
    count = np.where(rolled, count + top, np.where(set_back, new, np.where(fell, np.nan, count)))
    moved = count != 0
    return Increments(at[:-1][moved], at[1:][moved], count[moved])
