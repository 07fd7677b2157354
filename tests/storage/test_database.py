"""Connections have the right settings, failures say what to do, and a database that comes back is used again."""

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.errors import InvalidInputError, UnavailableError
from pdm_app.domain.ports import Fence
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.mariadb import MariadbServer, database_on, execute
from tests.storage.data import NOON, SteppedClock, ramp, site


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("nonsense", "cannot be read"),
        ("postgresql+asyncpg://user:secret@host/pdm", "not supported"),
        ("sqlite:///pdm.sqlite", "not supported"),
        ("sqlite+aiosqlite:///:memory:", "names no file"),
        ("mysql+asyncmy://user:secret@host", "names no database"),
    ],
)
def test_a_url_that_cannot_be_used_is_said_with_one_that_can(url: str, problem: str) -> None:
    with pytest.raises(InvalidInputError, match=problem) as refused:
        Database(url)
    assert "mysql+asyncmy://user:password@host:3306/pdm" in str(refused.value)
    assert "secret" not in str(refused.value)


async def test_a_server_that_is_not_there_is_named_without_its_password(free_port: int) -> None:
    database = Database(f"mysql+asyncmy://pdm:secret@127.0.0.1:{free_port}/plant")
    with pytest.raises(UnavailableError, match=f"127.0.0.1:{free_port} could not answer a ping: ") as refused:
        await database.ping()
    assert "Check that the server runs" in str(refused.value)
    assert "secret" not in str(refused.value) + repr(refused.value.facts)
    await database.close()


@pytest.mark.mariadb
async def test_a_wrong_password_and_a_missing_database_say_what_to_correct(
    mysql_server_url: str, mariadb_url: str
) -> None:
    login, _, place = mariadb_url.removeprefix("mysql+asyncmy://").rpartition("@")
    assert login
    stranger = Database(f"mysql+asyncmy://stranger:secret@{place}")
    with pytest.raises(UnavailableError, match="Check user name and password") as refused:
        await stranger.ping()
    assert "secret" not in str(refused.value)
    missing = Database(database_on(mysql_server_url, "no_such_database"))
    with pytest.raises(UnavailableError, match="Create the database"):
        await missing.ping()
    await stranger.close()
    await missing.close()


