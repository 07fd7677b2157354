"""Where history is kept, how it grows, and how long it stays."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.settings import settings_page
from pdm_app.ui.shell import head
from pdm_app.ui.widgets.storage import storage_page


def storage() -> rx.Component:
    """Figures of database, files and disk, and the rules of retention."""
    return settings_page("/settings/storage", _head(), storage_page())


def _head() -> rx.Component:
    rules = rx.el.a(text("storage_rules.title"), href="/storage/rules", class_name="button")
    return head(text("storage.title"), actions=(rules,))
