"""What a report says, block by block, in no format yet: the same blocks become a PDF, a workbook, CSV and JSON.

Words in blocks are words: names of machines and whatever else people have typed are printed as they are, in any format.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pdm_app.domain.record import Finite, Record

BLOCKS_MAX = 60
ROWS_MAX = 100_000
PRINTED_ROWS_MAX = 400  # Of one table, on paper; workbook and CSV have the rest.
CELLS_MAX = 1_500_000
LABEL_MAX = 300

Label = Annotated[str, Field(max_length=LABEL_MAX)]
Words = Annotated[str, Field(max_length=4_000)]
Cell = str | Finite | None
Share = Annotated[float, Field(ge=0, le=1, description="0 is the begin of the period, 1 its end.")]
Tone = Literal["plain", "good", "caution", "bad"]
LaneTone = Literal["running", "idle", "setup", "planned", "stopped", "unknown"]
Paper = Literal["a4", "us-letter"]


class Heading(Record):
    kind: Literal["heading"] = "heading"
    text: Label


class Paragraph(Record):
    kind: Literal["text"] = "text"
    text: Words
    is_note: bool = Field(default=False, description="Small print, such as where a figure comes from.")


class Figure(Record):
    """One number, large, with its name and what it is held against."""

    label: Label
    value: Finite | None = Field(description="None is shown as a dash: there is nothing to tell.")
    unit: Annotated[str, Field(max_length=20)] = ""
    decimals: int = Field(default=1, ge=0, le=6)
    note: Label = ""
    tone: Tone = "plain"


class FigureRow(Record):
    kind: Literal["figures"] = "figures"
    figures: tuple[Figure, ...] = Field(min_length=1, max_length=16)


class TableColumn(Record):
    title: Label
    unit: Annotated[str, Field(max_length=20)] = ""
    decimals: int | None = Field(default=None, ge=0, le=6, description="Of numbers; None for words.")
    total: Literal["", "sum"] = Field(default="", description="What the last line of the table says of the column.")
    width: int = Field(default=2, ge=1, le=12, description="Share of the paper's width.")


class Table(Record):
    """Rows of words and numbers; a total is a formula in a workbook."""

    kind: Literal["table"] = "table"
    title: Label = ""
    columns: tuple[TableColumn, ...] = Field(min_length=1, max_length=20)
    rows: tuple[tuple[Cell, ...], ...] = Field(default=(), max_length=ROWS_MAX)
    empty: Label = Field(default="", description="What stands there instead when there are no rows.")

    @model_validator(mode="after")
    def _rows_fit_the_columns(self) -> "Table":
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError("a row has more or fewer cells than there are columns")
        return self


class Bar(Record):
    label: Label
    value: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Bars(Record):
    """Bars from zero; a Pareto chart has the largest first and a line of the running share."""

    kind: Literal["bars"] = "bars"
    title: Label
    unit: Annotated[str, Field(max_length=20)] = ""
    bars: tuple[Bar, ...] = Field(max_length=400)
    is_pareto: bool = False
    limit: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(default=None, description="Drawn across.")
    limit_label: Label = ""


class Series(Record):
    name: Label
    values: tuple[Finite | None, ...] = Field(max_length=2_000, description="None is a gap, drawn as one.")


class Lines(Record):
    kind: Literal["lines"] = "lines"
    title: Label
    unit: Annotated[str, Field(max_length=20)] = ""
    labels: tuple[Label, ...] = Field(max_length=2_000, description="One for each place along the time.")
    series: tuple[Series, ...] = Field(min_length=1, max_length=6)

    @model_validator(mode="after")
    def _series_fit_the_labels(self) -> "Lines":
        if any(len(one.values) != len(self.labels) for one in self.series):
            raise ValueError("a series has more or fewer values than there are labels")
        return self


class Step(Record):
    label: Label
    value: Finite = Field(description="Added to what stands; of a total, what stands.")
    is_total: bool = False


class Waterfall(Record):
    """From one sum to another by what is taken off between them."""

    kind: Literal["waterfall"] = "waterfall"
    title: Label
    unit: Annotated[str, Field(max_length=20)] = ""
    steps: tuple[Step, ...] = Field(min_length=1, max_length=20)


class LaneSpan(Record):
    begin: Share
    end: Share
    tone: LaneTone


class Lane(Record):
    label: Label
    spans: tuple[LaneSpan, ...] = Field(max_length=2_000)


class Timeline(Record):
    kind: Literal["timeline"] = "timeline"
    title: Label
    lanes: tuple[Lane, ...] = Field(max_length=40)
    marks: tuple[tuple[Share, Label], ...] = Field(default=(), max_length=30, description="Words under the lanes.")
    legend: tuple[tuple[LaneTone, Label], ...] = Field(default=(), max_length=6)


class SignatureLine(Record):
    """Room for a name, a date and a signature by hand."""

    kind: Literal["signature"] = "signature"
    labels: tuple[Label, ...] = Field(min_length=1, max_length=4)


class PageBreak(Record):
    kind: Literal["page_break"] = "page_break"


ReportBlock = Annotated[
    Heading | Paragraph | FigureRow | Table | Bars | Lines | Waterfall | Timeline | SignatureLine | PageBreak,
    Field(discriminator="kind"),
]


class Report(Record):
    """A whole report, ready to be written in any format."""

    title: Label
    about: tuple[tuple[Label, Label], ...] = Field(default=(), max_length=12, description="Such as site and period.")
    company: Label = Field(default="", description="Stands where a letter has its head.")
    made_at: int = Field(description="Microseconds UTC.")
    made: Label = Field(default="", description="When and for whom it was made, in words.")
    language: str = Field(default="en", max_length=12, pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$")
    paper: Paper = "a4"
    blocks: tuple[ReportBlock, ...] = Field(max_length=BLOCKS_MAX)

    @model_validator(mode="after")
    def _it_can_be_written(self) -> "Report":
        cells = sum(len(block.rows) * len(block.columns) for block in self.blocks if isinstance(block, Table))
        if cells > CELLS_MAX:
            raise ValueError(f"a report has up to {CELLS_MAX:,} cells, and this one would have {cells:,}")
        return self
