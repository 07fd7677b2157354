"""The trend of one signal: min-max envelope with its gaps, live tail, limits, alarm lane, zoom, table."""

from typing import Any, ClassVar

import reflex as rx

from pdm_app.ui.browser import TRPC_CLIENT, TRPC_SERVER, UPLOT, module
from pdm_app.ui.widgets.base import Widget


class Trend(Widget):
    """``height`` is that of the plot in pixels, ``span_s`` the span at first."""

    library = module("trend.jsx")
    tag = "Trend"
    lib_dependencies: ClassVar[list[str]] = [TRPC_CLIENT, TRPC_SERVER, UPLOT]  # type: ignore[misc]

    signal: rx.Var[Any]
    rules: rx.Var[Any]
    height: rx.Var[int] = rx.Var.create(280)
    span_s: rx.Var[int] = rx.Var.create(3600)
    show_lane: rx.Var[bool] = rx.Var.create(value=True)


trend = Trend.create
