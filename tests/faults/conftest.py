"""A demo that several tests torture one after the other."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.counterparts.product import RunningProduct
from tests.faults.installations import Installation


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A running demo on SQLite, with the passwords of its people."""
    folder = Path(tmp_path_factory.mktemp("demo"))
    product = RunningProduct(folder)
    product.start()
    accounts = json.loads((folder / "demo_accounts.json").read_text())
    yield Installation(product, f"sqlite+aiosqlite:///{folder / 'pdm.sqlite'}", people=accounts)
    product.kill()
