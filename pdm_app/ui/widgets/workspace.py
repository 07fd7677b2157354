"""The trend workspace; what it shows is in the page's address."""

from typing import ClassVar

from pdm_app.ui.browser import TRPC_CLIENT, TRPC_SERVER, UPLOT, module
from pdm_app.ui.widgets.base import Widget


class TrendWorkspace(Widget):
    """Several signals and expressions over one time."""

    library = module("workspace.jsx")
    tag = "TrendWorkspace"
    lib_dependencies: ClassVar[list[str]] = [TRPC_CLIENT, TRPC_SERVER, UPLOT]  # type: ignore[misc]


trend_workspace = TrendWorkspace.create
