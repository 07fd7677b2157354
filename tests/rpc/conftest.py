"""The whole product on each database, its procedures served on loopback."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.counterparts.whole_product import WholeProduct, whole_product


@pytest.fixture
async def product(database_url: str, tmp_path: Path) -> AsyncIterator[WholeProduct]:
    """The test runs once on SQLite and once on MariaDB."""
    async with whole_product(database_url, tmp_path) as product:
        yield product


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=[pytest.mark.mariadb, pytest.mark.long])])
async def walked_product(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[WholeProduct]:
    """For long walks over every procedure and role: on SQLite in the quick gate, on both databases in the long one."""
    async with whole_product(request.getfixturevalue(f"{request.param}_url"), tmp_path) as product:
        yield product


@pytest.fixture
async def sqlite_product(sqlite_url: str, tmp_path: Path) -> AsyncIterator[WholeProduct]:
    """On SQLite only, for what does not depend on the database."""
    async with whole_product(sqlite_url, tmp_path) as product:
        yield product
