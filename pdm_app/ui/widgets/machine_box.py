"""One machine as a box: code, state in words, state as brightness."""

from typing import Any

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class MachineBox(Widget):
    """Leads to the machine; ``asset`` is its record."""

    library = module("machine_box.jsx")
    tag = "MachineBox"

    asset: rx.Var[Any]


machine_box = MachineBox.create
