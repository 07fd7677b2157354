"""Tables as Parquet: times in their zone, numbers as doubles, the unit in the metadata of each field."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pdm_app.domain.tables import Block, Column, ColumnKind, TableStyle


class ParquetTable:
    """One row group for each block."""

    def __init__(self, path: Path, columns: Sequence[Column], style: TableStyle) -> None:
        path.touch(exist_ok=False)
        kinds = {
            ColumnKind.TIME: pa.timestamp("us", tz=str(style.zone)),
            ColumnKind.NUMBER: pa.float64(),
            ColumnKind.TEXT: pa.string(),
        }
        fields = [
            pa.field(column.name, kinds[column.kind], metadata={"unit": column.unit} if column.unit else None)
            for column in columns
        ]
        self._columns = columns
        self._schema = pa.schema(fields, metadata=dict(style.facts))
        self._file = pq.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, block: Block) -> None:
        arrays = [
            pa.array(part, kind, mask=np.isnan(part) if column.kind is ColumnKind.NUMBER else None)
            for column, part, kind in zip(self._columns, block, self._schema.types, strict=True)
        ]
        self._file.write_table(pa.table(arrays, schema=self._schema))

    def close(self) -> None:
        self._file.close()

    def abandon(self) -> None:
        with suppress(OSError, pa.ArrowException):
            self._file.close()
