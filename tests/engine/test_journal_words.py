"""Entries of an earlier release get their words while the product runs, also where it is interrupted."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import func, select, text

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.errors import FencedError
from pdm_app.domain.ports import Fence
from pdm_app.engine import journal_words
from pdm_app.engine.journal_words import JournalWords
from pdm_app.storage.database import Database
from pdm_app.storage.journal_words import JOURNAL
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock, settle
from tests.counterparts.templates import begin_migrated
from tests.storage import data
from tests.storage.data import MINE

ENTRIES = 25


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await begin_migrated(database)
    work = SqlUnitOfWork(database)
    async with work(EVERY_SITE) as w:
        await w.sites.put(data.site(MINE))
        await w.alarms.append([data.entry(MINE, number) for number in range(ENTRIES)])
        await w.commit()
    async with database.writing("forget words") as connection:
        await connection.execute(text("UPDATE alarm_journal SET text_id = NULL"))
    yield database
    await database.close()


async def without_words(database: Database) -> int:
    async with database.connected("count") as connection:
        found = await connection.scalar(select(func.count()).select_from(JOURNAL).where(JOURNAL.c.text_id.is_(None)))
    return int(found or 0)


async def test_it_walks_to_the_end_goes_on_after_an_interruption_and_ends(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_words, "ROWS_AT_ONCE", 10)
    clock = HandClock()
    fence = await SqlLease(database, clock).acquire("test", 3600)

    async def held() -> Fence:
        assert fence is not None
        return fence

    first = asyncio.create_task(JournalWords(SqlUnitOfWork(database), clock, held).run())
    while await without_words(database) == ENTRIES:
        await settle()
    first.cancel()
    assert await without_words(database) == ENTRIES - 10
    second = asyncio.create_task(JournalWords(SqlUnitOfWork(database), clock, held).run())
    while not second.done():
        await clock.advance(journal_words.PAUSE_S)
        await asyncio.sleep(0)
    await second
    assert await without_words(database) == 0


async def test_another_process_that_has_taken_over_keeps_it_from_writing(database: Database) -> None:
    clock = HandClock()
    lease = SqlLease(database, clock)
    old = await lease.acquire("old", 1)
    assert old is not None
    clock.at += 10_000_000
    assert await lease.acquire("new", 3600) is not None

    async def held() -> Fence:
        return old

    with pytest.raises(FencedError):
        await JournalWords(SqlUnitOfWork(database), clock, held).run()
    assert await without_words(database) == ENTRIES
