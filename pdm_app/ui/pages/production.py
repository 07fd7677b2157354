"""How effective the lines are, where their minutes went, the shift at the machine, and how they are rated."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.shell import head, page, simulated_chip
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.operations import operations_widget
from pdm_app.ui.widgets.production import (
    production_plan_widget,
    production_setup_widget,
    production_shift_widget,
    production_wall_widget,
    production_widget,
)

VIEWS = (
    ("production.view.effectiveness", "/production"),
    ("production.view.shift", "/production/shift"),
    ("production.view.plan", "/production/plan"),
    ("production.view.wall", "/production/wall"),
    ("production.view.operations", "/operations"),
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


def production_shift() -> rx.Component:
    """The shift that runs, for a tablet beside the line."""
    return page(
        "nav.production",
        [text("nav.production"), text("production.view.shift")],
        head(text("production.shift_title"), simulated_chip(), actions=(_views("production.view.shift"),)),
        production_shift_widget(site_id=Session.site_id, may_record=Session.permissions.contains("production.record")),
        level="L2",
    )


def production_plan() -> rx.Component:
    """Orders and planned time of the site."""
    return page(
        "nav.production",
        [text("nav.production"), text("production.view.plan")],
        head(text("production.plan_title"), simulated_chip(), actions=(_views("production.view.plan"),)),
        production_plan_widget(
            site_id=Session.site_id,
            may_record=Session.permissions.contains("production.record"),
            may_manage=Session.permissions.contains("production.manage"),
        ),
    )


def production_wall() -> rx.Component:
    """The wallboard."""
    return page(
        "nav.production",
        [text("nav.production"), text("production.view.wall")],
        head(text("production.wall_title"), simulated_chip(), actions=(_views("production.view.wall"),)),
        production_wall_widget(site_id=Session.site_id),
        level="L1",
    )


def operations() -> rx.Component:
    """The home of those who lead."""
    return page(
        "nav.production",
        [text("nav.production"), text("production.view.operations")],
        head(text("operations.title"), simulated_chip(), actions=(_views("production.view.operations"),)),
        operations_widget(site_id=Session.site_id),
        level="L1",
    )
