"""Where history is kept and for how long."""

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class StoragePage(Widget):
    """Database, tiers, files and room; rules of retention with what they would take."""

    library = module("storage.jsx")
    tag = "StoragePage"


storage_page = StoragePage.create
