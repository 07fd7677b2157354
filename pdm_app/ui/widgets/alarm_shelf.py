"""The alarms that are silent now, with what ends that."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class AlarmShelf(Widget):
    """Shelved, suppressed and out of service, of one site or of all for an empty ``site_id``."""

    library = module("alarm_shelf.jsx")
    tag = "AlarmShelf"

    site_id: rx.Var[str]
    may_shelve: rx.Var[bool]
    may_service: rx.Var[bool]


alarm_shelf = AlarmShelf.create
