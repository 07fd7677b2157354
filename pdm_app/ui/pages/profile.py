"""One's own account."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.settings import settings_page
from pdm_app.ui.shell import NAVIGATION, head
from pdm_app.ui.widgets.people import profile_cards


def profile() -> rx.Component:
    """Password, second factor, sessions, and how the pages look."""
    homes = [{"path": entry.href, "name": text(entry.key)} for entry in NAVIGATION]
    return settings_page("/settings/profile", head(text("profile.title")), profile_cards(homes=homes))
