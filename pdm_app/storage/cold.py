"""The cold tier: closed days as files in a folder, and the catalogue in the database that says which of them count.

A file that is not in the catalogue is nobody's: what a process left that died while writing it. Samples of a closed day
that come later are hot rows beside the file until the day is compacted again; readers lay them over it.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.cold import ColdFile
from pdm_app.domain.errors import UnavailableError
from pdm_app.storage import cold_files
from pdm_app.storage.cold_files import ColdFileError
from pdm_app.storage.cold_rows import ColdRows
from pdm_app.storage.cold_tables import ColdErasureRow, ColdFileRow
from pdm_app.storage.database import Database
from pdm_app.storage.raw_rows import RawRows, following, no_rows
from pdm_app.storage.repository import KEYS_PER_QUERY, chunks
from pdm_app.storage.tables import table_of

log = logging.getLogger(__name__)

FILES = table_of(ColdFileRow)
ERASURES = table_of(ColdErasureRow)
FOLDER = "cold"
Wanted = Mapping[int, Sequence[tuple[int, int]]]
"""The ranges of each signal, in order; none overlap."""
BYTES_PER_SAMPLE = 7.0  # Of the demo plant, a whole day compressed.


class ColdTier:
    """Reads of the files of one folder."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self.folder = folder
        self.turn = asyncio.Lock()
        """Held by whoever makes a file: one at a time."""

    async def ends_after(self, connection: AsyncConnection, at: int) -> bool:
        """Whether some file holds samples from ``at`` on."""
        newest = await connection.scalar(select(func.max(FILES.c.end_at)))
        return newest is not None and int(newest) > at

    async def files(self, connection: AsyncConnection, start: int = 0, end: int = 2**62) -> list[ColdFile]:
        """Return what the catalogue says of the files that lie in a span, in order."""
        statement = select(FILES).where(FILES.c.start_at < end, FILES.c.end_at > start).order_by(FILES.c.start_at)
        return [ColdFile.model_validate(dict(row)) for row in (await connection.execute(statement)).mappings()]

    async def bytes_per_sample(self) -> float:
        """Return what a sample takes in the files there are; what it took in measurements while there are none.

        Raises:
            UnavailableError: The database does not answer.
        """
        statement = select(func.sum(FILES.c.bytes), func.sum(FILES.c.samples))
        async with self._database.connected("weigh the cold files") as connection:
            size, samples = (await connection.execute(statement)).one()
        return int(size) / int(samples) if samples else BYTES_PER_SAMPLE

    async def read(
        self, connection: AsyncConnection, wanted: Wanted, rows_max: int, *, strict: bool = False, ranked: bool = True
    ) -> RawRows:
        """Return the samples of some signals in their ranges; more than ``rows_max`` where there are more.

        A file that cannot be read is left out, and its trouble is in the catalogue from then on; the rest is answered.
        Without ``ranked`` ``received_at`` and ``place`` are zeros, which spares reading them.

        Raises:
            UnavailableError: With ``strict``: a file that is needed cannot be read.
        """
        some = [ranges for ranges in wanted.values() if ranges]
        if not some:
            return no_rows()
        span = (min(ranges[0][0] for ranges in some), max(ranges[-1][1] for ranges in some))
        files = [file for file in await self.files(connection, *span) if _is_met(file, some)]
        if not files:
            return no_rows()
        erased = await self._erased(connection, list(wanted), files[0].start_at, files[-1].end_at)
        parts: list[RawRows] = []
        left = rows_max
        for file in files:
            path = self.folder / file.name
            try:
                part = await asyncio.to_thread(cold_files.read, path, wanted, left, ranked=ranked)
            except ColdFileError as error:
                if strict:
                    raise UnavailableError(
                        f"The cold file {file.name} cannot be read: {error}", file=file.name
                    ) from error
                await self._note(file, str(error))
                continue
            if erased and len(part):
                part = part.take(~_covered(part.signal, part.source_at, erased))
            left -= len(part)
            parts.append(part)
            if left < 0:
                break
        return following(parts)

    async def read_whole(self, connection: AsyncConnection, file: ColdFile, signals: Sequence[int]) -> ColdRows:
        """Return all columns of some signals.

        Raises:
            ColdFileError: The file is missing or damaged.
        """
        rows = await asyncio.to_thread(cold_files.read_whole, self.folder / file.name, signals)
        if not len(rows):
            return rows
        erased = await self._erased(connection, signals, file.start_at, file.end_at)
        return rows.take(~_covered(rows.column("signal"), rows.column("source_at"), erased)) if erased else rows

    async def text(self, connection: AsyncConnection, signal: int, at: int) -> str | None:
        """Return the text of the sample at a time, None where it has none or there is none."""
        for file in await self.files(connection, at, at + 1):
            try:
                rows = await self.read_whole(connection, file, [signal])
            except ColdFileError as error:
                await self._note(file, str(error))
                continue
            for row in rows.take(rows.column("source_at") == at).table.to_pylist():
                return str(row["text"]) if row["text"] is not None else None
        return None

    async def _erased(
        self, connection: AsyncConnection, signals: Sequence[int], start: int, end: int
    ) -> list[tuple[int, int, int]]:
        found: list[tuple[int, int, int]] = []
        for some in chunks(signals, KEYS_PER_QUERY):
            statement = select(ERASURES.c.signal_id, ERASURES.c.start_at, ERASURES.c.end_at).where(
                ERASURES.c.signal_id.in_(some), ERASURES.c.start_at < end, ERASURES.c.end_at > start
            )
            found += [tuple(row) for row in await connection.execute(statement)]
        return found

    async def _note(self, file: ColdFile, trouble: str) -> None:
        """Keep in the catalogue that a file cannot be read; the first one to meet it says so in the log."""
        if file.trouble is not None:
            return
        log.error("a cold file cannot be read; the rest of history is answered: %s", trouble)
        same = (FILES.c.start_at == file.start_at, FILES.c.name == file.name)
        async with self._database.writing("note the trouble of a cold file") as connection:
            await connection.execute(update(FILES).where(*same).values(trouble=trouble))


def _is_met(file: ColdFile, some: Sequence[Sequence[tuple[int, int]]]) -> bool:
    """Whether one of many ranges, most of which are the same list, lies in the time of a file."""
    distinct = {id(ranges): ranges for ranges in some}.values()
    return any(start < file.end_at and end > file.start_at for ranges in distinct for start, end in ranges)


def _covered(
    signal: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]",
    source_at: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]",
    erased: Sequence[tuple[int, int, int]],
) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
    found = np.zeros(len(signal), np.bool_)
    for owner, start, end in erased:
        found |= (signal == owner) & (source_at >= start) & (source_at < end)
    return found
