"""Tables in Excel workbooks, read cell by cell as they come: bounded memory, no formula is reckoned, no link followed.

Times are wall clock times without a zone, as spreadsheets have them, to the millisecond, which is what their days as
fractions keep.

Source: ECMA-376 part 1, 18.3 (sheets), 18.4 (shared strings), 18.8.30 (number formats).
"""

import re
import zipfile
from collections.abc import Callable, Generator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO
from xml.parsers import expat

from pdm_app.domain.table_files import CELL_MAX, COLUMNS_MAX, TableFormat, TableRow
from pdm_app.domain.uploads import UnusableFileError

CHUNK_BYTES = 65_536
SHARED_CHARACTERS_MAX = 200_000_000
SHEETS_MAX = 200
DATE_FORMATS = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
NOT_OF_A_DATE = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.')
DATE_LETTERS = re.compile("[ymdhs]", re.IGNORECASE)
EPOCH, EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - wall clock times.
DAYS_MAX = 2_958_466  # The year 10000.


class XlsxFile:
    """An open workbook, of which one sheet is read."""

    separator = ""

    def __init__(self, path: Path, how: TableFormat) -> None:
        try:
            self._archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise UnusableFileError(f"is a damaged workbook: {error}") from None
        self._rows = self._read()
        try:
            self._begin(how.sheet)
        except KeyError as error:
            self.close()
            raise UnusableFileError(f"is a workbook without a part it needs: {str(error)[:120]}") from None
        except BaseException:
            self.close()
            raise

    def _begin(self, wanted: str) -> None:
        book = _Book()
        _parse(self._archive, "xl/workbook.xml", book.begin)
        targets: dict[str, str] = {}

        def relation(name: str, given: dict[str, str]) -> None:
            if name == "Relationship":
                targets[given.get("Id", "")] = given.get("Target", "")

        _parse(self._archive, "xl/_rels/workbook.xml.rels", relation)
        self.sheets = tuple(name for name, _ in book.sheets[:SHEETS_MAX])
        if not self.sheets:
            raise UnusableFileError("is a workbook without a sheet")
        name = wanted or self.sheets[0]
        reference = dict(book.sheets).get(name)
        if reference is None:
            raise UnusableFileError(f"has no sheet {name!r}; it has {', '.join(self.sheets[:8])}")
        target = targets[reference]
        self._part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        self._epoch = EPOCH_1904 if book.is_1904 else EPOCH
        self._is_date = _date_styles(self._archive)
        self._strings = _shared_strings(self._archive)
        _, cells = next(self._rows, (0, []))
        while cells and not cells[-1].strip():
            cells.pop()
        if not cells:
            raise UnusableFileError(f"has nothing in the first row of {name!r}, where the names of the columns belong")
        if len(cells) > COLUMNS_MAX:
            raise UnusableFileError(f"has {len(cells):,} columns; up to {COLUMNS_MAX:,} are read")
        self.columns = [cell.strip() for cell in cells]
        self.rows_about = max(0, self._last_row - 1)

    def __iter__(self) -> Iterator[TableRow]:
        width = len(self.columns)
        for line, cells in self._rows:
            if not any(cells):
                continue
            if any(cells[width:]):
                yield TableRow(line, cells, f"it has {len(cells)} cells and the heading {width}")
            else:
                yield TableRow(line, (cells + [""] * width)[:width])

    def close(self) -> None:
        self._rows.close()
        self._archive.close()

    def _read(self) -> Generator[tuple[int, list[str]], None, None]:
        sheet = _Sheet(self._text)
        self._last_row = 0
        with self._archive.open(self._part) as part:
            for _ in _steps(part, sheet.begin, sheet.end, sheet.characters):
                self._last_row = max(self._last_row, sheet.last_row)
                rows, sheet.rows = sheet.rows, []
                yield from rows

    def _text(self, kind: str, style: int, written: str) -> str:
        """Return what a cell says, from its type, style and raw content."""
        if kind == "s":
            place = int(written) if written.isdecimal() else -1
            return self._strings[place] if 0 <= place < len(self._strings) else ""
        if kind == "b":
            return "true" if written == "1" else "false"
        if kind == "e":
            return ""  # #N/A and its like: there is no value.
        if kind in ("str", "inlineStr", "d"):
            return written
        if written and 0 <= style < len(self._is_date) and self._is_date[style]:
            return self._moment(written)
        return written

    def _moment(self, written: str) -> str:
        try:
            days = float(written)
        except ValueError:
            return written
        if not 0 <= days < DAYS_MAX:
            return written
        return (self._epoch + timedelta(milliseconds=round(days * 86_400_000))).isoformat()


