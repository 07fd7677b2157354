"""Counters that go on from day to day: what all days since the counters were last set to zero have made.

Counters begin at zero a month before the plant's first start, so that the month behind it can be told with them, and
again every second month: as many days as can be made anew in a second, from the seed alone, when a process starts.
"""

from collections.abc import Callable, Sequence

import numpy as np

from pdm_app.domain.samples import I8
from pdm_app.simulation.physics.work_days import day_at

DAYS_BEHIND = 31
DAYS = 62


def first_day(since: int) -> int:
    """Return the number of the first working day that counts for a plant first started at ``since``."""
    return day_at(since).number - DAYS_BEHIND


def zeroed_on(number: int, first: int) -> int:
    """Return the number of the working day at whose begin the counters of this day were last at zero."""
    return first + (number - first) // DAYS * DAYS


def counted_before(totals: Callable[[int], Sequence[int]], number: int, first: int, width: int) -> I8:
    """Return what the counters read at the begin of a day.

    Args:
        totals: Gives what one day made, by its number, ``width`` counts.
        number: Of the day.
        first: Of the first day that counts.
        width: Counters.

    Returns:
        Shape (width,).
    """
    read = np.zeros(width, dtype=np.int64)
    for past in range(zeroed_on(number, first), number):
        read += np.array(totals(past), dtype=np.int64)
    return read
