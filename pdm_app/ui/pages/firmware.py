"""What devices may run, and who vouches for it."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.shell import head, page
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.firmware import firmware_page

VIEWS = (
    ("firmware.releases", "/firmware"),
    ("campaigns.title", "/firmware/campaigns"),
    ("device_groups.title", "/devices/groups"),
)


def firmware_views(current: str) -> rx.Component:
    """Links to the pages about firmware; ``current`` is the key of the one that is open."""
    return rx.el.nav(
        *(
            rx.el.a(text(key), href=href, class_name="segment", **({"aria_current": "page"} if key == current else {}))
            for key, href in VIEWS
        ),
        class_name="segments",
        aria_label=text("firmware.views"),
    )


def firmware() -> rx.Component:
    """Releases from their upload to devices, and the keys of those who sign them."""
    return page(
        "nav.firmware",
        [text("firmware.title")],
        head(text("firmware.title"), actions=(firmware_views("firmware.releases"),)),
        firmware_page(rights=Session.permissions, username=Session.username),
    )
