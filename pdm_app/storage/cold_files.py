"""One cold file: samples of a span as Parquet, sorted by signal and time, each page with its checksum.

A row group holds whole signals, or a part of one, and its statistics say which signals and times: a reader of one
signal opens a few of them. The file is written under another name, synced, read back whole and compared before it gets
its own.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.errors import UnavailableError
from pdm_app.storage.cold_footers import Footer, footer_of
from pdm_app.storage.cold_rows import NAMES, TEXTS, ColdRows, schema
from pdm_app.storage.raw_rows import RawRows, no_rows

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq
else:
    from pdm_app.storage.lazily import pyarrow as pa
    from pdm_app.storage.lazily import pyarrow_parquet as pq

ROWS_PER_GROUP = 32_768
"""Rows of a group: an hour at 10 Hz. Larger ones compress little better, and a zoom reads of them what it drops."""
PART = ".part"
COUNTING = ("source_at", "value", "quality")
RANKS = ("received_at", "place")
"""Which of two samples of an instant came later."""
COUNTED = ("source_at", "received_at", "place", "other_received_at", "other_place")
Wanted = Mapping[int, Sequence[tuple[int, int]]]
"""The ranges of each signal, in order; none overlap."""
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
    def name(self) -> str:
        """The name that the file gets."""
        return self._path.name

    @property
    def rows(self) -> int:
        """How many rows were written so far."""
        return self._rows

    def __enter__(self) -> Self:
        return self

    def write(self, part: ColdRows) -> None:
        """Add rows, as one row group or several."""
        if not len(part):
            return
        for group in part.parts(ROWS_PER_GROUP):
            with self._answered_for():
                self._file.write_table(group.table, row_group_size=len(group))
            _digest(self._wanted, group.table)
        owners = np.unique(part.column("signal"))
        self._rows, self._signals = self._rows + len(part), self._signals + len(owners) - int(self._last == owners[0])
        self._last = int(owners[-1])

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
            return Written(self._rows, self._signals, self._path.stat().st_size, sha256_of(self._path))

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


def read(path: Path, wanted: Wanted, rows_max: int, *, ranked: bool = True) -> RawRows:
    """Return what counts of some signals in their ranges, which are in order and do not overlap.

    Reading stops after more than ``rows_max`` rows. Without ``ranked`` ``received_at`` and ``place`` are zeros.

    Raises:
        ColdFileError: The file is missing or damaged.
    """
    numbers = np.array(sorted(signal for signal, ranges in wanted.items() if ranges), np.int64)
    found: list[RawRows] = []
    count = 0
    try:
        footer = footer_of(path)
        groups = [group for group in footer.groups_of(numbers) if _meets(footer, group, numbers, wanted)]
        if not groups:
            return no_rows()
        with pq.ParquetFile(path, metadata=footer.metadata, page_checksum_verification=True) as file:
            for group in groups:
                rows = _rows_of(file, footer, group, ranked=ranked)
                for low, high in _slices(rows, numbers, wanted):
                    # A view would keep the whole group in memory for the few rows that are wanted of it.
                    is_most = 2 * (high - low) > len(rows)
                    found.append(rows.part(low, high) if is_most else rows.take(np.arange(low, high)))
                    count += high - low
                if count > rows_max:
                    break
    except (OSError, pa.ArrowException) as error:
        raise ColdFileError(f"{path.name} cannot be read: {error}") from error
    if not found:
        return no_rows()
    columns: list[Any] = [np.concatenate(column) for column in zip(*(rows.columns() for rows in found), strict=True)]
    signal, source_at, value, quality, received_at, place = columns
    return RawRows(signal.astype(np.int64), source_at, value, quality.astype(np.int64), received_at, place)


def _rows_of(file: "pq.ParquetFile", footer: Footer, group: int, *, ranked: bool) -> RawRows:
    """Read the numbers of a group; its signal is known without reading where there is but one."""
    owner = footer.owner(group)
    names = [*(("signal",) if owner is None else ()), *COUNTING, *(RANKS if ranked else ())]
    table = file.read_row_group(group, columns=names, use_threads=False)
    columns = {name: table.column(name).to_numpy() for name in names}
    nothing = np.zeros(len(table), np.int64)
    return RawRows(
        columns["signal"] if owner is None else np.full(len(table), owner, np.int64),
        columns["source_at"],
        columns["value"],
        columns["quality"],
        columns.get("received_at", nothing),
        columns.get("place", nothing),
    )


def _meets(footer: Footer, group: int, numbers: NDArray[np.int64], wanted: Wanted) -> bool:
    """Whether a group may hold a sample of the wanted ranges, judged by its statistics."""
    first, last = footer.times(group)
    some = numbers[slice(*footer.place(group, numbers))].tolist()
    return any(start <= last and first < end for signal in some for start, end in wanted[signal])


def _slices(rows: RawRows, numbers: NDArray[np.int64], wanted: Wanted) -> Iterator[tuple[int, int]]:
    """Yield from which row to which the wanted ranges lie, in order; rows are sorted by (signal, source_at)."""
    low, high = np.searchsorted(numbers, rows.signal[0]), np.searchsorted(numbers, rows.signal[-1], side="right")
    some = numbers[low:high]
    begins, ends = np.searchsorted(rows.signal, some), np.searchsorted(rows.signal, some, side="right")
    for signal, begin, end in zip(some.tolist(), begins.tolist(), ends.tolist(), strict=True):
        if begin == end:
            continue
        edges = np.searchsorted(rows.source_at[begin:end], np.array(wanted[signal], np.int64)) + begin
        for first, last in edges.tolist():
            if first < last:
                yield first, last


def read_whole(path: Path, signals: Sequence[int]) -> ColdRows:
    """Return all columns of some signals.

    Raises:
        ColdFileError: The file is missing or damaged.
    """
    wanted = np.unique(np.array(signals, np.int64))
    try:
        groups = footer_of(path).groups_of(wanted)
        with _opened(path) as file:
            tables = [file.read_row_group(group, use_threads=False) for group in groups]
        table = pa.concat_tables(tables) if tables else schema().empty_table()
    except (OSError, pa.ArrowException) as error:
        raise ColdFileError(f"{path.name} cannot be read: {error}") from error
    return ColdRows(table.filter(pa.array(np.isin(table.column("signal").to_numpy(), wanted))).combine_chunks())


def signals_of(path: Path) -> list[int]:
    """Return the signals of a file, in order; a group of one signal says so without being read.

    Raises:
        ColdFileError: The file is missing or damaged.
    """
    found: set[int] = set()
    try:
        footer = footer_of(path)
        with _opened(path) as file:
            for group in range(len(footer)):
                owner = footer.owner(group)
                if owner is not None:
                    found.add(owner)
                    continue
                signals = file.read_row_group(group, columns=["signal"], use_threads=False).column(0).to_numpy()
                found.update(np.unique(signals).tolist())
    except (OSError, pa.ArrowException) as error:
        raise ColdFileError(f"{path.name} cannot be read: {error}") from error
    return sorted(found)


def _opened(path: Path) -> "pq.ParquetFile":
    return pq.ParquetFile(path, page_checksum_verification=True)


def _digest(into: Any, table: "pa.Table") -> None:
    for name in table.column_names:
        column = table.column(name)
        if name not in TEXTS:
            into.update(column.to_numpy().tobytes())
        elif column.null_count < len(column):
            into.update(repr(column.to_pylist()).encode())


def sha256_of(path: Path) -> str:
    """Return the checksum of a whole file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
