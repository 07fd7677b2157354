"""A database that began as a copy is the one that was filled, statement for statement."""

import sqlite3
import uuid
from pathlib import Path

import pytest

from pdm_app.storage.database import Database
from pdm_app.storage.migrations import migrate
from tests.counterparts.installation import fill_with_plant
from tests.counterparts.mariadb import database_on, execute
from tests.counterparts.templates import Fill, begin_with, tables_in


def everything_in(file: Path) -> list[str]:
    """Its statements, and how it is kept; indexes are made in any order."""
    with sqlite3.connect(file) as connection:
        return sorted([*connection.iterdump(), *map(str, connection.execute("PRAGMA journal_mode"))])


@pytest.mark.parametrize("fill", [migrate, fill_with_plant])
async def test_a_copied_file_holds_what_a_filled_one_holds(tmp_path: Path, fill: Fill) -> None:
    files = [tmp_path / f"{number}.sqlite" for number in range(3)]
    filled, *copies = [Database(f"sqlite+aiosqlite:///{file.as_posix()}") for file in files]
    await fill(filled)
    for copy in copies:
        await begin_with(copy, fill)
    for database in (filled, *copies):
        await database.migrate()  # There is nothing left to do.
        await database.close()
    expected, *found = map(everything_in, files)
    assert len(expected) > 30
    assert found == [expected, expected]


@pytest.mark.mariadb
async def test_a_copied_database_holds_what_a_filled_one_holds(mysql_server_url: str, mariadb_url: str) -> None:
    name = f"pdm_copy_{uuid.uuid4().hex[:12]}"
    execute(mysql_server_url, f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    filled, copy = Database(mariadb_url), Database(database_on(mysql_server_url, name))
    try:
        await fill_with_plant(filled)
        await begin_with(copy, fill_with_plant)
        await copy.migrate()
        async with filled.connected("look") as one, copy.connected("look") as other:
            expected = await tables_in(one)
            assert len(expected.statements) > 30
            assert await tables_in(other) == expected
            assert (await other.exec_driver_sql("SELECT @@foreign_key_checks")).scalar() == 1
    finally:
        await filled.close()
        await copy.close()
        execute(mysql_server_url, f"DROP DATABASE {name}")