class _Book:
    """What the workbook says of its sheets."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str]] = []
        self.is_1904 = False

    def begin(self, name: str, given: dict[str, str]) -> None:
        if name == "sheet":
            reference = given.get("r:id") or next((value for key, value in given.items() if key.endswith(":id")), "")
            self.sheets.append((given.get("name", "")[:80], reference))
        elif name == "workbookPr":
            self.is_1904 = given.get("date1904", "0") in ("1", "true")


class _Sheet:
    """Collects rows as the parser meets their ends."""

    def __init__(self, text: Callable[[str, int, str], str]) -> None:
        self._text = text
        self.rows: list[tuple[int, list[str]]] = []
        self.last_row = 0
        self._line = 0
        self._cells: list[str] = []
        self._kind, self._style, self._place = "", -1, -1
        self._words: list[str] | None = None

    def begin(self, name: str, given: dict[str, str]) -> None:
        if name == "dimension":
            last = re.search(r"(\d+)$", given.get("ref", ""))
            self.last_row = min(int(last[1]), 1_048_576) if last else 0
        elif name == "row":
            number = given.get("r", "")
            self._line = int(number) if number.isdecimal() else self._line + 1
            self._cells = []
        elif name == "c":
            self._kind = given.get("t", "n")
            self._style = int(given["s"]) if given.get("s", "").isdecimal() else -1
            self._place = _column(given.get("r", ""), len(self._cells))
            self._words = []

    def characters(self, words: str) -> None:
        if self._words is not None:
            self._words.append(words)

    def end(self, name: str) -> None:
        if name == "c" and self._words is not None:
            if self._place <= COLUMNS_MAX:
                self._cells += [""] * (self._place - len(self._cells))
                self._cells.append(self._text(self._kind, self._style, "".join(self._words))[:CELL_MAX])
            self._words = None
        elif name == "f" and self._words is not None:
            self._words = []  # What a cell was reckoned by is not what it says.
        elif name == "row":
            self.rows.append((self._line, self._cells))


def _column(reference: str, following: int) -> int:
    place = 0
    for letter in reference:
        if not letter.isalpha():
            break
        place = place * 26 + ord(letter.upper()) - 64
    return place - 1 if place else following


def _date_styles(archive: zipfile.ZipFile) -> list[bool]:
    """Return for each cell style whether it shows a number as a date or time."""
    if "xl/styles.xml" not in archive.namelist():
        return []
    own: dict[int, str] = {}
    styles: list[int] = []
    is_inside = False

    def begin(name: str, given: dict[str, str]) -> None:
        nonlocal is_inside
        if name == "numFmt" and given.get("numFmtId", "").isdecimal():
            own[int(given["numFmtId"])] = given.get("formatCode", "")
        elif name in ("cellXfs", "cellStyleXfs"):
            is_inside = name == "cellXfs"
        elif name == "xf" and is_inside:
            number = given.get("numFmtId", "0")
            styles.append(int(number) if number.isdecimal() else 0)

    _parse(archive, "xl/styles.xml", begin)
    return [
        bool(DATE_LETTERS.search(NOT_OF_A_DATE.sub("", own[style]))) if style in own else style in DATE_FORMATS
        for style in styles
    ]


def _shared_strings(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    found: list[str] = []
    words: list[str] | None = None
    total = 0

    def begin(name: str, _: dict[str, str]) -> None:
        nonlocal words
        if name == "si":
            words = []
        elif name == "rPh":
            words = None  # How it is spoken; the words themselves came before.

    def characters(some: str) -> None:
        nonlocal total
        total += len(some)
        if total > SHARED_CHARACTERS_MAX:
            raise UnusableFileError(f"has texts of more than {SHARED_CHARACTERS_MAX:,} characters")
        if words is not None:
            words.append(some)

    def end(name: str) -> None:
        if name == "si":
            found.append("".join(words or [])[:CELL_MAX])

    _parse(archive, "xl/sharedStrings.xml", begin, end, characters)
    return found


Begin = Callable[[str, dict[str, str]], None]


def _nothing(_: str) -> None:
    """Stand for a handler of what does not matter."""


def _parse(
    archive: zipfile.ZipFile,
    part: str,
    begin: Begin,
    end: Callable[[str], None] = _nothing,
    characters: Callable[[str], None] = _nothing,
) -> None:
    with archive.open(part) as file:
        for _ in _steps(file, begin, end, characters):
            pass


def _steps(
    file: IO[bytes], begin: Begin, end: Callable[[str], None], characters: Callable[[str], None]
) -> Iterator[None]:
    """Parse piece by piece; between two pieces the caller may take what was found.

    Raises:
        UnusableFileError: It is no XML, is damaged, or brings a document type.
    """

    def refuse(*_: object) -> None:
        raise UnusableFileError("brings a document type, which no workbook needs")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, given: begin(name.rpartition(":")[2], given)
    parser.EndElementHandler = lambda name: end(name.rpartition(":")[2])
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse
    try:
        while piece := file.read(CHUNK_BYTES):
            parser.Parse(piece)
            yield
        parser.Parse(b"", True)  # noqa: FBT003 - takes no keyword.
        yield
    except (expat.ExpatError, zipfile.BadZipFile, OSError, EOFError) as error:
        raise UnusableFileError(f"is a damaged workbook: {str(error)[:120]}") from None
