"""The figures of alarm management."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class AlarmKpi(Widget):
    """The scorecard of one site, or of all for an empty ``site_id``."""

    library = module("alarm_kpi.jsx")
    tag = "AlarmKpi"

    site_id: rx.Var[str]


alarm_kpi = AlarmKpi.create
