"""The settings of the installation."""

import reflex as rx

from pdm_app.domain.access import Permission
from pdm_app.ui.messages import text
from pdm_app.ui.settings import settings_page
from pdm_app.ui.shell import head
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.installation_settings import settings_cards


def general() -> rx.Component:
    """What the product goes by, for those who may see it; changed by those who may write it."""
    return settings_page(
        "/settings/general",
        head(text("general.title")),
        settings_cards(may_write=Session.permissions.contains(str(Permission.SETTINGS_WRITE))),
    )
