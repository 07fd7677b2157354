"""Reports as files: set on paper, in a workbook, as text; opened again by readers of other makers."""

import csv
import io
import json
import time

import openpyxl
import pypdfium2
import pytest

from pdm_app.documents import report_printer
from pdm_app.documents.report_printer import Printer
from pdm_app.domain.report_blocks import (
    Bar,
    Bars,
    Figure,
    FigureRow,
    Heading,
    Lane,
    LaneSpan,
    Lines,
    Paragraph,
    Report,
    Series,
    SignatureLine,
    Step,
    Table,
    TableColumn,
    Timeline,
    Waterfall,
)
from pdm_app.domain.reports import ReportFormat, UnprintableError

HOSTILE = '#import "x": * $a$ <b> [l](u) \\ "; =1+1 @f //c /*d*/ `r`'
STOPS = Table(
    title="Stops",
    columns=(TableColumn(title="Machine"), TableColumn(title="Lasted", unit="min", decimals=1, total="sum")),
    rows=(("Press 1", 2.5), (HOSTILE, 4.0), ("=cmd()", None), ("轴承", 0)),
)
WATERFALL = Waterfall(
    title="Time", unit="h", steps=(Step(label="All", value=8, is_total=True), Step(label="Stops", value=-1.5))
)


def report_of(*blocks: object, paper: str = "a4") -> Report:
    return Report.model_validate(
        {
            "title": f"Week of {HOSTILE}", "about": (("Site", "Northfield"),), "company": "Northfield",
            "made_at": 1_790_000_000_000_000, "made": "Made for Mia", "paper": paper, "blocks": blocks,
        }
    )  # fmt: skip


EVERY_BLOCK = (
    Heading(text="Load"), Paragraph(text=HOSTILE), Paragraph(text="small print", is_note=True),
    FigureRow(figures=(Figure(label="Per day", value=1234.56, unit="alarms"), Figure(label="Stale", value=None))),
    STOPS, Table(title="Nothing", columns=(TableColumn(title="X"),), empty="Nothing stood still."),
    Bars(title="Bad actors", bars=(Bar(label="a", value=1), Bar(label="बेयरिंग", value=3)), is_pareto=True),
    Bars(title="No bars", bars=(), limit=4, limit_label="most"),
    Lines(title="OEE", unit="%", labels=("1", "2", "3"), series=(Series(name="轴承", values=(1.0, None, 3.0)),)),
    WATERFALL,
    Timeline(title="State", lanes=(Lane(label="Жёсткость", spans=(LaneSpan(begin=0, end=1, tone="running"),)),)),
    SignatureLine(labels=("Handed over", "Taken over")),
)  # fmt: skip


def words_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    return "\n".join(page.get_textpage().get_text_range() for page in document)


@pytest.fixture(scope="module")
def pdf() -> bytes:
    import asyncio

    return asyncio.run(Printer().write(report_of(*EVERY_BLOCK), ReportFormat.PDF))


def test_every_block_is_set_and_words_stay_words(pdf: bytes) -> None:
    words = words_of(pdf)
    together = "".join(words.split())
    assert together.count("".join(HOSTILE.split())) >= 3, "a title, a paragraph and a cell"
    for said in ("Load", "1\u202f234.6", "—", "Nothing stood still.", "Total", "6.5", "Handed over", "1 / "):
        assert "".join(said.split()) in together, said


@pytest.mark.parametrize("words", ["बेयरिंग", "轴承", "Жёсткость"])
def test_letters_of_other_scripts_are_in_the_file_itself(pdf: bytes, words: str) -> None:
    document = pypdfium2.PdfDocument(pdf)
    # A letter without a shape would come back as nothing, or as a replacement, from the file's own tables.
    found = "".join(page.get_textpage().get_text_range() for page in document)
    assert words[0] in found
    assert b"NotoSans" in pdf


def test_charts_are_lines_and_areas_not_pictures(pdf: bytes) -> None:
    document = pypdfium2.PdfDocument(pdf)
    kinds = {each.type for page in document for each in page.get_objects()}
    assert pypdfium2.raw.FPDF_PAGEOBJ_PATH in kinds
    assert pypdfium2.raw.FPDF_PAGEOBJ_IMAGE not in kinds


def test_a_file_loads_nothing_from_elsewhere_and_runs_nothing(pdf: bytes) -> None:
    for told in (b"/JavaScript", b"/Launch", b"/URI", b"/EmbeddedFile", b"http://", b"https://"):
        assert told not in pdf.replace(b"http://ns.adobe.com", b"").replace(b"http://www.w3.org", b"").replace(
            b"http://purl.org", b""
        ), told


