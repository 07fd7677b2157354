"""What the demo's notices would have sent."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.settings import settings_page
from pdm_app.ui.shell import head
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.inbox import inbox_widget


def inbox() -> rx.Component:
    """The messages, newest first."""
    return settings_page(
        "/settings/inbox",
        head(text("inbox.title")),
        inbox_widget(may_clear=Session.permissions.contains("settings.write")),
    )
