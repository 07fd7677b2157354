"""What a table is: its times and their zone, its marks and units, its shape, and which signals it seems to hold."""

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pdm_app.documents.csv_file import CsvFile
from pdm_app.domain.assets import Asset
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.imports import ImportColumn, ImportForm, ImportPreview, Shape, TimeFormat
from pdm_app.domain.samples import micros
from pdm_app.domain.signals import DataType, Signal
from pdm_app.domain.table_files import TableFormat
from pdm_app.services.history_import import Refused, names_of
from pdm_app.services.import_cells import decimal_of, number
from pdm_app.services.import_tables import Named, places_of, preview, reads_numbers, rows_of, split_unit
from pdm_app.services.import_times import Times, format_of

VIENNA = ZoneInfo("Europe/Vienna")
PUMP = Asset(id="a", site_id="s", line_id="l", code="P-101A", name="Pump")


def signal(number: int, name: str, unit: str = "1", kind: DataType = DataType.NUMBER) -> Signal:
    return Signal(id=number, site_id="s", asset_id="a", name=name, label=name, unit=unit, data_type=kind)


FLOW, HEAT, STATE = signal(1, "Flow", "m3/h"), signal(2, "Bearing_Temp", "Cel"), signal(3, "State", kind=DataType.TEXT)
RUNS = signal(4, "Runs", kind=DataType.BOOLEAN)
SIGNALS = {each.id: each for each in (FLOW, HEAT, STATE, RUNS)}
NAMED = Named(names_of(list(SIGNALS.values()), [PUMP]))


@pytest.fixture
def table(tmp_path: Path) -> "Iterator[Tables]":
    tables = Tables(tmp_path / "t")
    yield tables
    tables.close()


