"""Who is told of alarms, and what became of it."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class Notices(Widget):
    """Channels, routes, contacts and the log of what was handed over."""

    library = module("notices.jsx")
    tag = "Notices"

    site_id: rx.Var[str]
    may_configure_people: rx.Var[bool]
    may_set: rx.Var[bool]


notices_widget = Notices.create
