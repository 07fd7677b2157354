"""The settings of the installation, and the banner that says what of them waits for the next start."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class SettingsPage(Widget):
    """All settings with their history and their file. Without ``may_write`` nothing can be changed."""

    library = module("settings_page.jsx")
    tag = "SettingsPage"

    may_write: rx.Var[bool]


class SettingsBanner(Widget):
    """Nothing while every setting is in force."""

    library = module("settings_banner.jsx")
    tag = "SettingsBanner"


settings_cards = SettingsPage.create
settings_banner = SettingsBanner.create
