"""What goes by the rules of retention: orders, what they would take, and who takes it."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from pydantic import Field

from pdm_app.domain.history import Tier
from pdm_app.domain.ports import Fence
from pdm_app.domain.record import Record


class RemovalOrder(Record):
    """One tier of some signals goes up to a time, which is the beginning of a day (UTC)."""

    rule_id: str
    tier: Tier
    signals: tuple[int, ...]
    before_at: int
    held: tuple[tuple[tuple[int, ...], int, int], ...] = Field(
        default=(), description="Spans that stay: signals, none for all, from a time up to another, whole hours."
    )

    def held_of(self, signal: int) -> list[tuple[int, int]]:
        return [(start, end) for signals, start, end in self.held if not signals or signal in signals]


class DueRemoval(Record):
    """What an order would take now.

    ``blocked`` rows are due and stay, for ``reason``. ``bytes`` is exact for files that go as a whole; of files that
    are written anew, and of rows in the database, it is their share.
    """

    rule_id: str
    tier: Tier
    before_at: int
    signals: int
    rows: int
    bytes: int
    first_at: int | None
    files: int = Field(default=0, description="Cold files that go as a whole.")
    files_rewritten: int = Field(default=0, description="Cold files that are written anew without them.")
    blocked: int = 0
    reason: str = ""


class Removed(Record):
    """One step of a removal: a day of a tier, or a part of it."""

    day_at: int
    rows: int
    bytes: int
    blocked: int = 0
    reason: str = ""


class RemovalStore(Protocol):
    """The historian, as far as it forgets."""

    async def due(self, order: RemovalOrder) -> DueRemoval:
        """Count what an order would take; changes nothing.

        Raises:
            UnavailableError: The database does not answer.
        """
        ...

    def remove(self, order: RemovalOrder, fence: Fence) -> AsyncGenerator[Removed, None]:
        """Take it, day by day; whoever stops iterating leaves whole steps done and the others for the next time.

        Raises:
            FencedError: Another process holds the lease.
            UnavailableError: The database or the disk refuses.
        """
        ...

    async def sizes(self) -> Sequence["TierSize"]:
        """Return what each tier takes now."""
        ...


class TierSize(Record):
    """What one tier takes; ``place`` is ``hot`` for rows in the database, ``cold`` for files."""

    tier: Tier
    place: str
    rows: int
    bytes: int
    first_at: int | None = None
    last_at: int | None = None
    is_estimated: bool = Field(default=False, description="The database counts its rows only roughly.")

    @property
    def bytes_per_row(self) -> float | None:
        return self.bytes / self.rows if self.rows else None
