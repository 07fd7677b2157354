"""kill -9 at random moments of a compaction: every sample is still there, once, and the next round ends the work."""

import random
from pathlib import Path

import pytest

from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Micros
from pdm_app.storage.cold import ColdTier
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from tests.contracts.cold_stores import each_store, names_kept, place_at
from tests.counterparts.s3_server import s3_server
from tests.faults.killed import killed_after
from tests.storage.data import NOON, S, SteppedClock, batch, ramp

__all__ = ["each_store", "s3_server"]

DAY_US = 86_400 * S
SIGNALS, SAMPLES = 6, 4000
SEED = 42

PROGRAM = """
import asyncio, sys
from pathlib import Path
from tests.faults.test_compaction_killed import DAY_US, NOON, opened

async def main():
    database, historian, fence = await opened(sys.argv[1], Path(sys.argv[2]))
    print("ready", flush=True)
    for day in await historian.compaction.due(hot_days=1):
        await historian.compaction.compact(fence, day.start_at)
    await database.close()
    print("done", flush=True)

asyncio.run(main())
"""


async def opened(url: str, folder: Path) -> tuple[Database, SqlHistorian, Fence]:
    """One process's way to the installation; the lease is taken over from whoever died."""
    database = Database(url)
    clock = SteppedClock(NOON + 10 * DAY_US)
    fence = await SqlLease(database, clock).acquire("tests", 3600)
    assert fence is not None
    return database, SqlHistorian(database, clock, cold=ColdTier(database, place_at(folder))), fence


async def counted(url: str, folder: Path) -> list[int]:
    """Samples of each signal as raw reads give them, and as rollups do."""
    database, historian, _ = await opened(url, folder)
    span = (Micros(NOON), Micros(NOON + SAMPLES * S))
    numbers = list(range(1, SIGNALS + 1))
    raw = await historian.samples(numbers, *span, SIGNALS * SAMPLES)
    whole = [await historian.count(number, *span) for number in numbers]
    await database.close()
    return [*(len(raw[number]) for number in numbers), *whole]


@pytest.mark.usefixtures("each_store")
@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.long)])
async def test_no_sample_is_lost_or_doubled_by_a_kill_in_the_middle(
    database_url: str, tmp_path: Path, rounds: int
) -> None:
    folder, chance = tmp_path / "cold", random.Random(SEED)
    database = Database(database_url)
    await database.migrate()
    await database.close()
    database, historian, fence = await opened(database_url, folder)
    for number in range(1, SIGNALS + 1):
        await historian.write([ramp(number, 0, SAMPLES, seq=number)], fence)
    await historian.write([batch([(77, 2 * 86_400, 1.0)], seq=900, received_s=2 * 86_400 + 60)], fence)
    while await historian.roll_up(fence):
        pass
    await database.close()
    before = await counted(database_url, folder)
    assert before == [SAMPLES] * SIGNALS * 2
    for _ in range(rounds):
        await killed_after(PROGRAM, chance.uniform(0.0, 0.6), database_url, folder)
        assert await counted(database_url, folder) == before
    assert await killed_after(PROGRAM, None, database_url, folder) == b"done\n"
    assert await counted(database_url, folder) == before
    database, historian, _ = await opened(database_url, folder)
    assert len(await names_kept(historian)) <= 2, "this one, and the one before it"
    await database.close()
