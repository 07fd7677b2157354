"""pyarrow, loaded when the first cold file is made or read.

It takes 37 MB and a tenth of a second, which a start and a plant without closed days do not need. Whoever wants it says
``from pdm_app.storage.lazily import pyarrow as pa``, and imports the real one for the type checker.
"""

import importlib
from types import ModuleType
from typing import Any


class Lazily:
    """Stands for a module; the first look at anything in it imports it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._module: ModuleType | None = None

    def __getattr__(self, name: str) -> Any:
        if self._module is None:
            self._module = importlib.import_module(self._name)
        return getattr(self._module, name)


pyarrow = Lazily("pyarrow")
pyarrow_parquet = Lazily("pyarrow.parquet")
