"""A table that is to become history: what its columns seem to be, and its rows with their times."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from typing import Literal
from zoneinfo import ZoneInfo

from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.formulas.measures import NO_CONVERSION, Conversion, UnitsError, conversion, measure_of
from pdm_app.domain.imports import (
    PREVIEW_COLUMNS,
    PREVIEW_ROWS,
    SERIES_MAX,
    ImportColumn,
    ImportForm,
    ImportPreview,
    Proposal,
    Shape,
)
from pdm_app.domain.signals import DataType, Signal
from pdm_app.domain.table_files import TableFile, TableRow
from pdm_app.domain.units import UNITS, unit
from pdm_app.services.history_import import QUALITY_WORDS, Form, Refused
from pdm_app.services.import_cells import decimal_of, number
from pdm_app.services.import_times import Times, format_of

LOOKED_AT_ROWS = 2_000
"""So many rows from the top settle what a table is; of a long one they bring the names of its signals."""
SHOWN_MAX = 80
TIME_NAMES = ("timestamp", "time", "datetime", "date_time", "date time", "date", "source_at", "ts", "zeit",
              "zeitstempel", "datum", "local time", "_time")  # fmt: skip
CLOCK_NAMES = ("time", "time of day", "uhrzeit", "zeit", "hour")
NAME_NAMES = ("signal", "tag", "tagname", "tag name", "name", "point", "variable", "sensor", "metric", "messstelle")
VALUE_NAMES = ("value", "val", "reading", "wert", "messwert", "_value")
QUALITY_NAMES = ("quality", "status", "qualität", "qual", "good")
UNIT_AT_END = re.compile(r"^(.*?)\s*[\[(]([^\[\]()]{1,24})[\])]\s*$")
UNNAMED = "Choose the columns in which the signal's name and its value stand."
CLOCK = re.compile(r"^\d{1,2}:\d{2}")


@dataclass(frozen=True, slots=True)
class TimedRow:
    """A row whose time is understood, in microseconds UTC."""

    line: int
    at: int
    cells: Sequence[str]


class Named(Mapping[str, Signal]):
    """Signals by every name that means just one of them; also where spaces, dots and cases differ."""

    def __init__(self, exact: Mapping[str, Signal]) -> None:
        self._exact = exact
        loose: dict[str, set[int]] = {}
        for name, signal in exact.items():
            loose.setdefault(_loose(name), set()).add(signal.id)
        by_number = {signal.id: signal for signal in exact.values()}
        self._loose = {name: by_number[min(ids)] for name, ids in loose.items() if name and len(ids) == 1}

    def __getitem__(self, name: str) -> Signal:
        found = self._exact.get(name.casefold()) or self._loose.get(_loose(name))
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._exact)

    def __len__(self) -> int:
        return len(self._exact)


def preview(table: TableFile, format: str, form: ImportForm, named: Mapping[str, Signal]) -> ImportPreview:
    """Say how a table would be read, and which signals it seems to hold."""
    names = list(table.columns)
    seen = [row for row in islice(table, LOOKED_AT_ROWS) if not row.problem]
    settled, problem = _settled(table, form, names, seen)
    first_at = None
    if not problem:
        try:
            reader = _Reader(settled, names)
            first_at = next((row.at for row in map(reader.timed, seen) if isinstance(row, TimedRow)), None)
        except InvalidInputError as error:
            problem = error.message
        if not problem and first_at is None:
            problem = "No row has a time that can be read: choose the column and how its times are written."
    return ImportPreview(
        format=format,
        sheets=tuple(table.sheets),
        form=settled,
        names=tuple(names),
        rows=tuple(tuple(cell[:SHOWN_MAX] for cell in row.cells[:PREVIEW_COLUMNS]) for row in seen[:PREVIEW_ROWS]),
        rows_about=table.rows_about,
        proposals=tuple(_proposals(settled, names, seen, named)),
        first_at=first_at,
        problem=problem,
    )


def rows_of(table: TableFile, form: ImportForm) -> Iterator[TimedRow | Refused]:
    """Yield all rows of a table, those without a usable time as refused.

    Args:
        table: Just opened.
        form: What is left open is settled by the first rows.

    Raises:
        InvalidInputError: A column that the form names is not there, or its times cannot be told.
        UnusableFileError: The file is damaged further down.
    """
    names, rows = list(table.columns), iter(table)
    first = list(islice(rows, LOOKED_AT_ROWS))
    settled, problem = _settled(table, form, names, [row for row in first if not row.problem])
    if problem:
        raise InvalidInputError(problem, [FieldIssue("form", problem)])
    reader = _Reader(settled, names)
    for some in (first, rows):
        for row in some:
            if not reader.is_units_row(row):
                yield reader.timed(row)


def settled_form(table: TableFile, form: ImportForm) -> ImportForm:
    """Return a form with nothing left open; it uses the table up.

    Raises:
        InvalidInputError: It cannot be settled.
    """
    seen = [row for row in islice(table, LOOKED_AT_ROWS) if not row.problem]
    settled, problem = _settled(table, form, list(table.columns), seen)
    if problem:
        raise InvalidInputError(problem, [FieldIssue("form", problem)])
    return settled


def places_of(
    names: Sequence[str], form: ImportForm, columns: Sequence[ImportColumn], signals: Mapping[int, Signal]
) -> Form:
    """Return where what stands, as a plan has it.

    Args:
        names: The heading.
        form: Settled.
        columns: As planned.
        signals: By number; all that are planned.

    Raises:
        InvalidInputError: A column is not there, or a unit does not fit its signal.
    """
    quality_at = names.index(form.quality_column) if form.quality_column else -1
    conversions = {each.signal_id: found for each in columns if (found := _conversion(each, signals)) is not None}
    if form.shape is Shape.LONG:
        return Form(
            name_at=names.index(form.name_column),
            value_at=names.index(form.value_column),
            named={each.column.strip().casefold(): signals[each.signal_id] for each in columns},
            quality_at=quality_at,
            conversions=conversions,
        )
    missing = next((each.column for each in columns if each.column not in names), None)
    if missing is not None:
        raise InvalidInputError(
            f"The file has no column {missing[:80]!r}; it has {', '.join(names[:12])}.",
            [FieldIssue("columns", f"{missing[:80]} is not in the heading", "take one of the preview")],
        )
    return Form(
        columns=tuple((names.index(each.column), signals[each.signal_id]) for each in columns),
        quality_at=quality_at,
        conversions=conversions,
    )


def reads_numbers(form: ImportForm) -> Callable[[str], float | None]:
    """Return what reads the numbers of a settled form."""
    return partial(number, decimal="," if form.decimal == "," else ".")


class _Reader:
    """Puts the time to each row."""

    def __init__(self, form: ImportForm, names: Sequence[str]) -> None:
        self._time_at = names.index(form.time_column)
        self._clock_at = names.index(form.clock_column) if form.clock_column else -1
        self._times = Times(form.time_format, ZoneInfo(form.zone))

    def is_units_row(self, row: TableRow) -> bool:
        """Whether a row is the one under the heading that only names units."""
        return row.line == 2 and not row.problem and not row.cells[self._time_at].strip()

    def timed(self, row: TableRow) -> TimedRow | Refused:
        if row.problem:
            return Refused(row.line, row.problem, row.cells)
        written = row.cells[self._time_at]
        if self._clock_at >= 0:
            written = f"{written.strip()[:10]} {row.cells[self._clock_at].strip()}"
        try:
            return TimedRow(row.line, self._times.read(written), row.cells)
        except ValueError as error:
            return Refused(row.line, str(error), row.cells)


# --- finding out --------------------------------------------------------------------------------------------------


def _settled(
    table: TableFile, form: ImportForm, names: Sequence[str], seen: Sequence[TableRow]
) -> tuple[ImportForm, str]:
    """Return the form with nothing left open, and what stands against it; empty for nothing."""
    for what in ("time_column", "clock_column", "name_column", "value_column", "quality_column"):
        wanted = getattr(form, what)
        if wanted and wanted not in names:
            shown = ", ".join(name[:40] for name in names[:12])
            return form.model_copy(update=_open(form)), f"The file has no column {wanted[:80]!r}; it has {shown}."

    if form.is_settled:
        is_unnamed = form.shape is Shape.LONG and not (form.name_column and form.value_column)
        return form, UNNAMED if is_unnamed else ""

    def cells(column: str) -> list[str]:
        place = names.index(column)
        return [row.cells[place] for row in seen]

    time_column = form.time_column or _time_column(names, cells)
    clock_column = form.clock_column or _clock_column(names, time_column, cells)
    time_format = form.time_format
    written = cells(time_column)
    if clock_column:
        written = [
            f"{date.strip()[:10]} {clock.strip()}" for date, clock in zip(written, cells(clock_column), strict=True)
        ]
    problem = ""
    if time_format == "auto":
        found = format_of(_most(written))
        if found is None and seen:
            example = next((one for one in written if one.strip()), "")[:40]
            problem = (
                f"The times of {time_column!r}, such as {example!r}, can be read in no way or in two: choose the "
                "column, or say whether the day or the month comes first."
            )
        time_format = found or "iso"
    name_column = form.name_column or (_named(names, NAME_NAMES) if form.shape is not Shape.WIDE else "")
    value_column = form.value_column or (_named(names, VALUE_NAMES) if form.shape is not Shape.WIDE else "")
    shape = form.shape or (Shape.LONG if name_column and value_column else Shape.WIDE)
    if shape is Shape.LONG and not (name_column and value_column):
        problem = problem or UNNAMED
    quality_column = form.quality_column or _quality_column(names, cells)
    others = [value_column] if shape is Shape.LONG and value_column else [name for name in names if name != time_column]
    decimal = form.decimal
    if decimal == "auto":
        decimal = decimal_of([cell for name in others[:PREVIEW_COLUMNS] for cell in cells(name)[:200]], table.separator)
    return form.model_copy(
        update={
            "separator": table.separator or "auto", "shape": shape, "time_column": time_column,
            "clock_column": clock_column, "time_format": time_format, "decimal": decimal,
            "name_column": name_column if shape is Shape.LONG else "",
            "value_column": value_column if shape is Shape.LONG else "", "quality_column": quality_column,
        }
    ), problem  # fmt: skip


def _open(form: ImportForm) -> dict[str, object]:
    return {"shape": form.shape or Shape.WIDE}


def _most(written: Sequence[str]) -> list[str]:
    """Return the cells that say something, without the first one where it is a unit."""
    some = [cell for cell in written if cell.strip()][:200]
    return some[1:] if len(some) > 2 and format_of(some[:1]) is None and format_of(some[1:2]) is not None else some


def _time_column(names: Sequence[str], cells: Callable[[str], list[str]]) -> str:
    by_name = _named(names, TIME_NAMES)
    if by_name and format_of(_most(cells(by_name))) is not None:
        return by_name
    return next((name for name in names[:PREVIEW_COLUMNS] if format_of(_most(cells(name)))), by_name or names[0])


def _clock_column(names: Sequence[str], time_column: str, cells: Callable[[str], list[str]]) -> str:
    dates = [cell.strip() for cell in cells(time_column) if cell.strip()]
    if not dates or any(":" in cell for cell in dates[:50]):
        return ""
    other = _named([name for name in names if name != time_column], CLOCK_NAMES)
    return other if other and all(CLOCK.match(cell.strip()) for cell in cells(other)[:50]) else ""


def _quality_column(names: Sequence[str], cells: Callable[[str], list[str]]) -> str:
    found = _named(names, QUALITY_NAMES)
    words = {cell.strip().casefold() for cell in cells(found)} if found else set()
    return found if words - {""} and words <= QUALITY_WORDS.keys() else ""


def _named(names: Sequence[str], wanted: Sequence[str]) -> str:
    folded = [name.casefold().strip() for name in names]
    return next((names[folded.index(name)] for name in wanted if name in folded), "")


# --- which signal -------------------------------------------------------------------------------------------------


def _proposals(
    form: ImportForm, names: Sequence[str], seen: Sequence[TableRow], named: Mapping[str, Signal]
) -> Iterator[Proposal]:
    taken: set[int] = set()

    def proposal(column: str, cells: Sequence[str]) -> Proposal:
        plain, code = split_unit(column)
        signal = named.get(column) or named.get(plain)
        if signal is not None and signal.id in taken:
            signal = None
        if signal is not None:
            taken.add(signal.id)
        example = next((cell for cell in cells if cell.strip()), "")
        holds: Literal["number", "text", "nothing"] = "text" if example else "nothing"
        if example and _are_numbers(cells, form):
            holds = "number"
        return Proposal(
            column=column, holds=holds, example=example[:SHOWN_MAX], signal_id=signal.id if signal else None,
            unit=code if signal is None or (code is not None and _fits(code, signal)) else None,
        )  # fmt: skip

    if form.shape is Shape.LONG and form.name_column in names and form.value_column in names:
        name_at, value_at = names.index(form.name_column), names.index(form.value_column)
        series: dict[str, list[str]] = {}
        for row in seen:
            series.setdefault(row.cells[name_at].strip(), []).append(row.cells[value_at])
        series.pop("", None)
        yield from (proposal(name, cells) for name, cells in islice(series.items(), SERIES_MAX))
        return
    apart = {form.time_column, form.clock_column, form.quality_column}
    for place, name in enumerate(names):
        if name and name not in apart and names.index(name) == place:
            yield proposal(name, [row.cells[place] for row in seen])


def split_unit(column: str) -> tuple[str, str | None]:
    """Return a heading without the unit in brackets at its end, and the unit's UCUM code; None where there is none."""
    found = UNIT_AT_END.match(column)
    if found is None:
        return column.strip(), None
    return found[1].strip(), _codes().get(found[2].strip()) or _codes().get(found[2].strip().casefold())


