"""Rows of recorded CSV files: which column holds the time, what a cell says, and which rows say nothing usable.

``opened(path, form)`` gives a `Recording`; iterating it gives a `Row` or a `BadRow` for every line after the heading,
so that whoever reads can count what was left out, and say where and why. Separator, encoding and time column are
settled from the heading.
"""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import TextIOBase
from pathlib import Path
from types import TracebackType
from typing import Literal, TextIO
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from pdm_app.domain.record import Record
from pdm_app.domain.samples import MICROS_PER_S, micros

LINE_MAX = 65_536
"""Characters of a line; a longer one is a bad row, not a memory."""

COLUMNS_MAX = 2_000
HEAD_BYTES = 65_536
TAIL_BYTES = 65_536  # Read from the end to find the last row's time.
TIME_NAMES = ("timestamp", "time", "datetime", "date_time", "date", "source_at", "ts", "zeit", "zeitstempel")
TRUE_WORDS = frozenset({"true", "yes", "on"})
FALSE_WORDS = frozenset({"false", "no", "off"})
NO_VALUE_WORDS = frozenset({"", "null", "none", "na", "n/a", "-"})
_PER_UNIT = {"epoch_s": float(MICROS_PER_S), "epoch_ms": 1_000.0, "epoch_us": 1.0}
_AT_MIN = 0
_AT_MAX = 253_402_300_800 * MICROS_PER_S  # The year 10000, which no calendar of the product knows.

TimeFormat = Literal["auto", "iso", "epoch_s", "epoch_ms", "epoch_us"]


class CsvForm(Record):
    """How a file is to be read; what is left at its default is found out from the file."""

    time_column: str = Field(default="", max_length=200, description="Empty: a column named like time, else the first.")
    time_format: TimeFormat = Field(default="auto", description="auto tells ISO 8601 and seconds, ms, µs since 1970.")
    zone: str = Field(default="UTC", max_length=64, description="Time zone of times that name none.")
    separator: Literal["auto", ",", ";", "\t", "|"] = "auto"
    decimal: Literal[".", ","] = "."

    @field_validator("zone")
    @classmethod
    def _zone_is_known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (OSError, ValueError, KeyError) as error:  # A name that there is not is a KeyError.
            raise ValueError(f"{zone!r} is no time zone, such as Europe/Vienna") from error
        return zone


@dataclass(frozen=True, slots=True)
class Row:
    """One line with a time. ``cells`` are as they were written, in the order of the columns."""

    line: int
    at: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class BadRow:
    """One line that cannot be used, and why."""

    line: int
    reason: str


class UnreadableFileError(ValueError):
    """The file as a whole cannot be used; the message is the middle of a sentence."""


class Recording:
    """An open file; iterate it once, close it afterwards.

    Attributes:
        columns: Names of all columns but the time's, as they are written.
    """

    def __init__(self, file: TextIO, form: CsvForm) -> None:
        self._file = file
        self._zone = ZoneInfo(form.zone)
        self._lines = _Lines(file)
        heading = next(iter(self._lines), "")
        self._separator = _separator(heading) if form.separator == "auto" else form.separator
        names = [name.strip() for name in next(csv.reader([heading], delimiter=self._separator), [])]
        if not any(names):
            raise UnreadableFileError("has no heading; its first line must name the columns")
        if len(names) > COLUMNS_MAX:
            raise UnreadableFileError(f"has {len(names)} columns; up to {COLUMNS_MAX} are read")
        self.names = names
        self._time = _time_column(names, form.time_column)
        self._format: TimeFormat = form.time_format
        self.columns = [name for index, name in enumerate(names) if index != self._time and name]

    def __enter__(self) -> "Recording":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def index(self, column: str) -> int | None:
        """Return where a column stands; None if there is none of this name. Case does not matter, unless it must."""
        if column in self.names:
            return self.names.index(column)
        folded = [name.casefold() for name in self.names]
        return folded.index(column.casefold()) if folded.count(column.casefold()) == 1 else None

    def __iter__(self) -> Iterator[Row | BadRow]:
        reader = csv.reader(self._lines, delimiter=self._separator)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield BadRow(self._lines.number, f"it is no CSV: {error}")
                continue
            if any(cell.strip() for cell in cells):
                yield self._row(self._lines.number, cells)

    def _row(self, line: int, cells: list[str]) -> Row | BadRow:
        if self._lines.is_cut:
            self._lines.is_cut = False
            return BadRow(line, f"it is longer than {LINE_MAX} characters")
        if len(cells) != len(self.names):
            return BadRow(line, f"it has {len(cells)} cells and the heading {len(self.names)}")
        try:
            return Row(line, self.time(cells[self._time]), cells)
        except ValueError as error:
            return BadRow(line, str(error))

    def time(self, written: str) -> int:
        """Return a time in microseconds UTC.

        Raises:
            ValueError: It is none.
        """
        text = written.strip()
        if self._format == "auto":
            self._format = _format_of(text)
        if self._format == "iso":
            at = self._iso(text)
        else:
            try:
                at_f = float(text) * _PER_UNIT[self._format]
            except ValueError:
                raise ValueError(f"its time {text[:40]!r} is no number") from None
            if not math.isfinite(at_f):
                raise ValueError(f"its time {text[:40]!r} is no time")
            at = round(at_f)
        if not _AT_MIN <= at < _AT_MAX:
            raise ValueError(f"its time {text[:40]!r} lies before 1970 or after the year 9999")
        return at

    def _iso(self, text: str) -> int:
        try:
            read = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"its time {text[:40]!r} is not like 2026-03-01T06:00:00+01:00") from None
        if read.tzinfo is None:
            read = read.replace(tzinfo=self._zone)
            if read.astimezone(ZoneInfo("UTC")).astimezone(self._zone).replace(tzinfo=None) != read.replace(
                tzinfo=None
            ):
                raise ValueError(f"its time {text[:40]!r} does not exist in {self._zone.key}: clocks were put forward")
        return int(micros(read))


