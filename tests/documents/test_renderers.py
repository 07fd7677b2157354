"""What every format makes of one table, opened again by a reader that has nothing to do with us."""

import csv
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import openpyxl
import pyarrow.parquet as pq
import pytest

from pdm_app.documents.renderers import RENDERERS
from pdm_app.documents.xlsx_table import XlsxTable
from pdm_app.domain.samples import micros
from pdm_app.domain.tables import Column, ColumnKind, Renderer, TableStyle

VIENNA = ZoneInfo("Europe/Vienna")
COLUMNS = (
    Column("Time", ColumnKind.TIME),
    Column("Press 07 bearing", ColumnKind.NUMBER, "°C"),
    Column("=1+1", ColumnKind.TEXT),
)
# The hour that clocks in Vienna show twice: 02:30 with +02:00, then with +01:00.
MOMENTS = [datetime.fromisoformat(at) for at in ("2026-10-25T02:30:00.125+02:00", "2026-10-25T02:30:00.125+01:00")]
AT = np.array([micros(moment) for moment in MOMENTS], np.int64)
NUMBERS = [61.25, float("nan")]
WORDS = ['=HYPERLINK("http://evil.example","click")', None]
BLOCK = (AT, np.array(NUMBERS), WORDS)


@pytest.fixture(params=RENDERERS, ids=lambda renderer: renderer.name)
def renderer(request: pytest.FixtureRequest) -> Renderer:
    found: Renderer = request.param
    return found


def written(renderer: Renderer, folder: Path, style: TableStyle | None = None, blocks: int = 1) -> Path:
    path = folder / f"table.{renderer.extension}"
    table = renderer.open(path, COLUMNS, style or TableStyle(VIENNA, facts=(("Made by", "anna"),)))
    for _ in range(blocks):
        table.write(BLOCK)
    table.close()
    return path


def rows_of_csv(path: Path) -> list[list[Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["Time", "Press 07 bearing [°C]", "'=1+1"]
    return [[datetime.fromisoformat(row[0]), float(row[1]) if row[1] else None, row[2] or None] for row in rows]


def rows_of_objects(found: list[dict[str, Any]]) -> list[list[Any]]:
    return [[datetime.fromisoformat(row["Time"]), row["Press 07 bearing [°C]"], row["=1+1"]] for row in found]


def rows_of_json(path: Path) -> list[list[Any]]:
    return rows_of_objects(json.loads(path.read_text()))


def rows_of_lines(path: Path) -> list[list[Any]]:
    return rows_of_objects([json.loads(line) for line in path.read_text().splitlines()])


def rows_of_parquet(path: Path) -> list[list[Any]]:
    table = pq.read_table(path)
    assert table.schema.field(1).metadata == {b"unit": "°C".encode()}
    assert str(table.schema.field(0).type) == "timestamp[us, tz=Europe/Vienna]"
    assert table.schema.metadata[b"Made by"] == b"anna"
    return [list(row.values()) for row in table.to_pylist()]


def rows_of_workbook(path: Path) -> list[list[Any]]:
    book = openpyxl.load_workbook(path)
    sheet = book["Data"]
    assert [cell.value for cell in sheet[1]] == ["Time", "Press 07 bearing", "=1+1"]
    assert [cell.data_type for cell in sheet[1]] == ["s", "s", "s"]
    assert [cell.value for cell in sheet[2]][1] == "°C"
    assert sheet.freeze_panes == "B3"
    assert sheet.auto_filter.ref == f"A2:C{sheet.max_row}"
    assert ["Times are those of", "Europe/Vienna"] in [[cell.value for cell in row] for row in book["About"]]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=3)]
    assert all(row[2].data_type in ("s", "n", "inlineStr") for row in sheet.iter_rows(min_row=3))
    # A workbook has no zones: both moments show the same on the wall, in order.
    assert [row[0] for row in rows[:2]] == [moment.replace(tzinfo=None) for moment in MOMENTS][: len(rows)]
    return [[moment, *row[1:]] for moment, row in zip(MOMENTS * (len(rows) // 2), rows, strict=True)]


READERS: dict[str, Callable[[Path], list[list[Any]]]] = {
    "csv": rows_of_csv,
    "json": rows_of_json,
    "jsonl": rows_of_lines,
    "parquet": rows_of_parquet,
    "xlsx": rows_of_workbook,
}


def test_times_numbers_and_texts_come_back_as_they_went(renderer: Renderer, tmp_path: Path) -> None:
    rows = READERS[renderer.name](written(renderer, tmp_path))
    assert [row[0].timestamp() for row in rows] == [moment.timestamp() for moment in MOMENTS]
    assert [row[1] for row in rows] == [61.25, None]
    guarded = "'" if renderer.name == "csv" else ""
    assert [row[2] for row in rows] == [f"{guarded}{WORDS[0]}", None]


def test_blocks_follow_each_other(renderer: Renderer, tmp_path: Path) -> None:
    assert len(READERS[renderer.name](written(renderer, tmp_path, blocks=3))) == 6


def test_a_table_without_rows_is_a_table(renderer: Renderer, tmp_path: Path) -> None:
    assert READERS[renderer.name](written(renderer, tmp_path, blocks=0)) == []


def test_an_abandoned_file_raises_nothing(renderer: Renderer, tmp_path: Path) -> None:
    table = renderer.open(tmp_path / "table", COLUMNS, TableStyle(VIENNA))
    table.write(BLOCK)
    table.abandon()


def test_a_file_that_is_there_is_not_written_over(renderer: Renderer, tmp_path: Path) -> None:
    path = written(renderer, tmp_path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        renderer.open(path, COLUMNS, TableStyle(VIENNA))
    assert path.read_bytes() == before


def test_a_csv_may_have_commas_for_points_and_semicolons_for_commas(tmp_path: Path) -> None:
    [csv_table] = [renderer for renderer in RENDERERS if renderer.name == "csv"]
    text = written(csv_table, tmp_path, TableStyle(VIENNA, decimal=",", separator=";")).read_bytes().decode("utf-8-sig")
    lines = text.split("\r\n")
    assert lines[1].startswith("2026-10-25T02:30:00.125000+02:00;61,25;")
    assert lines[2] == "2026-10-25T02:30:00.125000+01:00;;"


def test_rows_beyond_one_sheet_go_to_the_next(tmp_path: Path) -> None:
    table = XlsxTable(tmp_path / "many.xlsx", COLUMNS, TableStyle(VIENNA), rows_per_sheet=5)
    for _ in range(4):
        table.write(BLOCK)
    table.close()
    book = openpyxl.load_workbook(tmp_path / "many.xlsx")
    assert book.sheetnames == ["Data", "Data 2", "Data 3", "About"]
    assert [book[name].max_row for name in book.sheetnames[:3]] == [5, 5, 4]
    assert book["Data 2"]["A1"].value == "Time"
