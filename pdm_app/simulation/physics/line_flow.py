"""Parts flowing through machines in a row with buffers between them, from event to event.

Between two events every rate is constant, so levels and counts are straight lines and no time step enters: whoever
samples every second and whoever samples every minute see the same line. A machine whose buffer before it is empty runs
no faster than what arrives, one whose buffer behind it is full no faster than what leaves; parts are neither made nor
lost but where a machine rejects them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pdm_app.domain.samples import F8, I8
from pdm_app.simulation.physics.reasons import Reason

_STILL = 1e-9
_EVENTS_MAX = 40_000  # Of one day; ten times what the busiest day has.


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the machines may do; constant between two edges.

    Attributes:
        edges_s: Shape (spans + 1,).
        reasons: Why a machine may not run, 0 where it may, shape (spans, machines).
        caps: Greatest rates in parts per second, shape (spans, machines).
        kept: Share of its parts that each machine passes on, shape (spans, machines).
    """

    edges_s: F8
    reasons: I8
    caps: F8
    kept: F8


@dataclass(frozen=True, slots=True)
class Flow:
    """What flowed, at every event.

    Attributes:
        at_s: Moments, shape (events,).
        taken: Parts each machine has taken in since the begin, shape (events, machines).
        passed: Parts each machine has passed on, shape (events, machines).
        rates: Parts per second taken in from each event to the next, shape (events, machines).
        reasons: What each machine does from each event to the next, shape (events, machines).
    """

    at_s: F8
    taken: F8
    passed: F8
    rates: F8
    reasons: I8

    def counted(self, elapsed_s: F8) -> tuple[I8, I8]:
        """Return whole parts taken in and passed on at each moment, both of shape (times, machines)."""
        columns = range(self.taken.shape[1])
        taken, passed = (
            np.stack([np.floor(np.interp(elapsed_s, self.at_s, told[:, column]) + _STILL) for column in columns], 1)
            for told in (self.taken, self.passed)
        )
        return taken.astype(np.int64), passed.astype(np.int64)

    def rejected(self, elapsed_s: F8, machine: int) -> I8:
        """Return the whole parts that one machine has taken in and not passed on, at each moment; it never falls."""
        lost = np.interp(elapsed_s, self.at_s, self.taken[:, machine] - self.passed[:, machine])
        whole: I8 = np.floor(lost + _STILL).astype(np.int64)
        return whole

    def events(self, elapsed_s: F8) -> I8:
        """Return the number of the event that holds at each moment."""
        held: I8 = np.clip(np.searchsorted(self.at_s, elapsed_s, "right") - 1, 0, len(self.at_s) - 1)
        return held


def rates(
    caps: Sequence[float], kept: Sequence[float], levels: Sequence[float], capacity: float
) -> tuple[list[float], list[Reason]]:
    """Return how fast each machine takes parts in, and what keeps those that stand."""
    flow = list(caps)
    why = [Reason.RUNNING] * len(flow)
    last = len(flow) - 1
    for _ in flow:
        before = flow.copy()
        for place in range(1, last + 1):
            if levels[place - 1] <= _STILL and flow[place - 1] * kept[place - 1] < flow[place]:
                flow[place], why[place] = flow[place - 1] * kept[place - 1], Reason.STARVED
        for place in range(last - 1, -1, -1):
            if levels[place] >= capacity - _STILL and flow[place + 1] < flow[place] * kept[place]:
                flow[place], why[place] = flow[place + 1] / kept[place], Reason.BLOCKED
        if flow == before:
            break
    return flow, [Reason.RUNNING if rate > _STILL else reason for rate, reason in zip(flow, why, strict=True)]


def run(conditions: Conditions, capacity: float) -> Flow:
    """Let parts flow from empty buffers to the end of the conditions.

    Args:
        conditions: For the machines in order.
        capacity: Parts that each buffer between two machines holds.

    Raises:
        RuntimeError: More events than a day can have.
    """
    machines = conditions.caps.shape[1]
    levels, taken, passed = [0.0] * (machines - 1), [0.0] * machines, [0.0] * machines
    rows: list[tuple[float, list[float], list[float], list[float], list[int]]] = []
    edges = conditions.edges_s.tolist()
    for span, (now, end) in enumerate(pairwise(edges)):
        own, kept = conditions.reasons[span].tolist(), conditions.kept[span].tolist()
        caps = [0.0 if reason else cap for cap, reason in zip(conditions.caps[span].tolist(), own, strict=True)]
        while now < end - _STILL:
            flow, why = rates(caps, kept, levels, capacity)
            told = [int(reason or kept_by) for reason, kept_by in zip(own, why, strict=True)]
            rows.append((now, taken.copy(), passed.copy(), flow, told))
            if len(rows) > _EVENTS_MAX:
                raise RuntimeError(f"The line has more than {_EVENTS_MAX} events in one day.")
            slopes = [flow[place] * kept[place] - flow[place + 1] for place in range(machines - 1)]
            lasts = end - now
            for level, slope in zip(levels, slopes, strict=True):
                if slope > _STILL:
                    lasts = min(lasts, (capacity - level) / slope)
                elif slope < -_STILL:
                    lasts = min(lasts, level / -slope)
            lasts = max(lasts, 0.0)
            now += lasts
            for place in range(machines):
                taken[place] += flow[place] * lasts
                passed[place] += flow[place] * kept[place] * lasts
            for place, slope in enumerate(slopes):
                level = levels[place] + slope * lasts
                levels[place] = 0.0 if level < _STILL else min(level, capacity)
                if capacity - levels[place] < _STILL:
                    levels[place] = capacity
    rows.append((edges[-1], taken, passed, [0.0] * machines, rows[-1][4] if rows else [0] * machines))
    return Flow(
        at_s=np.array([row[0] for row in rows]),
        taken=np.array([row[1] for row in rows]),
        passed=np.array([row[2] for row in rows]),
        rates=np.array([row[3] for row in rows]),
        reasons=np.array([row[4] for row in rows], dtype=np.int64),
    )
