"""Stops of a machine over a working day, and the one reason that holds at every moment of it."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pdm_app.domain.samples import F8, I8
from pdm_app.simulation.physics.reasons import Reason

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Stop:
    """A span in which a machine may not run, in seconds after the begin of its day; the end is excluded."""

    begin_s: float
    end_s: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class StopKind:
    """Stops that come by chance, evenly over the day.

    Attributes:
        reason: What they are.
        per_hour: How many to expect.
        shortest_s: Least length.
        longest_s: Greatest length; every length between is as likely.
    """

    reason: Reason
    per_hour: float
    shortest_s: float
    longest_s: float

    def drawn(self, draws: np.random.Generator, length_s: float) -> list[Stop]:
        """Return the stops of one day."""
        count = int(draws.poisson(self.per_hour * length_s / SECONDS_PER_HOUR))
        begins = draws.uniform(0.0, length_s, count).tolist()
        lengths = draws.uniform(self.shortest_s, self.longest_s, count).tolist()
        return [Stop(begin, begin + length, self.reason) for begin, length in zip(begins, lengths, strict=True)]


@dataclass(frozen=True, slots=True)
class Timeline:
    """What a machine may do and when.

    Attributes:
        edges_s: Where the reason changes, from 0 to the length of the day, shape (spans + 1,).
        reasons: What holds between two edges, shape (spans,).
    """

    edges_s: F8
    reasons: I8

    def at(self, elapsed_s: F8) -> I8:
        """Return the reason that holds at each moment."""
        span = np.searchsorted(self.edges_s, elapsed_s, "right") - 1
        reasons: I8 = self.reasons[np.clip(span, 0, len(self.reasons) - 1)]
        return reasons

    def windows(self) -> list[tuple[float, float]]:
        """Return the spans in which the machine may run, neighbouring ones joined."""
        runs: list[tuple[float, float]] = []
        for begin, end, reason in zip(
            self.edges_s[:-1].tolist(), self.edges_s[1:].tolist(), self.reasons.tolist(), strict=True
        ):
            if reason != Reason.RUNNING:
                continue
            if runs and runs[-1][1] == begin:
                runs[-1] = (runs[-1][0], end)
            else:
                runs.append((begin, end))
        return runs


def timeline(stops: Iterable[Stop], length_s: float) -> Timeline:
    """Lay stops over one another; where two overlap the larger reason holds."""
    kept = [stop for stop in stops if stop.begin_s < length_s and stop.end_s > 0 and stop.end_s > stop.begin_s]
    begins = np.array([stop.begin_s for stop in kept])
    ends = np.array([stop.end_s for stop in kept])
    reasons = np.array([int(stop.reason) for stop in kept], dtype=np.int64)
    edges = np.unique(np.clip(np.concatenate([[0.0, length_s], begins, ends]), 0.0, length_s))
    middles = (edges[:-1] + edges[1:]) / 2
    covers = (begins[None, :] <= middles[:, None]) & (middles[:, None] < ends[None, :])
    holding = np.max(np.where(covers, reasons[None, :], 0), axis=1, initial=0)
    changes = np.flatnonzero(np.diff(holding)) + 1
    return Timeline(
        np.concatenate([[0.0], edges[changes], [length_s]]), np.concatenate([holding[:1], holding[changes]])
    )
