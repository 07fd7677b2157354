"""kill -9 of the MariaDB server at random moments: what was acknowledged is in its tables, rollups agree with it."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from tests.counterparts.mariadb import MariadbServer, database_on, execute
from tests.faults.installations import Installation, prepared
from tests.faults.reconciled import assert_rollups_agree
from tests.faults.sending import NOTHING_WRONG, difference, promised, sending, unanswered
from tests.faults.test_kill import FIRST, LAST, acknowledged, senders
from tests.faults.waiting import eventually

HEAL_S_MAX = 60.0
ROUNDS = 20


@pytest.mark.mariadb
@pytest.mark.long
async def test_nothing_acknowledged_is_missing_after_kill_9_of_the_database(
    tmp_path: Path, own_mariadb_server: MariadbServer
) -> None:
    """The quick gate has one such outage in `tests.faults.test_database`."""
    server, random = own_mariadb_server, Random(ROUNDS)
    execute(server.url, "CREATE DATABASE plant CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    url = database_on(server.url, "plant")
    installation = await prepared(tmp_path / "data", url)
    devices = senders(installation, random)
    try:
        await installation.start()
        async with sending(devices, installation.url):
            for _ in range(ROUNDS):
                await acknowledged(devices, len(promised(devices)))
                await asyncio.sleep(random.uniform(0.0, 2.0))  # The moment is the point here, not a condition.
                server.kill()
                await acknowledged(devices, len(promised(devices)))  # Out of the durable buffer, while it is gone.
                await asyncio.to_thread(server.start)
                await eventually(
                    lambda: is_healthy(installation), within_s=HEAL_S_MAX, what="a health page that says 200"
                )
            assert await installation.stop() == 0
        await installation.start()
        await asyncio.gather(*(device.send_again(installation.url) for device in devices))
        await installation.recorded_everything(within_s=120)
        found = await installation.stored(FIRST, LAST - 1)
        assert difference(promised(devices), found, unanswered(devices)) == NOTHING_WRONG
        assert await installation.stop() == 0
        await assert_rollups_agree(url)
    finally:
        installation.product.kill()


async def is_healthy(installation: Installation) -> bool:
    return (await installation.health())[0] == 200
