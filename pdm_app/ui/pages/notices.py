"""Who is told of which alarms."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.settings import settings_page
from pdm_app.ui.shell import head
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.notices import notices_widget


def notices() -> rx.Component:
    """Channels with their state, routes, contacts, and the log of deliveries."""
    return settings_page(
        "/settings/notices",
        head(text("notices.title")),
        notices_widget(
            site_id=Session.site_id,
            may_configure_people=Session.permissions.contains("users.configure"),
            may_set=Session.permissions.contains("settings.write"),
        ),
    )
