"""Tables as workbooks: real dates and numbers, a row of units, a filter, and as many sheets as the rows take.

Spreadsheets know no zones: times are those of the wall clock of the zone asked for, which the last sheet names.
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from pdm_app.documents import times
from pdm_app.domain.tables import Block, Column, ColumnKind, TableStyle

ROWS_PER_SHEET = 1_048_576
HEAD_ROWS = 2
WIDTHS = {ColumnKind.TIME: 24, ColumnKind.NUMBER: 16, ColumnKind.TEXT: 28}
TEXT_MAX = 32_767
OPTIONS = {
    "constant_memory": True,  # Each row goes to the disk when the next one begins.
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}


class XlsxTable:
    """Sheets Data, Data 2 … and About."""

    def __init__(
        self, path: Path, columns: Sequence[Column], style: TableStyle, rows_per_sheet: int = ROWS_PER_SHEET
    ) -> None:
        path.touch(exist_ok=False)
        self._columns = columns
        self._style = style
        self._rows_per_sheet = rows_per_sheet
        self._book = xlsxwriter.Workbook(str(path), {**OPTIONS, "tmpdir": str(path.parent)})
        self._bold = self._book.add_format({"bold": True})
        self._grey = self._book.add_format({"italic": True, "font_color": "#666666"})
        self._time = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})
        self._sheets = 0
        self._sheet, self._row = self._begin()

    def write(self, block: Block) -> None:
        cells = [
            times.days(part, self._style.zone).tolist()
            if column.kind is ColumnKind.TIME
            else part.tolist()
            if column.kind is ColumnKind.NUMBER
            else part
            for column, part in zip(self._columns, block, strict=True)
        ]
        for row in zip(*cells, strict=True):
            if self._row == self._rows_per_sheet:
                self._end()
                self._sheet, self._row = self._begin()
            for place, (column, cell) in enumerate(zip(self._columns, row, strict=True)):
                self._put(place, column.kind, cell)
            self._row += 1

    def close(self) -> None:
        self._end()
        about = self._book.add_worksheet("About")
        about.set_column(0, 1, 36)
        facts = [*self._style.facts, ("Times are those of", str(self._style.zone))]
        for row, (name, words) in enumerate(facts):
            about.write_string(row, 0, name, self._bold)
            about.write_string(row, 1, words[:TEXT_MAX])
        self._book.close()

    def abandon(self) -> None:
        with suppress(Exception):  # Whatever is wrong with the disk, the reason is known already.
            self._book.close()

    def _put(self, place: int, kind: ColumnKind, cell: Any) -> None:
        if kind is ColumnKind.TIME:
            self._sheet.write_number(self._row, place, cell, self._time)
        elif kind is ColumnKind.TEXT:
            if cell is not None:
                self._sheet.write_string(self._row, place, cell[:TEXT_MAX])
        elif math.isfinite(cell):
            self._sheet.write_number(self._row, place, cell)

    def _begin(self) -> tuple[Worksheet, int]:
        self._sheets += 1
        sheet = self._book.add_worksheet("Data" if self._sheets == 1 else f"Data {self._sheets}")
        sheet.freeze_panes(HEAD_ROWS, 1)
        for place, column in enumerate(self._columns):
            sheet.set_column(place, place, WIDTHS[column.kind])
            sheet.write_string(0, place, column.name[:TEXT_MAX], self._bold)
        for place, column in enumerate(self._columns):
            sheet.write_string(1, place, column.unit, self._grey)
        return sheet, HEAD_ROWS

    def _end(self) -> None:
        self._sheet.autofilter(1, 0, max(1, self._row - 1), len(self._columns) - 1)
