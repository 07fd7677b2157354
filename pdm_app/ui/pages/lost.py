"""What is shown at an address at which there is no page."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.pages.login import entrance_page


def lost() -> rx.Component:
    """Says so, and leads to the plant; whoever is not signed in is asked for that there."""
    return entrance_page(
        rx.el.section(
            rx.el.h1(text("lost.title")),
            rx.el.p(text("lost.why")),
            rx.el.a(text("lost.home"), href="/", class_name="button"),
            class_name="card entrance-card",
        ),
    )
