"""Sheets of a spreadsheet as text: rows by the names that their first one gives the columns."""

import csv

from pdm_app.domain.errors import FieldIssue, InvalidInputError


def sheet_rows(sheet: str, *, strict: bool) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Return the names of the columns, and of each row that holds anything its line and its cells by column.

    Args:
        sheet: Its text; columns are parted by comma, semicolon or tab. Names are small, with _ for a space.
        strict: Refuse quotes that do not fit, too.

    Raises:
        InvalidInputError: It is no CSV text.
    """
    lines = sheet.lstrip("\N{ZERO WIDTH NO-BREAK SPACE}").splitlines()
    separator = max(",;\t", key=lines[0].count) if lines else ","
    try:
        reader = csv.reader(lines, delimiter=separator, strict=strict)
        names = [name.strip().casefold().replace(" ", "_") for name in next(reader, [])]
        rows = [
            (reader.line_num, {name: cell.strip() for name, cell in zip(names, row, strict=False)})
            for row in reader
            if any(cell.strip() for cell in row)
        ]
    except csv.Error as error:
        raise InvalidInputError(f"This is no sheet: {error}.", [FieldIssue("sheet", "is no CSV text")]) from None
    return names, rows
