"""Put the compiled front end into the wheel, so that an installation needs neither Node nor a network."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class FrontEnd(BuildHookInterface[Any]):
    """Hatchling runs this before it packs the files."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the front end where its sources have changed, and say where it goes."""
        if version == "editable":
            return
        sys.path.insert(0, str(Path(self.root)))
        from pdm_app.bootstrap.checkout import Checkout
        from pdm_app.bootstrap.environment import product_environment
        from pdm_app.bootstrap.frontend import ensure_frontend

        product_environment(Checkout(Path(self.root))).ensure("run")
        build_data["force_include"][str(ensure_frontend())] = "pdm_app/_bundle/frontend"
