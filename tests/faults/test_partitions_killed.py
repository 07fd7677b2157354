"""kill -9 of the MariaDB server while days get partitions and go with them: every sample is there, once."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Micros
from pdm_app.storage.cold import ColdTier
from pdm_app.storage.compaction import DAY_US
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from tests.counterparts.mariadb import MariadbServer, database_on, execute
from tests.storage.data import NOON, S, SteppedClock, ramp

SAMPLES = 200
DAY_S = 86_400
BUSY_S = 0.4


@pytest.mark.mariadb
@pytest.mark.long
@pytest.mark.parametrize("rounds", [20])
async def test_no_sample_is_lost_or_doubled(tmp_path: Path, own_mariadb_server: MariadbServer, rounds: int) -> None:
    server, random = own_mariadb_server, Random(rounds)
    execute(server.url, "CREATE DATABASE plant CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    url, folder = database_on(server.url, "plant"), tmp_path / "cold"
    database = Database(url)
    await database.migrate()
    await database.close()
    for number in range(1, rounds + 1):
        database, historian, fence = await opened(url, folder, number)
        await historian.partitions.roll_forward(fence, Micros(NOON + number * DAY_US), 1)
        days = [ramp(1, day * DAY_S, SAMPLES, seq=1 + day) for day in range(number - 1, number + 2)]
        await historian.write(days, fence)
        while await historian.roll_up(fence):
            pass
        working = asyncio.create_task(days_come_and_go(historian, fence, number))
        await asyncio.sleep(random.uniform(0.0, BUSY_S))  # The moment is the point here, not a condition.
        server.kill()
        with pytest.raises(UnavailableError):
            await working
        await database.close()
        await asyncio.to_thread(server.start)
        await assert_all_there(url, folder, number)
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)
    await assert_all_there(url, folder, rounds)


async def opened(url: str, folder: Path, day: int) -> tuple[Database, SqlHistorian, Fence]:
    """Work on the database so many days after the first; the lease is taken over from whoever died."""
    database, clock = Database(url), SteppedClock(NOON + day * DAY_US)
    fence = await SqlLease(database, clock).acquire("tests", 3600)
    assert fence is not None
    return database, SqlHistorian(database, clock, cold=ColdTier(database, folder)), fence


async def days_come_and_go(historian: SqlHistorian, fence: Fence, number: int) -> None:
    """Compact what is closed, write late samples into it, and have more and more days, until the database is gone."""
    compaction = historian.ways_to_cold()[0]
    now = Micros(NOON + number * DAY_US)
    while True:
        for day in await compaction.due(hot_days=1):
            await compaction.compact(fence, day.start_at)
        now = Micros(now + DAY_US)
        await historian.partitions.roll_forward(fence, now, 1)
        await historian.write([ramp(1, (number - 1) * DAY_S, SAMPLES, seq=number)], fence)
        while await historian.roll_up(fence):
            pass


async def assert_all_there(url: str, folder: Path, number: int) -> None:
    database, historian, _ = await opened(url, folder, number)
    try:
        for day in range(number + 2):
            start = NOON + day * DAY_US
            found = await historian.samples([1], Micros(start), Micros(start + DAY_US), 10 * SAMPLES)
            times = [at for at in found[1].source_at.tolist() if start <= at < start + DAY_US]
            assert times == [start + at * S for at in range(SAMPLES)], f"day {day} of round {number}"
            assert await historian.count(1, Micros(start), Micros(start + DAY_US)) == SAMPLES
    finally:
        await database.close()
