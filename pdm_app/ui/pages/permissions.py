"""Which role may do what, and the roles made here."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.settings import settings_page
from pdm_app.ui.shell import head
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.people import permission_matrix


def permissions() -> rx.Component:
    """Rights in rows, roles in columns; from the same lists that every call is checked against."""
    return settings_page(
        "/settings/permissions",
        head(text("permissions.title")),
        rx.el.p(text("permissions.where"), class_name="muted"),
        permission_matrix(may_change=Session.permissions.contains("users.configure"), own_role=Session.role),
        rx.el.p(rx.el.a(text("permissions.calls"), href="/settings/api"), class_name="muted"),
    )
