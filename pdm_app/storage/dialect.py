"""The one place where SQLite and MySQL/MariaDB are spoken to differently."""

from sqlalchemy import Table
from sqlalchemy.dialects import mysql, sqlite
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
