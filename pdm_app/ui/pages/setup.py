"""The first-run chooser: what to start with, and who the first admin is."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.pages.login import entrance_page
from pdm_app.ui.states.entrance import Entrance
from pdm_app.ui.widgets.sign_in import setup_form


def setup() -> rx.Component:
    """Opened by the one-time link of the first start."""
    return entrance_page(
        rx.cond(
            Entrance.is_ready,
            rx.cond(
                Entrance.link_is_good,
                rx.el.section(
                    rx.el.h1(text("setup.title")),
                    rx.el.p(text("setup.hint"), class_name="muted"),
                    setup_form(token=Entrance.token, choices=Entrance.choices),
                    class_name="card entrance-card wide",
                ),
                rx.el.section(
                    rx.cond(
                        Entrance.needs_setup,
                        rx.fragment(
                            rx.el.h1(text("setup.link_is_old")),
                            rx.el.p(text("setup.link_is_old_hint"), class_name="muted"),
                        ),
                        rx.fragment(
                            rx.el.h1(text("setup.is_done")), rx.el.p(text("setup.is_done_hint"), class_name="muted")
                        ),
                    ),
                    rx.el.a(text("setup.to_login"), href="/login", class_name="button button-primary"),
                    class_name="card entrance-card",
                ),
            ),
            rx.el.p(text("shell.starting"), class_name="muted"),
        ),
    )
