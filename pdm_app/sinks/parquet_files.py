"""Samples as Parquet: the columns of an export with their types, and the type of the signal beside the number.

A Parquet file can be read only once its end is written. So nothing of it counts as taken before: after a crash all
samples of the file that was open are read from history again, and a file ends after at most an hour unless it is told
otherwise.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pdm_app.domain.sinks import SentSamples, SinkError
from pdm_app.sinks.csv_files import QUALITIES
from pdm_app.sinks.files import OpenFile

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_PER_GROUP = 50_000
"""So many are kept in memory and written together: small groups make a file large and slow to read."""


class ParquetFile(OpenFile):
    """A file of which nothing counts before its end."""

    is_safe_at_once = False

    def __init__(self, path: Path, after: int) -> None:
        if after:
            raise ValueError("a Parquet file cannot be gone on with")
        import pyarrow.parquet as pq

        self._path = path
        self._schema = schema()
        self._file = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._waiting: list[pa.Table] = []
        self._rows = 0

    def write(self, samples: SentSamples) -> None:
        self._waiting.append(table_of(samples, self._schema))
        self._rows += len(samples)
        if self._rows >= ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        try:
            if self._waiting:
                self._file.write_table(pa.concat_tables(self._waiting).combine_chunks(), ROWS_PER_GROUP * 4)
        except pa.ArrowException as error:
            raise SinkError(f"{self._path} cannot be written: {error}. It is begun anew.") from error
        self._waiting, self._rows = [], 0

    def size(self) -> int:
        return self._path.stat().st_size

    def end(self) -> None:
        self._flush()
        self._file.close()
        with self._path.open("rb") as written:
            os.fsync(written.fileno())

    def leave(self) -> None:
        import pyarrow as pa

        with suppress(OSError, pa.ArrowException):
            self._file.close()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def schema() -> "pa.Schema":
    """Return the columns."""
    import pyarrow as pa

    words = pa.dictionary(pa.int32(), pa.string())
    return pa.schema(
        [
            ("Time", pa.timestamp("us", tz="UTC")), ("Signal", words), ("Value", pa.float64()), ("Unit", words),
            ("Text", pa.string()), ("Quality", words), ("Type", words),
        ]
    )  # fmt: skip


def table_of(samples: SentSamples, columns: "pa.Schema") -> "pa.Table":
    """Return samples as a table; whole numbers and booleans are numbers in it, as ``Type`` says."""
    import pyarrow as pa

    numbers, place = np.unique(samples.signal, return_inverse=True)
    about = [samples.signals[number] for number in numbers.tolist()]
    codes, of_code = np.unique(samples.quality, return_inverse=True)

    def words(found: list[str], places: Any) -> "pa.Array":
        return pa.array([found[each] for each in places.tolist()], pa.string()).dictionary_encode()

    return pa.table(
        [
            pa.array(samples.source_at, pa.timestamp("us", tz="UTC")),
            words([each.full_name for each in about], place),
            pa.array(samples.value, pa.float64(), mask=~np.isfinite(samples.value)),
            words([each.unit for each in about], place),
            pa.array([samples.text.get(row) for row in range(len(samples))], pa.string()),
            words([QUALITIES.get(code, str(code)) for code in codes.tolist()], of_code),
            words([str(each.data_type) for each in about], place),
        ],
        schema=columns,
    )
