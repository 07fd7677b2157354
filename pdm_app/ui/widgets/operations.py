"""The home of those who lead a plant."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class Operations(Widget):
    """Lines against target and week before, what losses cost, what is at risk, and whether alarms are calm."""

    library = module("operations.jsx")
    tag = "Operations"

    site_id: rx.Var[str]


operations_widget = Operations.create
