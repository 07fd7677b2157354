"""Maintenance events and cases of the site, and the rules that open events."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.shell import head, page, simulated_chip
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.maintenance import maintenance


def cases() -> rx.Component:
    """What machines need, and what is looked into."""
    return page(
        "nav.cases",
        [text("maintenance.title")],
        head(text("maintenance.title"), simulated_chip()),
        maintenance(
            site_id=Session.site_id,
            may_write=Session.permissions.contains("maintenance.write"),
            may_configure=Session.permissions.contains("alarms.configure"),
        ),
    )