class _Lines:
    """Lines of bounded length, counted from 1."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.number = 0
        self.is_cut = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._file.readline(LINE_MAX)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == LINE_MAX and not line.endswith("\n"):
            self.is_cut = True
            while rest := self._file.readline(LINE_MAX):
                if rest.endswith("\n"):
                    break
            return "cut\n"  # Without quotation marks, so that the line after it is a row again.
        return line.replace("\0", "\ufffd")


def opened(path: Path, form: CsvForm) -> Recording:
    """Open a recording and read its heading.

    Raises:
        UnreadableFileError: It is no CSV file with a heading.
        OSError: It cannot be opened.
    """
    encoding = _encoding(path)
    file: TextIO = path.open(encoding=encoding, errors="replace", newline="")
    assert isinstance(file, TextIOBase)  # noqa: S101 - opened as text.
    try:
        return Recording(file, form)
    except (UnreadableFileError, csv.Error) as error:
        file.close()
        raise UnreadableFileError(str(error)) from None
    except BaseException:
        file.close()
        raise


def last_time(path: Path, form: CsvForm) -> int | None:
    """Return the latest time within the last lines of a file; None where none of them has one.

    Raises:
        UnreadableFileError, OSError: As `opened`.
    """
    with opened(path, form) as recording:
        if _encoding(path).startswith("utf-16"):  # Half a character could be met; such files are read from the start.
            return max((row.at for row in recording if isinstance(row, Row)), default=None)
        for row in recording:  # Settles the format of times.
            if isinstance(row, Row):
                break
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            tail = file.read(TAIL_BYTES).decode(_encoding(path), "replace").splitlines()
        times = []
        for cells in csv.reader(tail[-200:], delimiter=recording._separator):
            read = recording._row(0, cells)
            if isinstance(read, Row):
                times.append(read.at)
        return max(times, default=None)


def number(written: str, decimal: str = ".") -> float | None:
    """Return what a cell says as a number: true and false are 1 and 0; None for an empty cell.

    Raises:
        ValueError: It is no finite number.
    """
    text = written.strip()
    word = text.casefold()
    if word in NO_VALUE_WORDS:
        return None
    if word in TRUE_WORDS:
        return 1.0
    if word in FALSE_WORDS:
        return 0.0
    if decimal == ",":
        text = text.replace(".", "").replace(",", ".")
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{written[:40]!r} is no finite number")
    return value


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # Not only a character cut in half at the end of what was read.
            return "cp1252"
    return "utf-8-sig"


def _separator(heading: str) -> str:
    counts = {mark: heading.count(mark) for mark in (",", ";", "\t", "|")}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] else ","


def _time_column(names: list[str], wanted: str) -> int:
    folded = [name.casefold() for name in names]
    if wanted:
        if wanted.casefold() not in folded:
            raise UnreadableFileError(f"has no column {wanted!r} for the time; it has {', '.join(names[:8])}")
        return folded.index(wanted.casefold())
    return next((folded.index(name) for name in TIME_NAMES if name in folded), 0)


def _format_of(text: str) -> TimeFormat:
    """Tell by its size in which unit a number counts since 1970: seconds of this century have ten digits."""
    try:
        value = abs(float(text))
    except ValueError:
        return "iso"
    return "epoch_s" if value < 1e11 else "epoch_ms" if value < 1e14 else "epoch_us"
