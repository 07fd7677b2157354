"""The reports of a site."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class Reports(Widget):
    """What is kept and what was made, with the form of one beside its preview."""

    library = module("reports.jsx")
    tag = "Reports"

    site_id: rx.Var[str]
    may_configure: rx.Var[bool]
    may_audit: rx.Var[bool]


report_list = Reports.create
