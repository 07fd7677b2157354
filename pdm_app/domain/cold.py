"""Closed days: which are due to go from hot rows to a file, which files there are, and who takes them there."""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Literal, Protocol

from pydantic import Field

from pdm_app.domain.ports import Fence
from pdm_app.domain.record import Instant, Record

LEAVES_OUT: ContextVar[bool] = ContextVar("leaves_out", default=False)
"""Whether an answer may go without days that cannot be fetched now; whoever sets it says so beside the answer."""


class ColdFile(Record):
    """A file of one day up to ``end_at``: all samples of a closed one, closed hours of fast signals of one that is not.

    What came since is hot.
    """

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


class DueHours(Record):
    """Closed hours of a day, of signals that are so fast that their hot rows would be slow to read."""

    start_at: int = Field(description="Beginning of the day.")
    end_at: int
    signals: tuple[int, ...]
    samples: int


class Compacted(Record):
    """A day that went from hot rows to a file."""

    file: ColdFile
    samples: int = Field(description="How many hot rows were deleted.")


class ColdPlaceFacts(Record):
    """Where files are kept, and how that is now."""

    kind: Literal["folder", "bucket"]
    place: str
    is_secured: bool = Field(default=True, description="False: what is sent to the bucket can be read on its way.")
    trouble: str = Field(default="", description="Why nothing can be put there or fetched now.")
    trouble_since: Instant | None = None
    waiting: int = Field(default=0, description="Files that are still in the folder and go into the bucket.")
    cache_bytes: int = Field(default=0, description="Copies here of what was put there or fetched lately.")
    cache_bytes_max: int = 0


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

    async def due_hours(self) -> DueHours | None:
        """Return closed hours of fast signals; None where that is not worth a file."""
        ...

    async def move(self, fence: Fence) -> int:
        """Have files that were kept before there was a bucket go there, until that fails; return how many went.

        Raises:
            FencedError: Another process holds the lease.
            UnavailableError: The database or the bucket does not answer; what is not there yet is still here.
        """
        ...

    async def compact_hours(self, fence: Fence, due: DueHours) -> Compacted | None:
        """Have closed hours join the file of their day; None where samples came meanwhile. Raises as `compact` does."""
        ...
