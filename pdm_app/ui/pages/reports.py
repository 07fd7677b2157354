"""Reports: what is made at which date, for whom, and what was made."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.shell import head, page, simulated_chip
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.reports import report_list


def reports() -> rx.Component:
    """The reports of the site, and the history of their copies."""
    return page(
        "nav.reports",
        [text("reports.title")],
        head(text("reports.title"), simulated_chip()),
        report_list(
            site_id=Session.site_id,
            may_configure=Session.permissions.contains("reports.configure"),
            may_audit=Session.permissions.contains("audit.read"),
        ),
    )
