"""Searches of the journal beyond its newest entries: by the words that are kept, as by reading every entry."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from pdm_app.domain.access import EVERY_SITE, Scope
from pdm_app.domain.alarms import JournalEntry, JournalKind, JournalQuery
from pdm_app.domain.journal_words import are_in, terms_of, words_of
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.storage import journal_words
from pdm_app.storage.database import Database
from pdm_app.storage.journal_words import PAIRS, TEXTS, WORDS
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.templates import begin_migrated
from tests.storage import data
from tests.storage.data import MINE, NOON, THEIRS, S

NAMES = ("Bearing hot", "Kühlwasser verschmutzt", "दबाव कम", "Seal leaks")
COMMENTS = ("", "", "Lagerschalenverschleiß, 100 % sicher", "see P-101_A", "ÖL nachgefüllt")
KINDS = (JournalKind.RAISED, JournalKind.RETURNED, JournalKind.ACKNOWLEDGED)


def entries() -> list[JournalEntry]:
    """Eighty of two sites, some at the same instant, of few names and comments."""
    return [
        data.entry(THEIRS if number % 5 == 4 else MINE, number).model_copy(
            update={
                "at": NOON + number // 2 * S,
                "kind": KINDS[number % 3],
                "name": NAMES[number % 4] if number else "Only once",
                "comment": COMMENTS[number // 5 % 5],
                "actor": "Ada" if number % 3 == 2 else "",
            }
        )
        for number in range(80)
    ]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await begin_migrated(database)
    yield database
    await database.close()


@pytest.fixture
async def work(database: Database, monkeypatch: pytest.MonkeyPatch) -> UnitOfWork:
    monkeypatch.setattr(journal_words, "LOOKED_AT", 1)  # What is frequent, too, is found by words here.
    work = SqlUnitOfWork(database)
    async with work(EVERY_SITE) as w:
        await w.sites.put(data.site(MINE))
        await w.sites.put(data.site(THEIRS))
        await w.alarms.append(entries())
        await w.commit()
    return work


def expected(query: JournalQuery, sites: tuple[str, ...] = (f"site-{MINE}", f"site-{THEIRS}")) -> list[str]:
    terms = terms_of(query.text)
    return [
        entry.id
        for entry in sorted(entries(), key=lambda entry: (entry.at, entry.id), reverse=True)
        if terms
        and are_in(terms, words_of(entry.name, entry.comment, entry.actor))
        and entry.site_id in sites
        and query.site_id in (None, entry.site_id)
        and (not query.kinds or entry.kind in query.kinds)
        and (query.start_at is None or query.start_at <= entry.at)
    ]


async def pages(work: UnitOfWork, query: JournalQuery, scope: Scope = EVERY_SITE) -> list[str]:
    found: list[str] = []
    before = None
    while True:
        async with work(scope) as w:
            page = await w.alarms.journal(query.model_copy(update={"before": before, "limit": 11}))
        found += [entry.id for entry in page]
        if len(page) < 11:
            return found
        before = page[-1].id


SEARCHES = (
    "bearing", "HOT bearing", "earing", "only", "दबाव", "दब", "verschleiss", "ÖL", "öl", "öl ada", "p-101", "101_a",
    "100", "%", "_", "a", "nobody wrote this", "ada hot", "leaks seal ada", "-",
)  # fmt: skip


@pytest.mark.parametrize(("apart", "named"), [(32, 5000), (1, 5000), (0, 1)], ids=["apart", "named", "asked"])
async def test_a_search_finds_what_reading_every_entry_finds_page_by_page(
    work: UnitOfWork, monkeypatch: pytest.MonkeyPatch, apart: int, named: int
) -> None:
    monkeypatch.setattr(journal_words, "TEXTS_APART_MAX", apart)
    monkeypatch.setattr(journal_words, "TEXTS_NAMED_MAX", named)
    asked = [JournalQuery(text=searched) for searched in SEARCHES]
    for changes in ({"site_id": f"site-{THEIRS}"}, {"kinds": KINDS[1:]}, {"start_at": NOON + 30 * S}):
        asked += [JournalQuery(text=searched, **changes) for searched in SEARCHES[:3]]
    for query in asked:
        assert await pages(work, query) == expected(query), query
        async with work(EVERY_SITE) as w:
            assert await w.alarms.journal_count(query) == len(expected(query)), query
    assert sum(bool(expected(query)) for query in asked) == len(asked) - 4


async def test_a_search_stays_within_the_sites_of_whoever_searches(work: UnitOfWork) -> None:
    mine = f"site-{MINE}"
    for searched in ("bearing", "only", "ada"):
        query = JournalQuery(text=searched)
        assert await pages(work, query, Scope(sites=frozenset([mine]))) == expected(query, (mine,)) != []


async def test_entries_of_an_earlier_release_are_found_at_once_and_get_their_words(
    work: UnitOfWork, database: Database
) -> None:
    async with database.writing("forget the words") as connection:
        await connection.execute(text("UPDATE alarm_journal SET text_id = NULL"))
        for table in (PAIRS, WORDS, TEXTS):
            await connection.execute(table.delete())
    query = JournalQuery(text="bearing ada")
    assert await pages(work, query) == expected(query) != []
    steps: list[int] = []
    while not steps or steps[-1]:
        async with work(EVERY_SITE) as w:
            steps.append(await w.alarms.catch_up_words(30))
            await w.commit()
        assert await pages(work, query) == expected(query)
    assert steps == [30, 30, 20, 0]
    for searched in SEARCHES:
        query = JournalQuery(text=searched)
        assert await pages(work, query) == expected(query)


async def test_what_is_rolled_back_is_stored_with_its_words_the_next_time(work: UnitOfWork) -> None:
    late = data.entry(MINE, 900).model_copy(update={"name": "Hydraulikstempel", "at": NOON - S})
    async with work(EVERY_SITE) as w:
        await w.alarms.append([late])
    async with work(EVERY_SITE) as w:
        await w.alarms.append([late])
        await w.commit()
    assert await pages(work, JournalQuery(text="stempel")) == [late.id]


async def test_entries_share_their_texts_and_words(work: UnitOfWork, database: Database) -> None:
    async with database.connected("count") as connection:
        texts = len((await connection.execute(TEXTS.select())).all())
        words = {row.word for row in (await connection.execute(WORDS.select())).all()}
    distinct = {words_of(entry.name, entry.comment, entry.actor) for entry in entries()}
    assert texts == len(distinct) < len(entries())
    assert words == frozenset().union(*distinct)
