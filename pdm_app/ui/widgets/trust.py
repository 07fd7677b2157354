"""The trust list of connections."""

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class TrustList(Widget):
    """What waits, what is decided, and this program's own certificate."""

    library = module("trust_list.jsx")
    tag = "TrustList"


trust_list = TrustList.create
