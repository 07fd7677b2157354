"""What a file of a table is, by its content alone: Parquet, a workbook, or text in columns.

A workbook is an archive, and an archive can be a bomb: what it would unpack to is added up before anything is.
"""

import codecs
import zipfile
from pathlib import Path

from pdm_app.domain.uploads import UnusableFileError

CSV, PARQUET, XLSX = "csv", "parquet", "xlsx"
PARQUET_MARK = b"PAR1"
ZIP_MARK = b"PK\x03\x04"
HEAD_BYTES = 65_536
UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
ARCHIVE_ENTRIES_MAX = 2_000
UNPACKED_BYTES_MAX = 2_000_000_000
UNPACKED_TIMES_MAX = 200
"""Sheets of numbers unpack to about ten times their size, monotonous ones to fifty."""
UNPACKED_BYTES_FREE = 50_000_000  # So little harms nobody, whatever its share.
TEXT_CONTROLS = frozenset(range(32)) - frozenset(b"\t\r\n\f")


def table_format(path: Path) -> str:
    """Return the format of a table.

    Raises:
        UnusableFileError: It is no table that can be read; says why.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        file.seek(0, 2)
        size = file.tell()
        file.seek(max(0, size - len(PARQUET_MARK)))
        tail = file.read()
    if not head:
        raise UnusableFileError("is empty")
    if head.startswith(PARQUET_MARK):
        if size < 12 or tail != PARQUET_MARK:
            raise UnusableFileError("begins like Parquet and has no end: it was cut off on its way")
        return PARQUET
    if head.startswith(ZIP_MARK):
        _check_workbook(path, size)
        return XLSX
    if not is_text(head):
        raise UnusableFileError("is neither text in columns (CSV) nor Parquet nor an Excel workbook (XLSX)")
    return CSV


def is_text(head: bytes) -> bool:
    """Whether the beginning of a file is text: UTF-8, UTF-16 with its mark, or the code page of Western Windows."""
    if head.startswith(UTF_16_MARKS):
        return "\0" not in head[: len(head) // 2 * 2].decode("utf-16", "replace")
    return not TEXT_CONTROLS.intersection(head)


def _check_workbook(path: Path, size: int) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise UnusableFileError(
            "begins like an Excel workbook and cannot be opened: it is damaged or cut off"
        ) from None
    names = {entry.filename for entry in entries}
    if "xl/workbook.xml" not in names or "[Content_Types].xml" not in names:
        raise UnusableFileError("is an archive, and no Excel workbook: unpack it and send the table inside")
    unpacked = sum(entry.file_size for entry in entries)
    is_bomb = unpacked > UNPACKED_BYTES_FREE and unpacked > UNPACKED_TIMES_MAX * size
    if len(entries) > ARCHIVE_ENTRIES_MAX or unpacked > UNPACKED_BYTES_MAX or is_bomb:
        raise UnusableFileError(
            f"would unpack to {unpacked:,} bytes in {len(entries):,} parts, which no table of {size:,} bytes does"
        )
    if any(entry.flag_bits & 1 for entry in entries):
        raise UnusableFileError("is protected by a password: save it without one")
