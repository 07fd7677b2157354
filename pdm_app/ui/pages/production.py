"""How effective the lines are, and where their minutes went."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.shell import head, page, simulated_chip
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.production import production_widget


def production() -> rx.Component:
    """Effectiveness of the site's lines; one of them where the address names it."""
    return page(
        "nav.production",
        [text("nav.production")],
        head(text("production.title"), simulated_chip()),
        production_widget(
            site_id=Session.site_id,
            may_record=Session.permissions.contains("production.record"),
            may_manage=Session.permissions.contains("production.manage"),
        ),
        level="L2",
    )