class Tables:
    """Opens text as a table; each call a new one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: list[CsvFile] = []

    def __call__(self, *lines: str) -> CsvFile:
        self._path.write_text("\n".join(lines), encoding="utf-8")
        self._open.append(CsvFile(self._path, TableFormat()))
        return self._open[-1]

    def close(self) -> None:
        for each in self._open:
            each.close()


def utc(year: int, month: int, day: int, *rest: int) -> int:
    at = dt.datetime(year, month, day, tzinfo=dt.UTC)
    units = ("hours", "minutes", "seconds", "microseconds")
    return int(micros(at + dt.timedelta(**dict(zip(units, rest, strict=False)))))


# --- times --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "written", "at"),
    [
        ("iso", "2026-03-01T06:00:00Z", utc(2026, 3, 1, 6)),
        ("iso", "2026-03-01 06:00:00.250", utc(2026, 3, 1, 5, 0, 0, 250_000)),
        ("iso", "2026/03/01 06:00:00", utc(2026, 3, 1, 5)),
        ("iso", "2026-07-01T06:00:00+05:30", utc(2026, 7, 1, 0, 30)),
        ("dmy", "1.3.2026 06:00", utc(2026, 3, 1, 5)),
        ("dmy", "01.03.26 06:00:07,5", utc(2026, 3, 1, 5, 0, 7, 500_000)),
        ("dmy", "01/07/2026, 06:00:00", utc(2026, 7, 1, 4)),
        ("mdy", "3/1/2026 12:05:00 AM", utc(2026, 2, 28, 23, 5)),
        ("mdy", "7/1/2026 12:05 pm", utc(2026, 7, 1, 10, 5)),
        ("epoch_s", "1772344800.5", 1_772_344_800_500_000),
        ("epoch_ms", "1772344800123", 1_772_344_800_123_000),
        ("epoch_us", "1772344800123456", 1_772_344_800_123_456),
    ],
)
def test_times_are_read_as_they_are_written(form: TimeFormat, written: str, at: int) -> None:
    assert Times(form, VIENNA).read(written) == at
    assert format_of([written]) in (form, None)


@pytest.mark.parametrize(
    ("form", "written", "says"),
    [
        ("iso", "", "no time"),
        ("iso", "yesterday", "not like 2026-03-01T"),
        ("dmy", "31.2.2026 06:00", "not like 1.3.2026"),
        ("mdy", "13/1/2026 6:00", "not like 3/1/2026"),
        ("mdy", "1/1/2026 13:00 PM", "not like"),
        ("iso", "2026-03-29 02:30:00", "clocks were put forward"),
        ("iso", "1969-12-31T23:59:59Z", "before 1970"),
        ("epoch_s", "nan", "no time"),
        ("epoch_ms", "9e30", "after 2255"),
        ("epoch_s", "soon", "no number"),
    ],
)
def test_what_is_no_time_says_what_was_expected(form: TimeFormat, written: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Times(form, VIENNA).read(written)


def test_the_hour_that_clocks_pass_twice_is_told_by_the_order_of_the_rows() -> None:
    times = Times("iso", VIENNA)
    written = ["01:30", "02:00", "02:30", "02:00", "02:00", "02:30", "03:00"]
    minutes = [(times.read(f"2026-10-25 {each}:00") - utc(2026, 10, 24, 23, 30)) // 60_000_000 for each in written]
    assert minutes == [0, 30, 60, 90, 90, 120, 150]


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["03/04/2026 06:00", "13/04/2026 06:00"], "dmy"),
        (["03/04/2026 06:00", "04/13/2026 06:00"], "mdy"),
        (["03/04/2026 06:00", "04/05/2026 06:00"], None),
        (["03.04.2026 06:00"], "dmy"),
        (["12.5", "13"], None),
        (["20260301"], None),
        (["2026-03-01 06:00", "soon"], None),
        (["13.03.2026 06:00"] * 4 + ["kaputt"], "dmy"),
        (["1772344800"] * 5 + ["x"], "epoch_s"),
        ([], None),
    ],
)
def test_day_and_month_are_told_apart_or_asked_for(cells: Sequence[str], form: str | None) -> None:
    assert format_of(cells) == form


# --- numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "decimal", "value"),
    [
        ("1.5", ".", 1.5), ("1,5", ",", 1.5), ("1.234,5", ",", 1234.5), ("1 234.5", ".", 1234.5),
        ("1'234.5", ".", 1234.5), ("1\u202f234,5", ",", 1234.5), ("\N{MINUS SIGN}3", ".", -3.0), ("1e-3", ".", 0.001),
        (" ", ".", None), ("NaN", ".", None), ("#N/A", ".", None), ("True", ".", 1.0), ("off", ".", 0.0),
    ],
)  # fmt: skip
def test_numbers_are_read_with_the_marks_of_programs_and_countries(
    written: str, decimal: str, value: float | None
) -> None:
    assert number(written, "," if decimal == "," else ".") == value


@pytest.mark.parametrize("written", ["1,5", "1_000", "inf", "1e999", "0x10", "1.2.3", "kaputt"])
def test_what_is_no_number_is_not_guessed_at(written: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        number(written)


def test_the_decimal_mark_is_told_by_the_cells() -> None:
    assert decimal_of(["1,5", "2,25", "7"], ";") == ","
    assert decimal_of(["1.5", "2,25", "3.5"], ";") == "."
    assert decimal_of(["1", "2"], ";") == "."


# --- what a table is ----------------------------------------------------------------------------------------------


def seen(table: CsvFile, **form: object) -> ImportPreview:
    return preview(table, "csv", ImportForm.model_validate({"zone": "Europe/Vienna", **form}), NAMED)


def test_a_wide_table_of_a_german_logger_is_understood_without_a_word(table: Tables) -> None:
    found = seen(
        table(
            "Zeit;P-101A.Flow [L/min];bearing temp (°F);Bemerkung", "1.3.2026 06:00;1,5;98,6;ok", "1.3.2026 06:01;2,5;;"
        )
    )
    assert found.problem == ""
    assert (found.form.separator, found.form.decimal, found.form.time_format) == (";", ",", "dmy")
    assert (found.form.shape, found.form.time_column, found.first_at) == (Shape.WIDE, "Zeit", utc(2026, 3, 1, 5))
    assert [(one.signal_id, one.unit, one.holds) for one in found.proposals] == [
        (1, "L/min", "number"), (2, "[degF]", "number"), (None, None, "text"),
    ]  # fmt: skip


def test_a_long_table_is_told_by_its_heading_and_brings_its_names(table: Tables) -> None:
    found = seen(table("ts,tag,value,quality", "1772344800000,p101a_flow,1,Good", "1772344801000,X,2,bad"))
    assert found.problem == ""
    assert (found.form.shape, found.form.name_column, found.form.value_column) == (Shape.LONG, "tag", "value")
    assert (found.form.quality_column, found.form.time_format) == ("quality", "epoch_ms")
    assert [(one.column, one.signal_id) for one in found.proposals] == [("p101a_flow", 1), ("X", None)]


def test_date_and_time_of_day_in_two_columns_are_one_time(table: Tables) -> None:
    form = seen(table("Date,Time,Flow", "13/04/2026,06:00:00,1", "13/04/2026,06:00:01,2")).form
    assert (form.time_column, form.clock_column, form.time_format) == ("Date", "Time", "dmy")
    rows = list(rows_of(table("Date,Time,Flow", "13/04/2026,06:00:01,2"), form))
    assert [row.at for row in rows if not isinstance(row, Refused)] == [utc(2026, 4, 13, 4, 0, 1)]


def test_times_that_can_be_read_in_two_ways_are_asked_for_and_the_answer_holds(table: Tables) -> None:
    lines = ("time,Flow", "03/04/2026 06:00,1")
    assert "whether the day or the month" in seen(table(*lines)).problem
    settled = seen(table(*lines), time_format="mdy")
    assert (settled.problem, settled.first_at) == ("", utc(2026, 3, 4, 5))
    assert seen(table(*lines), **{**settled.form.model_dump(), "quality_column": ""}).form == settled.form


def test_the_row_of_units_below_a_heading_is_no_row(table: Tables) -> None:
    lines = ("time,Flow", ",m³/h", "2026-03-01 06:00,1")
    found = seen(table(*lines))
    assert found.problem == ""
    assert [type(row).__name__ for row in rows_of(table(*lines), found.form)] == ["TimedRow"]


def test_a_column_that_is_not_there_and_a_table_without_times_say_so(table: Tables) -> None:
    assert "no column 'when'" in seen(table("time,Flow", "2026-03-01 06:00,1"), time_column="when").problem
    assert "can be read in no way" in seen(table("a,b", "x,1")).problem
    assert "in which the signal's name" in seen(table("time,Flow", "2026-03-01 06:00,1"), shape="long").problem
    with pytest.raises(InvalidInputError, match="in no way"):
        list(rows_of(table("a,b", "x,1"), ImportForm()))


def test_a_name_is_proposed_once_and_only_where_one_signal_is_meant(table: Tables) -> None:
    found = seen(table("time,Flow,P-101A Flow,flow,Pressure", "2026-03-01 06:00,1,2,3,4"))
    assert [one.signal_id for one in found.proposals] == [1, None, None, None]


@pytest.mark.parametrize(
    ("heading", "name", "code"),
    [
        ("Flow [m³/h]", "Flow", "m3/h"), ("Flow (bar)", "Flow", "bar"), ("P [MW]", "P", "MW"), ("I [mA]", "I", "mA"),
        ("T [°C]", "T", "Cel"), ("Flow", "Flow", None), ("Flow [furlong]", "Flow", None), ("x [CEL]", "x", "Cel"),
    ],
)  # fmt: skip
def test_units_of_a_heading_are_known_by_symbol_and_code(heading: str, name: str, code: str | None) -> None:
    assert split_unit(heading) == (name, code)


def test_values_are_turned_into_the_unit_of_their_signal() -> None:
    form = ImportForm(shape=Shape.WIDE, time_column="t", time_format="iso", decimal=".")
    columns = [
        ImportColumn(column="f", signal_id=1, unit="L/min"),
        ImportColumn(column="h", signal_id=2, unit="[degF]"),
    ]
    places = places_of(["t", "f", "h"], form, columns, SIGNALS)
    read = reads_numbers(form)
    assert places.reading(FLOW, "1000", read) == pytest.approx(60.0)
    assert places.reading(HEAT, "212", read) == pytest.approx(100.0)
    assert places.reading(RUNS, "true", read) == 1.0
    with pytest.raises(ValueError, match="neither true nor false"):
        places.reading(RUNS, "2", read)
    for signal_id, unit, says in ((1, "Cel", "cannot be turned into"), (4, "bar", "holds no quantities")):
        with pytest.raises(InvalidInputError, match=says):
            places_of(["t", "f"], form, [ImportColumn(column="f", signal_id=signal_id, unit=unit)], SIGNALS)
