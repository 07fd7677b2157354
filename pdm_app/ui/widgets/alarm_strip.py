"""The alarm strip of the top bar: the most urgent alarm in words, and counts by priority shape."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class AlarmStrip(Widget):
    """Leads to the list of alarms; ``site_id`` empty counts every site in reach."""

    library = module("alarm_parts.jsx")
    tag = "AlarmStrip"

    site_id: rx.Var[str]


alarm_strip = AlarmStrip.create
