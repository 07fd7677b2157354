"""A migrated database of either kind, and two sites in it with one of everything each."""

from collections.abc import AsyncIterator

import pytest

from pdm_app.domain.repositories import UnitOfWork
from pdm_app.storage.database import Database
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.templates import begin_migrated
from tests.storage.data import MINE, THEIRS, put_plant


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await begin_migrated(database)
    yield database
    await database.close()


@pytest.fixture
async def plants(database: Database) -> UnitOfWork:
    """Signal 1 and the site of Graz are ours, signal 2 and the site of Linz theirs."""
    work = SqlUnitOfWork(database)
    await put_plant(work, MINE, 1)
    await put_plant(work, THEIRS, 2)
    return work
