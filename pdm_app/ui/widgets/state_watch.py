"""Who looks after a page whose state never came."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class StateWatch(Widget):
    """Loads a page anew, twice at most, to which nobody has said within seconds who is signed in."""

    library = module("state_watch.jsx")
    tag = "StateWatch"

    has_come: rx.Var[bool]


state_watch = StateWatch.create
