"""The demo's inbox."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class Inbox(Widget):
    """Messages that were caught on this machine, with search and an end to all of them."""

    library = module("inbox.jsx")
    tag = "Inbox"

    may_clear: rx.Var[bool]


inbox_widget = Inbox.create
