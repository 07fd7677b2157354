"""The schema that the migrations make is the one the program uses, and getting there cannot be interrupted half-way."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection

from pdm_app.domain.errors import PdmError
from pdm_app.storage.database import Database
from pdm_app.storage.migrations import migrate, scripts_folder
from pdm_app.storage.schema import METADATA

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


async def tables(database: Database) -> set[str]:
    async with database.connected("look") as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


async def test_the_migrations_make_exactly_the_tables_of_the_program(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, METADATA))

    await database.migrate()
    async with database.connected("compare") as connection:
        assert await connection.run_sync(differences) == []


async def test_going_down_to_base_leaves_nothing_and_up_again_works(database: Database) -> None:
    await database.migrate()
    assert await tables(database) == set(METADATA.tables) | {"alembic_version"}
    await migrate(database, "base")
    assert await tables(database) == {"alembic_version"}
    await database.migrate()
    assert await tables(database) == set(METADATA.tables) | {"alembic_version"}


async def test_migrating_what_is_up_to_date_changes_nothing(database: Database) -> None:
    await database.migrate()
    async with database.writing("note") as connection:
        await connection.execute(text("INSERT INTO installation (name, value) VALUES ('a', 'b')"))
    await database.migrate()
    async with database.connected("look") as connection:
        assert await connection.scalar(text("SELECT COUNT(*) FROM installation")) == 1


async def test_processes_that_start_at_once_migrate_once(database_url: str) -> None:
    program = (
        "import asyncio, sys\n"
        "from pdm_app.storage.database import Database\n"
        "async def main():\n"
        "    database = Database(sys.argv[1])\n"
        "    await database.migrate()\n"
        "    await database.close()\n"
        "asyncio.run(main())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = asyncio.subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", "-c", program, database_url, cwd="/", env=environment, stderr=pipe
        )
        for _ in range(4)
    ]
    async with asyncio.timeout(90):
        errors = [(await process.communicate())[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, errors
    database = Database(database_url)
    assert await tables(database) == set(METADATA.tables) | {"alembic_version"}
    await database.close()


async def test_a_database_of_a_newer_program_is_left_alone_and_said_so(database: Database) -> None:
    await database.migrate()
    async with database.writing("come from the future") as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(PdmError, match="newer version"):
        await database.migrate()
    assert "samples" in await tables(database)


async def test_a_migration_that_fails_leaves_sqlite_as_it_was(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    async with database.writing("stand in the way") as connection:
        await connection.execute(text("CREATE TABLE leases (wrong INTEGER)"))
    with pytest.raises(PdmError, match="already exists"):
        await database.migrate()
    assert await tables(database) == {"leases"}
    await database.close()


async def test_the_hot_tables_have_no_foreign_key_and_begin_with_the_signal(database: Database) -> None:
    """What partitions by day need: every unique key holds source_at, and nothing refers to another table."""
    await database.migrate()

    def keys(connection: Connection) -> dict[str, tuple[list[str], int, int]]:
        look = inspect(connection)
        return {
            name: (
                look.get_pk_constraint(name)["constrained_columns"],
                len(look.get_foreign_keys(name)),
                len(look.get_unique_constraints(name)),
            )
            for name in ("samples", "rollups_10s")
        }

    async with database.connected("look") as connection:
        assert await connection.run_sync(keys) == {
            "samples": (["signal_id", "source_at"], 0, 0),
            "rollups_10s": (["signal_id", "bucket_at"], 0, 0),
        }


def test_the_scripts_are_found_from_any_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert (scripts_folder() / "versions").is_dir()
    assert not (scripts_folder() / "__init__.py").exists()  # It would shadow the library.
