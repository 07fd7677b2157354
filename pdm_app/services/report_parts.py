"""The pieces of reports: what services know, as blocks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite
from zoneinfo import ZoneInfo

from pdm_app.domain.alarm_figures import DAY, HOUR, AlarmFigure, AlarmScorecard
from pdm_app.domain.alarms import Alarm, JournalEntry
from pdm_app.domain.annotations import Annotation
from pdm_app.domain.audit import AuditEntry
from pdm_app.domain.report_blocks import (
    Bar,
    Bars,
    Figure,
    FigureRow,
    Heading,
    Paragraph,
    ReportBlock,
    SignatureLine,
    Table,
    TableColumn,
    Tone,
)
from pdm_app.domain.report_periods import wall_words
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.wall_clock import on_wall

BY_HOUR_UP_TO = 3 * DAY  # Of longer spans each bar is a day: a week of hours is a comb.
LABEL_MAX = 300
PERCENT = 100.0
FIGURES: dict[str, tuple[str, str, float]] = {
    "per_day": ("Alarms per day", "", 1),
    "per_hour": ("Alarms per hour", "", 1),
    "per_ten_minutes": ("Per ten minutes", "", 1),
    "busy_hours": ("Hours with more than 30", "%", PERCENT),
    "busy_periods": ("Ten minutes with more than 10", "%", PERCENT),
    "most_in_ten_minutes": ("Most in ten minutes", "", 1),
    "in_flood": ("Time in floods", "%", PERCENT),
    "top_ten": ("Share of the top ten", "%", PERCENT),
    "chattering": ("Chattering rules", "", 1),
    "fleeting": ("Fleeting alarms", "", 1),
    "stale": ("Stale on the worst day", "", 1),
    "unapproved": ("Changed and not approved", "", 1),
}
TONES: dict[str, Tone] = {"good": "good", "manageable": "caution", "over": "bad", "unknown": "plain"}
PRIORITIES = {1: "1 critical", 2: "2 high", 3: "3 medium", 4: "4 low"}
ADVICE = {
    "chattering": "chatters: widen the deadband or delay it",
    "fleeting": "fleets: delay it",
    "stale": "stands for days: repair the cause or suppress by design",
    "frequent": "frequent: find the cause",
}
SOURCE = "Targets after ANSI/ISA-18.2-2016, clause 16, and EEMUA 191. Only annunciations count."


def words_of(text: str) -> str:
    """Cut what is too long for a cell; people see that there was more."""
    flat = " ".join(text.split())
    return flat if len(flat) <= LABEL_MAX else f"{flat[: LABEL_MAX - 1]}…"


def alarm_figures(card: AlarmScorecard, begins_at: int, zone: ZoneInfo) -> list[ReportBlock]:
    """Return the figures with their targets; ``begins_at`` is from when on somebody asked for them."""
    blocks: list[ReportBlock] = [
        Heading(text="How good the alarm system is"),
        FigureRow(
            figures=(
                Figure(label="Alarms in the period", value=float(card.annunciated), decimals=0),
                *(_figure(figure) for figure in card.figures if figure.key in FIGURES),
            )
        ),
        Paragraph(text=SOURCE, is_note=True),
    ]
    if card.start_at > begins_at + HOUR:
        words = f"What happened before {wall_words(card.start_at, zone)} is not known; figures are of the time since."
        blocks.append(Paragraph(text=words, is_note=True))
    if card.is_cut:
        blocks.append(Paragraph(text="There was more than is counted here; only the newest part is.", is_note=True))
    return blocks


def is_unknown(card: AlarmScorecard, begins_at: int) -> bool:
    """Whether the journal begins only when the time that was asked for is over: no figure is better than zeros."""
    return card.end_at - card.start_at < HOUR < card.end_at - begins_at


def unknown_time() -> ReportBlock:
    return Paragraph(text="What happened in this time is not known: the journal of alarms begins later.")


def _figure(figure: AlarmFigure) -> Figure:
    label, unit, times = FIGURES[figure.key]
    value = None if figure.value is None else figure.value * times
    whole = value is None or value == round(value)
    target = f"{figure.target * times:g} {unit}".strip()
    return Figure(
        label=label, value=value, unit=unit, decimals=0 if whole else 1, note=f"target ≤ {target}",
        tone=TONES[figure.rating],
    )  # fmt: skip


def alarm_load(card: AlarmScorecard, zone: ZoneInfo) -> list[ReportBlock]:
    """Return the load over the time: by hour up to three days, else by day of the wall."""
    if card.end_at - card.start_at <= BY_HOUR_UP_TO:
        hours = tuple(
            Bar(label=on_wall(card.start_at + place * HOUR, zone).strftime("%a %H:%M"), value=count)
            for place, count in enumerate(card.per_hour)
        )
        return [Bars(title="Alarms per hour", bars=hours, limit=6, limit_label="target: 6 an hour")]
    days: Counter[str] = Counter()
    for place, count in enumerate(card.per_hour):
        days[on_wall(card.start_at + place * HOUR, zone).strftime("%a %d %b")] += count
    bars = tuple(Bar(label=day, value=count) for day, count in days.items())
    return [Bars(title="Alarms per day", bars=bars, limit=150, limit_label="target: 150 a day")]


def alarm_priorities(card: AlarmScorecard) -> list[ReportBlock]:
    columns = (
        TableColumn(title="Priority", width=4),
        TableColumn(title="Alarms", decimals=0, total="sum"),
        TableColumn(title="Share", unit="%", decimals=1),
        TableColumn(title="Target", unit="%", decimals=0),
    )
    rows = tuple(
        (PRIORITIES[each.priority], float(each.count), each.share * PERCENT, each.target * PERCENT)
        for each in card.priorities
    )
    return [Table(title="Priorities", columns=columns, rows=rows)]


def bad_actors(card: AlarmScorecard, rules: Mapping[str, str]) -> list[ReportBlock]:
    """Return the rules that make most of the load; ``rules`` has their names by id."""
    names = [words_of(rules.get(actor.rule_id, "a rule that is gone")) for actor in card.bad_actors]
    columns = (
        TableColumn(title="Alarm", width=6),
        TableColumn(title="Alarms", decimals=0, total="sum"),
        TableColumn(title="Share", unit="%", decimals=1),
        TableColumn(title="What to do first", width=5),
    )
    rows = tuple(
        (name, float(actor.count), actor.share * PERCENT, ADVICE[actor.advice])
        for name, actor in zip(names, card.bad_actors, strict=True)
    )
    bars = tuple(
        Bar(label=name, value=actor.count) for name, actor in zip(names, card.bad_actors, strict=True) if actor.count
    )
    found: list[ReportBlock] = [Heading(text="Bad actors")]
    if bars:
        found.append(Bars(title="Most frequent alarms", unit="alarms", bars=bars, is_pareto=True))
    found.append(Table(title="What makes the load", columns=columns, rows=rows, empty="No alarm was raised."))
    return found


def standing_alarms(alarms: Sequence[Alarm], assets: Mapping[str, str], zone: ZoneInfo) -> list[ReportBlock]:
    columns = (
        TableColumn(title="Priority", width=2),
        TableColumn(title="Since", width=3),
        TableColumn(title="Machine", width=3),
        TableColumn(title="Alarm", width=5),
        TableColumn(title="State", width=3),
    )
    rows = tuple(
        (
            PRIORITIES[alarm.priority], wall_words(alarm.raised_at, zone), words_of(assets.get(alarm.asset_id, "")),
            words_of(alarm.name), alarm.state.name.lower().replace("_", " "),
        )
        for alarm in alarms
    )  # fmt: skip
    return [Table(title="Standing when this was made", columns=columns, rows=rows, empty="No alarm stands.")]


def shelved_alarms(alarms: Sequence[Alarm], assets: Mapping[str, str], zone: ZoneInfo) -> list[ReportBlock]:
    columns = (
        TableColumn(title="Machine", width=3),
        TableColumn(title="Alarm", width=4),
        TableColumn(title="Kept silent by", width=2),
        TableColumn(title="Until", width=3),
        TableColumn(title="Why", width=4),
    )
    rows = tuple(
        (
            words_of(assets.get(alarm.asset_id, "")), words_of(alarm.name), alarm.held_by or alarm.suppressed_by,
            wall_words(alarm.shelved_until, zone) if alarm.shelved_until is not None else "",
            words_of(alarm.hold_reason or alarm.permit),
        )
        for alarm in alarms
    )  # fmt: skip
    return [Table(title="Kept silent", columns=columns, rows=rows, empty="No alarm is kept silent.")]


def alarm_journal(
    entries: Sequence[JournalEntry], assets: Mapping[str, str], zone: ZoneInfo, *, is_cut: bool
) -> list[ReportBlock]:
    """Return what happened, oldest first."""
    columns = (
        TableColumn(title="Time", width=3),
        TableColumn(title="Priority", width=2),
        TableColumn(title="Machine", width=3),
        TableColumn(title="Alarm", width=4),
        TableColumn(title="What happened", width=2),
        TableColumn(title="Value", decimals=2),
        TableColumn(title="Who and why", width=4),
    )
    rows = tuple(
        (
            wall_words(entry.at, zone), PRIORITIES[entry.priority], words_of(assets.get(entry.asset_id, "")),
            words_of(entry.name), entry.kind.value.replace("_", " "), _finite(entry.value),
            words_of(f"{entry.actor}: {entry.comment}" if entry.comment else entry.actor),
        )
        for entry in entries
    )  # fmt: skip
    blocks: list[ReportBlock] = [
        Heading(text="What happened"),
        Table(title="Alarm journal", columns=columns, rows=rows, empty="Nothing happened."),
    ]
    if is_cut:
        blocks.append(Paragraph(text="The journal of this time is longer; its newest part is shown.", is_note=True))
    return blocks


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None


def notes(found: Sequence[Annotation], assets: Mapping[str, str], zone: ZoneInfo) -> list[ReportBlock]:
    columns = (
        TableColumn(title="Time", width=3),
        TableColumn(title="Machine", width=3),
        TableColumn(title="Note", width=7),
        TableColumn(title="Written by", width=2),
    )
    rows = tuple(
        (wall_words(note.start_at, zone), words_of(assets.get(note.asset_id, "")), words_of(note.words), note.author)
        for note in found
    )
    return [Table(title="Notes on machines", columns=columns, rows=rows, empty="Nobody wrote a note.")]


def audit_trail(entries: Sequence[AuditEntry], zone: ZoneInfo, *, is_cut: bool) -> list[ReportBlock]:
    """Return who changed what, oldest first, with the hash by which the last entry can be held against the trail."""
    columns = (
        TableColumn(title="No.", decimals=0),
        TableColumn(title="Time", width=3),
        TableColumn(title="Who", width=2),
        TableColumn(title="What", width=3),
        TableColumn(title="Thing", width=3),
        TableColumn(title="Why", width=3),
    )
    rows = tuple(
        (
            float(entry.seq), wall_words(entry.at, zone), words_of(entry.actor), entry.action, words_of(entry.name),
            words_of(entry.reason),
        )
        for entry in entries
    )  # fmt: skip
    blocks: list[ReportBlock] = [Table(title="Changes", columns=columns, rows=rows, empty="Nothing was changed.")]
    if is_cut:
        blocks.append(Paragraph(text="More was changed in this time; the newest part is shown.", is_note=True))
    if entries:
        words = f"Entry {entries[-1].seq} of the trail has the SHA-256 {entries[-1].hash}."
        blocks.append(Paragraph(text=words, is_note=True))
    return blocks


def signatures() -> list[ReportBlock]:
    return [SignatureLine(labels=("Handed over by, date", "Taken over by, date"))]


def made_words(at: int, zone: ZoneInfo, name: str) -> str:
    """Say when and for whom a report was made."""
    return f"Made {wall_words(at // MICROS_PER_S * MICROS_PER_S, zone)} {zone.key} for {name}"
