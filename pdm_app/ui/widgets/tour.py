"""The demo's own widgets: the guided tour, and how far the plant's past is stored."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class Tour(Widget):
    """A strip at the head of the page; ``rights`` decide which stops there are."""

    library = module("tour.jsx")
    tag = "Tour"

    rights: rx.Var[list[str]]


class PastProgress(Widget):
    """A bar while the past is being stored, and nothing afterwards."""

    library = module("past_progress.jsx")
    tag = "PastProgress"


tour = Tour.create
past_progress = PastProgress.create
