"""From a real broker through collector and intake to the buffer: acknowledged means kept."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiomqtt

from pdm_app.domain.samples import Batch
from pdm_app.drivers.registry import DRIVERS
from pdm_app.engine.collector import Collector
from pdm_app.engine.intake import Intake
from pdm_app.engine.supervisor import Supervisor
from pdm_app.stream.bus import Bus
from pdm_app.stream.latest import Latest
from tests.counterparts.clocks import WallClock, until
from tests.counterparts.mosquitto import Mosquitto
from tests.engine.memory import MemoryBuffer, MemoryPlant, connection, signal

START = 1_790_000_000


class Line:
    """A collector on one MQTT connection with a persistent session."""

    def __init__(self, broker: Mosquitto) -> None:
        self.buffer, self.latest = MemoryBuffer(), Latest()
        plant = MemoryPlant(
            [
                connection(
                    driver="mqtt", endpoint=f"mqtt://127.0.0.1:{broker.port}", options={"client_id": "collector-1"}
                )
            ],
            [signal(1, address={"topic": "pump", "path": "v", "time": "t"}, deadband=0.5, stale_after_s=1e6)],
        )
        clock = WallClock()
        intake = Intake([], Bus[Batch](), self.latest, self.buffer, clock)
        self.supervisor = Supervisor(clock, lambda *_: None)
        self.collector = Collector(plant, intake, self.supervisor, DRIVERS, clock)

    def recorded(self) -> list[float | str | None]:
        return [sample.value for sample in self.buffer.samples() if sample.quality.is_good]


@asynccontextmanager
async def running(broker: Mosquitto) -> AsyncIterator[Line]:
    line = Line(broker)
    await line.collector.start()
    await until(lambda: line.collector.statuses[0].state == "online")
    try:
        yield line
    finally:
        await line.supervisor.stop()


async def publish(broker: Mosquitto, values: range) -> None:
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        for value in values:
            await client.publish("pump", json.dumps({"v": value, "t": START + value}), qos=1)


async def test_everything_that_a_full_buffer_refused_is_kept_once_there_is_room(mosquitto: Mosquitto) -> None:
    async with running(mosquitto) as line:
        line.buffer.samples_max = 0
        for value in range(6):  # One by one, so that each is a batch of its own.
            await publish(mosquitto, range(value, value + 1))
        await until(lambda: (sample := line.latest.sample(1)) is not None and sample.value == 5.0)
        assert line.recorded() == []
        line.buffer.samples_max = 1000
        await until(lambda: len(line.recorded()) >= 6)
        assert sorted(line.recorded(), key=str) == [0, 1, 2, 3, 4, 5]


async def test_what_a_full_buffer_refused_until_the_end_is_kept_by_the_next_start(mosquitto: Mosquitto) -> None:
    async with running(mosquitto) as line:
        line.buffer.samples_max = 0
        for value in range(6):
            await publish(mosquitto, range(value, value + 1))
        await until(lambda: (sample := line.latest.sample(1)) is not None and sample.value == 5.0)
    async with running(mosquitto) as line:
        await until(lambda: len(line.recorded()) >= 6)
        assert line.recorded() == [0, 1, 2, 3, 4, 5]
