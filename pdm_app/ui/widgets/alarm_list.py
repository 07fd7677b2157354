"""The list of active alarms with all that is done to them, by mouse, finger or keyboard."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class AlarmList(Widget):
    """Standing alarms of one site, or of all for an empty ``site_id``, grouped by what is owed to them."""

    library = module("alarm_list.jsx")
    tag = "AlarmList"

    site_id: rx.Var[str]
    may_acknowledge: rx.Var[bool]
    may_shelve: rx.Var[bool]


alarm_list = AlarmList.create
