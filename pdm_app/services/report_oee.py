"""The pieces of reports that tell how lines went: against target and week before, and where time and money went."""

from collections.abc import Sequence

from pdm_app.domain.oee import LossBar
from pdm_app.domain.production_views import LineOverview, LineProduction
from pdm_app.domain.report_blocks import (
    Bar,
    Bars,
    Figure,
    FigureRow,
    Heading,
    Paragraph,
    ReportBlock,
    Step,
    Table,
    TableColumn,
    Tone,
    Waterfall,
)
from pdm_app.services.report_parts import words_of

PERCENT = 100.0
S_PER_H = 3_600.0
REASONS_SHOWN = 10
WARNED_MAX = 4_000
SOURCE = (
    "OEE is availability times performance times quality after ISO 22400-2; a line is rated by its constraint, and a "
    "time is made of the shifts that begin in it."
)
COLUMNS = (
    TableColumn(title="Line", width=5),
    TableColumn(title="OEE", unit="%", decimals=1, width=3),
    TableColumn(title="Target", unit="%", decimals=1, width=3),
    TableColumn(title="Week before", unit="%", decimals=1, width=4),
    TableColumn(title="Availability", unit="%", decimals=1, width=4),
    TableColumn(title="Performance", unit="%", decimals=1, width=4),
    TableColumn(title="Quality", unit="%", decimals=1, width=3),
    TableColumn(title="Good", decimals=0, total="sum", width=2),
    TableColumn(title="Biggest loss", width=5),
)


def oee_lines(lines: Sequence[LineOverview]) -> list[ReportBlock]:
    """Return every line that is rated with its figures."""
    if not lines:
        return [Heading(text="How production went"), Paragraph(text="No line of this site is rated yet.")]
    shown = tuple(_figure(line) for line in lines[:16])
    rows = tuple(
        (
            words_of(f"{line.area} {line.name}".strip()), _percent(line.period.figures.oee), _percent(line.target_oee),
            _percent(line.week_before.figures.oee), _percent(line.period.figures.availability),
            _percent(line.period.figures.performance), _percent(line.period.figures.quality), line.period.totals.good,
            _loss(line.biggest, line.currency),
        )
        for line in lines
    )  # fmt: skip
    fast = [words_of(line.name) for line in lines if line.period.figures.is_fast]
    warned = f"Performance above 100 % says that an ideal cycle is set too long: {', '.join(fast)}."
    return [
        Heading(text="How production went"),
        FigureRow(figures=shown),
        Table(title="Lines", columns=COLUMNS, rows=rows),
        *([Paragraph(text=warned[:WARNED_MAX])] if fast else []),
        Paragraph(text=SOURCE, is_note=True),
    ]


def oee_losses(line: LineProduction) -> list[ReportBlock]:
    """Return the way from calendar time to good pieces of a line, and the reasons that cost most time."""
    overview, name = line.overview, words_of(line.overview.name)
    going = overview.period
    steps = (
        Step(label="Calendar", value=going.calendar_s / S_PER_H, is_total=True),
        *(Step(label=_words(bar), value=-bar.seconds / S_PER_H) for bar in going.waterfall if bar.seconds),
        Step(label="Productive", value=going.productive_s / S_PER_H, is_total=True),
    )
    blocks: list[ReportBlock] = [
        Heading(text=f"Losses of {name}"),
        Waterfall(title="From calendar time to good pieces", unit="h", steps=steps[:20]),
    ]
    lost = [reason for reason in line.reasons if reason.seconds > 0][:REASONS_SHOWN]
    if lost:
        named = [(words_of(reason.name) or f"no reason yet ({reason.state.value})", reason) for reason in lost]
        bars = tuple(Bar(label=words, value=reason.seconds / 60) for words, reason in named)
        columns = (
            TableColumn(title="Reason", width=6),
            TableColumn(title="Stops", decimals=0, total="sum"),
            TableColumn(title="Time", unit="min", decimals=1, total="sum"),
            TableColumn(title="Cost", unit=overview.currency, decimals=0, total="sum"),
        )
        rows = tuple((words, float(reason.count), reason.seconds / 60, reason.cost) for words, reason in named)
        blocks += [
            Bars(title=f"What cost most time at {name}", unit="min", bars=bars, is_pareto=True),
            Table(title=f"Reasons of {name}", columns=columns, rows=rows),
        ]
    if overview.uncategorised:
        words = f"{overview.uncategorised} stops of this time wait for a reason."
        blocks.append(Paragraph(text=words, is_note=True))
    return blocks


def _figure(line: LineOverview) -> Figure:
    oee, target = line.period.figures.oee, line.target_oee
    tone: Tone = "plain"
    if oee is not None and target is not None:
        tone = "caution" if line.period.figures.is_fast else "good" if oee >= target else "bad"
    note = f"target {target * PERCENT:.0f} %" if target is not None else ""
    return Figure(label=f"OEE {words_of(line.name)}", value=_percent(oee), unit="%", note=note, tone=tone)


def _percent(ratio: float | None) -> float | None:
    return None if ratio is None else ratio * PERCENT


def _words(bar: LossBar) -> str:
    return bar.loss.value.replace("_", " ")


def _loss(bar: LossBar | None, currency: str) -> str:
    if bar is None:
        return ""
    cost = f", {bar.cost:.0f} {currency}" if bar.cost else ""
    return f"{_words(bar)}: {bar.seconds / 60:.0f} min{cost}"
