"""Connections: how every endpoint stands, live."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.shell import head, page, simulated_chip
from pdm_app.ui.states.connections import Connections
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.connection_table import connection_table


def connections() -> rx.Component:
    """One row per connection: state with age, rate, failing signals and why."""
    return page(
        "nav.connections",
        [text("nav.connections")],
        head(text("connections.title"), simulated_chip()),
        connection_table(
            may_configure=Session.permissions.contains("connections.configure"),
            on_pause=Connections.pause,
            on_resume=Connections.resume,
        ),
    )
