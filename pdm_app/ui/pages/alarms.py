"""Active alarms, the journal, what is silent, the rules, and the figures of alarm management."""

import reflex as rx

from pdm_app.domain.alarms import JournalEntry, JournalKind
from pdm_app.domain.maintenance_events import NO_PRIORITY
from pdm_app.domain.self_alarms import SYSTEM_ID
from pdm_app.ui.messages import text
from pdm_app.ui.shell import empty, head, page, simulated_chip
from pdm_app.ui.states.journal import Journal
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.alarm_kpi import alarm_kpi
from pdm_app.ui.widgets.alarm_list import alarm_list
from pdm_app.ui.widgets.alarm_master import alarm_master
from pdm_app.ui.widgets.alarm_shelf import alarm_shelf
from pdm_app.ui.widgets.asset_code import asset_code
from pdm_app.ui.widgets.journal_export import journal_export
from pdm_app.ui.widgets.journal_trend import journal_trend
from pdm_app.ui.widgets.moment import moment
from pdm_app.ui.widgets.priority_shape import priority_shape
from pdm_app.ui.widgets.quantity import exact

PRIORITIES = (1, 2, 3, 4)
KINDS = tuple(str(kind) for kind in JournalKind)
VIEWS = (
    ("alarms.active", "/alarms"),
    ("alarms.journal", "/alarms/history"),
    ("alarms.shelf", "/alarms/shelf"),
    ("alarms.rules", "/alarms/rules"),
    ("alarms.kpi", "/alarms/kpi"),
)


def _views(current: str) -> rx.Component:
    return rx.el.nav(
        *(
            rx.el.a(text(key), href=href, class_name="segment", **({"aria_current": "page"} if key == current else {}))
            for key, href in VIEWS
        ),
        class_name="segments",
        aria_label=text("alarms.views"),
    )


def alarms() -> rx.Component:
    """What needs a person now."""
    return page(
        "nav.alarms",
        [text("nav.alarms"), text("alarms.active")],
        head(text("alarms.title"), simulated_chip(), actions=(_views("alarms.active"),)),
        alarm_list(
            may_acknowledge=Session.permissions.contains("alarms.acknowledge"),
            may_shelve=Session.permissions.contains("alarms.shelve"),
        ),
    )


def shelf() -> rx.Component:
    """What is silent now, why, and until when."""
    return page(
        "nav.alarms",
        [text("nav.alarms"), text("alarms.shelf")],
        head(text("shelf.title"), simulated_chip(), actions=(_views("alarms.shelf"),)),
        alarm_shelf(
            may_shelve=Session.permissions.contains("alarms.shelve"),
            may_service=Session.permissions.contains("alarms.service"),
        ),
    )


def rules() -> rx.Component:
    """The master alarm database."""
    return page(
        "nav.alarms",
        [text("nav.alarms"), text("alarms.rules")],
        head(text("master.title"), simulated_chip(), actions=(_views("alarms.rules"),)),
        alarm_master(may_configure=Session.permissions.contains("alarms.configure")),
    )


def figures() -> rx.Component:
    """How good the alarm system is."""
    return page(
        "nav.alarms",
        [text("nav.alarms"), text("alarms.kpi")],
        head(text("kpi.title"), simulated_chip(), actions=(_views("alarms.kpi"),)),
        alarm_kpi(),
    )


