"""Tables as text: CSV by RFC 4180, JSON as one array, and JSON lines."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from pdm_app.documents import times
from pdm_app.domain.tables import Block, Column, ColumnKind, TableStyle

FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r")
"""A text that begins so is a formula to a spreadsheet; an apostrophe before it keeps it a text.

Source: OWASP, CSV Injection.
"""


class _TextFile:
    def __init__(self, path: Path, columns: Sequence[Column], style: TableStyle) -> None:
        self._columns = columns
        self._style = style
        self._file = path.open("x", encoding="utf-8", newline="")

    def abandon(self) -> None:
        self._file.close()


class CsvTable(_TextFile):
    """One header line with names and units, then one line for each row; lines end in CR LF."""

    def __init__(self, path: Path, columns: Sequence[Column], style: TableStyle) -> None:
        super().__init__(path, columns, style)
        self._file.write("\ufeff")  # By it, spreadsheets know UTF-8; programs read it with utf-8-sig.
        self._csv = csv.writer(self._file, delimiter=style.separator)
        self._csv.writerow([harmless(column.title) for column in columns])

    def write(self, block: Block) -> None:
        self._csv.writerows(zip(*map(self._cells, self._columns, block), strict=True))

    def close(self) -> None:
        self._file.close()

    def _cells(self, column: Column, cells: Any) -> Iterable[str]:
        match column.kind:
            case ColumnKind.TIME:
                return times.texts(cells.tolist(), self._style.zone)
            case ColumnKind.NUMBER:
                written = ("" if number != number else repr(number) for number in cells.tolist())
                if self._style.decimal == ".":
                    return written
                return (number.replace(".", self._style.decimal) for number in written)
            case ColumnKind.TEXT:
                return ("" if words is None else harmless(words) for words in cells)


class JsonTable(_TextFile):
    """One array of objects, a row each; a number that there is not is null."""

    _begin, _between, _end = "[\n", ",\n", "\n]\n"

    def __init__(self, path: Path, columns: Sequence[Column], style: TableStyle) -> None:
        super().__init__(path, columns, style)
        self._file.write(self._begin)
        self._is_first = True

    def write(self, block: Block) -> None:
        names = [column.title for column in self._columns]
        rows = zip(*map(self._cells, self._columns, block), strict=True)
        lines = self._between.join(orjson.dumps(dict(zip(names, row, strict=True))).decode() for row in rows)
        if lines:
            self._file.write(lines if self._is_first else self._between + lines)
            self._is_first = False

    def close(self) -> None:
        if self._begin or not self._is_first:
            self._file.write(self._end)
        self._file.close()

    def _cells(self, column: Column, cells: Any) -> Iterable[Any]:
        match column.kind:
            case ColumnKind.TIME:
                return times.texts(cells.tolist(), self._style.zone)
            case ColumnKind.NUMBER:
                numbers: list[float] = cells.tolist()
                return numbers  # orjson writes NaN as null.
            case ColumnKind.TEXT:
                words: Sequence[str | None] = cells
                return words


class JsonLinesTable(JsonTable):
    """One object on each line."""

    _begin, _between, _end = "", "\n", "\n"


def harmless(words: str) -> str:
    return "'" + words if words.startswith(FORMULA_MARKS) else words
