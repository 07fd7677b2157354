"""Plant overview: every line of the site as one grey tile with the same skeleton, so that the eye compares."""

import reflex as rx

from pdm_app.domain.assets import Asset
from pdm_app.services.assets import LineOverview
from pdm_app.ui.messages import text
from pdm_app.ui.shell import empty, head, page, simulated_chip
from pdm_app.ui.states.plant import Plant
from pdm_app.ui.widgets.access import shared_with_me
from pdm_app.ui.widgets.alarm_badge import alarm_badge, alarm_note
from pdm_app.ui.widgets.live_value import live_value
from pdm_app.ui.widgets.machine_box import machine_box
from pdm_app.ui.widgets.plant_editors import asset_adder
from pdm_app.ui.widgets.sparkline import sparkline
from pdm_app.ui.widgets.tour import past_progress


def plant() -> rx.Component:
    """L1: all lines of the site."""
    return page(
        "nav.plant",
        [text("nav.plant")],
        head(text("plant.title"), rx.el.span(Plant.site_name, class_name="aside"), simulated_chip()),
        rx.cond(Plant.is_demo, past_progress()),
        rx.cond(
            Plant.lines.length() > 0,
            rx.el.div(rx.foreach(Plant.lines, _tile), class_name="tiles"),
            rx.cond(Plant.is_loaded, empty("plant.empty", "plant.empty_hint"), _skeletons()),
        ),
        shared_with_me(),
        level="L1",
    )


def line_page() -> rx.Component:
    """L2: the machines of one line in flow order, each with its key values."""
    return page(
        "nav.plant",
        [
            rx.el.a(text("nav.plant"), href="/plant"),
            rx.cond(Plant.line, Plant.line.line.name, text("plant.line")),
        ],
        rx.cond(
            Plant.line,
            rx.fragment(
                head(
                    Plant.line.line.name,
                    rx.el.span(Plant.line.area.name, class_name="aside"),
                    simulated_chip(),
                    rx.cond(
                        Plant.permissions.contains("assets.configure"),
                        rx.el.div(asset_adder(line_id=Plant.line.line.id), class_name="actions"),
                    ),
                ),
                rx.el.div(rx.foreach(Plant.line.assets, _machine), class_name="tiles"),
            ),
            rx.cond(Plant.is_loaded, empty("plant.no_line", "plant.no_line_hint"), _skeletons()),
        ),
        level="L2",
    )


def _tile(line: rx.Var[LineOverview]) -> rx.Component:
    return rx.el.section(
        rx.el.header(
            rx.el.h2(rx.el.a(line.line.name, href=f"/plant/{line.line.id}")),
            rx.el.span(line.area.name, class_name="aside"),
            rx.el.span(alarm_badge(line_assets=line.assets), class_name="push"),
            class_name="card-head",
        ),
        rx.el.div(
            rx.foreach(line.assets, lambda asset: machine_box(asset=asset)),
            class_name="machines",
        ),
        rx.el.div(
            rx.cond(
                line.lead,
                rx.el.div(
                    rx.el.span(line.lead.label, class_name="caption"),
                    live_value(signal=line.lead, size="big"),
                    class_name="lead",
                ),
                rx.el.div(class_name="lead"),
            ),
            rx.cond(
                line.watched,
                rx.el.div(
                    sparkline(signal=line.watched, height=56),
                    rx.el.span(line.watched.label, class_name="caption"),
                    class_name="watched",
                ),
            ),
            class_name="tile-values",
        ),
        rx.el.footer(alarm_note(line_assets=line.assets)),
        class_name="card tile",
    )


def _machine(asset: rx.Var[Asset]) -> rx.Component:
    return rx.el.section(
        rx.el.header(
            rx.el.h2(rx.el.a(asset.code, href=f"/asset/{asset.id}", class_name="code")),
            rx.el.span(asset.name, class_name="aside"),
            rx.el.span(alarm_badge(line_assets=[asset]), class_name="push"),
            class_name="card-head",
        ),
        machine_box(asset=asset),
        rx.el.footer(alarm_note(line_assets=[asset])),
        class_name="card tile",
    )


def _skeletons() -> rx.Component:
    return rx.el.div(*(rx.el.div(class_name="card tile placeholder") for _ in range(3)), class_name="tiles")
