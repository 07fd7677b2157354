"""When is worked, and who is on call."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.settings import settings_page
from pdm_app.ui.shell import head
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.shifts import shifts_widget


def shifts() -> rx.Component:
    """The shift calendar of the site, and its rotas."""
    return settings_page(
        "/settings/shifts",
        head(text("shifts.title")),
        shifts_widget(
            site_id=Session.site_id,
            may_shift=Session.permissions.contains("assets.configure"),
            may_rota=Session.permissions.contains("alarms.configure"),
        ),
    )
