"""Closed days: which are due to go from hot rows to a file, which files there are, and who takes them there."""

from collections.abc import Sequence
from typing import Protocol

from pydantic import Field

from pdm_app.domain.ports import Fence
from pdm_app.domain.record import Record


class ColdFile(Record):
    """A file that holds all samples of a closed day, but for those that came since."""

    start_at: int
    end_at: int
    name: str
    samples: int
    signals: int
    bytes: int
    sha256: str
    made_at: int
    trouble: str | None = Field(description="Why it cannot be read.")


class DueDay(Record):
    """A closed day with samples that are not in a file yet."""

    start_at: int
    samples: int
    signals: int
    bytes: int = Field(description="About as many will its file have.")
    trouble: str | None = Field(description="Why its file, to which these belong, cannot be read.")


class Compacted(Record):
    """A day that went from hot rows to a file."""

    file: ColdFile
    samples: int = Field(description="How many hot rows were deleted.")


class ColdStore(Protocol):
    """The way of closed days from hot rows to files."""

    async def due(self, hot_days: int) -> Sequence[DueDay]:
        """Return the closed days that have hot rows; the last ``hot_days``, with today, stay hot."""
        ...

    async def compact(self, fence: Fence, start: int) -> Compacted | None:
        """Compact one day; None where samples came meanwhile, and another round has to do it.

        Raises:
            FencedError: Another process holds the lease.
            UnavailableError: The database or the disk refuses, or the day's file is damaged; nothing was lost.
        """
        ...
