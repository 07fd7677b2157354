"""Files of tables are known by what is in them, read as they were written, and none of them does harm."""

import datetime as dt
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from pdm_app.documents import table_sniffing, xlsx_file
from pdm_app.documents.table_files import open_table
from pdm_app.documents.table_sniffing import table_format
from pdm_app.domain.table_files import TableFormat
from pdm_app.domain.uploads import UnusableFileError

AT = dt.datetime(2026, 3, 1, 6, 0, 0, 250_000)  # noqa: DTZ001 - as spreadsheets have it.


def written(folder: Path, content: bytes, name: str = "x.exe") -> Path:
    """A file whose name says nothing, as in the store of uploads."""
    path = folder / name
    path.write_bytes(content)
    return path


def read(path: Path, **how: Any) -> tuple[list[str], list[tuple[int, list[str], str]]]:
    form = TableFormat.model_validate(how)
    with closing(open_table(path, table_format(path), form)) as table:
        return list(table.columns), [(row.line, list(row.cells), row.problem) for row in table]


def workbook(path: Path, rows: list[list[Any]], sheets: tuple[str, ...] = ("Data",)) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


# --- text ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_text_is_read_in_every_usual_encoding_and_with_every_usual_separator(
    tmp_path: Path, encoding: str, separator: str
) -> None:
    lines = [separator.join(("Zeit", "Wärme [°C]", "b")), separator.join(("2026-03-01", "1.5", '"x y"')), ""]
    columns, rows = read(written(tmp_path, "\r\n".join(lines).encode(encoding)))
    assert columns == ["Zeit", "Wärme [°C]", "b"]
    assert rows == [(2, ["2026-03-01", "1.5", "x y"], "")]


def test_decimal_commas_do_not_pass_for_separators(tmp_path: Path) -> None:
    columns, rows = read(written(tmp_path, b"t;a;b\n1;2,5;3,5\n2;4,25;5,0\n"))
    assert columns == ["t", "a", "b"]
    assert [cells for _, cells, _ in rows] == [["1", "2,5", "3,5"], ["2", "4,25", "5,0"]]


def test_what_a_logger_writes_above_the_heading_is_left_out_and_lines_keep_their_numbers(tmp_path: Path) -> None:
    columns, rows = read(written(tmp_path, b"# logger 7\n\nsep=;\nt;a;\n1;2;\n"))
    assert columns == ["t", "a"]
    assert rows == [(5, ["1", "2"], "")]


def test_a_bad_line_costs_itself_only(tmp_path: Path) -> None:
    long = b"9," + b"9" * 70_000
    _, rows = read(written(tmp_path, b"t,a\n1,2\n3\n4,5,6\n\n" + long + b'\n7,"x\ny"\n8,9\n'))
    assert [(line, problem[:12]) for line, _, problem in rows] == [
        (2, ""), (3, "it has 1 cel"), (4, "it has 3 cel"), (6, "it is longer"), (8, ""), (9, ""),
    ]  # fmt: skip


# --- Parquet ------------------------------------------------------------------------------------------------------


def test_parquet_keeps_times_numbers_and_gaps(tmp_path: Path) -> None:
    path = tmp_path / "p"
    zoned = pa.array([AT.replace(tzinfo=dt.UTC), None], pa.timestamp("us", tz="Europe/Vienna"))
    nanos = pa.array([1_772_344_800_123_456_789, None], pa.int64()).cast(pa.timestamp("ns"))
    columns = {"t": zoned, "n": nanos, "x": pa.array([0.1, float("nan")]), "i": pa.array([2**53 + 1, None])}
    columns |= {"s": pa.array(["läuft", None]).dictionary_encode(), "b": pa.array([True, None]), "l": [[1], [2]]}
    pq.write_table(pa.table(columns), path)
    heading, rows = read(path)
    assert heading == ["t", "n", "x", "i", "s", "b"], "lists are no values"
    moment = "2026-03-01T06:00:00.250000+00:00"
    assert rows == [
        (2, [moment, "2026-03-01T06:00:00.123456", "0.1", str(2**53 + 1), "läuft", "true"], ""),
        (3, [""] * 6, ""),
    ]  # fmt: skip


def test_parquet_that_was_cut_off_or_damaged_says_so(tmp_path: Path) -> None:
    path = tmp_path / "p"
    pq.write_table(pa.table({"t": list(range(5000)), "x": [float(number) for number in range(5000)]}), path)
    whole = path.read_bytes()
    with pytest.raises(UnusableFileError, match="cut off"):
        table_format(written(tmp_path, whole[:-20]))
    damaged = written(tmp_path, whole[:-30] + b"\xff" * 22 + whole[-8:])
    with pytest.raises(UnusableFileError, match="damaged Parquet"):
        read(damaged)


