"""Tables as text: encoding, separator and heading are found out, lines are bounded, and a bad one spoils no other."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from pdm_app.documents.table_sniffing import HEAD_BYTES, UTF_16_MARKS
from pdm_app.domain.table_files import CELL_MAX, COLUMNS_MAX, TableFormat, TableRow
from pdm_app.domain.uploads import UnusableFileError

LINE_MAX = 65_536
"""Characters of a line; a longer one is a bad row, not a memory."""
SEPARATORS = (",", ";", "\t", "|")
SAMPLE_LINES = 20
COMMENT = "#"  # Loggers write what they are above the heading.


class CsvFile:
    """An open text file."""

    sheets: tuple[str, ...] = ()

    def __init__(self, path: Path, how: TableFormat) -> None:
        encoding = _encoding(path)
        self.separator = _separator(path, encoding) if how.separator == "auto" else how.separator
        self._file: TextIO = path.open(encoding=encoding, errors="replace", newline="")
        self._lines = _Lines(self._file)
        self._reader = csv.reader(self._lines, delimiter=self.separator)
        try:
            self.columns = self._heading()
            self.rows_about = _rows_about(path, encoding)
        except BaseException:
            self._file.close()
            raise

    def _heading(self) -> list[str]:
        try:
            names = [name.strip()[:CELL_MAX] for name in next(self._reader, [])]
        except csv.Error as error:
            raise UnusableFileError(f"has a heading that is no CSV: {error}") from None
        while names and not names[-1]:
            names.pop()  # A separator at the end of each line, as some programs write.
        if not names:
            raise UnusableFileError("has no heading; its first line must name the columns")
        if len(names) > COLUMNS_MAX:
            raise UnusableFileError(f"has {len(names):,} columns; up to {COLUMNS_MAX:,} are read")
        return names

    def __iter__(self) -> Iterator[TableRow]:
        width = len(self.columns)
        while True:
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield TableRow(self._lines.number, (), f"it is no CSV: {error}")
                continue
            line = self._lines.number
            if self._lines.is_cut:
                self._lines.is_cut = False
                yield TableRow(line, (), f"it is longer than {LINE_MAX} characters")
            elif not any(cells):
                continue
            elif len(cells) < width or any(cells[width:]):
                yield TableRow(line, cells, f"it has {len(cells)} cells and the heading {width}")
            else:
                yield TableRow(line, cells[:width])

    def close(self) -> None:
        self._file.close()


class _Lines:
    """Lines of bounded length, counted from 1; those before the heading that are comments are left out."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.number = 0
        self.is_cut = False
        self._is_before_heading = True

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        while True:
            line = self._file.readline(LINE_MAX)
            if not line:
                raise StopIteration
            self.number += 1
            if not self._is_before_heading or not _is_above_heading(line):
                break
        self._is_before_heading = False
        if len(line) == LINE_MAX and not line.endswith("\n"):
            self.is_cut = True
            while rest := self._file.readline(LINE_MAX):
                if rest.endswith("\n"):
                    break
            return "cut\n"  # Without quotation marks, so that the line after it is a row again.
        return line.replace("\0", "\ufffd")


def _is_above_heading(line: str) -> bool:
    return not line.strip() or line.startswith(COMMENT) or line.lower().startswith("sep=")


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if head.startswith(UTF_16_MARKS):
            return "utf-16"
        try:
            head.decode("utf-8")
        except UnicodeDecodeError as error:
            if error.start < len(head) - 4:  # Not only a character cut in half at the end of what was read.
                return "cp1252"
    return "utf-8-sig"


def _separator(path: Path, encoding: str) -> str:
    """Return the mark that cuts the first lines into the same number of cells, more than one."""
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        lines: list[str] = []
        while len(lines) < SAMPLE_LINES and (line := file.readline(LINE_MAX)):
            if lines or not _is_above_heading(line):
                lines.append(line)

    def fit(mark: str) -> tuple[int, int]:
        widths = []
        try:
            widths = [len(cells) for cells in csv.reader(lines, delimiter=mark) if cells]
        except csv.Error:
            pass
        if not widths or widths[0] < 2:
            return (0, 0)
        return (sum(width == widths[0] for width in widths), widths[0])

    best = max(SEPARATORS, key=fit)
    return best if fit(best) > (0, 0) else ","


def _rows_about(path: Path, encoding: str) -> int:
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    lines = head.count(b"\n\0" if encoding == "utf-16" and head.startswith(UTF_16_MARKS[0]) else b"\n")
    if size <= len(head):
        return max(0, lines + (not head.endswith((b"\n", b"\n\0"))) - 1)
    return round(size / len(head) * lines)
