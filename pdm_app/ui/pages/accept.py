"""An invitation, or a link for a new password."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.pages.login import entrance_page
from pdm_app.ui.widgets.people import accept_form


def accept() -> rx.Component:
    """Opened by a one-time link; the form finds its token behind the ``#``."""
    return entrance_page(
        rx.el.section(rx.el.h1(text("accept.title")), accept_form(), class_name="card entrance-card"),
    )
