"""How long a page of a long alarm journal takes, by each filter, and what keeping its words costs.

The journal is that of a plant with four sites, 400 machines and 2,000 rules: raisings, returns and acknowledgements,
one entry in twenty with words that somebody wrote, of a vocabulary in which most words are rare. It is filled past the
repository, in the order of its keys and with the indexes made at the end; it is asked, and added to, through it.
"""

import random
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from pdm_app.cli.bench.figures import Figure, Report
from pdm_app.cli.bench.machine import machine
from pdm_app.cli.bench.mariadb import MariadbServer
from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.alarms import AlarmState, JournalEntry, JournalKind, JournalQuery
from pdm_app.domain.journal_words import number_of, words_of
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.storage import journal_words
from pdm_app.storage.database import Database
from pdm_app.storage.journal_words import JOURNAL
from pdm_app.storage.migrations import migrate
from pdm_app.storage.repository import Transaction, chunks
from pdm_app.storage.unit_of_work import SqlUnitOfWork

MUST_MS, GOAL_MS = 500.0, 100.0
BEGINS_AT = Micros(1_700_000_000 * MICROS_PER_S)
DAY_US = 86_400 * MICROS_PER_S
SITES, MACHINES, RULES, PEOPLE = 4, 400, 2_000, 30
WORDS = 20_000
ROWS_AT_ONCE = 20_000
FLOOD = 10_000
TURNS = 5
RARE, OLD = "Lagerschalenverschleiß", "Altanlage"
PARTS = ("Bearing", "Seal", "Oil", "Kühlwasser", "Motor", "दबाव", "Gearbox", "Filter", "Suction", "Spindle")
WRONGS = ("hot", "low", "high", "verschmutzt", "vibrates", "stuck", "कम", "leaks")
OPTIONS = ("--innodb-buffer-pool-size=1G", "--innodb-log-file-size=512M")
HOURS_S = 3 * 3600.0  # Indexes of ten million rows are made in one statement.


@dataclass(frozen=True, slots=True)
class JournalLoad:
    """How long the journal is, and of which database."""

    entries: int
    on_mariadb: bool = False


async def bench_journal(load: JournalLoad) -> Report:
    """Fill a journal, ask it by each filter, and add a flood to it."""
    with tempfile.TemporaryDirectory(prefix="bench-journal-") as folder:
        async with _database(load, Path(folder)) as database:
            figures = await figures_of(load, database)
    return Report(
        title="bench journal: a page of a long alarm journal",
        machine=machine(Path.cwd()),
        load=(
            f"{load.entries:,} entries on {'MariaDB, buffer pool 1 GiB' if load.on_mariadb else 'SQLite'};"
            f" a page has 100 entries; the median of {TURNS} times, each filter asked by itself"
        ),
        peer="none",
        figures=figures,
        notes=(),
    )


async def figures_of(load: JournalLoad, database: Database) -> tuple[Figure, ...]:
    """Measure on an empty, migrated database."""
    work = SqlUnitOfWork(database)
    ends_at = Micros(BEGINS_AT + load.entries * MICROS_PER_S)
    await fill(database, load.entries)
    figures = []
    for name, query in questions(BEGINS_AT, ends_at):
        turns = []
        for _ in range(TURNS):
            began = time.perf_counter()
            async with work(EVERY_SITE) as w:
                await w.alarms.journal(query)
            turns.append((time.perf_counter() - began) * 1000)
        figures.append(Figure(name, median(turns), "ms", MUST_MS, GOAL_MS, turns=tuple(turns)))
    figures += await _of_adding(work, database, ends_at)
    return tuple(figures)


