"""The time at the site, on the server's clock."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class Clock(Widget):
    """Time and zone; all times that other widgets of the page write are in this zone too."""

    library = module("top_bar.jsx")
    tag = "Clock"

    time_zone: rx.Var[str]
    """IANA name, such as ``Europe/Vienna``."""


clock = Clock.create
