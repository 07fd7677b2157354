"""The company's own directories, as an admin sees and tries them."""

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class Directories(Widget):
    """Each directory that the settings name."""

    library = module("directories.jsx")
    tag = "Directories"


directory_cards = Directories.create
