"""The code of a machine, looked up by its id, leading to its page."""

import reflex as rx

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class AssetCode(Widget):
    """Shows the id until the directory of the plant is known."""

    library = module("asset_code.jsx")
    tag = "AssetCode"

    asset_id: rx.Var[str]


asset_code = AssetCode.create
