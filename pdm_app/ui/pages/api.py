"""The API: what programs can call, tried here first."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.settings import settings_page
from pdm_app.ui.shell import head
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.api_explorer import api_explorer


def api() -> rx.Component:
    """All procedures as a list to search, and one of them with its form, its answer and its code."""
    return settings_page(
        "/settings/api",
        head(text("nav.api")),
        api_explorer(permissions=Session.permissions, is_known=Session.username != ""),
    )
