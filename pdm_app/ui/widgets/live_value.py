"""A number that moves: the newest value of one signal, with unit, quality and age."""

from typing import Any

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class LiveValue(Widget):
    """The newest value of ``signal``, a record of the registry."""

    library = module("live_value.jsx")
    tag = "LiveValue"

    signal: rx.Var[Any]
    size: rx.Var[str] = rx.Var.create("title")
    """``body``, ``title``, ``big`` or ``hero``."""
    show_unit: rx.Var[bool] = rx.Var.create(value=True)
    show_age: rx.Var[bool] = rx.Var.create(value=True)


live_value = LiveValue.create
