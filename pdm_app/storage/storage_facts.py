"""Looks at the database, its tables and the cold files."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select, text

from pdm_app.domain.cold import ColdFile, ColdPlaceFacts, DueDay
from pdm_app.domain.partitions import Partition
from pdm_app.domain.removals import TierSize
from pdm_app.domain.storage_facts import Backend, Room
from pdm_app.storage import dialect
from pdm_app.storage.cold import FILES
from pdm_app.storage.cold_places import ColdPlace
from pdm_app.storage.compaction import Compaction
from pdm_app.storage.database import Database
from pdm_app.storage.partitions import SqlDayPartitions
from pdm_app.storage.sizes import tier_sizes


class SqlStorageFacts:
    """Facts of one installation.

    Args:
        database: Holds hot rows and rollups.
        compaction: Knows which days wait for their file.
        partitions: Those of the hot rows.
        data_dir: Whose disk it is about.
        place: Where cold files are kept.
    """

    def __init__(
        self,
        database: Database,
        compaction: Compaction,
        partitions: SqlDayPartitions,
        data_dir: Path,
        place: ColdPlace,
    ) -> None:
        self._database = database
        self._partitions = partitions
        self._compaction = compaction
        self._data_dir = data_dir
        self._place = place

    async def backend(self) -> Backend:
        """Return which database this is, and how large."""
        async with self._database.connected("look which database this is") as connection:
            version = str(await connection.scalar(text(dialect.version_of(is_sqlite=self._database.is_sqlite))))
            size, free = await dialect.database_size(connection, is_sqlite=self._database.is_sqlite)
        name = "SQLite" if self._database.is_sqlite else "MariaDB" if "maria" in version.lower() else "MySQL"
        return Backend(
            name=name, version=version.split("-", maxsplit=1)[0], place=self._database.place, bytes=size,
            free_bytes=free,
            is_local=self._database.is_sqlite,
        )  # fmt: skip

    async def sizes(self) -> Sequence[TierSize]:
        """Return what each tier takes."""
        return await tier_sizes(self._database)

    async def partitions(self) -> Sequence[Partition]:
        """Return the days of hot rows where the database keeps them apart."""
        return await self._partitions.all()

    async def due(self, hot_days: int) -> Sequence[DueDay]:
        """Return the closed days that wait for their file."""
        return await self._compaction.due(hot_days)

    async def files(self, limit: int) -> Sequence[ColdFile]:
        """Return cold files: damaged ones first, then the newest."""
        damaged_first = FILES.c.trouble.is_(None)
        statement = select(FILES).order_by(damaged_first, FILES.c.start_at.desc()).limit(limit)
        async with self._database.connected("list cold files") as connection:
            return [ColdFile.model_validate(dict(row)) for row in (await connection.execute(statement)).mappings()]

    async def cold_place(self) -> ColdPlaceFacts:
        """Return where cold files are kept, and whether that can be reached; takes seconds where it cannot."""
        return await self._place.facts()

    async def room(self) -> Room:
        """Return what is left on the disk of the data directory."""
        usage = await asyncio.to_thread(shutil.disk_usage, self._data_dir)
        return Room(free_bytes=usage.free, total_bytes=usage.total)
