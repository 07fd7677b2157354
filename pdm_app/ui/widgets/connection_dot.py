"""Whether this page is fed: live with its latency, frozen with its age, or signed out."""

from pdm_app.ui.browser import module
from pdm_app.ui.widgets.base import Widget


class ConnectionDot(Widget):
    """Also names the fallback where WebSockets are blocked."""

    library = module("top_bar.jsx")
    tag = "ConnectionDot"


connection_dot = ConnectionDot.create