async def test_sqlite_writes_ahead_and_flushes_every_commit(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    async with database.connected("look") as connection:
        assert await connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert await connection.scalar(text("PRAGMA synchronous")) == 2  # FULL
    await database.close()


@pytest.mark.mariadb
async def test_mysql_speaks_utc_is_strict_and_reads_what_is_committed(mariadb_url: str) -> None:
    database = Database(mariadb_url)
    async with database.connected("look") as connection:
        assert await connection.scalar(text("SELECT @@session.time_zone")) == "+00:00"
        assert "STRICT_TRANS_TABLES" in str(await connection.scalar(text("SELECT @@session.sql_mode")))
        isolation = (
            await connection.execute(
                text("SHOW VARIABLES WHERE Variable_name IN ('tx_isolation', 'transaction_isolation')")
            )
        ).all()
        assert {row[1] for row in isolation} == {"READ-COMMITTED"}
        assert await connection.scalar(text("SELECT @@session.character_set_client")) == "utf8mb4"
    await database.close()


async def test_a_ping_takes_milliseconds(database: Database) -> None:
    assert 0 < await database.ping() < 5000


async def test_a_query_that_is_cancelled_does_not_spoil_the_connection_for_others(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    slow = (
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 10000000) SELECT COUNT(*) FROM n"
        if database.is_sqlite
        else "SELECT SLEEP(120)"
    )
    assert await _run(database, "SELECT 42") == 42  # So that it is the query that is cancelled, not the way there.
    for _ in range(2):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await _run(database, slow)
        async with asyncio.timeout(30):  # Its connection is given up, so nobody waits for the query's end.
            assert await _run(database, "SELECT 42") == 42
    await database.close()


async def test_a_write_that_is_cancelled_gives_its_lock_back_at_once(sqlite_url: str) -> None:
    """Not when the garbage collector finds the cursor at which it was cancelled."""
    database = Database(sqlite_url)
    async with database.writing("make a table") as connection:
        await connection.execute(text("CREATE TABLE numbers (n INTEGER)"))

    async def write() -> None:
        async with database.writing("fill it") as connection:
            while True:
                await connection.execute(text("INSERT INTO numbers VALUES (1)"))
                await connection.scalar(text("SELECT COUNT(*) FROM numbers"))

    gc.disable()
    try:
        for turns in range(10):
            writing = asyncio.create_task(write())
            await asyncio.sleep(0.02)
            for _ in range(turns):  # So that the cancellation meets different steps.
                await asyncio.sleep(0)
            writing.cancel()
            await asyncio.wait([writing])
            async with asyncio.timeout(30), database.writing("write after it") as connection:
                assert await connection.scalar(text("SELECT COUNT(*) FROM numbers")) == 0
    finally:
        gc.enable()
        await database.close()


async def _run(database: Database, statement: str) -> object:
    async with database.connected("run") as connection:
        return await connection.scalar(text(statement))


@pytest.mark.mariadb
async def test_a_server_that_is_killed_and_comes_back_is_used_again_and_has_every_acknowledged_sample(
    own_mariadb_server: MariadbServer,
) -> None:
    server = own_mariadb_server
    execute(server.url, "CREATE DATABASE plant CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    database = Database(database_on(server.url, "plant"))
    await database.migrate()
    clock = SteppedClock()
    fence = await SqlLease(database, clock).acquire("test", 3600)
    assert isinstance(fence, Fence)
    historian, work = SqlHistorian(database, clock), SqlUnitOfWork(database)
    await historian.write([ramp(1, 0, 500)], fence)
    await asyncio.to_thread(server.kill)

    with pytest.raises(UnavailableError, match="could not store 500 samples") as refused:
        await historian.write([ramp(1, 500, 500, seq=2)], fence)
    assert str(server.port) in str(refused.value)
    with pytest.raises(UnavailableError):
        await work.ping()

    await asyncio.to_thread(server.start)
    await historian.write([ramp(1, 500, 500, seq=2)], fence)
    async with work(EVERY_SITE) as w:
        await w.sites.put(site("graz"))
        await w.commit()
    assert await historian.count(1, SteppedClock().now(), SteppedClock(NOON + 10**12).now()) == 1000
    await database.close()


@pytest.mark.mariadb
async def test_a_connection_lost_under_way_costs_a_write_nothing(mariadb_url: str, mysql_server_url: str) -> None:
    """The server ends the connection while the write holds its locks; the write begins again and is stored once."""
    database = Database(mariadb_url, pool_size=2)
    await database.migrate()
    clock = SteppedClock()
    fence = await SqlLease(database, clock).acquire("test", 3600)
    assert fence is not None
    historian = SqlHistorian(database, clock)
    async with database.connected("stand in the way") as blocker:
        # Another transaction keeps the lease row, so the write waits for it and can be hit there.
        await blocker.execute(text("SELECT token FROM leases FOR UPDATE"))
        writing = asyncio.ensure_future(historian.write([ramp(1, 0, 100)], fence))
        async with asyncio.timeout(30):
            while not (waiting := await _waiting_thread(database, blocker)):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        await asyncio.to_thread(execute, mysql_server_url, f"KILL {waiting}")
    assert (await writing).duplicates == 0
    assert await historian.count(1, SteppedClock().now(), SteppedClock(NOON + 10**12).now()) == 100
    await database.close()


async def _waiting_thread(database: Database, connection: object) -> int | None:
    waiting = "DB = :name AND INFO LIKE '%leases%' AND ID <> CONNECTION_ID()"
    statement = f"SELECT ID FROM information_schema.PROCESSLIST WHERE {waiting}"  # noqa: S608
    return await connection.scalar(text(statement), {"name": database.url.database})  # type: ignore[attr-defined, no-any-return]
