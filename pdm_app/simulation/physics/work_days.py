"""The working days of the plant in Graz: three shifts from 06:00, each with its breaks, and what the line makes.

A working day begins at 06:00 local time and ends at 06:00 of the next, 23 or 25 hours later when the clocks change.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from pdm_app.domain.samples import MICROS_PER_S, Micros, micros
from pdm_app.simulation.physics.noise import channel_key
from pdm_app.simulation.physics.reasons import Reason
from pdm_app.simulation.physics.timeline import Stop

ZONE = ZoneInfo("Europe/Vienna")
FIRST_SHIFT = time(6)
SHIFT_S = 8 * 3600.0
BREAKS_S = ((2 * 3600.0, 15 * 60.0), (4 * 3600.0, 30 * 60.0), (6 * 3600.0, 15 * 60.0))
"""Begin after the shift's begin, and length."""


@dataclass(frozen=True, slots=True)
class WorkDay:
    """One working day.

    Attributes:
        number: Proleptic ordinal of the date on which it begins.
        begin: Its first moment, microseconds UTC.
        end: The first moment of the next.
    """

    number: int
    begin: Micros
    end: Micros

    @property
    def length_s(self) -> float:
        return (self.end - self.begin) / MICROS_PER_S

    @property
    def before(self) -> "WorkDay":
        return work_day(self.number - 1)

    def draws(self, seed: int, name: str) -> np.random.Generator:
        """Return a source of draws that belong to this day and name."""
        return np.random.Generator(np.random.Philox(key=[seed, channel_key(name)], counter=[0, 0, 0, self.number]))


def _begin(number: int) -> Micros:
    return micros(datetime.combine(date.fromordinal(number), FIRST_SHIFT, ZONE))


@lru_cache(maxsize=128)
def work_day(number: int) -> WorkDay:
    """Return the working day that begins on this date."""
    return WorkDay(number, _begin(number), _begin(number + 1))


def day_at(at: int) -> WorkDay:
    """Return the working day to which a moment belongs."""
    day = work_day(datetime.fromtimestamp(at / MICROS_PER_S, ZONE).toordinal())
    if at < day.begin:
        return day.before
    return day if at < day.end else work_day(day.number + 1)


def breaks(day: WorkDay) -> list[Stop]:
    """Return the planned breaks of a day's shifts."""
    return [
        Stop(shift * SHIFT_S + begin_s, shift * SHIFT_S + begin_s + length_s, Reason.BREAK)
        for shift in range(round(day.length_s // SHIFT_S))
        for begin_s, length_s in BREAKS_S
        if shift * SHIFT_S + begin_s + length_s < day.length_s
    ]
