"""What the signal of a journal entry did ten minutes before and after it."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class JournalTrend(Widget):
    """A button that opens the trend around an entry."""

    library = module("journal_trend.jsx")
    tag = "JournalTrend"

    entry_id: rx.Var[str]
    asset_id: rx.Var[str]
    rule_id: rx.Var[str]
    name: rx.Var[str]
    at: rx.Var[int]
    limit: rx.Var[float | None]


journal_trend = JournalTrend.create
