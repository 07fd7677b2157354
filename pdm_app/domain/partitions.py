"""Hot rows kept apart by day, so that a whole day comes and goes at once."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

from pydantic import Field

from pdm_app.domain.ports import Fence
from pdm_app.domain.record import Record
from pdm_app.domain.samples import MICROS_PER_S, Micros

DAY_US = 86_400 * MICROS_PER_S


class Partition(Record):
    """Hot rows from ``start_at`` up to, not including, ``end_at``: most often those of one day (UTC)."""

    name: str
    start_at: int | None = Field(description="None for the one that takes whatever is older than the days.")
    end_at: int | None = Field(description="None for the one that takes whatever is younger than the days.")
    rows: int = Field(description="About as many.")
    bytes: int

    def holds_just(self, day: int) -> bool:
        """Whether it holds the day that begins at ``day``, and nothing else."""
        return self.start_at == day and self.end_at == day + DAY_US

    def is_split_by(self, at: int) -> bool:
        """Whether a time lies inside, on neither of its ends."""
        return (self.start_at is None or self.start_at < at) and (self.end_at is None or at < self.end_at)


class RolledForward(Record):
    """What was changed so that each day has its own partition."""

    added: tuple[str, ...] = Field(default=(), description="Partitions that are there now and were not before.")
    joined: tuple[str, ...] = Field(default=(), description="Empty ones that became part of others.")
    too_full: tuple[str, ...] = Field(
        default=(), description="Hold several days and so many rows that moving them would keep writers out for long."
    )


class DayPartitions(Protocol):
    """Keeps days apart; does nothing where the database cannot."""

    async def roll_forward(self, fence: Fence, now: Micros, hot_days: int) -> RolledForward:
        """Have each hot day and some days to come lie in a partition of its own; no row is lost on the way.

        Args:
            fence: Proof of the lease.
            now: The hot days end with the one of this time.
            hot_days: How many they are.

        Raises:
            FencedError: Another process holds the lease.
            UnavailableError: The database does not answer, or somebody reads for so long that it has to wait.
        """
        ...


def pieces(partition: Partition, cuts: Sequence[int]) -> list[tuple[int | None, int | None]]:
    """Return the spans that a partition becomes when it is cut at those of the times that lie inside."""
    inside = [at for at in sorted(set(cuts)) if partition.is_split_by(at)]
    edges: list[int | None] = [partition.start_at, *inside, partition.end_at]
    return list(pairwise(edges))


def cuts_of(today: int, hot_days: int, days_ahead: int) -> list[int]:
    """Return the midnights between the hot days, with the first one's beginning and the end of the days to come.

    Args:
        today: Beginning of the day, microseconds UTC.
        hot_days: Days that stay hot, with today.
        days_ahead: Days after today that get a partition before they begin.
    """
    first, last = today - (hot_days - 1) * DAY_US, today + (days_ahead + 1) * DAY_US
    return list(range(first, last + 1, DAY_US))


def joinable(partitions: Sequence[Partition], empty: Sequence[str], before: int) -> list[list[Partition]]:
    """Return runs of neighbours that are empty and wholly before a time: each of them may become one.

    Args:
        partitions: All of them, in order.
        empty: Names of those that hold no row.
        before: The first hot day begins here.
    """
    runs: list[list[Partition]] = [[]]
    for one in partitions:
        if one.name in empty and one.end_at is not None and one.end_at <= before:
            runs[-1].append(one)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if len(run) > 1]
