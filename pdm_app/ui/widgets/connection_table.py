"""Every connection, live: state with its age, rates, failing signals and why."""

from typing import Any

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


def _id_of_connection(connection_id: rx.Var[str]) -> tuple[rx.Var[str]]:
    return (connection_id,)


class ConnectionTable(Widget):
    """``on_pause`` and ``on_resume`` are told the id of the connection."""

    library = module("connection_table.jsx")
    tag = "ConnectionTable"

    may_configure: rx.Var[bool]

    @classmethod
    def get_event_triggers(cls) -> dict[str, Any]:
        """Add what a person may do to a connection."""
        return {**super().get_event_triggers(), "on_pause": _id_of_connection, "on_resume": _id_of_connection}


connection_table = ConnectionTable.create
