"""Health of the site's machines: ranked, what stood out, and the models that say so."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.shell import empty, head, page, simulated_chip
from pdm_app.ui.states.fleet import AnomalyLine, Fleet, FleetLine, ModelLine
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.models import copilot
from pdm_app.ui.widgets.moment import moment


def health() -> rx.Component:
    """The worst machine first; below it the log of anomalies and the models."""
    return page(
        "nav.health",
        [text("health.title")],
        head(
            text("health.title"),
            simulated_chip(),
            actions=(
                copilot(rights=Session.permissions),
                rx.cond(
                    Session.permissions.contains("models.train"),
                    rx.el.a(text("health.train"), href="/models/train", class_name="button button-primary"),
                ),
            ),
        ),
        rx.cond(
            Fleet.machines.length() > 0,
            _table(
                "health.machines",
                ("machine", "health", "life", "waiting", "contributors", "judged"),
                rx.foreach(Fleet.machines, _machine),
            ),
            rx.cond(Fleet.is_loaded, empty("health.empty", "health.empty_hint")),
        ),
        rx.cond(
            Fleet.anomalies.length() > 0,
            _table("health.anomalies", ("machine", "began", "ended", "peak"), rx.foreach(Fleet.anomalies, _anomaly)),
        ),
        rx.cond(
            Fleet.models.length() > 0,
            _table(
                "health.models",
                ("machine", "model", "state", "learned", "false_alarms", "signals"),
                rx.foreach(Fleet.models, _model),
            ),
        ),
    )


def _table(title: str, columns: tuple[str, ...], rows: rx.Component) -> rx.Component:
    return rx.el.section(
        rx.el.h2(text(title)),
        rx.el.div(
            rx.el.table(
                rx.el.thead(rx.el.tr(*(rx.el.th(text(f"health.{column}"), scope="col") for column in columns))),
                rx.el.tbody(rows),
                class_name="table journal",
            ),
            class_name="table-scroll",
            tab_index=0,
            role="region",
            aria_label=text(title),
        ),
        class_name="card",
    )


def _asset(asset_id: rx.Var[str], code: rx.Var[str]) -> rx.Component:
    return rx.el.a(rx.el.code(code), href=f"/asset/{asset_id}")


def _machine(line: rx.Var[FleetLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(_asset(line.asset_id, line.code), rx.el.div(line.name, class_name="muted")),
        rx.el.td(
            rx.match(
                line.verdict,
                ("judged", rx.fragment(rx.el.strong(line.health), rx.el.span(" / 100", class_name="muted"))),
                ("stopped", rx.el.span(text("health.verdict_stopped"))),
                ("no_data", rx.el.span(text("health.verdict_no_data"))),
                ("faulty", rx.el.span(text("health.verdict_faulty"), " ", line.problem)),
                rx.el.span(text("health.verdict_waiting")),
            ),
            rx.cond(line.is_unusual, rx.el.div(rx.el.strong(text("health.unusual", score=line.score)))),
            rx.cond(
                (line.score != "") & ~line.is_unusual,
                rx.el.div(text("health.score", score=line.score), class_name="muted"),
            ),
        ),
        rx.el.td(
            rx.match(
                line.life_state,
                (
                    "known",
                    rx.fragment(
                        rx.el.strong(text("health.days", days=line.life)),
                        rx.el.div(text("health.range", range=line.life_range), class_name="muted"),
                        rx.el.div(text("health.limit", limit=line.life_limit), class_name="muted"),
                    ),
                ),
                ("not_enough_trend", rx.el.span(text("health.not_enough_trend"))),
                ("too_few_readings", rx.el.span(text("health.too_few_readings"))),
                ("beyond_horizon", rx.el.span(text("health.beyond_horizon"))),
                rx.el.span("–"),
            )
        ),
        rx.el.td(rx.cond(line.cost != "", line.cost, "–")),
        rx.el.td(rx.cond(line.contributors != "", line.contributors, "–")),
        rx.el.td(moment(at=line.judged_until, time_zone=Session.time_zone)),
    )


def _anomaly(line: rx.Var[AnomalyLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(_asset(line.asset_id, line.code)),
        rx.el.td(moment(at=line.begin_at, time_zone=Session.time_zone)),
        rx.el.td(rx.cond(line.goes_on, text("health.goes_on"), moment(at=line.end_at, time_zone=Session.time_zone))),
        rx.el.td(line.peak),
    )


def _model(line: rx.Var[ModelLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(rx.el.code(line.code)),
        rx.el.td(
            rx.el.a(line.name, href=f"/models/{line.model_id}", class_name="link"),
            rx.el.div(text("health.version", number=line.number, detector=line.detector), class_name="muted"),
            rx.el.div(rx.el.code(line.graph), class_name="muted"),
        ),
        rx.el.td(
            rx.match(
                line.state,
                ("champion", rx.el.span(text("health.state_champion"))),
                ("shadow", rx.el.span(text("health.state_shadow"))),
                rx.el.span(text("health.state_candidate")),
            )
        ),
        rx.el.td(
            text("health.rows", rows=line.rows),
            rx.el.div(moment(at=line.trained_until, time_zone=Session.time_zone), class_name="muted"),
        ),
        rx.el.td(rx.cond(line.false_per_month != "", line.false_per_month, "–")),
        rx.el.td(line.signals),
    )
