"""What of the samples is kept, by rules."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.shell import head, page, simulated_chip
from pdm_app.ui.states.session import Session
from pdm_app.ui.widgets.storage_rules import storage_rules_list


def storage_rules() -> rx.Component:
    """The storage rules of the site."""
    return page(
        "nav.signals",
        [rx.el.a(text("nav.signals"), href="/signals"), text("storage_rules.title")],
        head(
            text("storage_rules.title"),
            simulated_chip(),
            actions=(rx.el.a(text("storage.title"), href="/settings/storage", class_name="button"),),
        ),
        storage_rules_list(site_id=Session.site_id, may_configure=Session.permissions.contains("signals.configure")),
    )
