"""The one place where SQLite and MySQL/MariaDB are spoken to differently."""

from sqlalchemy import Table, text
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import Insert


def upsert(table: Table, *, is_sqlite: bool) -> Insert:
    """Insert a row, or replace every column of the one with the same primary key.

    Only for tables without a second unique key: MySQL would update whichever row collides, also on that one.
    """
    keys = [column.name for column in table.primary_key]
    others = [column.name for column in table.columns if column.name not in keys]
    if is_sqlite:
        statement = sqlite.insert(table)
        return statement.on_conflict_do_update(
            index_elements=keys, set_={name: statement.excluded[name] for name in others}
        )
    replacing = mysql.insert(table)
    return replacing.on_duplicate_key_update({name: replacing.inserted[name] for name in others})


def insert_new(table: Table, *, is_sqlite: bool) -> Insert:
    """Insert a row unless one with the same primary key exists; any other refusal stays an error."""
    keys = [column.name for column in table.primary_key]
    if is_sqlite:
        return sqlite.insert(table).on_conflict_do_nothing(index_elements=keys)
    # INSERT IGNORE would also swallow values that do not fit; an update to itself swallows only the duplicate.
    return mysql.insert(table).on_duplicate_key_update({keys[0]: table.c[keys[0]]})


ROW_BYTES = 96.0
"""What a row takes where the database does not say: hot rows 50 to 60, rollups 140."""

# Of a table with partitions MariaDB takes an empty one for one row, save where it is asked for each.
MYSQL_SIZES = """SELECT table_name, SUM(table_rows), SUM(data_length + index_length)
    FROM information_schema.partitions WHERE table_schema = DATABASE() GROUP BY table_name"""
SQLITE_SIZES = "SELECT name, SUM(ncell), SUM(pgsize) FROM dbstat WHERE aggregate = TRUE GROUP BY name"


async def table_sizes(connection: AsyncConnection, *, is_sqlite: bool) -> dict[str, tuple[int, int]]:
    """Return rows, roughly on MySQL, and bytes of each table; nothing where SQLite was built without ``dbstat``."""
    try:
        found = await connection.execute(text(SQLITE_SIZES if is_sqlite else MYSQL_SIZES))
    except DBAPIError:
        return {}
    return {str(name): (int(rows or 0), int(size or 0)) for name, rows, size in found}


def version_of(*, is_sqlite: bool) -> str:
    """Return the query of the database's version; MariaDB's names itself in it."""
    return "SELECT sqlite_version()" if is_sqlite else "SELECT VERSION()"


async def database_size(connection: AsyncConnection, *, is_sqlite: bool) -> tuple[int, int]:
    """Return the bytes of the database, and those of them that deleted rows have left free."""
    if is_sqlite:
        page, pages, free = [
            int(await connection.scalar(text(f"PRAGMA {name}")) or 0)
            for name in ("page_size", "page_count", "freelist_count")
        ]
        return page * pages, page * free
    found = await connection.execute(
        text(
            "SELECT COALESCE(SUM(data_length + index_length), 0), COALESCE(SUM(data_free), 0)"
            " FROM information_schema.tables WHERE table_schema = DATABASE()"
        )
    )
    size, free = found.one()
    return int(size), int(free)
