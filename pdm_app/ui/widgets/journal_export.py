"""The alarm journal as a file."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class JournalExport(Widget):
    """A button whose form makes the file, with the filter that is in force on the page."""

    library = module("journal_export.jsx")
    tag = "JournalExport"

    text: rx.Var[str]
    kind: rx.Var[str]
    priority: rx.Var[str]
    since: rx.Var[str]
    until: rx.Var[str]
    start_at: rx.Var[int | None]
    end_at: rx.Var[int | None]


journal_export = JournalExport.create
