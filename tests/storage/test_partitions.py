"""Rows that were there before days had partitions: the migration puts each day apart and loses none."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import insert, text

from pdm_app.storage.database import Database
from pdm_app.storage.migrations import migrate
from pdm_app.storage.partitions import SqlDayPartitions
from pdm_app.storage.tables import SampleRow, table_of
from tests.faults.waiting import eventually
from tests.storage.data import NOON, SteppedClock

DAY_US = 86_400_000_000
DAY = NOON - NOON % DAY_US
FAR = 253_402_300_800_000_000 + 5
"""After the year 9999: what a device with a broken clock may have sent."""


@pytest.fixture
async def database(mariadb_url: str) -> AsyncIterator[Database]:
    database = Database(mariadb_url)
    yield database
    await database.close()


async def put(database: Database, *times: int) -> None:
    async with database.writing("put rows") as connection:
        for at in times:
            row = {"signal_id": 1, "source_at": at, "value": 1.5, "quality": 0, "received_at": at, "place": 1}
            await connection.execute(insert(table_of(SampleRow)).values(row))


async def times(database: Database, name: str = "") -> list[int]:
    part = f"PARTITION ({name})" if name else ""
    async with database.connected("look") as connection:
        statement = f"SELECT source_at FROM samples {part} ORDER BY source_at"  # noqa: S608
        return list((await connection.scalars(text(statement))).all())


async def test_days_that_have_rows_get_partitions_and_no_row_is_lost(database: Database) -> None:
    given = [DAY - 400 * DAY_US, DAY - DAY_US, DAY - 1, DAY, DAY + DAY_US - 1, DAY + 5 * DAY_US, FAR]
    await migrate(database, "0017")
    await put(database, *given)
    await migrate(database, "0018")
    assert await times(database) == given
    for day in (DAY - 400 * DAY_US, DAY - DAY_US, DAY, DAY + 5 * DAY_US):
        [own] = [one for one in await SqlDayPartitions(database, SteppedClock()).all() if one.holds_just(day)]
        assert await times(database, own.name) == [at for at in given if day <= at < day + DAY_US]
    assert await times(database, "rest") == [FAR]
    # A change that went on after nobody waited for it any more is taken as made.
    before = await SqlDayPartitions(database, SteppedClock()).all()
    async with database.writing("forget that it was done") as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '0017'"))
    await migrate(database, "0018")
    assert await SqlDayPartitions(database, SteppedClock()).all() == before
    assert await times(database) == given


@pytest.mark.long
async def test_days_are_put_apart_however_long_that_takes(database: Database, mariadb_url: str) -> None:
    """A large table is written anew for longer than any other statement may take."""
    await migrate(database, "0017")
    await put(database, DAY)
    hasty = Database(mariadb_url, answer_timeout_s=5.0)
    async with database.connected("stand in the way") as reader:
        await reader.execute(text("SELECT COUNT(*) FROM samples"))
        migrating = asyncio.create_task(migrate(hasty))
        await eventually(lambda: is_waiting(mariadb_url), within_s=120, what="a migration that waits")
        await asyncio.sleep(6.0)  # The time itself is the point here, not a condition.
        assert not migrating.done()
    async with asyncio.timeout(60):
        await migrating
    await hasty.close()
    assert await times(database, "d20251120") == [DAY]


async def is_waiting(url: str) -> bool:
    """Whether some statement waits for the table."""
    watching = Database(url)
    try:
        async with watching.connected("look who waits") as connection:
            waits = "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE '%metadata lock%'"
            return bool(await connection.scalar(text(waits)))
    finally:
        await watching.close()
