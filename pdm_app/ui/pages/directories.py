"""Sign-in with the company's own directories: what is set, whether it works, and who would be whom."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.settings import settings_page
from pdm_app.ui.shell import head
from pdm_app.ui.widgets.directories import directory_cards


def directories() -> rx.Component:
    """One card per directory."""
    return settings_page(
        "/settings/sign-in",
        head(text("directories.title")),
        rx.el.p(text("directories.about"), class_name="muted directories-about"),
        rx.el.div(directory_cards(), class_name="stack"),
    )
