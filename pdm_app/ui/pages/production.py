"""How effective the lines are, where their minutes went, and how they are rated."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.shell import head, page, simulated_chip
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.production import production_setup_widget, production_widget

VIEWS = (
    ("production.view.effectiveness", "/production"),
    ("production.view.setup", "/production/setup"),
)


def _views(current: str) -> rx.Component:
    return rx.el.nav(
        *(
            rx.el.a(text(key), href=href, class_name="segment", **({"aria_current": "page"} if key == current else {}))
            for key, href in VIEWS
        ),
        class_name="segments",
        aria_label=text("production.views"),
    )


def production() -> rx.Component:
    """Effectiveness of the site's lines; one of them where the address names it."""
    return page(
        "nav.production",
        [text("nav.production")],
        head(text("production.title"), simulated_chip(), actions=(_views("production.view.effectiveness"),)),
        production_widget(
            site_id=Session.site_id,
            may_record=Session.permissions.contains("production.record"),
            may_manage=Session.permissions.contains("production.manage"),
        ),
        level="L2",
    )


def production_setup() -> rx.Component:
    """Machines, products, reasons of stops and prices of the site."""
    return page(
        "nav.production",
        [text("nav.production"), text("production.view.setup")],
        head(text("production.setup_title"), simulated_chip(), actions=(_views("production.view.setup"),)),
        production_setup_widget(
            site_id=Session.site_id,
            may_configure=Session.permissions.contains("production.configure"),
            may_manage=Session.permissions.contains("production.manage"),
        ),
    )
