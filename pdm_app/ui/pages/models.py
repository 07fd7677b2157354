"""Training of a model in steps, and the card of one that is kept."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.shell import head, page, simulated_chip
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.models import copilot, model_widget, training_wizard


def train() -> rx.Component:
    """From a machine's past to a model in force, step by step."""
    return page(
        "nav.health",
        [rx.el.a(text("nav.health"), href="/fleet"), text("training.title")],
        head(text("training.title"), simulated_chip()),
        training_wizard(site_id=Session.site_id, rights=Session.permissions),
    )


def model() -> rx.Component:
    """One model: its versions, what they learned from, what they would have said, and what is decided."""
    return page(
        "nav.health",
        [rx.el.a(text("nav.health"), href="/fleet"), text("models.title")],
        head(text("models.title"), simulated_chip(), actions=(copilot(rights=Session.permissions),)),
        model_widget(rights=Session.permissions),
    )
