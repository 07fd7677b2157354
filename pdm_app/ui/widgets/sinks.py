"""Where copies of samples go."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class Sinks(Widget):
    """Sinks of a site with their state, and the form of one."""

    library = module("sinks.jsx")
    tag = "Sinks"

    site_id: rx.Var[str]


sinks_list = Sinks.create
