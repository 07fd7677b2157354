"""Runs: production batches and events of the site."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.shell import head, page, simulated_chip
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.batches import batch_list


def batches() -> rx.Component:
    """The runs of the site, newest first."""
    return page(
        "nav.batches",
        [text("batches.title")],
        head(text("batches.title"), simulated_chip()),
        batch_list(
            site_id=Session.site_id,
            may_control=Session.permissions.contains("runs.control"),
            may_configure=Session.permissions.contains("signals.configure"),
        ),
    )
