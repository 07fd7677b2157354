"""The audit trail: who changed what, and whether the chain is whole."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.settings import settings_page
from pdm_app.ui.shell import empty, head
from pdm_app.ui.states.audit import Audit, AuditLine, FieldChange
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.access import audit_check
from pdm_app.ui.widgets.moment import moment

EXPORT = "/api/audit/export"


def audit() -> rx.Component:
    """Filters, entries newest first with what each changed, an export of the same, and the check of the chain."""
    return settings_page(
        "/settings/audit",
        head(text("audit.title"), actions=(_export("csv"), _export("jsonl"))),
        audit_check(),
        _filters(),
        rx.cond(
            Audit.lines.length() > 0,
            rx.el.section(
                rx.el.div(
                    rx.el.table(
                        rx.el.thead(
                            rx.el.tr(
                                *(
                                    rx.el.th(text(f"audit.{column}"), scope="col")
                                    for column in ("when", "who", "what", "thing", "change", "proof")
                                )
                            )
                        ),
                        rx.el.tbody(rx.foreach(Audit.lines, _line)),
                        class_name="table journal audit",
                    ),
                    class_name="table-scroll",
                    tab_index=0,
                    role="region",
                    aria_label=text("audit.title"),
                ),
                rx.cond(
                    Audit.cursor > 0,
                    rx.el.button(text("audit.more"), on_click=Audit.more, class_name="button", type="button"),
                ),
                rx.cond(
                    Audit.is_cut,
                    rx.el.p(text("audit.cut", count=Audit.lines.length()), class_name="muted", role="status"),
                ),
                class_name="card",
            ),
            rx.cond(Audit.is_loaded, empty("audit.empty", "audit.empty_hint")),
        ),
    )


def _export(written_as: str) -> rx.Component:
    return rx.el.a(
        text(f"audit.export_{written_as}"),
        href=f"{EXPORT}?format={written_as}&" + Audit.export_query,
        download="",
        class_name="button",
        custom_attrs={"reloadDocument": True},  # A file, not a page of this application.
    )


def _line(line: rx.Var[AuditLine]) -> rx.Component:
    entry = line.entry
    return rx.el.tr(
        rx.el.td(moment(at=entry.at, time_zone=Session.time_zone), class_name="nowrap"),
        rx.el.td(
            rx.el.strong(entry.actor),
            rx.cond(entry.role != "", rx.el.div(entry.role, class_name="muted"), rx.el.div(text("audit.stranger"))),
        ),
        rx.el.td(rx.el.code(entry.action)),
        rx.el.td(rx.el.strong(entry.name), rx.el.div(entry.subject, class_name="muted")),
        rx.el.td(
            rx.el.ul(rx.foreach(line.changes, _change), class_name="changes"),
            rx.cond(line.left_out > 0, rx.el.div(text("audit.left_out", count=line.left_out), class_name="muted")),
            rx.cond(entry.reason != "", rx.el.div(text("audit.reason", reason=entry.reason))),
        ),
        rx.el.td(
            rx.el.details(
                rx.el.summary(text("audit.number", seq=entry.seq)),
                rx.el.dl(
                    *_fact("audit.address", entry.address),
                    *_fact("audit.request", entry.correlation_id),
                    *_fact("audit.session", entry.session_id),
                    *_fact("audit.thing_id", entry.subject_id),
                    *_fact("audit.hash", entry.hash),
                    *_fact("audit.previous", entry.previous),
                    class_name="definition wraps",
                ),
            )
        ),
    )


def _change(change: rx.Var[FieldChange]) -> rx.Component:
    return rx.el.li(
        rx.el.span(change.field, class_name="muted"),
        " ",
        rx.cond(change.before != "", rx.el.s(change.before)),
        rx.cond((change.before != "") & (change.after != ""), rx.el.span(" → ", aria_hidden="true")),
        rx.cond(change.after != "", rx.el.ins(change.after)),
        class_name="wraps",
    )


def _fact(key: str, value: rx.Var[str]) -> tuple[rx.Component, rx.Component]:
    return rx.el.dt(text(key)), rx.el.dd(rx.cond(value != "", value, "–"))


def _filters() -> rx.Component:
    return rx.el.form(
        rx.el.input(
            name="text", default_value=Audit.text, placeholder=text("audit.search"), class_name="input",
            aria_label=text("audit.search"), max_length=120,
        ),
        rx.el.input(
            name="actor", default_value=Audit.actor, placeholder=text("audit.who"), class_name="input",
            aria_label=text("audit.who"), max_length=120,
        ),
        rx.el.input(
            name="action", default_value=Audit.action, placeholder=text("audit.what_hint"), class_name="input",
            aria_label=text("audit.what"), max_length=80,
        ),
        rx.el.select(
            rx.el.option(text("audit.every_site"), value=""),
            rx.foreach(Session.sites, lambda site: rx.el.option(site.name, value=site.id)),
            name="site", class_name="input", aria_label=text("audit.site"),
        ),
        rx.el.label(text("audit.from_day"), rx.el.input(name="from_day", type="date", class_name="input")),
        rx.el.label(text("audit.to_day"), rx.el.input(name="to_day", type="date", class_name="input")),
        rx.el.button(text("audit.apply"), type="submit", class_name="button"),
        on_submit=Audit.search,
        class_name="filters audit-filters",
    )  # fmt: skip
