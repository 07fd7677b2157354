"""kill -9 at random moments of a removal: what is kept stays whole, what goes goes whole, and rollups stay true."""

import random
from pathlib import Path

import pytest

from pdm_app.domain.history import Tier
from pdm_app.domain.removals import RemovalOrder
from pdm_app.storage.database import Database
from tests.faults.killed import killed_after
from tests.faults.test_compaction_killed import DAY_US, SAMPLES, SIGNALS, counted, opened
from tests.storage.data import NOON, batch, ramp

GOING = (1, 2, 3)
ORDERS = tuple(
    RemovalOrder(rule_id="rule", tier=tier, signals=GOING, before_at=NOON - NOON % DAY_US + DAY_US)
    for tier in (Tier.RAW, Tier.ROLLUP_10S, Tier.ROLLUP_60S)
)
SEED = 43

PROGRAM = """
import asyncio, sys
from pathlib import Path
from tests.faults.test_removal_killed import ORDERS, opened

async def main():
    database, historian, fence = await opened(sys.argv[1], Path(sys.argv[2]))
    print("ready", flush=True)
    for order in ORDERS:
        async for _ in historian.removal.remove(order, fence):
            pass
    await database.close()
    print("done", flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.long)])
async def test_a_kill_in_the_middle_leaves_each_signal_whole_or_gone_and_the_next_run_ends_it(
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
    assert historian.compaction is not None
    for day in await historian.compaction.due(hot_days=1):
        await historian.compaction.compact(fence, day.start_at)
    await database.close()
    for _ in range(rounds):
        await killed_after(PROGRAM, chance.uniform(0.0, 0.4), database_url, folder)
        found = await counted(database_url, folder)
        assert all(samples in (0, SAMPLES) for samples in found[: len(GOING)])
        assert found[len(GOING) : SIGNALS] == [SAMPLES] * (SIGNALS - len(GOING))
    assert await killed_after(PROGRAM, None, database_url, folder) == b"done\n"
    found = await counted(database_url, folder)
    assert found[:SIGNALS] == [0] * len(GOING) + [SAMPLES] * (SIGNALS - len(GOING))
    database, historian, _ = await opened(database_url, folder)
    assert historian.removal is not None
    assert [(await historian.removal.due(order)).rows for order in ORDERS] == [0, 0, 0]
    await database.close()
