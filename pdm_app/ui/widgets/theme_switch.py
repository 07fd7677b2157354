"""Light, dark, or as the system has it."""

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class ThemeSwitch(Widget):
    """Kept in this browser; works before sign-in too."""

    library = module("theme_switch.jsx")
    tag = "ThemeSwitch"


theme_switch = ThemeSwitch.create
