"""Shifts of a site, and who is on call."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class Shifts(Widget):
    """The calendar with the shift that runs, and the rotas with who is on call."""

    library = module("shifts.jsx")
    tag = "Shifts"

    site_id: rx.Var[str]
    may_shift: rx.Var[bool]
    may_rota: rx.Var[bool]


shifts_widget = Shifts.create
