"""One database by URL: connections with the right settings, transactions, and its round trip.

``Database("sqlite+aiosqlite:///data/pdm.sqlite")`` or ``Database("mysql+asyncmy://user:password@host/pdm")``.
Both run at READ COMMITTED in effect: a transaction reads without locks and takes write locks with its first write.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import event, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from pdm_app.domain.errors import InvalidInputError, UnavailableError
from pdm_app.storage.failures import answered_for, is_repeatable
from pdm_app.storage.writers_turn import WritersTurn

T = TypeVar("T")

log = logging.getLogger(__name__)

POOL_SIZE = 8
POOL_WAIT_S = 10.0
CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 60.0  # A statement that takes longer has met a dead network, not a slow server.
PING_TIMEOUT_S = 5.0
SQLITE_BUSY_MS = 15_000
IDLE_CONNECTION_S = 1800  # Below MySQL's wait_timeout of 8 h and most firewalls' hour.

SQLITE_PRAGMAS = (
    f"PRAGMA busy_timeout = {SQLITE_BUSY_MS}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA cache_size = -16000",  # Of each connection of the pool; the system keeps the file in memory besides.
    "PRAGMA temp_store = MEMORY",
)
MYSQL_SETTINGS = (
    "SET SESSION time_zone = '+00:00'",
    "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,"
    "NO_ENGINE_SUBSTITUTION'",  # MySQL warns at every connection where one of the three goes without the others.
    # Replays skip rows by the thousand, each of them a warning; strict mode makes an error of every one that matters.
    # MySQL lets nobody but an administrator turn them off.
    # A list of 1,000 signals or more MariaDB would make a table of, and read each signal's whole day beside it.
    "SET SESSION /*M! max_error_count = 0, in_predicate_conversion_threshold = 0, */ innodb_lock_wait_timeout = 15",
)
# The second keeps partitions from being changed until the transaction ends: the server refuses to read one that is
# younger than the instant. It looks at no row, so the instant is that of the first statement that follows.
MYSQL_SNAPSHOT = ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT 1 FROM samples LIMIT 0")


class Database:
    """Connections to one SQLite file, or to one database on a MySQL or MariaDB server."""

    def __init__(self, url: str, *, pool_size: int = POOL_SIZE, answer_timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        """Name the database; nothing is opened yet.

        Args:
            url: One of the two forms.
            pool_size: Connections at once.
            answer_timeout_s: So long may a statement take on a server.

        Raises:
            InvalidInputError: The URL is neither of the two forms.
        """
        self.url = _parsed(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._turn = WritersTurn(SQLITE_BUSY_MS / 1000) if self.is_sqlite else None
        if self.is_sqlite:
            Path(str(self.url.database)).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.place = f"SQLite file {self.url.database}"
            self.engine = _sqlite_engine(self.url, pool_size)
        else:
            port = self.url.port or 3306
            self.place = f"Database {self.url.database!r} on MySQL server {self.url.host}:{port}"
            self.engine = _mysql_engine(self.url, pool_size, answer_timeout_s)

    @asynccontextmanager
    async def connected(self, what: str) -> AsyncIterator[AsyncConnection]:
        """Lend a connection; whatever was not committed when the block is left is rolled back.

        Raises:
            UnavailableError: The database does not answer; ``what`` says in the text what could not be done.
        """
        with answered_for(self.place, what):
            connection = self.engine.connect()
            try:
                async with connection:
                    yield connection
            finally:
                self.done_writing(connection)

    @asynccontextmanager
    async def writing(self, what: str) -> AsyncIterator[AsyncConnection]:
        """Lend a connection in a write transaction that commits when the block is left without an error."""
        async with self.connected(what) as connection:
            await self.begin_writing(connection)
            yield connection
            await connection.commit()

    @asynccontextmanager
    async def snapshot(self, what: str) -> AsyncIterator[AsyncConnection]:
        """Lend a connection on which all reads see one instant."""
        async with self.connected(what) as connection:
            if not self.is_sqlite:
                for statement in MYSQL_SNAPSHOT:
                    await connection.exec_driver_sql(statement)
            yield connection

    async def begin_writing(self, connection: AsyncConnection) -> None:
        """Take SQLite's write lock now; on MySQL rows lock one by one.

        A reading SQLite transaction cannot become a writing one once somebody else has written. It is therefore ended
        and begun anew, so that on both databases what was read before the first write was read without a lock.
        """
        if self._turn is not None:
            await self._turn.take(connection)
            raw = await connection.get_raw_connection()
            if raw.driver_connection.in_transaction:  # type: ignore[union-attr]
                await connection.exec_driver_sql("COMMIT")
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                await connection.execution_options(begin="BEGIN IMMEDIATE")
                await connection.begin()

    def done_writing(self, connection: AsyncConnection) -> None:
        """Let the next one write: the transaction of a connection, if it was one that writes, has ended."""
        if self._turn is not None:
            self._turn.give_back(connection)

    async def twice(self, what: str, work: Callable[[], Awaitable[T]]) -> T:
        """Run a whole transaction, and once more if it met a deadlock or a lost connection.

        Only for transactions that may be repeated although the first attempt may have been committed after all.
        """
        try:
            return await work()
        except UnavailableError as error:
            if error.__cause__ is None or not is_repeatable(error.__cause__):
                raise
            log.info("%s could not %s at once (%s); trying once more", self.place, what, error.__cause__)
        return await work()

    async def ping(self) -> float:
        """Return the round trip in milliseconds.

        Raises:
            UnavailableError: The database does not answer within five seconds.
        """
        began = time.perf_counter()
        async with self.connected("answer a ping") as connection, asyncio.timeout(PING_TIMEOUT_S):
            await connection.execute(text("SELECT 1"))
        return (time.perf_counter() - began) * 1000

    async def migrate(self) -> None:
        """Bring the schema to the version the program needs; see `pdm_app.storage.migrations`."""
        from pdm_app.storage.migrations import migrate  # It knows this class, so it is met only here.

        await migrate(self)

    async def close(self) -> None:
        await self.engine.dispose()


def _parsed(url: str) -> URL:
    fix = "Use sqlite+aiosqlite:///path/to/pdm.sqlite or mysql+asyncmy://user:password@host:3306/pdm."
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise InvalidInputError(f"The database URL cannot be read. {fix}") from error
    if parsed.drivername not in ("sqlite+aiosqlite", "mysql+asyncmy"):
        raise InvalidInputError(f"The database URL begins with {parsed.drivername!r}, which is not supported. {fix}")
    if not parsed.database or parsed.database == ":memory:":
        raise InvalidInputError(f"The database URL names no {'file' if 'sqlite' in url else 'database'}. {fix}")
    return parsed


class _LettingGo(sqlite3.Connection):
    """Gives the write lock back when it is closed, also in the middle of a statement.

    SQLite keeps a closed connection, its transaction and the lock for as long as some cursor still lives. After a
    cancellation that is until the garbage collector comes by, and every other writer waits meanwhile.
    """

    def close(self) -> None:
        with suppress(sqlite3.Error):  # It is closed already, or the disk is gone.
            self.rollback()
        super().close()


def _sqlite_engine(url: URL, pool_size: int) -> AsyncEngine:
    # isolation_level None: sqlite3 begins nothing on its own, the listener below begins what is wanted.
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_use_lifo=True,  # Each connection has a cache of its own: a few that are busy, not all a little.
        pool_timeout=POOL_WAIT_S,
        connect_args={"isolation_level": None, "timeout": SQLITE_BUSY_MS / 1000, "factory": _LettingGo},
    )

    def set_up(connection: Any, _: Any) -> None:
        connection.create_function("lower", 1, _lower, deterministic=True)  # The built-in one knows only ASCII.
        cursor = connection.cursor()
        for pragma in SQLITE_PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    event.listen(engine.sync_engine, "connect", set_up)
    event.listen(engine.sync_engine, "begin", begin)
    return engine


def _lower(words: object) -> object:
    return words.lower() if isinstance(words, str) else words


def _mysql_engine(url: URL, pool_size: int, answer_timeout_s: float) -> AsyncEngine:
    engine = create_async_engine(
        url.update_query_dict({"charset": "utf8mb4"}),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_S,
        pool_pre_ping=True,
        pool_recycle=IDLE_CONNECTION_S,
        isolation_level="READ COMMITTED",
        connect_args={"connect_timeout": CONNECT_TIMEOUT_S, "read_timeout": answer_timeout_s},
    )

    def set_up(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        for setting in MYSQL_SETTINGS:
            cursor.execute(setting)
        cursor.close()

    event.listen(engine.sync_engine, "connect", set_up)
    return engine
