"""The cold tier: closed days as files in a folder or a bucket, and the catalogue that says which of them count.

A file that is not in the catalogue is nobody's: what a process left that died while writing it. Samples of a closed day
that come later are hot rows beside the file until the day is compacted again; readers lay them over it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.cold import LEAVES_OUT, ColdFile
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.samples import I8
from pdm_app.storage import cold_files, cold_thinning
from pdm_app.storage.cold_bucket import ColdBucket
from pdm_app.storage.cold_files import ColdFileError, Writer, Written
from pdm_app.storage.cold_places import FOLDER, ColdFolder, ColdPlace
from pdm_app.storage.cold_rows import ColdRows
from pdm_app.storage.cold_tables import ColdErasureRow, ColdFileRow
from pdm_app.storage.database import Database
from pdm_app.storage.raw_rows import RawRows, following, no_rows
from pdm_app.storage.repository import KEYS_PER_QUERY, chunks
from pdm_app.storage.tables import table_of

log = logging.getLogger(__name__)

__all__ = ["ERASURES", "FILES", "FOLDER", "Away", "ColdTier"]

FILES = table_of(ColdFileRow)
ERASURES = table_of(ColdErasureRow)
AWAY_MAX = 1_000
TROUBLE_MAX = 500
T = TypeVar("T")
Wanted = Mapping[int, Sequence[tuple[int, int]]]
"""The ranges of each signal, in order; none overlap."""
BYTES_PER_SAMPLE = 7.0  # Of the demo plant, a whole day compressed.


class Away(NamedTuple):
    """A file that could not be fetched when it was last wanted, and why."""

    start_at: int
    end_at: int
    why: str


def _nobody_keeps(_signals: I8, _low: int, _high: int) -> None:
    """Stand for whoever keeps answers where nobody does."""


class ColdTier:
    """The files of one installation.

    Args:
        database: Holds the catalogue.
        place: Where the files are kept; a path is a folder.
    """

    def __init__(self, database: Database, place: ColdPlace | Path) -> None:
        self._database = database
        self.place: ColdPlace = ColdFolder(place) if isinstance(place, Path) else place
        self.missed: Callable[[I8, int, int], None] = _nobody_keeps
        """Told of which signals, and between which times, samples were left out because they cannot be fetched now."""
        self.away: dict[int, Away] = {}
        """Of which days files could not be fetched when they were last wanted, by beginning."""
        self.turn = asyncio.Lock()
        """Held by whoever makes a file: one at a time."""

    @property
    def folder(self) -> Path:
        """Where a file is made; see `ColdPlace.folder`."""
        return self.place.folder

    async def finished(self, writer: Writer) -> Written:
        """Close a file that was made in the folder, prove it, and have it kept.

        Raises:
            UnavailableError: It cannot be kept, and nothing of it is left.
        """
        written = await asyncio.to_thread(writer.finish)
        await self.place.keep(writer.name, written)
        return written

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
        One that cannot be fetched now is left out under `LEAVES_OUT` alone, and is in `away` until it can.
        Without ``ranked`` ``received_at`` and ``place`` are zeros, which spares reading them.

        Raises:
            UnavailableError: A file cannot be fetched now; with ``strict`` also: it cannot be read.
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
            read = partial(cold_files.read, wanted=wanted, rows_max=left, ranked=ranked)
            try:
                part = await self._of_file(file, read)
            except UnavailableError as error:
                if not isinstance(error, ColdFileError) and (strict or not LEAVES_OUT.get()):
                    raise
                if strict:
                    raise UnavailableError(
                        f"The cold file {file.name} cannot be read: {error}", file=file.name
                    ) from error
                await self._left_out(file, error, wanted)
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
            UnavailableError: It cannot be fetched now.
        """
        rows = await self._of_file(file, partial(cold_files.read_whole, signals=signals))
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

    async def signals_of(self, file: ColdFile) -> list[int]:
        """Return the signals of a file, in order; raises as `read_whole` does."""
        return await self._of_file(file, cold_files.signals_of)

    async def counted(self, file: ColdFile) -> dict[int, int]:
        """Return how many samples each signal of a file has; raises as `read_whole` does."""
        return await self._of_file(file, cold_thinning.counted)

    async def out_of_reach(self, days: Sequence[int]) -> list[tuple[int, int]]:
        """Fetch the files of some days, and return the spans of those that cannot be fetched now.

        For those who read them in a transaction that others wait for.
        """
        if not days or not isinstance(self.place, ColdBucket):
            return []
        async with self._database.connected("look for cold files") as connection:
            files = await self.files(connection, min(days), max(days) + 1)
        found: list[tuple[int, int]] = []
        for file in files:
            if file.trouble is not None or not any(file.start_at <= day < file.end_at for day in days):
                continue
            try:
                async with self.place.lent(file):
                    pass
            except UnavailableError:
                found.append((file.start_at, file.end_at))
        return found

    async def move(self, checked: Callable[[], Awaitable[None]]) -> int:
        """Have files that were kept before there was a bucket go there; return how many went.

        Args:
            checked: Called before each one; raises where this process may not go on.

        Raises:
            UnavailableError: One cannot be moved now; it stays where it is, and so do the others.
        """
        if not isinstance(self.place, ColdBucket):
            return 0
        async with self._database.connected("look for cold files") as connection:
            files = await self.files(connection)
        moved = 0
        for file in files:
            if file.trouble is not None:
                continue
            async with self.turn:
                await checked()
                try:
                    moved += await self.place.move(file)
                except ColdFileError as error:
                    await self._note(file, str(error))
        return moved

    async def bring_back(self) -> int:
        """Fetch every file from the bucket into the folder of before; return how many were not there.

        Objects stay in the bucket.

        Raises:
            ColdFileError: One is missing or damaged.
            UnavailableError: One cannot be fetched now; those before it are there.
        """
        if not isinstance(self.place, ColdBucket):
            return 0
        async with self._database.connected("look for cold files") as connection:
            files = await self.files(connection)
        return sum([await self.place.bring_back(file) for file in files if file.trouble is None])

    async def _of_file(self, file: ColdFile, read: Callable[[Path], T]) -> T:
        """Read a file in a thread; a copy that cannot be read is fetched once more.

        Raises:
            ColdFileError: The file is missing or damaged.
            UnavailableError: It cannot be fetched now.
        """
        try:
            async with self.place.lent(file) as path:
                found = await asyncio.to_thread(read, path)
        except ColdFileError:
            if not await self.place.distrusts(file.name):
                raise
            async with self.place.lent(file) as path:
                found = await asyncio.to_thread(read, path)
        self.away.pop(file.start_at, None)
        return found

    async def _left_out(self, file: ColdFile, error: UnavailableError, wanted: Wanted) -> None:
        """Note why a file is not in an answer."""
        if isinstance(error, ColdFileError):
            await self._note(file, str(error))
            return
        self.away[file.start_at] = Away(file.start_at, file.end_at, error.message)
        while len(self.away) > AWAY_MAX:
            del self.away[min(self.away)]
        self.missed(np.array(list(wanted), np.int64), file.start_at, file.end_at)

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
            await connection.execute(update(FILES).where(*same).values(trouble=trouble[:TROUBLE_MAX]))


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
