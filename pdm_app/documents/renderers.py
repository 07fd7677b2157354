"""Every format that a table can be written in: a new one is one file and one line here.

The libraries of workbooks and of Parquet are loaded when the first such file is begun.
"""

from collections.abc import Sequence
from pathlib import Path

from pdm_app.documents.text_tables import CsvTable, JsonLinesTable, JsonTable
from pdm_app.domain.tables import Column, Renderer, TableStyle, TableWriter

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _workbook(path: Path, columns: Sequence[Column], style: TableStyle) -> TableWriter:
    from pdm_app.documents.xlsx_table import XlsxTable

    return XlsxTable(path, columns, style)


def _parquet(path: Path, columns: Sequence[Column], style: TableStyle) -> TableWriter:
    from pdm_app.documents.parquet_table import ParquetTable

    return ParquetTable(path, columns, style)


RENDERERS: tuple[Renderer, ...] = (
    Renderer("csv", "csv", "text/csv; charset=utf-8", CsvTable, 18.0),
    Renderer("xlsx", "xlsx", XLSX, _workbook, 9.0),
    Renderer("json", "json", "application/json", JsonTable, 34.0),
    Renderer("jsonl", "jsonl", "application/jsonl", JsonLinesTable, 34.0),
    Renderer("parquet", "parquet", "application/vnd.apache.parquet", _parquet, 5.0),
)
