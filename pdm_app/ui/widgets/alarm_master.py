"""The master alarm database as a page."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class AlarmMaster(Widget):
    """All alarm rules in reach; those who may change them find the forms here."""

    library = module("alarm_master.jsx")
    tag = "AlarmMaster"

    may_configure: rx.Var[bool]


alarm_master = AlarmMaster.create
