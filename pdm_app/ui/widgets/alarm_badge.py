"""The worst alarm of a line or machine, as a badge for a tile's corner and as words for its foot."""

from typing import Any

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class AlarmBadge(Widget):
    """Shape and one word; "No alarms" when all is well."""

    library = module("alarm_parts.jsx")
    tag = "AlarmBadge"

    line_assets: rx.Var[Any]


class AlarmNote(Widget):
    """What is worst, in words, leading to it."""

    library = module("alarm_parts.jsx")
    tag = "AlarmNote"

    line_assets: rx.Var[Any]


alarm_badge = AlarmBadge.create
alarm_note = AlarmNote.create
