"""Pages of a long journal: each kind of filter walks an index in the order of the page, and cursors are exact."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.alarms import JournalEntry, JournalKind, JournalQuery
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.storage.alarms import JOURNAL, _conditions
from pdm_app.storage.database import Database
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.templates import begin_migrated
from tests.storage import data
from tests.storage.data import MINE, NOON, S

KINDS = (JournalKind.RAISED, JournalKind.RETURNED, JournalKind.ACKNOWLEDGED)


def entries() -> list[JournalEntry]:
    """Thirty of them, three to each second, of three kinds and two priorities, the last alone a shelving."""
    found = []
    for number in range(30):
        given = {"id": f"entry-{number:03d}", "at": NOON + number // 3 * S, "kind": KINDS[number % 3],
                 "priority": 1 + number % 2}  # fmt: skip
        found.append(data.entry(MINE, 1).model_copy(update=given))
    return [*found[:-1], found[-1].model_copy(update={"kind": JournalKind.SHELVED})]


@pytest.fixture
async def work(database_url: str) -> AsyncIterator[UnitOfWork]:
    database = Database(database_url)
    await begin_migrated(database)
    work = SqlUnitOfWork(database)
    async with work(EVERY_SITE) as w:
        await w.sites.put(data.site(MINE))
        await w.alarms.append(entries())
        await w.commit()
    yield work
    await database.close()


async def pages(work: UnitOfWork, query: JournalQuery) -> list[str]:
    found: list[str] = []
    before = None
    while True:
        async with work(EVERY_SITE) as w:
            page = await w.alarms.journal(query.model_copy(update={"before": before, "limit": 4}))
        found += [entry.id for entry in page]
        if len(page) < 4:
            return found
        before = page[-1].id


QUERIES = (
    JournalQuery(),
    JournalQuery(kinds=(JournalKind.SHELVED,)),
    JournalQuery(kinds=(JournalKind.RAISED,)),
    JournalQuery(kinds=(JournalKind.RAISED, JournalKind.SHELVED)),
    JournalQuery(priorities=(1,)),
    JournalQuery(priorities=(1, 2), kinds=(JournalKind.RETURNED,)),
    JournalQuery(start_at=NOON + 2 * S, end_at=NOON + 5 * S),
)


def expected(query: JournalQuery) -> list[str]:
    return [
        entry.id
        for entry in sorted(entries(), key=lambda entry: (entry.at, entry.id), reverse=True)
        if (not query.kinds or entry.kind in query.kinds)
        and (not query.priorities or entry.priority in query.priorities)
        and (query.start_at is None or query.start_at <= entry.at)
        and (query.end_at is None or entry.at < query.end_at)
    ]


async def test_pages_hold_each_entry_that_is_asked_for_once_newest_first(work: UnitOfWork) -> None:
    for query in QUERIES:
        assert await pages(work, query) == expected(query), query


async def test_one_kind_or_priority_alone_is_found_by_its_index_and_several_are_not_sorted(
    sqlite_url: str,
) -> None:
    database = Database(sqlite_url)
    await begin_migrated(database)
    try:
        for query, index in ((QUERIES[1], "kind"), (QUERIES[4], "priority"), (QUERIES[3], "at"), (QUERIES[0], "at")):
            statement = select(JOURNAL).where(*_conditions(query)).order_by(JOURNAL.c.at.desc(), JOURNAL.c.id.desc())
            words = str(statement.compile(compile_kwargs={"literal_binds": True}, dialect=database.engine.dialect))
            async with database.connected("explain") as connection:
                plan = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}")).all()
            assert [f"ix_alarm_journal_{index} " in f"{row[-1]} " for row in plan] == [True], (query, plan)
    finally:
        await database.close()