def journal() -> rx.Component:
    """What happened, newest first."""
    return page(
        "nav.alarms",
        [text("nav.alarms"), text("alarms.journal")],
        head(text("journal.title"), simulated_chip(), actions=(_views("alarms.journal"),)),
        rx.el.div(
            _filters(),
            rx.cond(
                Session.permissions.contains("history.export"),
                journal_export(
                    text=Journal.text,
                    kind=Journal.kind,
                    priority=Journal.priority,
                    since=Journal.since,
                    until=Journal.until,
                    start_at=Journal.start_at,
                    end_at=Journal.end_at,
                ),
            ),
            class_name="journal-tools",
        ),
        rx.cond(
            Journal.entries.length() > 0,
            rx.el.section(
                rx.el.div(
                    rx.el.table(
                        rx.el.thead(
                            rx.el.tr(
                                rx.el.th(text("journal.when")),
                                rx.el.th(text("journal.priority")),
                                rx.el.th(text("journal.asset")),
                                rx.el.th(text("journal.alarm")),
                                rx.el.th(text("journal.what")),
                                rx.el.th(text("journal.value"), class_name="right"),
                                rx.el.th(text("asset.limit"), class_name="right"),
                                rx.el.th(text("journal.who")),
                                rx.el.th(text("journal.comment")),
                                rx.el.th(rx.el.span(text("journal.trend"), class_name="visually-hidden")),
                            )
                        ),
                        rx.el.tbody(rx.foreach(Journal.entries, _entry)),
                        class_name="table journal",
                    ),
                    class_name="table-scroll",
                ),
                rx.cond(
                    Journal.cursor != "",
                    rx.el.button(text("journal.more"), on_click=Journal.more, class_name="button", type="button"),
                ),
                rx.cond(
                    Journal.is_cut,
                    rx.el.p(text("journal.cut", count=Journal.entries.length()), class_name="muted", role="status"),
                ),
                class_name="card",
            ),
            rx.cond(Journal.is_loaded, empty("journal.empty", "journal.empty_hint")),
        ),
    )


def _entry(entry: rx.Var[JournalEntry]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(moment(at=entry.at, time_zone=Session.time_zone), class_name="nowrap"),
        rx.el.td(
            rx.cond(
                entry.priority == NO_PRIORITY,
                rx.el.span(text("journal.event"), class_name="muted"),
                priority_shape(priority=entry.priority, state="acked", size=18),
            )
        ),
        rx.el.td(asset_code(asset_id=entry.asset_id)),
        rx.el.td(entry.name),
        rx.el.td(text("journal.kind", kind=entry.kind)),
        rx.el.td(rx.cond(entry.value.is_not_none(), exact(entry.value, 3), ""), class_name="right"),
        rx.el.td(rx.cond(entry.limit.is_not_none(), exact(entry.limit, 3), ""), class_name="right"),
        rx.el.td(entry.actor),
        rx.el.td(entry.comment),
        rx.el.td(
            rx.cond(
                (entry.priority == NO_PRIORITY) | (entry.asset_id == SYSTEM_ID),
                "",
                journal_trend(
                    entry_id=entry.id,
                    asset_id=entry.asset_id,
                    rule_id=entry.rule_id,
                    name=entry.name,
                    at=entry.at,
                    limit=entry.limit,
                ),
            )
        ),
    )


def _day(name: str, label: rx.Var[str], value: rx.Var[str]) -> rx.Component:
    return rx.el.label(
        rx.el.span(label),
        rx.el.input(name=name, type="date", default_value=value, class_name="input"),
        class_name="filter-day",
    )


def _filters() -> rx.Component:
    return rx.el.form(
        rx.el.input(
            name="text", default_value=Journal.text, placeholder=text("journal.search"), class_name="input",
            aria_label=text("journal.search"),
        ),
        rx.el.select(
            rx.el.option(text("journal.every_kind"), value=""),
            *(rx.el.option(text("journal.kind", kind=kind), value=kind) for kind in KINDS),
            name="kind", class_name="input", aria_label=text("journal.what"),
        ),
        rx.el.select(
            rx.el.option(text("journal.every_priority"), value=""),
            *(rx.el.option(text("journal.one_priority", priority=number), value=str(number)) for number in PRIORITIES),
            name="priority", class_name="input", aria_label=text("journal.priority"),
        ),
        _day("since", text("journal.since"), Journal.since),
        _day("until", text("journal.until"), Journal.until),
        rx.el.button(text("journal.apply"), type="submit", class_name="button"),
        on_submit=Journal.search,
        class_name="filters",
    )  # fmt: skip
