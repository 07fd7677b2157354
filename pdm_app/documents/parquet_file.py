"""Tables in Parquet, read group by group in bounded memory; times and numbers become text that says just the same."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pdm_app.domain.table_files import CELL_MAX, COLUMNS_MAX, TableRow
from pdm_app.domain.uploads import UnusableFileError

ROWS_AT_ONCE = 20_000
GROUP_BYTES_MAX = 2_000_000_000
"""Unpacked size of one group, which a file says of itself before it is read."""
PLAIN = (
    pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_string, pa.types.is_large_string,
    pa.types.is_timestamp, pa.types.is_date, pa.types.is_decimal, pa.types.is_dictionary, pa.types.is_null,
)  # fmt: skip


class ParquetFile:
    """An open Parquet file; columns of structures are not there."""

    sheets: tuple[str, ...] = ()
    separator = ""

    def __init__(self, path: Path) -> None:
        try:
            self._file = pq.ParquetFile(path, memory_map=True)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise UnusableFileError(f"is damaged Parquet: {str(error)[:200]}") from None
        try:
            self._check()
        except BaseException:
            self._file.close()
            raise

    def _check(self) -> None:
        about = self._file.metadata
        groups = [about.row_group(number).total_byte_size for number in range(about.num_row_groups)]
        if groups and max(groups) > GROUP_BYTES_MAX:
            raise UnusableFileError(f"has a row group of {max(groups):,} bytes; write it with smaller ones")
        fields = [field for field in self._file.schema_arrow if any(is_kind(field.type) for is_kind in PLAIN)]
        self.columns = [field.name[:CELL_MAX] for field in fields]
        if not self.columns:
            raise UnusableFileError("has no column of plain values")
        if len(self.columns) > COLUMNS_MAX:
            raise UnusableFileError(f"has {len(self.columns):,} columns; up to {COLUMNS_MAX:,} are read")
        self._names = [field.name for field in fields]
        self.rows_about = int(about.num_rows)

    def __iter__(self) -> Iterator[TableRow]:
        line = 1
        batches = self._file.iter_batches(batch_size=ROWS_AT_ONCE, columns=self._names)
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError) as error:
                raise UnusableFileError(f"is damaged Parquet from row {line:,} on: {str(error)[:200]}") from None
            if batch is None:
                return
            columns = [_texts(column) for column in batch.columns]
            for cells in zip(*columns, strict=True):
                line += 1
                yield TableRow(line, cells)

    def close(self) -> None:
        self._file.close()


def _texts(column: Any) -> list[str]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type):
        if column.type.unit == "ns":
            column = column.cast(pa.timestamp("us", tz=column.type.tz), safe=False)
        is_utc = column.type.tz is not None
        return ["" if value is None else _time(value, is_utc=is_utc) for value in column.to_pylist()]
    return [_text(value) for value in column.to_pylist()]


def _time(value: datetime, *, is_utc: bool) -> str:
    return value.astimezone(UTC).isoformat() if is_utc else value.isoformat()


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return "" if value != value else repr(value)
        case datetime() | date():
            return value.isoformat()
        case Decimal() | int():
            return str(value)
        case _:
            return str(value)[:CELL_MAX]
