"""Fixtures for services: a clock moved by hand and a stored plant, on SQLite or on both databases."""

from collections.abc import AsyncIterator, Iterator

import pytest

from pdm_app.services.passwords import PasswordHasher
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import quick_hasher, stored_plant


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def hasher() -> Iterator[PasswordHasher]:
    hasher = quick_hasher()
    yield hasher
    hasher.close()


@pytest.fixture
async def work(database_url: str) -> AsyncIterator[SqlUnitOfWork]:
    """The stored plant; the test runs on SQLite and on MariaDB."""
    async with stored_plant(database_url) as work:
        yield work


@pytest.fixture
async def sqlite_work(sqlite_url: str) -> AsyncIterator[SqlUnitOfWork]:
    """The stored plant on SQLite only, for what does not depend on the database."""
    async with stored_plant(sqlite_url) as work:
        yield work
