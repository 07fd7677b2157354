"""About this system: is it sound, and what is it."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.settings import settings_page
from pdm_app.ui.shell import card_head, head, icon
from pdm_app.ui.states.health import SystemHealth
from pdm_app.ui.widgets.moment import moment
from pdm_app.ui.widgets.quantity import number, quantity, size


def about() -> rx.Component:
    """Checks first, red flags on top; then versions and figures."""
    return settings_page(
        "/settings/about",
        head(
            text("about.title"),
            actions=(
                rx.el.button(text("about.again"), on_click=SystemHealth.load, class_name="button", type="button"),
            ),
        ),
        rx.el.div(_checks(), _facts(), class_name="asset-grid"),
    )


def _checks() -> rx.Component:
    return rx.el.section(
        card_head(text("about.checks")),
        rx.cond(
            SystemHealth.health,
            rx.el.ul(
                rx.foreach(
                    SystemHealth.health.checks,
                    lambda check: rx.el.li(
                        rx.cond(check.ok, icon("circle-check"), icon("circle-x")),
                        rx.el.span(
                            rx.cond(check.ok, text("about.sound"), text("about.not_sound")),
                            class_name="visually-hidden",
                        ),
                        rx.el.div(
                            rx.el.strong(text("about.check", name=check.name)),
                            rx.el.div(check.detail, class_name="muted"),
                        ),
                        class_name="check",
                        data_ok=check.ok,
                    ),
                ),
                class_name="stack",
            ),
        ),
        class_name="card",
    )


def _facts() -> rx.Component:
    info = SystemHealth.info
    return rx.el.section(
        card_head(text("about.system")),
        rx.cond(
            info,
            rx.el.dl(
                rx.el.dt(text("about.version")),
                rx.el.dd(info.version),
                rx.el.dt(text("about.started")),
                rx.el.dd(moment(at=info.started_at, time_zone=SystemHealth.time_zone)),
                rx.el.dt(text("about.database")),
                rx.el.dd(info.database),
                rx.el.dt(text("about.data_dir")),
                rx.el.dd(info.data_dir),
                rx.el.dt(text("about.recorded")),
                rx.el.dd(number(info.samples_recorded)),
                rx.el.dt(text("about.rate")),
                rx.el.dd(number(info.samples_per_s, decimals=1)),
                rx.el.dt(text("about.buffer")),
                rx.el.dd(number(info.buffer_samples)),
                rx.el.dt(text("about.dropped")),
                rx.el.dd(number(info.samples_dropped)),
                rx.el.dt(text("about.viewers")),
                rx.el.dd(number(info.viewers)),
                rx.el.dt(text("about.memory")),
                rx.el.dd(size(info.memory_bytes)),
                rx.el.dt(text("about.history_cache")),
                rx.el.dd(quantity(info.history_cache_percent, 0, "%")),
                rx.el.dt(text("about.python")),
                rx.el.dd(info.python),
                rx.el.dt(text("about.third_parties")),
                rx.el.dd(
                    rx.el.a(
                        text("about.licences"), href="/api/third-parties/licences", target="_blank", class_name="link"
                    )
                ),
                class_name="definition",
            ),
        ),
        class_name="card",
    )
