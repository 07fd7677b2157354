"""Every format that a table can be read from: a new one is one file and one line here, and one in its sniffing.

The library of Parquet is loaded when the first such file is opened.
"""

from pathlib import Path

from pdm_app.documents.csv_file import CsvFile
from pdm_app.documents.table_sniffing import CSV, PARQUET, XLSX
from pdm_app.documents.xlsx_file import XlsxFile
from pdm_app.domain.table_files import TableFile, TableFormat
from pdm_app.domain.uploads import UnusableFileError


def open_table(path: Path, format: str, how: TableFormat) -> TableFile:
    """Open a file whose format is known, and read its heading.

    Raises:
        UnusableFileError: It is no such table.
    """
    try:
        if format == CSV:
            return CsvFile(path, how)
        if format == XLSX:
            return XlsxFile(path, how)
        if format == PARQUET:
            from pdm_app.documents.parquet_file import ParquetFile

            return ParquetFile(path)
    except OSError as error:
        raise UnusableFileError(f"cannot be read: {error.strerror or error}") from error
    raise UnusableFileError(f"is of the format {format!r}, which is not read here")