@cache
def _codes() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for each in UNITS:
        for words in (each.code, each.symbol):
            if words:
                found.setdefault(words.casefold(), each.code)
    for each in reversed(UNITS):  # As it is written goes before as it might be meant: mW and MW.
        found.update({words: each.code for words in (each.symbol, each.code) if words})
    return found


def _fits(code: str, signal: Signal) -> bool:
    try:
        conversion(measure_of(code), measure_of(signal.unit))
    except UnitsError:
        return False
    return True


def _conversion(column: ImportColumn, signals: Mapping[int, Signal]) -> Conversion | None:
    signal = signals[column.signal_id]
    if column.unit is None or column.unit == signal.unit:
        return None
    if signal.data_type is not DataType.NUMBER:
        problem = f"{signal.name} holds no quantities, so that nothing can be converted"
        raise InvalidInputError(f"{problem}.", [FieldIssue("columns", problem, "leave the unit out")])
    try:
        found = conversion(measure_of(column.unit), measure_of(signal.unit))
    except UnitsError as error:
        shown = unit(column.unit).symbol or column.unit
        problem = f"{shown[:40]} cannot be turned into the unit of {signal.name}"
        raise InvalidInputError(f"{column.column[:80]}: {error}", [FieldIssue("columns", problem)]) from None
    return None if found == NO_CONVERSION else found


def _are_numbers(cells: Sequence[str], form: ImportForm) -> bool:
    read = reads_numbers(form)
    said = [cell for cell in cells if cell.strip()]

    def is_number(cell: str) -> bool:
        try:
            read(cell)
        except ValueError:
            return False
        return True

    return 2 * sum(map(is_number, said)) > len(said)


def _loose(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
