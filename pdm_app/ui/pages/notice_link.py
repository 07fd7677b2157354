"""Where a message leads: its alarm, after signing in."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.shell import head, page
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.notice_link import notice_link_widget


def notice_link() -> rx.Component:
    """The alarm with what to do about it, and a button that acknowledges it."""
    return page(
        "nav.alarms",
        [rx.el.a(text("nav.alarms"), href="/alarms"), text("notice.title")],
        head(text("notice.title")),
        notice_link_widget(may_acknowledge=Session.permissions.contains("alarms.acknowledge")),
    )
