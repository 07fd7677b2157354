"""Says on top of a page that its values are no longer fed; goes away by itself."""

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class FrozenBanner(Widget):
    """Nothing while the link lives."""

    library = module("top_bar.jsx")
    tag = "FrozenBanner"


frozen_banner = FrozenBanner.create
