"""What all live widgets have in common: a module of our own browser code, and the packages it imports."""

from typing import ClassVar

import reflex as rx
from reflex.utils.imports import ImportDict

from pdm_app.ui.browser import TRPC_CLIENT, TRPC_SERVER, link_modules


class Widget(rx.Component):
    """A React component of `pdm_app.ui.browser`.

    It fetches its data itself over the page's one RPC link. Reflex state gives it records and ids, never samples.
    """

    lib_dependencies: ClassVar[list[str]] = [TRPC_CLIENT, TRPC_SERVER]  # type: ignore[misc]

    def add_imports(self) -> ImportDict:
        """Have the modules linked by the time the build wants them."""
        link_modules()
        return {}