def questions(start_at: Micros, end_at: Micros) -> list[tuple[str, JournalQuery]]:
    """Return what is asked, with its name; most of a plant's habits and the worst that is known of."""
    middle = (start_at + end_at) // 2
    page = JournalQuery()
    asked: dict[str, dict[str, Any]] = {
        "the newest page": {},
        "of a site": {"site_id": _site(1)},
        "of a machine": {"asset_id": _asset(17)},
        "of a rare kind": {"kinds": (JournalKind.OUT_OF_SERVICE,)},
        "of a rare priority": {"priorities": (1,)},
        "of two priorities": {"priorities": (1, 2)},
        "of a day in the middle": {"start_at": middle, "end_at": middle + DAY_US},
        "a word in one entry of ten million": {"text": RARE},
        "a part of it, in other letters": {"text": "SCHALENVERSCHLEISS"},
        "a word that nobody wrote": {"text": "quetzalcoatl"},
        "a word in nearly every raising of a part": {"text": "bearing"},
        "a word in the oldest tenth only": {"text": OLD},
        "two words of a rule": {"text": "kühlwasser verschmutzt"},
        "a word in Hindi": {"text": "दबाव"},
        "three letters": {"text": "zqx"},
        "one letter": {"text": "e"},
        "a person": {"text": "operator 17"},
        "a rare word of a site": {"text": RARE, "site_id": _site(1)},
        "a rare word of a machine": {"text": RARE, "asset_id": _asset(17)},
        "a rare word of 30 days": {"text": RARE, "start_at": middle, "end_at": middle + 30 * DAY_US},
        "a rare word of a kind": {"text": RARE, "kinds": (JournalKind.RAISED,)},
        "a frequent word of a rare kind": {"text": "bearing", "kinds": (JournalKind.OUT_OF_SERVICE,)},
        "a frequent word of a rare priority": {"text": "bearing", "priorities": (1,)},
    }
    return [(name, page.model_copy(update=changes)) for name, changes in asked.items()]


async def fill(database: Database, entries: int) -> None:
    """Store so many entries, a second apart, with their words."""
    indexes = [index.name for index in JOURNAL.indexes]
    async with database.writing("take the indexes away") as connection:
        for name in indexes:
            await connection.exec_driver_sql(f"DROP INDEX {name}{'' if database.is_sqlite else ' ON alarm_journal'}")
    names = [*next(made(1)), "text_id"]
    marks = ", ".join("?" if database.is_sqlite else "%s" for _ in names)
    quoted = ", ".join(f'"{name}"' if database.is_sqlite else f"`{name}`" for name in names)
    insert = f"INSERT INTO alarm_journal ({quoted}) VALUES ({marks})"  # noqa: S608 - names of our own columns
    for some in chunks(made(entries), ROWS_AT_ONCE):
        texts = {each: words_of(*each) for each in {_text(row) for row in some}}
        numbers = {each: number_of(words) for each, words in texts.items()}
        rows = [(*row.values(), numbers[_text(row)]) for row in some]
        async with database.writing("fill the journal") as connection:
            await journal_words.keep(Transaction(database, connection, EVERY_SITE), set(texts.values()))
            await connection.exec_driver_sql(insert, rows)
    async with database.writing("make the indexes") as connection:
        parts = {str(index.name): ", ".join(column.name for column in index.columns) for index in JOURNAL.indexes}
        if database.is_sqlite:
            for index, columns in parts.items():
                await connection.exec_driver_sql(f"CREATE INDEX {index} ON alarm_journal ({columns})")
        else:
            added = ", ".join(f"ADD INDEX {index} ({columns})" for index, columns in parts.items())
            await connection.exec_driver_sql(f"ALTER TABLE alarm_journal {added}")
        await connection.exec_driver_sql("ANALYZE" if database.is_sqlite else "ANALYZE TABLE alarm_journal")


