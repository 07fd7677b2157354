"""The alarms of one machine as a short list, each with its button."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class AssetAlarms(Widget):
    """Standing alarms of ``asset_id``."""

    library = module("asset_alarms.jsx")
    tag = "AssetAlarms"

    asset_id: rx.Var[str]
    may_acknowledge: rx.Var[bool]


asset_alarms = AssetAlarms.create
