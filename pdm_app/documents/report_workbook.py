"""Reports as workbooks and as CSV: numbers are numbers, totals are formulas, charts can be edited.

Words are written as words: a name that begins like a formula is no formula.
"""

import csv
import io
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from pdm_app.documents.text_tables import harmless
from pdm_app.domain.report_blocks import (
    Bars,
    FigureRow,
    Heading,
    Lines,
    Paragraph,
    Report,
    Table,
    TableColumn,
    Timeline,
    Waterfall,
)

OPTIONS = {
    "constant_memory": True,  # Each row goes to the disk when the next one begins.
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
SHEET_NAME_MAX = 31
FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))
TEXT_MAX = 32_767
WIDTH_PER_SHARE = 7
CHART_TYPES = {"bars": "column", "lines": "line", "waterfall": "column"}


def workbook_of(report: Report) -> bytes:
    """Return a report as XLSX: a first sheet with the words and figures, then one sheet for each table and chart."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, OPTIONS)
    formats = {
        "title": book.add_format({"bold": True, "font_size": 16}),
        "bold": book.add_format({"bold": True}),
        "grey": book.add_format({"font_color": "#57626C"}),
        **{f"number{digits}": book.add_format({"num_format": _pattern(digits)}) for digits in range(7)},
        **{f"total{digits}": book.add_format({"num_format": _pattern(digits), "bold": True}) for digits in range(7)},
    }
    _summary(book, formats, report)
    names = {"summary"}
    for block in report.blocks:
        if isinstance(block, Table | Bars | Lines | Waterfall):
            table = block if isinstance(block, Table) else table_of(block)
            sheet = book.add_worksheet(_name(table.title, names))
            last = _write(sheet, formats, table)
            if not isinstance(block, Table):
                _chart(book, sheet, block, len(table.columns), last)
    book.close()
    return out.getvalue()


def csv_of(report: Report) -> bytes:
    """Return the tables of a report one below the other, each with its title and an empty line after it."""
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow([harmless(report.title)])
    lines.writerows([harmless(name), harmless(words)] for name, words in report.about)
    for block in report.blocks:
        if isinstance(block, FigureRow):
            lines.writerow([])
            lines.writerows([harmless(each.label), _plain(each.value), each.unit] for each in block.figures)
        elif isinstance(block, Table | Bars | Lines | Waterfall):
            table = block if isinstance(block, Table) else table_of(block)
            lines.writerow([])
            if table.title:
                lines.writerow([harmless(table.title)])
            lines.writerow([harmless(_title(column)) for column in table.columns])
            lines.writerows([_plain(cell) for cell in row] for row in table.rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def table_of(chart: Bars | Lines | Waterfall) -> Table:
    """Return what a chart is drawn from."""
    words, number = TableColumn(title=""), TableColumn(title=chart.title, unit=chart.unit, decimals=2)
    if isinstance(chart, Bars):
        bars = sorted(chart.bars, key=lambda bar: -bar.value) if chart.is_pareto else chart.bars
        rows: list[tuple[str | float | None, ...]] = [(bar.label, bar.value) for bar in bars]
        total = number.model_copy(update={"total": "sum"}) if chart.is_pareto else number
        return Table(title=chart.title, columns=(words, total), rows=tuple(rows))
    if isinstance(chart, Waterfall):
        return Table(
            title=chart.title, columns=(words, number), rows=tuple((step.label, step.value) for step in chart.steps)
        )
    columns = tuple(TableColumn(title=one.name, unit=chart.unit, decimals=2) for one in chart.series)
    places = zip(chart.labels, *(one.values for one in chart.series), strict=True)
    return Table(title=chart.title, columns=(words, *columns), rows=tuple(places))


def _summary(book: xlsxwriter.Workbook, formats: dict[str, Any], report: Report) -> None:
    sheet = book.add_worksheet("Summary")
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 3, 18)
    sheet.write_string(0, 0, report.title, formats["title"])
    row = 1
    for name, words in (*report.about, ("", report.made)):
        sheet.write_string(row, 0, name, formats["grey"])
        sheet.write_string(row, 1, words)
        row += 1
    for block in report.blocks:
        if isinstance(block, Heading | Paragraph):
            row += 1
            sheet.write_string(row, 0, block.text[:TEXT_MAX], formats["bold" if isinstance(block, Heading) else "grey"])
            row += 1
        elif isinstance(block, FigureRow):
            for each in block.figures:
                sheet.write_string(row, 0, each.label)
                if each.value is not None:
                    sheet.write_number(row, 1, each.value, formats[f"number{each.decimals}"])
                sheet.write_string(row, 2, each.unit, formats["grey"])
                sheet.write_string(row, 3, each.note, formats["grey"])
                row += 1
        elif isinstance(block, Timeline):
            sheet.write_string(row, 0, f"{block.title}: drawn in the PDF", formats["grey"])
            row += 1


def _write(sheet: Worksheet, formats: dict[str, Any], table: Table) -> int:
    """Write a table; return the row, from 0, of its last line without the total."""
    sheet.freeze_panes(1, 0)
    for place, column in enumerate(table.columns):
        sheet.set_column(place, place, min(60, max(12, WIDTH_PER_SHARE * column.width)))
        sheet.write_string(0, place, _title(column), formats["bold"])
    kinds = [None if column.decimals is None else formats[f"number{column.decimals}"] for column in table.columns]
    for row, cells in enumerate(table.rows, start=1):
        for place, cell in enumerate(cells):
            if isinstance(cell, str):
                sheet.write_string(row, place, cell[:TEXT_MAX])
            elif cell is not None:
                sheet.write_number(row, place, cell, kinds[place])
    last = len(table.rows)
    if not last and table.empty:
        sheet.write_string(1, 0, table.empty, formats["grey"])
    if last:
        _totals(sheet, formats, table, last)
        sheet.autofilter(0, 0, last, len(table.columns) - 1)
    return last


def _totals(sheet: Worksheet, formats: dict[str, Any], table: Table, last: int) -> None:
    for place, column in enumerate(table.columns):
        if column.total:
            letter = chr(ord("A") + place)
            known = sum(float(row[place] or 0) for row in table.rows)
            kind = formats[f"total{column.decimals or 0}"]
            sheet.write_formula(last + 1, place, f"=SUM({letter}2:{letter}{last + 1})", kind, known)
        elif place == 0 and any(each.total for each in table.columns):
            sheet.write_string(last + 1, 0, "Total", formats["bold"])


def _chart(
    book: xlsxwriter.Workbook, sheet: Worksheet, block: Bars | Lines | Waterfall, columns: int, last: int
) -> None:
    if not last:
        return
    chart = book.add_chart({"type": CHART_TYPES[block.kind]})
    for place in range(1, columns):
        chart.add_series(
            {
                "name": [sheet.get_name(), 0, place],
                "categories": [sheet.get_name(), 1, 0, last, 0],
                "values": [sheet.get_name(), 1, place, last, place],
            }
        )
    chart.set_title({"name": block.title, "name_font": {"size": 12}})
    if block.unit:
        chart.set_y_axis({"name": block.unit})
    if columns == 2:
        chart.set_legend({"none": True})
    chart.set_size({"width": 760, "height": 320})
    sheet.insert_chart(1, columns + 1, chart)


def _name(title: str, taken: set[str]) -> str:
    """Return a name for a sheet that no other one has and that spreadsheets allow."""
    plain = " ".join(title.translate(FORBIDDEN).split())[:SHEET_NAME_MAX].strip() or "Table"
    name, number = plain, 1
    while name.casefold() in taken or name.casefold() == "history":  # A name that spreadsheets keep for themselves.
        number += 1
        name = f"{plain[: SHEET_NAME_MAX - 4]} {number}"
    taken.add(name.casefold())
    return name


def _title(column: TableColumn) -> str:
    return f"{column.title} [{column.unit}]" if column.unit else column.title


def _pattern(digits: int) -> str:
    return "#,##0" + ("." + "0" * digits if digits else "")


def _plain(cell: str | float | None) -> str:
    if cell is None:
        return ""
    return harmless(cell) if isinstance(cell, str) else repr(cell)
