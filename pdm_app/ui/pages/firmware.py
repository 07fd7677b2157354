"""What devices may run, and who vouches for it."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.shell import head, page
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.firmware import firmware_page


def firmware() -> rx.Component:
    """Releases from their upload to devices, and the keys of those who sign them."""
    return page(
        "nav.firmware",
        [text("firmware.title")],
        head(text("firmware.title")),
        firmware_page(rights=Session.permissions, username=Session.username),
    )