def made(entries: int) -> Iterator[dict[str, Any]]:
    """Yield entries as rows, oldest first; the same ones each time."""
    chance = random.Random(20_261_122)
    vocabulary = [_word(chance) for _ in range(WORDS)]
    weights = [1 / rank for rank in range(1, WORDS + 1)]
    sentences: Iterator[list[str]] = iter(())
    kinds = (JournalKind.RAISED, JournalKind.RETURNED, JournalKind.ACKNOWLEDGED)
    for number in range(entries):
        rule = chance.randrange(RULES)
        kind, priority = kinds[number % 3], 2 + rule % 3
        is_old = number < entries // 10
        actor = f"operator {rule * number % PEOPLE}" if kind is JournalKind.ACKNOWLEDGED else ""
        comment = ""
        if number % 20 == 2:
            drawn = next(sentences, None)
            if drawn is None:
                sentences = chunks(chance.choices(vocabulary, weights, k=60_000), 6)
                drawn = next(sentences)
            comment = " ".join(drawn)
        if number == entries // 3:
            comment = f"{RARE} am Lager"
        if is_old and rule % 10 == 0:
            comment = f"{comment} {OLD}".strip()
        if number % 500_000 == 7:
            kind, priority = JournalKind.OUT_OF_SERVICE, 1
        at = BEGINS_AT + number * MICROS_PER_S
        yield {
            "id": f"{at:032x}",
            "alarm_id": f"alarm-{number // 3 % (RULES * 50)}",
            "rule_id": f"rule-{rule}",
            "site_id": _site(rule % SITES),
            "asset_id": _asset(rule % MACHINES),
            "at": at,
            "recorded_at": at + 20_000,
            "kind": str(kind),
            "state": str(AlarmState.UNACKNOWLEDGED),
            "priority": priority,
            "name": f"{PARTS[rule % len(PARTS)]} {WRONGS[rule // len(PARTS) % len(WRONGS)]} {rule // 80}",
            "value": float(number % 97),
            "limit": 80.0,
            "actor": actor,
            "comment": comment,
        }


async def _of_adding(work: SqlUnitOfWork, database: Database, at: Micros) -> list[Figure]:
    """Measure a flood of alarms whose words are known, one of alarms that are all new, and catching up."""
    figures = []
    for name, word in (("known", ""), ("new", "flood")):
        rows = [
            {**row, "at": row["at"] - BEGINS_AT + at, "id": f"{word}-{row['id']}"[:36], "comment": "", "actor": "",
             "name": f"{row['name']} {word}{number if word else ''}".strip()}
            for number, row in enumerate(made(FLOOD))
        ]  # fmt: skip
        entries = [JournalEntry.model_validate(row) for row in rows]
        began = time.perf_counter()
        async with work(EVERY_SITE) as w:
            await w.alarms.append(entries)
            await w.commit()
        took_us = (time.perf_counter() - began) * 1e6
        figures.append(Figure(f"an entry of a flood of {FLOOD:,}, its words {name}", took_us / FLOOD, "µs"))
        at = Micros(at + FLOOD * MICROS_PER_S)
    async with database.writing("forget words") as connection:
        last = at - FLOOD * MICROS_PER_S
        await connection.exec_driver_sql(f"UPDATE alarm_journal SET text_id = NULL WHERE at >= {last}")  # noqa: S608 - a number
    began, done = time.perf_counter(), 0
    while True:
        async with work(EVERY_SITE) as w:
            now_done = await w.alarms.catch_up_words(1_000)
            await w.commit()
        if not now_done:
            break
        done += now_done
    took_s = time.perf_counter() - began
    return [*figures, Figure("an entry of an earlier release, its words kept", took_s * 1e6 / max(done, 1), "µs")]


@asynccontextmanager
async def _database(load: JournalLoad, folder: Path) -> AsyncIterator[Database]:
    if not load.on_mariadb:
        database = Database(f"sqlite+aiosqlite:///{folder / 'journal.sqlite'}")
        try:
            await migrate(database)
            yield database
        finally:
            await database.close()
        return
    server = MariadbServer(folder, OPTIONS)
    server.create()
    server.start()
    try:
        plain = Database(f"{server.url}mysql", answer_timeout_s=HOURS_S)
        async with plain.writing("make a database") as connection:
            await connection.exec_driver_sql("CREATE DATABASE journal")
        await plain.close()
        database = Database(f"{server.url}journal", answer_timeout_s=HOURS_S)
        try:
            await migrate(database)
            yield database
        finally:
            await database.close()
    finally:
        server.stop()


def _text(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["name"], row["comment"], row["actor"]


def _word(chance: random.Random) -> str:
    return "".join(chance.choices("etaoinsrhldcumfpgwybvkxjqz", range(26, 0, -1), k=chance.randint(4, 12)))


def _site(number: int) -> str:
    return f"00000000-0000-7000-8000-00000000000{number}"


def _asset(number: int) -> str:
    return f"00000000-0000-7000-9000-{number:012d}"
