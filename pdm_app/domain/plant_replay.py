"""A stretch of a plant's life that is played again, step by step: what comes in each, and how far it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pdm_app.domain.samples import Batch, Micros


@dataclass(frozen=True, slots=True)
class ReplayStep:
    """What sources send in some seconds or minutes, moment by moment.

    Attributes:
        batches: In order of time; each was received at the moment of which it tells.
        until: The last of these moments, microseconds UTC; as late it is for everybody once the step is through.
    """

    batches: Sequence[Batch]
    until: Micros


class ReplaySource(Protocol):
    """What happened."""

    @property
    def start_at(self) -> Micros: ...
    @property
    def end_at(self) -> Micros: ...
    def steps(self) -> Iterator[ReplayStep]:
        """Tell all of it once, oldest first; it may take its time, and is asked in a thread."""
        ...


@dataclass(frozen=True, slots=True)
class ReplayProgress:
    """How far a replay is.

    Attributes:
        start_at: Where it began, microseconds UTC.
        at: What time it is in it.
        end_at: Where it ends.
        samples: Taken so far.
        alarms: Alarms called so far.
        standing: Alarms that stand now.
    """

    start_at: Micros
    at: Micros
    end_at: Micros
    samples: int
    alarms: int
    standing: int

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1."""
        return (self.at - self.start_at) / (self.end_at - self.start_at)
