"""Releases on their way to groups of devices."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.pages.firmware import firmware_views
from pdm_app.ui.shell import head, page
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.campaigns import campaign_widget, campaigns_widget


def campaigns() -> rx.Component:
    """All campaigns of the site, and a new one."""
    return page(
        "nav.firmware",
        [rx.el.a(text("nav.firmware"), href="/firmware"), text("campaigns.title")],
        head(text("campaigns.title"), actions=(firmware_views("campaigns.title"),)),
        campaigns_widget(site_id=Session.site_id, rights=Session.permissions),
    )


def campaign() -> rx.Component:
    """One campaign, live."""
    return page(
        "nav.firmware",
        [
            rx.el.a(text("nav.firmware"), href="/firmware"),
            rx.el.a(text("campaigns.title"), href="/firmware/campaigns"),
            text("campaigns.campaign"),
        ],
        head(text("campaigns.campaign"), actions=(firmware_views(""),)),
        campaign_widget(rights=Session.permissions, username=Session.username),
    )
