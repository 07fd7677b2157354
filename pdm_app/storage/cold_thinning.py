"""A cold file without some of its signals or spans, and how many samples of which signal a file has.

A file never changes: what stays is written to a new one, group by group, and read back as every file is.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pdm_app.storage.cold_files import ROWS_PER_GROUP, ColdFileError, Writer, Written
from pdm_app.storage.cold_rows import ColdRows, joined

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq
else:
    from pdm_app.storage.lazily import pyarrow as pa
    from pdm_app.storage.lazily import pyarrow_parquet as pq

Span = tuple[int, int]


def counted(path: Path) -> dict[int, int]:
    """Return how many samples each signal of a file has; a group of one signal says so without being read.

    Raises:
        ColdFileError: The file is missing or damaged.
    """
    counts: dict[int, int] = {}
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for number in range(file.num_row_groups):
                group = file.metadata.row_group(number)
                owners = group.column(0).statistics
                if owners.min == owners.max:
                    found = {owners.min: group.num_rows}
                else:
                    signals = file.read_row_group(number, columns=["signal"], use_threads=False).column(0).to_numpy()
                    numbers, rows = np.unique(signals, return_counts=True)
                    found = dict(zip(numbers.tolist(), rows.tolist(), strict=True))
                for signal, rows_of_it in found.items():
                    counts[int(signal)] = counts.get(int(signal), 0) + int(rows_of_it)
    except (OSError, pa.ArrowException) as error:
        raise ColdFileError(f"{path.name} cannot be read: {error}") from error
    return counts


def thinned(old: Path, new: Path, gone: Mapping[int, Sequence[Span]]) -> Written | None:
    """Write what of a file is not in ``gone``; None, and no file, where nothing is left.

    Raises:
        ColdFileError: The old file is damaged, or the new one cannot be written; nothing was deleted.
    """
    with Writer(new) as writer:
        waiting: list[ColdRows] = []
        for group in _groups(old):
            waiting.append(_without(group, gone))
            if sum(map(len, waiting)) >= ROWS_PER_GROUP:
                writer.write(joined(waiting))
                waiting = []
        if waiting:
            writer.write(joined(waiting))
        return writer.finish() if writer.rows else None


def _groups(path: Path) -> Iterator[ColdRows]:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for number in range(file.num_row_groups):
                yield ColdRows(file.read_row_group(number, use_threads=False))
    except (OSError, pa.ArrowException) as error:
        raise ColdFileError(f"{path.name} cannot be read: {error}") from error


def _without(rows: ColdRows, gone: Mapping[int, Sequence[Span]]) -> ColdRows:
    signal, at = rows.column("signal"), rows.column("source_at")
    keep = np.ones(len(rows), np.bool_)
    for number in np.unique(signal).tolist():
        for begin, close in gone.get(number, ()):
            keep &= ~((signal == number) & (at >= begin) & (at < close))
    return rows if keep.all() else rows.take(keep)
