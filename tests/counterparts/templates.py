"""Databases that begin as a copy of one that was filled once: hundreds of tests begin with the same tables.

Migrating takes a second of a slow disk's time, a copy a fraction of that. That a copy is no different is a test here;
migrations themselves are tested without it.
"""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.storage.database import Database
from pdm_app.storage.migrations import migrate

Fill = Callable[[Database], Awaitable[None]]


@dataclass(frozen=True)
class Tables:
    """What a database on a server holds: how its tables are made, and their rows."""

    statements: tuple[str, ...]
    rows: dict[str, tuple[tuple[object, ...], ...]]


_files: dict[Fill, bytes] = {}
_tables: dict[tuple[Fill, str], Tables] = {}


async def begin_with(database: Database, fill: Fill) -> None:
    """Bring an empty database to what ``fill`` makes of one.

    Args:
        database: Nothing is in it, and nobody is connected to it.
        fill: Called once per process and kind of database, with one of its own; what depends on the moment, or on
            where the database is, has no place in it.
    """
    if database.is_sqlite:
        if fill not in _files:
            _files[fill] = await _file_of(fill)
        _write_new(Path(str(database.url.database)), _files[fill])
        return
    server = f"{database.url.host}:{database.url.port}"
    if (fill, server) not in _tables:
        _tables[fill, server] = await _tables_of(database, fill)
    async with database.connected("begin as a copy") as connection:
        await _put(connection, _tables[fill, server])


def _write_new(file: Path, content: bytes) -> None:
    with file.open("xb") as new:
        new.write(content)


async def begin_migrated(database: Database) -> None:
    """Bring an empty database to the newest version of the tables, with nothing in them."""
    await begin_with(database, migrate)


async def _file_of(fill: Fill) -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "template.sqlite"
        template = Database(f"sqlite+aiosqlite:///{file.as_posix()}")
        try:
            await fill(template)
        finally:
            await template.close()
        return file.read_bytes()


async def _tables_of(database: Database, fill: Fill) -> Tables:
    name = f"pdm_template_{uuid.uuid4().hex[:12]}"
    template = Database(database.url.set(database=name).render_as_string(hide_password=False))
    async with database.connected("make a template") as connection:
        await connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        try:
            await fill(template)
            async with template.connected("read the template") as filled:
                return await tables_in(filled)
        finally:
            await template.close()
            await connection.exec_driver_sql(f"DROP DATABASE {name}")


async def tables_in(connection: AsyncConnection) -> Tables:
    """Everything in the database of a connection to MariaDB or MySQL."""
    names = [row[0] for row in await connection.exec_driver_sql("SHOW TABLES")]
    statements = [
        str((await connection.exec_driver_sql(f"SHOW CREATE TABLE `{name}`")).mappings().one()["Create Table"])
        for name in names
    ]
    rows: dict[str, tuple[tuple[object, ...], ...]] = {}
    for name in names:
        found = await connection.exec_driver_sql(f"SELECT * FROM `{name}`")  # noqa: S608 - the server's own name of it.
        rows[name] = tuple(tuple(row) for row in found)
    return Tables(tuple(statements), {name: found for name, found in rows.items() if found})


async def _put(connection: AsyncConnection, tables: Tables) -> None:
    await connection.exec_driver_sql("SET foreign_key_checks = 0")  # A table may stand before one that it points to.
    for statement in tables.statements:
        await connection.exec_driver_sql(statement.replace("%", "%%"))
    for name, rows in tables.rows.items():
        places = ", ".join(["%s"] * len(rows[0]))
        insert = f"INSERT INTO `{name}` VALUES ({places})"  # noqa: S608 - a name and places.
        await connection.exec_driver_sql(insert, list(rows))
    await connection.commit()
    await connection.exec_driver_sql("SET foreign_key_checks = 1")
