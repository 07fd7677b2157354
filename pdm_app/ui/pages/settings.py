"""The index of the settings."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.settings import GROUPS, NAV, Group, group_name, if_allowed, if_any_allowed, places_of
from pdm_app.ui.shell import head, icon, page


def settings() -> rx.Component:
    """All pages of the settings that the person may open, each with what it is for."""
    return page(
        NAV,
        [text(NAV)],
        head(text(NAV)),
        rx.el.div(*(_group(group) for group in GROUPS if places_of(group)), class_name="settings-index"),
    )


def _group(group: Group) -> rx.Component:
    return if_any_allowed(
        group,
        rx.el.section(
            rx.el.h2(group_name(group)),
            *(
                if_allowed(
                    place,
                    rx.el.a(
                        icon(place.icon),
                        rx.el.span(rx.el.strong(text(place.key)), rx.el.span(place.hint, class_name="muted")),
                        icon("chevron-right"),
                        href=place.href,
                        class_name="settings-place",
                    ),
                )
                for place in places_of(group)
            ),
            class_name="card",
        ),
    )
