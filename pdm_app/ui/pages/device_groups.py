"""Devices that are updated and looked at together."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.pages.firmware import firmware_views
from pdm_app.ui.shell import head, page
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.campaigns import device_groups_widget


def device_groups() -> rx.Component:
    """Groups with named members, and those that a filter finds."""
    return page(
        "nav.devices",
        [rx.el.a(text("nav.devices"), href="/devices"), text("device_groups.title")],
        head(text("device_groups.title"), actions=(firmware_views("device_groups.title"),)),
        device_groups_widget(site_id=Session.site_id, rights=Session.permissions),
    )
