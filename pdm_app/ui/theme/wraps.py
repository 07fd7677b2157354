"""What stands around every page: a last resort of our own, and no second word on the connection."""

from collections.abc import Callable

import reflex as rx
from reflex_components_core.base.error_boundary import ErrorBoundary  # type: ignore[import-untyped]

from pdm_app.ui.messages import text

APP_WRAPS: dict[tuple[int, str], Callable[[bool], rx.Component | None]] = {
    (55, "ErrorBoundary"): lambda _stateful: ErrorBoundary.create(fallback_render=_last_resort())
}
"""Replaces Reflex's wraps. Its connection toast and pulse are left out: the top bar and the banner tell of the link,
and a red icon would read as an alarm."""

FULL_LOAD = {"reloadDocument": True}  # Only a fresh document brings back a page that has failed.


def _last_resort() -> rx.Component:
    """What a page shows that could not be drawn; the error itself goes to the log of the server."""
    return rx.el.main(
        rx.el.section(
            rx.el.p(text("page.failed"), class_name="note-title"),
            rx.el.p(text("page.failed_text"), class_name="note-text"),
            rx.el.div(
                rx.el.a(text("page.reload"), href="", class_name="button button-primary", custom_attrs=FULL_LOAD),
                rx.el.a(text("page.home"), href="/", class_name="button", custom_attrs=FULL_LOAD),
                class_name="note-actions",
            ),
            class_name="note note-error",
            role="alert",
        ),
        class_name="content",
    )
