"""The moments at which the plant is read, with all that is true of them for every machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import F8, I8, MICROS_PER_S
from pdm_app.simulation.physics import surroundings
from pdm_app.simulation.physics.acting import Acting
from pdm_app.simulation.physics.lag import lagged
from pdm_app.simulation.physics.work_days import WorkDay, day_at

Columns = dict[str, dict[str, F8]]
"""Values by machine code and signal name, each of shape (times,)."""


@dataclass(frozen=True)
class Moments:
    """Moments evenly spaced in time, and what acts on the plant at them.

    Attributes:
        seed: Of the plant.
        since: First start of the plant, microseconds UTC.
        at: Microseconds UTC, ascending, shape (times,).
        first_s: Seconds from what is remembered to the first moment.
        faults: All that may act.
    """

    seed: int
    since: int
    at: I8
    first_s: float
    faults: Sequence[InjectedFault]

    @cached_property
    def acting(self) -> Acting:
        return Acting(self.faults, self.at)

    @cached_property
    def ambient_graz_c(self) -> F8:
        return surroundings.ambient_graz_c(self.seed, self.at)

    @cached_property
    def ambient_pune_c(self) -> F8:
        return surroundings.ambient_pune_c(self.seed, self.at)

    @property
    def step_s(self) -> float:
        """Seconds between two moments."""
        return float(self.at[1] - self.at[0]) / MICROS_PER_S if len(self.at) > 1 else self.first_s

    def gaps_s(self) -> list[float]:
        """Return the seconds before each moment."""
        return [self.first_s, *([self.step_s] * (len(self.at) - 1))]

    def follow(self, target: F8, before: F8 | float, time_constant_s: float) -> F8:
        """Let a value follow its target with a first-order lag; ``before`` is what is remembered of it."""
        first = lagged(target[:1], before, self.first_s, time_constant_s)
        if len(target) == 1:
            return first
        rest = lagged(target[1:], first[0], self.step_s, time_constant_s)
        return np.concatenate([first, rest])

    def days(self) -> list[tuple[WorkDay, slice]]:
        """Return the working days that the moments touch, and which of the moments belong to each."""
        parts: list[tuple[WorkDay, slice]] = []
        done = 0
        while done < len(self.at):
            day = day_at(int(self.at[done]))
            end = int(np.searchsorted(self.at, day.end, "left"))
            parts.append((day, slice(done, end)))
            done = end
        return parts


def joined(parts: Sequence[Columns]) -> Columns:
    """Put the columns of consecutive spans one behind the other."""
    if len(parts) == 1:
        return parts[0]
    return {
        code: {name: np.concatenate([part[code][name] for part in parts]) for name in values}
        for code, values in parts[0].items()
    }
