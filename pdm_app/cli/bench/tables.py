"""What the recording benchmark asks a database about itself, and the plain table of its peer."""

from pdm_app.storage.database import Database
from pdm_app.storage.migrations import migrate

PLAIN_TABLE = "bench_plain"
COLUMNS = "signal_id, source_at, value, text, quality, received_at, place"
MAKE_PLAIN = f"""CREATE TABLE {PLAIN_TABLE} (
    signal_id BIGINT NOT NULL, source_at BIGINT NOT NULL, value DOUBLE, text VARCHAR(1000), quality SMALLINT NOT NULL,
    received_at BIGINT NOT NULL, place BIGINT NOT NULL, PRIMARY KEY (signal_id, source_at))"""
MYSQL_BYTES = """SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables
    WHERE table_schema = DATABASE()"""
SQLITE_BYTES = "SELECT (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size)"
MYSQL_TABLES = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()"
ANALYZED = ("samples", "latest", "rollups_10s", "rollups_60s", "rollups_1h", PLAIN_TABLE)


def plain_insert(*, is_sqlite: bool) -> str:
    """Return the statement that drivers turn into multi-row inserts."""
    mark = "?" if is_sqlite else "%s"
    return f"INSERT INTO {PLAIN_TABLE} ({COLUMNS}) VALUES ({', '.join([mark] * 7)})"  # noqa: S608 - two known marks.


class Tables:
    """The tables of one database, seen from outside the product."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def is_empty(self) -> bool:
        """Tell whether a MySQL database has no table yet."""
        return await self._number(MYSQL_TABLES) == 0

    async def count(self, table: str) -> int:
        """Return the rows of a table."""
        return await self._number(f"SELECT COUNT(*) FROM {table}")  # noqa: S608 - a table of this module.

    async def rolled_up(self) -> int:
        """Return the samples that the rollups stand for."""
        return await self._number("SELECT COALESCE(SUM(samples), 0) FROM rollups_10s")

    async def bytes_used(self) -> int:
        """Return the bytes of all tables and indexes; of MySQL's, as far as its statistics know."""
        if self._database.is_sqlite:
            return await self._number(SQLITE_BYTES)
        async with self._database.connected("measure its tables") as connection:
            names = (await connection.exec_driver_sql("SHOW TABLES")).scalars().all()
            for table in sorted(set(ANALYZED) & set(names)):
                await connection.exec_driver_sql(f"ANALYZE TABLE {table}")
        return await self._number(MYSQL_BYTES)

    async def version(self) -> str:
        """Return what the server calls itself."""
        async with self._database.connected("tell its version") as connection:
            statement = "SELECT sqlite_version()" if self._database.is_sqlite else "SELECT VERSION()"
            return str((await connection.exec_driver_sql(statement)).scalar_one())

    async def make_plain(self) -> None:
        """Make the peer's table."""
        async with self._database.writing("make a table") as connection:
            await connection.exec_driver_sql(MAKE_PLAIN)

    async def empty(self, _: float = 0) -> dict[str, object]:
        """Drop everything that the benchmark made."""
        await migrate(self._database, "base")
        async with self._database.writing("drop a table") as connection:
            await connection.exec_driver_sql(f"DROP TABLE IF EXISTS {PLAIN_TABLE}")
            await connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
        return {"emptied": True}

    async def _number(self, statement: str) -> int:
        async with self._database.connected("count") as connection:
            return int((await connection.exec_driver_sql(statement)).scalar_one())
