"""A time at the site: the hour alone today, with its date otherwise."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class Moment(Widget):
    """``at`` is in microseconds UTC."""

    library = module("parts.jsx")
    tag = "Moment"

    at: rx.Var[int]
    time_zone: rx.Var[str]


moment = Moment.create
