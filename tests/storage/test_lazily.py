"""pyarrow is there when it is wanted, and keeps no memory that it does not use."""

import pyarrow

from pdm_app.storage.lazily import Lazily
from pdm_app.storage.lazily import pyarrow as pa


def test_a_module_is_imported_at_the_first_look_and_is_the_module_itself() -> None:
    assert Lazily("pyarrow").table is pyarrow.table


def test_memory_is_given_back_at_once_where_the_system_has_an_allocator_that_does() -> None:
    assert len(pa.table({"value": [1.0, 2.0]})) == 2
    if "jemalloc" in pyarrow.supported_memory_backends():
        assert pyarrow.default_memory_pool().backend_name == "jemalloc"
