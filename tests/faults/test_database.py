"""The database is killed, or hangs, in mid-stream: nothing promised is lost, alarms are raised, nobody has to help."""

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pdm_app.domain.alarms import Alarm, AlarmRule, AlarmState, JournalKind, JournalPage
from pdm_app.domain.conditions.limits import HighLimit
from pdm_app.domain.pumps import PUMP_KEYS
from pdm_app.trpc import TrpcError
from pdm_app.trpc.client import TrpcClient
from tests.counterparts.installation import P_501, PUNE, SIGNALS
from tests.counterparts.mariadb import MariadbServer, database_on, execute
from tests.faults.installations import Installation, post, prepared
from tests.faults.reconciled import assert_rollups_agree
from tests.faults.sending import NOTHING_WRONG, difference, promised, sending
from tests.faults.test_kill import FIRST, LAST, acknowledged, senders
from tests.faults.waiting import eventually

pytestmark = pytest.mark.mariadb

OUTAGE_S = 12.0  # Longer than anything the product remembers of keys and sessions without asking again.
HEAL_S_MAX = 30.0
HOT = next(one for one in SIGNALS if one.name == PUMP_KEYS[-1])  # No sender uses it.
RULE = AlarmRule(
    id="hot", site_id=PUNE.id, asset_id=P_501.id, signal_id=HOT.id, name="Pump house too hot",
    condition=HighLimit(limit=50.0), priority=1, action="Open the doors.",
)  # fmt: skip


@pytest.mark.parametrize("fault", ["killed", pytest.param("frozen", marks=pytest.mark.long)])
async def test_a_database_that_is_gone_costs_nothing_that_was_acknowledged(
    tmp_path: Path, own_mariadb_server: MariadbServer, fault: str
) -> None:
    server = own_mariadb_server
    execute(server.url, "CREATE DATABASE plant CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    installation = await prepared(tmp_path / "data", database_on(server.url, "plant"), (RULE,))
    devices = senders(installation, Random(7))
    try:
        await installation.start()
        async with await installation.client() as olga, sending(devices, installation.url):
            assert await olga.query("alarms.active") == []
            await acknowledged(devices, 0)
            end(server, fault)
            began = time.monotonic()
            await eventually(lambda: says(installation, 503), within_s=120, what="a health page that says 503")
            _, content = await installation.health()
            assert content["status"] == "failing"
            assert not content["checks"]["database"]["ok"]
            detail = content["checks"]["database"]["detail"]
            assert str(server.port) in detail if fault == "killed" else "did not answer" in detail

            before = len(promised(devices))
            await post(installation, HOT.name, 71.5)
            alarm = await the_alarm(olga)
            assert (alarm.state, alarm.value) == (AlarmState.UNACKNOWLEDGED, 71.5)
            with pytest.raises(TrpcError, match="not stored yet") as refused:
                await olga.mutate("alarms.acknowledge", {"alarm_id": alarm.id})
            assert refused.value.code == "SERVICE_UNAVAILABLE"
            assert (await the_alarm(olga)).acknowledged_by == "olga"
            await asyncio.sleep(max(0.0, began + OUTAGE_S - time.monotonic()))  # The outage itself, not a guess.
            assert len(promised(devices)) > before, "devices are still served from the durable buffer"
            assert (await installation.health())[1]["checks"]["recorder"]["ok"] is (fault == "frozen")  # Still trying.
            backlog = (await installation.figures())["buffer_depth_samples"]
            assert backlog >= len(promised(devices)) - before

            bring_back(server, fault)
            await eventually(lambda: says(installation, 200), within_s=HEAL_S_MAX, what="a health page that says 200")
            await eventually(lambda: journalled(olga, alarm.id, 2), within_s=HEAL_S_MAX, what="the journal's entries")
            assert await installation.stop() == 0
        await installation.start()
        await asyncio.gather(*(device.send_again(installation.url) for device in devices))
        await installation.recorded_everything()
        assert difference(promised(devices), await installation.stored(FIRST, LAST - 1)) == NOTHING_WRONG
        async with await installation.client() as olga:
            assert await kinds(olga, alarm.id) == [JournalKind.ACKNOWLEDGED, JournalKind.RAISED]
            assert (await the_alarm(olga)).acknowledged_by == "olga"
        assert await installation.stop() == 0
        await assert_rollups_agree(installation.database_url)
    finally:
        installation.product.kill()


def end(server: MariadbServer, fault: str) -> None:
    if fault == "killed":
        server.kill()
    else:
        os.kill(server.pid, signal.SIGSTOP)


def bring_back(server: MariadbServer, fault: str) -> None:
    if fault == "killed":
        server.start()
    else:
        os.kill(server.pid, signal.SIGCONT)


async def says(installation: Installation, status: int) -> bool:
    return (await installation.health())[0] == status


async def the_alarm(client: TrpcClient) -> Alarm:
    """Wait for the one alarm that stands."""
    found: list[Alarm] = []

    async def stands() -> Sequence[Any]:
        found[:] = await client.query("alarms.active", result=list[Alarm])
        return found

    await eventually(stands, within_s=120, what="the alarm")
    assert len(found) == 1
    return found[0]


async def kinds(client: TrpcClient, alarm_id: str) -> list[JournalKind]:
    """What the journal has on an alarm, newest first."""
    page = await client.query("alarms.journal", {"alarm_id": alarm_id}, result=JournalPage)
    return [entry.kind for entry in page.entries]


async def journalled(client: TrpcClient, alarm_id: str, entries: int) -> bool:
    return len(await kinds(client, alarm_id)) == entries