# --- workbooks ----------------------------------------------------------------------------------------------------


def test_a_workbook_of_another_program_is_read_with_its_dates_gaps_and_truths(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "w",
        [["Time", "a", "b", "c"], [AT, 1.5, None, "läuft"], [AT + dt.timedelta(days=1), None, True, None], [None] * 4],
        ("Data", "Other"),
    )
    columns, rows = read(path)
    assert columns == ["Time", "a", "b", "c"]
    assert rows == [
        (2, ["2026-03-01T06:00:00.250000", "1.5", "", "läuft"], ""),
        (3, ["2026-03-02T06:00:00.250000", "", "true", ""], ""),
    ]
    assert read(path, sheet="Other") == (columns, rows)
    with closing(open_table(path, "xlsx", TableFormat())) as table:
        assert table.sheets == ("Data", "Other")
    with pytest.raises(UnusableFileError, match="no sheet 'Third'"):
        read(path, sheet="Third")


def test_a_workbook_whose_days_count_from_1904_has_the_same_dates(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.epoch = dt.datetime(1904, 1, 1)  # noqa: DTZ001
    for row in (["t", "a"], [AT.replace(microsecond=0), 1]):
        book.active.append(row)
    book.save(tmp_path / "w")
    assert read(tmp_path / "w")[1] == [(2, ["2026-03-01T06:00:00", "1"], "")]


def archive(folder: Path, parts: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> Path:
    path = folder / "archive"
    with zipfile.ZipFile(path, "w", kind) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return path


BOOK = {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook><sheets/></workbook>"}


def test_a_bomb_is_refused_before_anything_of_it_is_unpacked(tmp_path: Path) -> None:
    path = archive(tmp_path, {**BOOK, "xl/worksheets/sheet1.xml": b"0" * 60_000_000})
    assert path.stat().st_size < 200_000
    with pytest.raises(UnusableFileError, match="would unpack to 60,0"):
        table_format(path)


def test_an_archive_of_thousands_of_parts_is_no_workbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_sniffing, "ARCHIVE_ENTRIES_MAX", 20)
    with pytest.raises(UnusableFileError, match="in 32 parts"):
        table_format(archive(tmp_path, {**BOOK, **{f"xl/{number}": b"" for number in range(30)}}))


def test_a_workbook_that_lies_about_its_size_is_read_no_further_than_it_says(tmp_path: Path) -> None:
    path = workbook(tmp_path / "w", [["t", "a"], *([number, 1.5] for number in range(2000))])
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        sheet = file.getinfo("xl/worksheets/sheet1.xml")
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(b"xl/worksheets/sheet1.xml"))
    assert int.from_bytes(content[at + 24 : at + 28], "little") == sheet.file_size
    content[at + 24 : at + 28] = (500).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(UnusableFileError, match="damaged"):
        read(path)


def test_entities_that_unfold_are_refused_with_their_document_type(tmp_path: Path) -> None:
    path = workbook(tmp_path / "w", [["t", "a"], [1, 2]])
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    parts["xl/worksheets/sheet1.xml"] = bomb + parts["xl/worksheets/sheet1.xml"].partition(b"?>")[2]
    with pytest.raises(UnusableFileError, match="document type"):
        read(archive(tmp_path, parts))


def test_texts_of_a_workbook_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_file, "SHARED_CHARACTERS_MAX", 1_000)
    path = tmp_path / "w"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for number in range(40):
            sheet.write_row(number, 0, ["t", f"{number:0>90}"])
    with pytest.raises(UnusableFileError, match="texts of more than"):
        read(path)


# --- whatever else ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\x7fELF\x02\x01\x01\0\0\0", "neither text"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "neither text"),
        (b"%PDF-1.7\n%\xe2\xe3\0\x01", "neither text"),
        (b"PK\x03\x04 and nothing more", "damaged or cut off"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "neither text"),
        (b"PAR1", "no end"),
    ],
)
def test_what_is_no_table_is_told_by_its_content_whatever_it_is_called(
    tmp_path: Path, content: bytes, says: str
) -> None:
    with pytest.raises(UnusableFileError, match=says):
        table_format(written(tmp_path, content, "history.csv"))


def test_any_other_archive_is_named_as_one(tmp_path: Path) -> None:
    with pytest.raises(UnusableFileError, match="no Excel workbook"):
        table_format(archive(tmp_path, {"../../etc/passwd": b"root", "a.csv": b"t,a\n"}))
