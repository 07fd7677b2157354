"""One key value of a machine: number, meaning, last hour, and the moving bar on the same scale."""

from typing import Any

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class KeyValue(Widget):
    """``rules`` are those of the machine; the limits of this signal are drawn on its bar."""

    library = module("key_value.jsx")
    tag = "KeyValue"

    signal: rx.Var[Any]
    rules: rx.Var[Any]
    span_s: rx.Var[int] = rx.Var.create(3600)


key_value = KeyValue.create
