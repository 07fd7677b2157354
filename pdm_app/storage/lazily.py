"""pyarrow, loaded when the first cold file is made or read.

It takes 37 MB and a tenth of a second, which a start and a plant without closed days do not need. Whoever wants it says
``from pdm_app.storage.lazily import pyarrow as pa``, and imports the real one for the type checker.

What it has used it gives back at once: its own choice of allocator keeps the hundreds of megabytes of a day's file, in
each thread that has ever made one, for the next.
"""

import importlib
from functools import cache
from types import ModuleType
from typing import Any


@cache
def _give_back_at_once() -> None:
    import pyarrow as pa

    if "jemalloc" in pa.supported_memory_backends():  # Not in the wheels for Windows.
        pa.jemalloc_set_decay_ms(0)
        pa.set_memory_pool(pa.jemalloc_memory_pool())


class Lazily:
    """Stands for a module; the first look at anything in it imports it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._module: ModuleType | None = None

    def __getattr__(self, name: str) -> Any:
        if self._module is None:
            _give_back_at_once()
            self._module = importlib.import_module(self._name)
        return getattr(self._module, name)


pyarrow = Lazily("pyarrow")
pyarrow_parquet = Lazily("pyarrow.parquet")
