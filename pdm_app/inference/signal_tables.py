"""Tables of signals as text: a time column, then numbers, separated by commas or semicolons."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.models import SIGNALS_MAX, TRAINING_ROWS_MAX
from pdm_app.domain.samples import F8

ROWS_MAX = TRAINING_ROWS_MAX
EMPTY = {"", "nan", "null", "none", "na", "n/a", "-"}
EPOCH_UNITS = (1e17, 1e9), (1e14, 1e6), (1e11, 1e3)
"""Numbers of this size and above are counted in so many parts of a second since 1970."""
SECONDS_LEAST = 3e8
"""Below it a number is no count of seconds since 1970: it would lie before 1980."""
TIME_NAMES = {
    "t",
    "at",
    "ts",
    "time",
    "timestamp",
    "datetime",
    "date",
    "date_time",
    "date time",
    "time_s",
    "zeit",
    "uhrzeit",
}
DATE_SHAPES = tuple(
    f"{day} %H:%M{seconds}"
    for day in ("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d")
    for seconds in (":%S", ":%S.%f", "")
)
"""Of dates that are not ISO 8601; day and month are told apart only as far as the number of rows a second needs it."""


@dataclass(frozen=True, slots=True)
class SignalTable:
    """Rows of signals.

    Attributes:
        names: The columns that hold numbers, in order.
        values: Shape (rows, signals); NaN where a cell is empty.
        row_s: Median seconds between two rows; 1 where the times do not say.
        skipped: Columns that hold no numbers, and are left out.
        unreadable: Cells that are no number in a column of numbers; they are NaN, too.
    """

    names: tuple[str, ...]
    values: F8
    row_s: float
    skipped: tuple[str, ...]
    unreadable: int

    def only(self, names: Sequence[str]) -> "SignalTable":
        """Return the table with these columns, in this order.

        Raises:
            InvalidInputError: One of them is missing.
        """
        missing = [name for name in names if name not in self.names]
        if missing:
            raise InvalidInputError(
                f"The table has no column {', '.join(map(repr, missing[:5]))}; it has {', '.join(self.names[:20])}."
            )
        places = [self.names.index(name) for name in names]
        return SignalTable(tuple(names), self.values[:, places], self.row_s, self.skipped, self.unreadable)


def read_signal_table(path: Path) -> SignalTable:
    """Read a file.

    Raises:
        InvalidInputError: No such file, no text, no header, no time column, no column of numbers, a row of another
            length, or too many rows or columns; with the line where it is known.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(path, file.read(1 << 31))
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"'{path.name}' is no UTF-8 text: byte {error.start} cannot be read.") from error
    except OSError as error:
        raise InvalidInputError(f"'{path}' cannot be read: {error.strerror or error}.") from error


def _lines(path: Path, text: str) -> tuple[list[str], list[list[str]], bool]:
    """Return the header, the rows, and whether a comma may stand before fractions."""
    if "\0" in text[:4096]:
        raise InvalidInputError(f"'{path.name}' holds binary data, not text.")
    head = text.split("\n", 1)[0]
    separator = ";" if head.count(";") >= max(1, head.count(",")) else ","
    try:
        lines = [line for line in csv.reader(text.splitlines(), delimiter=separator) if any(map(str.strip, line))]
    except csv.Error as error:
        raise InvalidInputError(f"'{path.name}' is no table: {error}.") from error
    if len(lines) < 2:
        raise InvalidInputError(f"'{path.name}' needs a line of column names and at least one row under it.")
    header = [name.strip() for name in lines[0]]
    rows = lines[1:]
    if len(rows) > ROWS_MAX:
        raise InvalidInputError(f"'{path.name}' has {len(rows):,} rows; {ROWS_MAX:,} are the most.")
    if len(set(header)) != len(header):
        raise InvalidInputError(f"'{path.name}' has two columns of one name.")
    for number, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise InvalidInputError(f"'{path.name}', line {number}: {len(row)} cells under {len(header)} column names.")
    return header, rows, separator == ";"


def _read(path: Path, text: str) -> SignalTable:
    header, rows, comma = _lines(path, text)
    columns = list(zip(*rows, strict=True))
    at = _time_column(header, columns)
    if at is None:
        raise InvalidInputError(
            f"'{path.name}' has no column of times: none is called time or timestamp, none begins like "
            "2026-03-09 10:34:33."
        )
    kept: list[tuple[str, F8]] = []
    skipped: list[str] = []
    unreadable = 0
    for place, (name, column) in enumerate(zip(header, columns, strict=True)):
        if place == at:
            continue
        numbers, bad = _numbers(column, comma)
        if bad > len(column) // 2 or not np.isfinite(numbers).any():
            skipped.append(name)
            continue
        unreadable += bad
        kept.append((name, numbers))
    if not kept:
        raise InvalidInputError(f"'{path.name}' has no column of numbers beside its times.")
    if len(kept) > SIGNALS_MAX:
        raise InvalidInputError(f"'{path.name}' has {len(kept)} columns of numbers; {SIGNALS_MAX} are the most.")
    values = np.stack([numbers for _, numbers in kept], axis=1)
    return SignalTable(tuple(name for name, _ in kept), values, _row_s(columns[at]), tuple(skipped), unreadable)


def _time_column(header: Sequence[str], columns: Sequence[Sequence[str]]) -> int | None:
    """Return the first column that holds dates, else one that is called a time, else one that counts since 1970.

    A large reading looks like such a count, so that comes last.
    """
    for place, column in enumerate(columns):
        if _date(column[0].strip()) is not None:
            return place
    for place, name in enumerate(header):
        if name.lower() in TIME_NAMES:
            return place
    return next((place for place, column in enumerate(columns) if _counted(column[0]) is not None), None)


def seconds_of(cell: str) -> float | None:
    """Return seconds, since 1970 where the cell says a date or a count; None where it says no time.

    A date without a zone is one of UTC.
    """
    told = _date(cell.strip())
    if told is not None:
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    counted = _counted(cell)
    if counted is not None:
        return counted
    try:
        elapsed = float(cell)
    except ValueError:
        return None
    return elapsed if np.isfinite(elapsed) else None


def _date(words: str) -> datetime | None:
    if words.isdigit():
        return None
    try:
        return datetime.fromisoformat(words)
    except ValueError:
        pass
    for shape in DATE_SHAPES:
        try:
            return datetime.strptime(words, shape)  # noqa: DTZ007 - UTC is put in its place by the caller.
        except ValueError:
            continue
    return None


def _counted(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    for least, parts in EPOCH_UNITS:
        if number >= least:
            return number / parts
    return number if SECONDS_LEAST <= number < EPOCH_UNITS[-1][0] else None


def _numbers(column: Sequence[str], decimal_comma: bool) -> tuple[F8, int]:
    values = np.full(len(column), np.nan)
    bad = 0
    for row, cell in enumerate(column):
        words = cell.strip()
        if words.lower() in EMPTY:
            continue
        if decimal_comma:
            words = words.replace(",", ".")
        try:
            number = float(words)
        except ValueError:
            bad += 1
            continue
        values[row] = number if np.isfinite(number) else np.nan
    return values, bad


def _row_s(column: Sequence[str]) -> float:
    told = [seconds for cell in column[:2000] if (seconds := seconds_of(cell)) is not None]
    steps = np.diff(np.array(told)) if len(told) > 1 else np.empty(0)
    steps = steps[steps > 0]
    return float(np.median(steps)) if len(steps) else 1.0
