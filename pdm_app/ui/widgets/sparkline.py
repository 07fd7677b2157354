"""The last hour of a signal as one line over its normal band."""

from typing import Any

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class Sparkline(Widget):
    """As wide as its place, ``height`` pixels high; all sparklines of a page share one query."""

    library = module("sparkline.jsx")
    tag = "Sparkline"

    signal: rx.Var[Any]
    height: rx.Var[int] = rx.Var.create(56)
    span_s: rx.Var[int] = rx.Var.create(3600)


sparkline = Sparkline.create
