"""History that people bring in from files."""

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class ImportsPage(Widget):
    """A place for a file, what it holds and where it goes, and the imports there were."""

    library = module("imports.jsx")
    tag = "ImportsPage"


imports_page = ImportsPage.create
