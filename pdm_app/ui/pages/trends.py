"""Trends: any signals and expressions over any time, side by side."""

import reflex as rx

from pdm_app.ui.messages import text
from pdm_app.ui.shell import head, page, simulated_chip
from pdm_app.ui.widgets.workspace import trend_workspace


def trends() -> rx.Component:
    """The workspace."""
    return page("nav.trends", [text("nav.trends")], head(text("trends.title"), simulated_chip()), trend_workspace())
