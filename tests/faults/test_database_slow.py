"""The database is slow to answer: devices are acknowledged as ever, what waits is said, nothing is lost or doubled."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from tests.counterparts.cutting_proxy import cutting_proxy
from tests.counterparts.mariadb import MariadbServer, database_on, execute
from tests.faults.installations import prepared
from tests.faults.reconciled import assert_rollups_agree
from tests.faults.sending import NOTHING_WRONG, difference, promised, sending, unanswered
from tests.faults.test_kill import FIRST, LAST, acknowledged, senders
from tests.faults.waiting import eventually

DELAY_S = 0.15  # One way: a write of some ten statements takes three seconds, and one look is answered in time.
SENDS_S = 10.0


@pytest.mark.mariadb
@pytest.mark.long
async def test_a_slow_database_costs_nothing_that_was_acknowledged_and_is_said(
    tmp_path: Path, own_mariadb_server: MariadbServer
) -> None:
    server = own_mariadb_server
    execute(server.url, "CREATE DATABASE plant CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    async with cutting_proxy(server.port) as proxy:
        url = database_on(server.url, "plant")
        installation = await prepared(tmp_path / "data", url.replace(f":{server.port}/", f":{proxy.port}/"))
        devices = senders(installation, Random(11))
        try:
            await installation.start()
            async with sending(devices, installation.url):
                await acknowledged(devices, 0)
                proxy.delay_s = DELAY_S
                before = len(promised(devices))
                await asyncio.sleep(SENDS_S)  # The slowness itself.
                assert len(promised(devices)) > before, "devices are served out of the durable buffer"

                async def is_behind() -> bool:
                    figures = await installation.figures()
                    return figures.get("recorder_lag_seconds", 0) > 1 and figures["buffer_depth_samples"] > 0

                await eventually(is_behind, within_s=120, what="figures that say what waits")
                status, content = await installation.health()
                assert status == 200, "it serves"
                assert "behind" in content["checks"]["recorder"]["detail"]
                round_trip_ms = float(content["checks"]["database"]["detail"].split()[2])
                assert round_trip_ms >= DELAY_S * 1000, "the health page says how slow it is"
                proxy.delay_s = 0.0
                assert await installation.stop() == 0
            await installation.start()
            await asyncio.gather(*(device.send_again(installation.url) for device in devices))
            await installation.recorded_everything(within_s=120)
            wrong = difference(promised(devices), await installation.stored(FIRST, LAST - 1), unanswered(devices))
            assert wrong == NOTHING_WRONG
            assert await installation.stop() == 0
            await assert_rollups_agree(url)
        finally:
            installation.product.kill()
