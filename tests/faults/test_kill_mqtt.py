"""kill -9 of the product while a broker delivers: with QoS 1 and a session of its own, no message is lost."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

import aiomqtt
import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.connections import Connection
from pdm_app.domain.samples import moment
from pdm_app.domain.signals import Signal
from pdm_app.storage.database import Database
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import WallClock
from tests.counterparts.installation import P_501, PUNE
from tests.counterparts.mosquitto import Mosquitto
from tests.faults.installations import Installation, prepared
from tests.faults.sending import NOTHING_WRONG, Key, difference
from tests.faults.waiting import eventually

TOPIC = "pune/P-501"
SIGNAL = 70
EVERY_S = 0.005


@dataclass
class Gateway:
    """Publishes counted values with QoS 1 and remembers which of them the broker has taken."""

    port: int
    published: dict[Key, float] = field(default_factory=dict)
    is_stopping: bool = False

    async def publish_until_stopped(self) -> None:
        async with aiomqtt.Client("127.0.0.1", self.port) as client:
            while not self.is_stopping:
                value, at = float(len(self.published)), WallClock().now()
                body = {"Flow": value, "timestamp": moment(at).isoformat()}
                await client.publish(TOPIC, json.dumps(body), qos=1)
                self.published[(SIGNAL, at)] = value
                await asyncio.sleep(EVERY_S)


@asynccontextmanager
async def publishing(gateway: Gateway) -> AsyncIterator[None]:
    """Have the gateway publish during the block; its last message is taken by the broker before it stops."""
    task = asyncio.create_task(gateway.publish_until_stopped())
    try:
        yield
        assert not task.done(), task.exception()
    finally:
        gateway.is_stopping = True
        await asyncio.wait([task], timeout=90)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.long
@pytest.mark.parametrize("rounds", [10])
async def test_no_message_of_a_broker_is_missing_after_kill_9(
    tmp_path: Path, mosquitto: Mosquitto, rounds: int
) -> None:
    random, gateway = Random(rounds), Gateway(mosquitto.port)
    installation = await prepared(tmp_path / "data")
    await connect(installation, mosquitto)
    try:
        await installation.start()
        await eventually(lambda: stands(installation), within_s=120, what="a session at the broker")
        async with publishing(gateway):
            for _ in range(rounds):
                await eventually(partial(delivers, installation, len(gateway.published)), within_s=120, what="messages")
                await asyncio.sleep(random.uniform(0.0, 0.5))
                installation.product.kill()
                await installation.start()
        await eventually(lambda: has(installation, gateway), within_s=120, what="every message in the history")
        assert difference(gateway.published, await installation.stored(SIGNAL, SIGNAL)) == NOTHING_WRONG
        assert await installation.stop() == 0
    finally:
        installation.product.kill()


async def connect(installation: Installation, broker: Mosquitto) -> None:
    """Give the plant a connection that keeps its session at the broker, and a signal on it."""
    connection = Connection(
        id="pune-mqtt", site_id=PUNE.id, name="Pump station", driver="mqtt",
        endpoint=f"mqtt://127.0.0.1:{broker.port}", options={"client_id": "collector-1"},
    )  # fmt: skip
    signal = Signal(
        id=SIGNAL, site_id=PUNE.id, asset_id=P_501.id, name="Flow", label="Flow",
        connection_id=connection.id, address={"topic": TOPIC, "path": "Flow"},
    )  # fmt: skip
    database = Database(installation.database_url)
    try:
        async with SqlUnitOfWork(database)(EVERY_SITE) as work:
            await work.connections.put(connection)
            await work.signals.put([signal])
            await work.commit()
    finally:
        await database.close()


async def stands(installation: Installation) -> bool:
    return (await installation.figures()).get("connections_up") == 1


async def delivers(installation: Installation, before: int) -> bool:
    """Whether the history goes on after the first ``before`` messages."""
    return len(await installation.stored(SIGNAL, SIGNAL)) > before


async def has(installation: Installation, gateway: Gateway) -> bool:
    stored = {(signal, at) for signal, at, _ in await installation.stored(SIGNAL, SIGNAL)}
    return gateway.published.keys() <= stored
