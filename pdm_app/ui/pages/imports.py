"""History from files of other programs, and the way back."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.settings import settings_page
from pdm_app.ui.shell import head
from pdm_app.ui.widgets.imports import imports_page


def imports() -> rx.Component:
    """Hand a file in, say what is what, try it, bring it in, take it back."""
    return settings_page("/settings/import", head(text("imports.page")), imports_page())
