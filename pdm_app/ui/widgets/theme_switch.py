"""Light, dark, or as the system has it."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class ThemeSwitch(Widget):
    """Kept in this browser, before sign-in too; with ``keep`` also in the account of whoever is signed in."""

    library = module("theme_switch.jsx")
    tag = "ThemeSwitch"

    keep: rx.Var[bool]


theme_switch = ThemeSwitch.create
