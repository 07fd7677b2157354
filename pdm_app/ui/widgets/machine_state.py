"""The state of a machine in a line of text, shape and words."""

from typing import Any

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class MachineState(Widget):
    """Nothing for a machine without a state signal."""

    library = module("machine_box.jsx")
    tag = "MachineState"

    asset: rx.Var[Any]


machine_state = MachineState.create
