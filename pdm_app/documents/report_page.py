"""A report as what `report.typ` draws: every number written, every length a share of its chart."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from pdm_app.documents.scales import number, short, ticks
from pdm_app.domain.report_blocks import (
    PRINTED_ROWS_MAX,
    Bars,
    Figure,
    FigureRow,
    Heading,
    Lines,
    PageBreak,
    Paragraph,
    Report,
    ReportBlock,
    SignatureLine,
    Table,
    TableColumn,
    Timeline,
    Waterfall,
)

LABELLED_MAX = 12  # Along an axis; the others would lie upon each other.


def page_of(report: Report) -> dict[str, Any]:
    """Return what the template is given."""
    return {
        "title": report.title,
        "about": [list(each) for each in report.about],
        "company": report.company,
        "made": report.made,
        "language": report.language.partition("-")[0],
        "paper": report.paper,
        "blocks": [_block(block) for block in report.blocks],
    }


def _block(block: ReportBlock) -> dict[str, Any]:
    match block:
        case Heading() | Paragraph() | SignatureLine() | PageBreak() | Timeline():
            return block.model_dump(mode="json")
        case FigureRow():
            return {"kind": block.kind, "figures": [_figure(figure) for figure in block.figures]}
        case Table():
            return _table(block)
        case Bars():
            return _bars(block)
        case Lines():
            return _lines(block)
        case Waterfall():
            return _waterfall(block)


def _figure(figure: Figure) -> dict[str, str]:
    return {
        "label": figure.label, "value": number(figure.value, figure.decimals), "note": figure.note, "tone": figure.tone,
        "unit": figure.unit if figure.value is not None else "",
    }  # fmt: skip


def _table(table: Table) -> dict[str, Any]:
    left_out = len(table.rows) - PRINTED_ROWS_MAX
    totals: list[str] = []
    if table.rows and any(column.total for column in table.columns):
        totals = [_total(table, place, column) for place, column in enumerate(table.columns)]
    return {
        "kind": table.kind,
        "title": table.title,
        "columns": [
            {"title": column.title, "unit": column.unit, "right": column.decimals is not None, "width": column.width}
            for column in table.columns
        ],
        "rows": [
            [_cell(cell, column) for cell, column in zip(row, table.columns, strict=True)]
            for row in table.rows[:PRINTED_ROWS_MAX]
        ],
        "totals": totals,
        "empty": table.empty,
        "more": f"{number(left_out, 0)} more rows are in the workbook." if left_out > 0 else "",
    }


def _total(table: Table, place: int, column: TableColumn) -> str:
    if not column.total:
        return "Total" if place == 0 else ""
    return number(sum(float(row[place] or 0) for row in table.rows), column.decimals or 0)


def _cell(cell: str | float | None, column: TableColumn) -> str:
    if isinstance(cell, str):
        return cell
    if cell is None:
        return "—" if column.decimals is not None else ""
    return number(cell, column.decimals) if column.decimals is not None else short(cell)


def _axis(at: Sequence[float]) -> list[dict[str, Any]]:
    return [{"at": (tick - at[0]) / (at[-1] - at[0]), "label": short(tick)} for tick in at]


def _bars(chart: Bars) -> dict[str, Any]:
    bars = sorted(chart.bars, key=lambda bar: -bar.value) if chart.is_pareto else list(chart.bars)
    at = ticks([bar.value for bar in bars] + ([chart.limit] if chart.limit is not None else []), from_zero=True)
    total = sum(bar.value for bar in bars)
    running = [share / total if total else 0.0 for share in accumulate(bar.value for bar in bars)]
    every = max(1, -(-len(bars) // LABELLED_MAX))
    return {
        "kind": chart.kind, "title": chart.title, "unit": chart.unit, "ticks": _axis(at), "is_pareto": chart.is_pareto,
        "bars": [
            {
                "label": bar.label if place % every == 0 else "", "share": bar.value / at[-1],
                "value": short(round(bar.value, 2)),
            }
            for place, bar in enumerate(bars)
        ],
        "running": running if chart.is_pareto else [],
        "limit": chart.limit / at[-1] if chart.limit is not None else None,
        "limit_label": chart.limit_label,
    }  # fmt: skip


def _lines(chart: Lines) -> dict[str, Any]:
    known = [value for series in chart.series for value in series.values if value is not None]
    at = ticks(known, from_zero=False)
    last = max(1, len(chart.labels) - 1)
    every = max(1, -(-len(chart.labels) // LABELLED_MAX))
    return {
        "kind": chart.kind, "title": chart.title, "unit": chart.unit, "ticks": _axis(at),
        "labels": [
            {"at": place / last, "label": label} for place, label in enumerate(chart.labels) if place % every == 0
        ],
        "series": [
            {"name": series.name, "parts": _unbroken(series.values, at, last)} for series in chart.series
        ],
    }  # fmt: skip


def _unbroken(values: Sequence[float | None], at: Sequence[float], last: int) -> list[list[list[float]]]:
    """Return the stretches of a line between its gaps, as places right and up."""
    parts: list[list[list[float]]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            parts.append([])
        else:
            parts[-1].append([place / last, (value - at[0]) / (at[-1] - at[0])])
    return [part for part in parts if part]


def _waterfall(chart: Waterfall) -> dict[str, Any]:
    edges, stands = [], 0.0
    for step in chart.steps:
        before = 0.0 if step.is_total else stands
        stands = step.value if step.is_total else stands + step.value
        edges.append((before, stands))
    at = ticks([edge for pair in edges for edge in pair], from_zero=True)
    span = at[-1] - at[0]
    return {
        "kind": chart.kind, "title": chart.title, "unit": chart.unit, "ticks": _axis(at),
        "steps": [
            {
                "label": step.label, "value": short(round(step.value, 2)), "is_total": step.is_total,
                "low": (min(pair) - at[0]) / span, "high": (max(pair) - at[0]) / span, "end": (pair[1] - at[0]) / span,
            }
            for step, pair in zip(chart.steps, edges, strict=True)
        ],
    }  # fmt: skip
