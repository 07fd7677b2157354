"""`bench journal`: it measures the questions it names, and what it looks for is there."""

from pathlib import Path

from pdm_app.cli.bench.journal import BEGINS_AT, JournalLoad, bench_journal, fill, made, questions
from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.storage.database import Database
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.templates import begin_migrated

ENTRIES = 3_000
FINDS_NOTHING = {
    "a word that nobody wrote", "three letters", "a rare word of a machine", "a rare word of a site",
    "a rare word of 30 days", "a rare word of a kind", "a frequent word of a rare kind",
    "a frequent word of a rare priority",
}  # fmt: skip


async def test_what_is_looked_for_is_in_the_journal_once_filled(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'journal.sqlite'}")
    await begin_migrated(database)
    await fill(database, ENTRIES)
    work = SqlUnitOfWork(database)
    nothing = set()
    for name, query in questions(BEGINS_AT, Micros(BEGINS_AT + ENTRIES * MICROS_PER_S)):
        async with work(EVERY_SITE) as w:
            if not await w.alarms.journal(query):
                nothing.add(name)
    await database.close()
    assert nothing <= FINDS_NOTHING
    assert len({row["id"] for row in made(ENTRIES)}) == ENTRIES


async def test_the_table_holds_each_filter_to_what_is_asked() -> None:
    report = await bench_journal(JournalLoad(1_000))
    pages = [each for each in report.figures if each.unit == "ms"]
    assert len(pages) == 23
    assert all((each.must, each.goal) == (500, 100) and each.value is not None for each in pages)
    assert [each.unit for each in report.figures[23:]] == ["µs"] * 3
