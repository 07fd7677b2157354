"""Three real servers, killed and restarted in turn, under one collector."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest

from pdm_app.domain.connections import ConnectionState
from pdm_app.domain.samples import Batch, Quality
from pdm_app.drivers.registry import DRIVERS
from pdm_app.engine.collector import Collector
from pdm_app.engine.intake import Intake
from pdm_app.engine.supervisor import Supervisor
from pdm_app.stream.bus import Bus
from pdm_app.stream.latest import Latest
from tests.contracts.driver_plants import COUNTER, DevicePlant, modbus_plant, mqtt_plant, opcua_plant
from tests.counterparts.clocks import WallClock, until
from tests.counterparts.mosquitto import find_mosquitto
from tests.engine.memory import MemoryBuffer, MemoryPlant

PATIENT: dict[str, dict[str, object]] = {
    "opcua": {"timeout_s": 30.0, "connect_timeout_s": 30.0},
    "modbus": {"timeout_s": 30.0, "connect_timeout_s": 30.0},
    "mqtt": {"keepalive_s": 60, "connect_timeout_s": 30.0},
}
"""A killed server is seen by its connection's end; one that a busy machine lets wait is not to look like it."""
NUMBER_OF = {"opcua": 101, "modbus": 102, "mqtt": 103}


class Running:
    """The collector over the three devices, with what it shows and records."""

    def __init__(self, plants: dict[str, DevicePlant]) -> None:
        clock = self.clock = WallClock()
        self.plants = plants
        self.fatal: list[BaseException] = []
        self.latest, self.buffer = Latest(), MemoryBuffer()
        signals = [
            plant.signals(COUNTER)[0].model_copy(update={"id": NUMBER_OF[name], "stale_after_s": 60.0})
            for name, plant in plants.items()
        ]
        self.supervisor = Supervisor(clock, lambda _, error: self.fatal.append(error))
        intake = Intake([], Bus[Batch](), self.latest, self.buffer, clock)
        configuration = MemoryPlant([plant.connection for plant in plants.values()], signals)
        self.collector = Collector(configuration, intake, self.supervisor, DRIVERS, clock)

    def quality(self, name: str) -> Quality:
        sample = self.latest.sample(NUMBER_OF[name])
        return Quality.BAD_WAITING if sample is None else sample.quality

    def recorded(self, name: str) -> list[Quality]:
        return [sample.quality for sample in self.buffer.samples() if sample.signal == NUMBER_OF[name]]

    def is_live(self, name: str) -> bool:
        """Good values and a link that stands; a pushing driver's first value comes while it still subscribes."""
        return self.quality(name) is Quality.GOOD and self.collector.status(name).state is ConnectionState.ONLINE

    def all_live(self) -> bool:
        return all(self.is_live(name) for name in self.plants)


@pytest.fixture
async def running(tmp_path: Path, need: Callable[[str, object], None]) -> AsyncIterator[Running]:
    need("mosquitto", find_mosquitto())
    async with AsyncExitStack() as stack:
        plants = {
            name: stack.enter_context(contextmanager(make)())
            for name, make in (
                ("opcua", opcua_plant),
                ("modbus", modbus_plant),
                ("mqtt", lambda: mqtt_plant(tmp_path)),
            )
        }
        for name, options in PATIENT.items():
            plants[name].options |= options
        run = Running(plants)
        await run.collector.start()
        await until(run.all_live, within_s=120)
        yield run
        await run.supervisor.stop()
        assert not run.fatal


@pytest.mark.parametrize("victim", ["opcua", "modbus", "mqtt"])
async def test_a_killed_server_goes_bad_heals_by_itself_and_the_others_never_notice(
    running: Running, victim: str
) -> None:
    others = [name for name in running.plants if name != victim]
    since = {name: running.collector.status(name).since for name in others}
    marks = {name: len(running.recorded(name)) for name in others}
    last = running.latest.sample(NUMBER_OF[victim])

    running.plants[victim].server.kill()
    await until(lambda: running.quality(victim) is Quality.BAD_CONNECTION_LOST, within_s=120)
    shown = running.latest.sample(NUMBER_OF[victim])
    assert shown is not None
    assert last is not None
    assert shown.source_at >= last.source_at, "value and source time stay, so that the screen can show the age"
    assert running.collector.status(victim).last_error
    await until(lambda: all(len(running.recorded(name)) > marks[name] + 20 for name in others), within_s=120)
    await until(lambda: running.collector.status(victim).attempts >= 2, within_s=120)

    restarted_at = running.clock.now()
    await asyncio.to_thread(running.plants[victim].server.start)
    await until(lambda: running.is_live(victim), within_s=120)
    assert running.collector.status(victim).since >= restarted_at

    stamps = [quality for quality in running.recorded(victim) if quality is Quality.BAD_CONNECTION_LOST]
    assert len(stamps) == 1, "one gap in history"
    for name in others:
        assert running.collector.status(name).since == since[name]
        assert set(running.recorded(name)[marks[name] :]) == {Quality.GOOD}
