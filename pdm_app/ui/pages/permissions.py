"""Which role may do what."""

import reflex as rx

from pdm_app.domain.access import ROLE_PERMISSIONS, Permission, Role
from pdm_app.ui.messages import text
from pdm_app.ui.settings import settings_page
from pdm_app.ui.shell import head, icon
from pdm_app.ui.states.session import Session


def permissions() -> rx.Component:
    """Rights in rows, roles in columns; made from the same lists that every call is checked against."""
    return settings_page(
        "/settings/permissions",
        head(text("permissions.title")),
        rx.el.p(text("permissions.where"), class_name="muted"),
        rx.el.section(
            rx.el.div(
                rx.el.table(
                    rx.el.thead(
                        rx.el.tr(
                            rx.el.th(text("permissions.right"), scope="col"),
                            *(rx.el.th(_role(role), scope="col", class_name="center") for role in Role),
                        )
                    ),
                    rx.el.tbody(*(_row(permission) for permission in Permission)),
                    class_name="table matrix",
                ),
                class_name="table-scroll matrix-scroll",
                tab_index=0,
                role="region",
                aria_label=text("permissions.title"),
            ),
            class_name="card",
        ),
        rx.el.p(rx.el.a(text("permissions.calls"), href="/settings/api"), class_name="muted"),
    )


def _role(role: Role) -> rx.Component:
    """Name a role, and mark the person's own."""
    return rx.el.span(
        text("shell.role", role=str(role)),
        rx.cond(Session.role == str(role), rx.el.span(" ", text("permissions.you"), class_name="muted")),
    )


def _row(permission: Permission) -> rx.Component:
    words = text(f"permissions.of.{str(permission).replace('.', '_')}")
    return rx.el.tr(
        rx.el.th(words, rx.el.div(rx.el.code(str(permission)), class_name="muted"), scope="row"),
        *(_mark(permission in ROLE_PERMISSIONS[role]) for role in Role),
    )


def _mark(is_allowed: bool) -> rx.Component:
    if not is_allowed:
        return rx.el.td(rx.el.span(text("permissions.no"), class_name="visually-hidden"), class_name="center")
    return rx.el.td(
        icon("check", size=18), rx.el.span(text("permissions.yes"), class_name="visually-hidden"), class_name="center"
    )
