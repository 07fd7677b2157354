"""Where history is kept, how it grows, and how long it stays."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.settings import settings_page
from pdm_app.ui.shell import head
from pdm_app.ui.widgets.storage import storage_page


def storage() -> rx.Component:
    """Figures of database, files and disk, and the rules of retention."""
    return settings_page("/settings/storage", head(text("storage.title")), storage_page())
