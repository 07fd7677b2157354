"""The stored plant for the parts of the engine that read it."""

from collections.abc import AsyncIterator

import pytest

from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import stored_plant


@pytest.fixture
def clock() -> HandClock:
    """Time that a test moves by hand."""
    return HandClock()


@pytest.fixture
async def work(database_url: str) -> AsyncIterator[SqlUnitOfWork]:
    """The stored plant, on both databases."""
    async with stored_plant(database_url) as work:
        yield work


@pytest.fixture
async def sqlite_work(sqlite_url: str) -> AsyncIterator[SqlUnitOfWork]:
    """The stored plant on SQLite, where the database does not matter."""
    async with stored_plant(sqlite_url) as work:
        yield work
