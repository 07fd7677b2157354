"""Where copies of samples go."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.settings import settings_page
from pdm_app.ui.shell import head
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.sinks import sinks_list


def sinks() -> rx.Component:
    """Sinks of the site, how each is doing, and the form of one."""
    return settings_page("/settings/sinks", head(text("sinks.title")), sinks_list(site_id=Session.site_id))
