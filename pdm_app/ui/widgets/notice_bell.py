"""The bell of the top bar."""

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class NoticeBell(Widget):
    """Messages to whoever is signed in: how many are not read, the list of them, and what pops up."""

    library = module("notice_bell.jsx")
    tag = "NoticeBell"


notice_bell = NoticeBell.create
