"""What history takes on disk: the database, its tiers, partitions and cold files, and how long the room will do."""

from collections.abc import Sequence
from typing import Protocol

from pydantic import Field

from pdm_app.domain.cold import ColdFile, ColdPlaceFacts, DueDay
from pdm_app.domain.partitions import Partition
from pdm_app.domain.record import Record
from pdm_app.domain.removals import TierSize


class Backend(Record):
    """The database that holds hot rows and rollups."""

    name: str = Field(description="SQLite, MySQL or MariaDB.")
    version: str
    place: str
    bytes: int
    free_bytes: int = Field(description="Inside the database, left by deleted rows and used again before it grows.")
    is_local: bool = Field(description="In a file of the data directory, so that its growth is this disk's.")


class Room(Record):
    """The disk of the data directory."""

    free_bytes: int
    total_bytes: int


class StorageFacts(Protocol):
    """Looks at what there is; changes nothing."""

    async def backend(self) -> Backend: ...
    async def sizes(self) -> Sequence[TierSize]: ...
    async def partitions(self) -> Sequence[Partition]: ...
    async def due(self, hot_days: int) -> Sequence[DueDay]: ...
    async def room(self) -> Room: ...
    async def cold_place(self) -> ColdPlaceFacts: ...

    async def files(self, limit: int) -> Sequence[ColdFile]:
        """Return cold files: damaged ones first, then the newest."""
        ...
