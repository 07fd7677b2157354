"""The shape that says an alarm's priority without colour."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class PriorityShape(Widget):
    """Square 1, triangle up 2, triangle down 3, diamond 4."""

    library = module("priority_shape.jsx")
    tag = "PriorityShape"

    priority: rx.Var[int]
    state: rx.Var[str] = rx.Var.create("acked")
    """``unacked``, ``acked``, ``returned``, ``shelved`` or ``none``, the last for a count of zero."""
    size: rx.Var[int] = rx.Var.create(20)


priority_shape = PriorityShape.create
