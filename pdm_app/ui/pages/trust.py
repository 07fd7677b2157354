"""Whom connections believe."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.settings import settings_page
from pdm_app.ui.shell import head
from pdm_app.ui.widgets.trust import trust_list


def trust() -> rx.Component:
    """Certificates of servers and brokers: those that wait for a decision first."""
    return settings_page("/settings/trust", head(text("trust.title")), trust_list())