@pytest.mark.parametrize(("paper", "size"), [("a4", (595, 842)), ("us-letter", (612, 792))])
async def test_paper_has_the_size_that_was_chosen(paper: str, size: tuple[int, int]) -> None:
    written = await Printer().write(report_of(STOPS, paper=paper), ReportFormat.PDF)
    assert tuple(round(side) for side in pypdfium2.PdfDocument(written)[0].get_size()) == size


async def test_the_same_report_is_the_same_file_to_the_byte(pdf: bytes) -> None:
    assert (await Printer().write(report_of(*EVERY_BLOCK), ReportFormat.PDF)) == pdf


async def test_a_preview_shows_the_first_pages_as_pictures() -> None:
    pictures = await Printer().pictures(report_of(*EVERY_BLOCK), 1)
    assert len(pictures) == 1
    assert pictures[0].startswith(b"\x89PNG")


async def test_paper_shows_the_first_rows_and_says_how_many_more_there_are() -> None:
    table = Table(columns=(TableColumn(title="N", decimals=0),), rows=tuple((float(row),) for row in range(1_000)))
    words = words_of(await Printer().write(report_of(table), ReportFormat.PDF))
    assert "600 more rows" in words


async def test_a_report_that_takes_too_long_is_given_up_with_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_printer, "WITHIN_S", 0.0)
    with pytest.raises(UnprintableError, match="shorter period"):
        await Printer().write(report_of(STOPS), ReportFormat.PDF)


async def test_a_report_that_is_too_large_to_be_mailed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_printer, "FILE_BYTES_MAX", 10)
    with pytest.raises(UnprintableError, match="shorter period"):
        await Printer().write(report_of(STOPS), ReportFormat.JSON)


async def test_a_workbook_sums_by_formulas_and_has_charts() -> None:
    written = await Printer().write(report_of(*EVERY_BLOCK), ReportFormat.XLSX)
    book = openpyxl.load_workbook(io.BytesIO(written))
    stops = book["Stops"]
    assert [cell.value for cell in stops[1]] == ["Machine", "Lasted [min]"]
    assert stops["A3"].value == HOSTILE
    assert (stops["A4"].value, stops["A4"].data_type) == ("=cmd()", "s")
    assert stops["B6"].value == "=SUM(B2:B5)"
    assert openpyxl.load_workbook(io.BytesIO(written), data_only=True)["Stops"]["B6"].value == 6.5
    assert len(book["Bad actors"]._charts) == 1
    assert [cell.value for cell in book["Bad actors"]["B"]][1:3] == [3, 1]


async def test_tables_of_one_name_and_of_forbidden_names_have_sheets_of_their_own() -> None:
    tables = [
        Table(title=title, columns=(TableColumn(title="X"),)) for title in ("A/B [x]: long " * 4, "same", "Same", "'")
    ]
    written = await Printer().write(report_of(*tables), ReportFormat.XLSX)
    assert len(openpyxl.load_workbook(io.BytesIO(written)).sheetnames) == 5


async def test_csv_has_the_tables_and_no_formula_that_somebody_typed() -> None:
    written = await Printer().write(report_of(STOPS, WATERFALL), ReportFormat.CSV)
    rows = list(csv.reader(io.StringIO(written.decode("utf-8-sig"))))
    assert ["Machine", "Lasted [min]"] in rows
    assert ["Press 1", "2.5"] in rows
    assert ["'=cmd()", ""] in rows
    assert ["Stops", "-1.5"] in rows


async def test_json_is_the_report_itself() -> None:
    written = await Printer().write(report_of(STOPS), ReportFormat.JSON)
    assert Report.model_validate(json.loads(written)) == report_of(STOPS)


@pytest.mark.long
@pytest.mark.alone
async def test_a_week_is_set_in_five_seconds_and_a_hundred_thousand_rows_in_ten() -> None:
    began = time.perf_counter()
    written = await Printer().write(report_of(*EVERY_BLOCK), ReportFormat.PDF)
    assert time.perf_counter() - began < 5
    assert len(written) < 1_000_000
    columns = (TableColumn(title="Who"), TableColumn(title="What"), TableColumn(title="N", decimals=2, total="sum"))
    table = Table(title="Rows", columns=columns, rows=tuple((f"p{n}", "did", n / 7) for n in range(100_000)))
    report = report_of(table)
    began = time.perf_counter()
    await Printer().write(report, ReportFormat.XLSX)
    assert time.perf_counter() - began < 10
