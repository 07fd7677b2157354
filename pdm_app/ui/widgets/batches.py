"""The list of runs, with figures, overlay and the rules that find them."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class Batches(Widget):
    """Runs of a site."""

    library = module("batches.jsx")
    tag = "Batches"

    site_id: rx.Var[str]
    may_control: rx.Var[bool]
    may_configure: rx.Var[bool]


batch_list = Batches.create
