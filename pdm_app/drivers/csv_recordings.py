"""The folder of recordings: which files lie there, and what each begins with."""

import asyncio
import statistics
from collections.abc import Sequence
from itertools import islice, pairwise
from pathlib import Path

from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.recordings import RecordedColumn, Recording
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.drivers.csv_replay import file_pattern, recordings
from pdm_app.drivers.csv_replay_rows import CsvForm, Row, UnreadableFileError, last_time, number, opened

ROWS_SEEN_MAX = 1_000
LISTED_MAX = 200
EXAMPLE_MAX = 80


class CsvRecordings:
    """Reads a folder that may not exist yet; blocking reads happen in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def all(self) -> Sequence[Recording]:
        """Return what lies there, by name; a file that cannot be used says why."""
        return await asyncio.to_thread(self._all)

    async def one(self, name: str) -> Recording:
        """Return one.

        Raises:
            NotFoundError: There is no such file; says where it belongs.
        """
        return await asyncio.to_thread(self._one, name)

    def _all(self) -> list[Recording]:
        return [_seen(path) for path in recordings(self._folder, "*.csv")[:LISTED_MAX]]

    def _one(self, name: str) -> Recording:
        found = recordings(self._folder, name) if file_pattern(name) is not None and "*" not in name else []
        if not found:
            raise NotFoundError(
                f"There is no recording {name[:80]!r}. Put it into {self._folder.name} of the data directory.",
                recording=name[:80],
            )
        return _seen(found[0])


def _seen(path: Path) -> Recording:
    form, size = CsvForm(), 0
    try:
        size = path.stat().st_size
        with opened(path, form) as recording:
            seen = list(islice(recording, ROWS_SEEN_MAX))
            rows = [row for row in seen if isinstance(row, Row)]
            refused = [row for row in seen if not isinstance(row, Row)]
            columns = [_column(recording.names.index(name), name, rows) for name in recording.columns]
        if not rows:
            raise UnreadableFileError(refused[0].reason if refused else "has no row below its heading")
        steps = [later.at - earlier.at for earlier, later in pairwise(rows) if later.at > earlier.at]
        return Recording(
            name=path.name,
            bytes=size,
            columns=tuple(columns),
            first_at=rows[0].at,
            last_at=last_time(path, form),
            step_s=statistics.median(steps) / MICROS_PER_S if steps else None,
            rows_seen=len(seen),
            refused=len(refused),
            refused_first=f"line {refused[0].line}: {refused[0].reason}"[:2000] if refused else "",
        )
    except UnreadableFileError as error:
        return Recording(name=path.name, bytes=size, problem=f"The file {error}.")
    except OSError as error:
        return Recording(name=path.name, bytes=size, problem=f"It cannot be read: {error.strerror}.")


def _column(index: int, name: str, rows: Sequence[Row]) -> RecordedColumn:
    """Describe a column; most of what it says decides whether it holds numbers."""
    cells = [row.cells[index].strip() for row in rows if row.cells[index].strip()]
    return RecordedColumn(
        name=name,
        is_number=2 * sum(map(_is_number, cells)) > len(cells) or not cells,
        example=cells[0][:EXAMPLE_MAX] if cells else "",
    )


def _is_number(cell: str) -> bool:
    try:
        number(cell)
    except ValueError:
        return False
    return True
