"""One cold file: samples of a span as Parquet, sorted by signal and time, each page with its checksum.

A row group holds whole signals, or a part of one large signal, and its statistics say which signals and times: a reader
of one signal opens a few of them. The file is written under another name, synced, read back whole and compared before
it gets its own.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.errors import UnavailableError
from pdm_app.storage.cold_rows import NAMES, TEXTS, ColdRows, schema
from pdm_app.storage.raw_rows import RawRows, no_rows

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq
else:
    from pdm_app.storage.lazily import pyarrow as pa
    from pdm_app.storage.lazily import pyarrow_parquet as pq

ROWS_PER_GROUP = 65_536
"""Rows from which on a group is closed: large enough to compress well, small enough to read for one signal."""
ROWS_MAX_PER_GROUP = 200_000
PART = ".part"
NUMBERS = ["signal", "source_at", "value", "quality", "received_at", "place"]
COUNTED = ("source_at", "received_at", "place", "other_received_at", "other_place")
ALWAYS = ((-(2**62), 2**62),)
DICTIONARIES = [name for name in NAMES if name not in COUNTED]
"""Values, too: a converter of 12 bits yields few different ones, and the writer gives up where there are many."""


class ColdFileError(UnavailableError):
    """A cold file is missing, damaged, or not what was written; the text says which and how."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was read back and is as it should be."""

    rows: int
    signals: int
    size: int
    sha256: str


class Writer:
    """Writes one file, part by part, in the order of (signal, source_at): ``with Writer(path) as writer: …``.

    The file gets its name in `finish`, which proves that it can be read; leaving the block without it leaves nothing.
    All of it raises `ColdFileError` where the disk is full or fails, or what was read back is something else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unfinished = path.with_name(path.name + PART)
        self._rows = 0
        self._signals = 0
        self._last = -1
        self._wanted = hashlib.sha256()
        with self._answered_for():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = pq.ParquetWriter(
                self._unfinished,
                schema(),
                compression="zstd",
                use_dictionary=DICTIONARIES,
                column_encoding=dict.fromkeys(COUNTED, "DELTA_BINARY_PACKED"),
                write_page_checksum=True,
            )

    @property
    def rows(self) -> int:
        """How many rows were written so far."""
        return self._rows

    def __enter__(self) -> Self:
        return self

    def write(self, part: ColdRows) -> None:
        """Add rows as one row group."""
        if not len(part):
            return
        with self._answered_for():
            self._file.write_table(part.table, row_group_size=len(part))
        owners = np.unique(part.column("signal"))
        self._rows, self._signals = self._rows + len(part), self._signals + len(owners) - int(self._last == owners[0])
        self._last = int(owners[-1])
        _digest(self._wanted, part.table)

    def finish(self) -> Written:
        """Close the file, compare it with what was written, and give it its name."""
        with self._answered_for():
            self._file.close()
            with self._unfinished.open("rb") as written:
                os.fsync(written.fileno())
            found, rows = hashlib.sha256(), 0
            with _opened(self._unfinished) as file:
                for group in range(file.num_row_groups):
                    table = file.read_row_group(group, use_threads=False)
                    rows += len(table)
                    _digest(found, table)
            if (rows, found.digest()) != (self._rows, self._wanted.digest()):
                raise ColdFileError(f"{self._path.name} reads back as something else than was written.")
            self._unfinished.rename(self._path)
            _sync_folder(self._path.parent)
            return Written(self._rows, self._signals, self._path.stat().st_size, _sha256(self._path))

    def __exit__(self, *_: object) -> None:
        with suppress(OSError, pa.ArrowException):
            self._file.close()
        self._unfinished.unlink(missing_ok=True)

    @contextmanager
    def _answered_for(self) -> Iterator[None]:
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            raise ColdFileError(
                f"{self._path} cannot be written: {error}. Check room and rights of its folder; nothing was deleted."
            ) from error


def read(path: Path, signals: Sequence[int], ranges: Sequence[tuple[int, int]], rows_max: int) -> RawRows:
    """Return what counts of some signals in some ranges; more than ``rows_max`` rows where there are more.

    Raises:
        ColdFileError: The file is missing or damaged.
    """
    wanted = np.unique(np.array(signals, np.int64))
    found: list[list[NDArray[Any]]] = []
    count = 0
    try:
        with _opened(path) as file:
            for group in _groups(file, wanted, ranges):
                table = file.read_row_group(group, columns=NUMBERS, use_threads=False)
                columns = [table.column(name).to_numpy() for name in NUMBERS]
                keep = np.isin(columns[0], wanted) & _inside(columns[1], ranges)
                if keep.any():
                    found.append([column[keep] for column in columns])
                    count += int(keep.sum())
                if count > rows_max:
                    break
    except (OSError, pa.ArrowException) as error:
        raise ColdFileError(f"{path.name} cannot be read: {error}") from error
    if not found:
        return no_rows()
    columns = [np.concatenate(column) for column in zip(*found, strict=True)]
    signal, source_at, value, quality, received_at, place = columns
    return RawRows(
        signal.astype(np.int64), source_at, value.astype(np.float64), quality.astype(np.int64), received_at, place
    )


def read_whole(path: Path, signals: Sequence[int]) -> ColdRows:
    """Return all columns of some signals.

    Raises:
        ColdFileError: The file is missing or damaged.
    """
    wanted = np.unique(np.array(signals, np.int64))
    try:
        with _opened(path) as file:
            tables = [file.read_row_group(group, use_threads=False) for group in _groups(file, wanted, ALWAYS)]
        table = pa.concat_tables(tables) if tables else schema().empty_table()
    except (OSError, pa.ArrowException) as error:
        raise ColdFileError(f"{path.name} cannot be read: {error}") from error
    return ColdRows(table.filter(pa.array(np.isin(table.column("signal").to_numpy(), wanted))).combine_chunks())


def signals_of(path: Path) -> list[int]:
    """Return the signals of a file, in order.

    Raises:
        ColdFileError: The file is missing or damaged.
    """
    try:
        with _opened(path) as file:
            found = [
                np.unique(file.read_row_group(group, columns=["signal"], use_threads=False).column(0).to_numpy())
                for group in range(file.num_row_groups)
            ]
    except (OSError, pa.ArrowException) as error:
        raise ColdFileError(f"{path.name} cannot be read: {error}") from error
    return sorted({int(signal) for some in found for signal in some})


def _opened(path: Path) -> "pq.ParquetFile":
    return pq.ParquetFile(path, page_checksum_verification=True)


def _groups(file: "pq.ParquetFile", signals: NDArray[Any], ranges: Sequence[tuple[int, int]]) -> list[int]:
    groups = []
    for number in range(file.num_row_groups):
        group = file.metadata.row_group(number)
        owners, times = group.column(0).statistics, group.column(1).statistics
        place = np.searchsorted(signals, owners.min)
        if place == len(signals) or signals[place] > owners.max:
            continue
        if any(start <= times.max and times.min < end for start, end in ranges):
            groups.append(number)
    return groups


def _inside(at: NDArray[Any], ranges: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    keep = np.zeros(len(at), np.bool_)
    for start, end in ranges:
        keep |= (at >= start) & (at < end)
    return keep


def _digest(into: Any, table: "pa.Table") -> None:
    for name in table.column_names:
        column = table.column(name)
        if name not in TEXTS:
            into.update(column.to_numpy().tobytes())
        elif column.null_count < len(column):
            into.update(repr(column.to_pylist()).encode())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
