"""Signals: what is measured and reckoned, in which unit, and where it comes from."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.shell import head, page, simulated_chip
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.signals import signal_registry


def signals() -> rx.Component:
    """The registry of the site."""
    return page(
        "nav.signals",
        [text("nav.signals")],
        head(text("signals.title"), simulated_chip()),
        signal_registry(site_id=Session.site_id, may_configure=Session.permissions.contains("signals.configure")),
    )
