"""What every driver promises, run against a real server of its protocol on loopback."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import psutil
import pytest

from pdm_app.domain.errors import ConnectionFailedError, InvalidInputError, NotSupportedError
from pdm_app.domain.ports import Driver
from pdm_app.domain.samples import MICROS_PER_S, Batch, Quality, Sample
from pdm_app.domain.signals import Signal
from pdm_app.drivers.registry import DRIVERS
from tests.contracts.driver_plants import (
    COUNTER,
    ILLEGIBLE,
    LEVEL,
    MISSING,
    SETPOINT,
    DevicePlant,
    csv_replay_plant,
    egd_plant,
    modbus_plant,
    mqtt_plant,
    opcua_plant,
)
from tests.counterparts.clocks import WallClock, until
from tests.counterparts.mosquitto import find_mosquitto
from tests.counterparts.ports import free_port

SERVED = ("opcua", "modbus", "mqtt")
NETWORKED = (*SERVED, "egd")
PLANTS = (*NETWORKED, "csv_replay")
over_a_network = pytest.mark.parametrize("standing_plant", NETWORKED, indirect=True, scope="module")
"""What can be said only of a driver whose other side runs."""
of_a_server = pytest.mark.parametrize("standing_plant", SERVED, indirect=True, scope="module")
"""What can be said only of a driver whose other side has a port that is connected to."""


def test_every_registered_driver_runs_this_contract() -> None:
    assert set(PLANTS) == set(DRIVERS)


@pytest.fixture(scope="module", params=PLANTS)
def standing_plant(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, need: Callable[[str, object], None]
) -> Iterator[DevicePlant]:
    if request.param == "mqtt":
        need("mosquitto", find_mosquitto())
        yield from mqtt_plant(tmp_path_factory.mktemp("broker"))
    elif request.param == "csv_replay":
        yield from csv_replay_plant(tmp_path_factory.mktemp("recordings"))
    else:
        yield from {"opcua": opcua_plant, "modbus": modbus_plant, "egd": egd_plant}[request.param]()


@pytest.fixture
def plant(standing_plant: DevicePlant) -> DevicePlant:
    """The device, running; what a test before this one did to it is repaired."""
    if not standing_plant.server.is_well:
        standing_plant.server.kill()
        standing_plant.server.start()
    return standing_plant


class Received:
    """Everything that came, by signal."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    def take(self, batch: Batch) -> "asyncio.Future[None]":
        self.batches.append(batch)
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        durable.set_result(None)
        return durable

    def of(self, signal: int) -> list[Sample]:
        return [sample for batch in self.batches for sample in batch.samples() if sample.signal == signal]

    def good(self, signal: int) -> list[Sample]:
        return [sample for sample in self.of(signal) if sample.quality.is_good]


@asynccontextmanager
async def delivering(driver: Driver, signals: list[Signal]) -> AsyncIterator[Received]:
    """A connected driver that is subscribed or polled, and closed at the end."""
    received = Received()
    polling: asyncio.Task[None] | None = None

    async def poll() -> None:
        while True:
            try:
                received.take(await driver.poll(signals))
            except ConnectionFailedError:
                return
            await asyncio.sleep(0.05)

    await driver.connect()
    try:
        if driver.pushes:
            await driver.subscribe(signals, received.take)
        else:
            polling = asyncio.create_task(poll())
        yield received
    finally:
        if polling is not None:
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)
        await driver.close()


async def test_values_come_with_quality_and_a_source_time_of_the_present(plant: DevicePlant) -> None:
    async with delivering(plant.make(WallClock()), plant.signals(COUNTER, LEVEL)) as received:
        await until(lambda: len({sample.value for sample in received.good(COUNTER)}) >= 4)  # The counter counts.
        await until(lambda: received.good(LEVEL))
    assert {sample.value for sample in received.good(LEVEL)} == {2.5}
    now = WallClock().now()
    for batch in received.batches:
        assert abs(batch.received_at - now) < 60 * MICROS_PER_S
        for sample in batch.samples():
            assert now - 60 * MICROS_PER_S < sample.source_at <= now
            if plant.has_source_time:
                assert sample.source_at < batch.received_at


async def test_a_level_value_keeps_coming_so_that_it_never_looks_stale(plant: DevicePlant) -> None:
    async with delivering(plant.make(WallClock()), plant.signals(LEVEL)) as received:
        await until(lambda: len({sample.source_at for sample in received.good(LEVEL)}) >= 4)


async def test_an_address_that_is_not_there_spoils_no_other(plant: DevicePlant) -> None:
    driver = plant.make(WallClock())
    async with delivering(driver, plant.signals(COUNTER, MISSING, ILLEGIBLE)) as received:
        await until(lambda: len(received.good(COUNTER)) >= 3)
        await until(lambda: {MISSING, ILLEGIBLE} <= set(driver.health().faults))
        faults = driver.health().faults
    assert COUNTER not in faults
    assert not received.good(MISSING)
    assert {sample.quality for sample in received.of(ILLEGIBLE)} == {Quality.BAD_CONFIGURATION}
    assert all(len(reason) > 20 for reason in faults.values()), "a fault is a sentence"


async def test_a_killed_server_is_noticed_within_seconds(plant: DevicePlant, within: Callable[[float], float]) -> None:
    driver = plant.make(WallClock())
    async with delivering(driver, plant.signals(COUNTER)) as received:
        await until(lambda: received.good(COUNTER))
        assert driver.health().connected
        plant.server.kill()
        reason = await asyncio.wait_for(driver.lost(), within(5))
        assert len(reason) > 10
        assert not driver.health().connected


@over_a_network
async def test_a_frozen_server_is_noticed_within_seconds(plant: DevicePlant, within: Callable[[float], float]) -> None:
    driver = plant.make(WallClock())
    async with delivering(driver, plant.signals(COUNTER)) as received:
        await until(lambda: received.good(COUNTER))
        plant.server.freeze()
        await asyncio.wait_for(driver.lost(), within(8))
        began_at = time.monotonic()
    assert time.monotonic() - began_at < within(2.5), "close returns within two seconds, also then"


async def test_a_fresh_driver_works_once_the_server_is_back(plant: DevicePlant) -> None:
    async with delivering(plant.make(WallClock()), plant.signals(COUNTER)) as received:
        await until(lambda: received.good(COUNTER))
        plant.server.kill()
    with pytest.raises(ConnectionFailedError):
        async with delivering(plant.make(WallClock()), plant.signals(COUNTER)):
            pass
    plant.server.start()
    async with delivering(plant.make(WallClock()), plant.signals(COUNTER)) as received:
        await until(lambda: len(received.good(COUNTER)) >= 3)


@of_a_server
async def test_a_refused_connection_says_who_where_and_what_to_do(plant: DevicePlant) -> None:
    port = free_port()
    driver = plant.make(WallClock(), port)
    with pytest.raises(ConnectionFailedError) as failure:
        await asyncio.wait_for(driver.connect(), 30)
    await driver.close()
    assert plant.connection.name in failure.value.message
    assert f"127.0.0.1:{port}: the connection was refused; nothing listens there" in failure.value.message
    assert failure.value.facts["connection_id"] == plant.connection.id


@of_a_server
async def test_a_server_that_accepts_and_never_answers_fails_in_time(
    plant: DevicePlant, within: Callable[[float], float]
) -> None:
    held: list[asyncio.StreamWriter] = []

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    mute = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = mute.sockets[0].getsockname()[1]
    tasks_before = asyncio.all_tasks()
    driver = plant.make(WallClock(), port)
    try:
        async with asyncio.timeout(within(8)):
            with pytest.raises(ConnectionFailedError):
                await first_answer(driver, plant)
        await driver.close()
        await until(lambda: not (asyncio.all_tasks() - tasks_before))
        await until(lambda: not established(port))
    finally:
        for writer in held:
            writer.close()
        mute.close()
        await mute.wait_closed()


@of_a_server
async def test_close_leaves_neither_task_nor_connection(plant: DevicePlant) -> None:
    tasks_before = asyncio.all_tasks()
    driver = plant.make(WallClock())
    async with delivering(driver, plant.signals(COUNTER)) as received:
        await until(lambda: received.good(COUNTER))
        assert established(plant.server.port)
    await until(lambda: not (asyncio.all_tasks() - tasks_before))
    await until(lambda: not established(plant.server.port))
    count = len(received.batches)
    await asyncio.sleep(0.3)
    assert len(received.batches) == count, "nothing is delivered after close"


async def test_close_may_come_before_connect_and_twice(plant: DevicePlant) -> None:
    driver = plant.make(WallClock())
    await driver.close()
    await driver.close()


async def test_a_write_is_read_back(plant: DevicePlant) -> None:
    driver = plant.make(WallClock())
    [setpoint] = plant.signals(SETPOINT)
    async with delivering(driver, plant.signals(COUNTER)):
        if not plant.can_write:
            with pytest.raises(NotSupportedError):
                await driver.write(setpoint, 42)
            return
        result = await driver.write(setpoint, 42)
        assert (result.accepted, result.read_back) == (True, 42.0)
        with pytest.raises(InvalidInputError, match="fit"):
            await driver.write(setpoint, 1e6)
        assert (await driver.write(setpoint, -7)).read_back == -7.0
        assert (await driver.write(setpoint, 7)).read_back == 7.0


async def test_browsing_leads_to_readable_addresses_or_says_that_it_cannot(plant: DevicePlant) -> None:
    driver = plant.make(WallClock())
    async with delivering(driver, plant.signals(COUNTER)):
        if not plant.can_browse:
            with pytest.raises(NotSupportedError):
                await driver.browse(None)
            return
        found = {node.name: node for node in await driver.browse(None)}
        if (pump := found.get("Pump")) is not None:
            assert pump.is_folder
            found = {node.name: node for node in await driver.browse(pump.address)}
    assert found["Counter"].address == plant.addresses[COUNTER]
    assert not found["Counter"].is_folder
    assert (found["Setpoint"].data_type, found["Setpoint"].value) in (("Int16", "7"), ("number", "7"))


async def first_answer(driver: Driver, plant: DevicePlant) -> None:
    """Connect, and ask where connecting alone says nothing about the other side."""
    await driver.connect()
    await driver.poll(plant.signals(COUNTER))


def established(port: int) -> list[object]:
    """Return this process's open connections to a local port."""
    return [
        connection
        for connection in psutil.Process().net_connections(kind="tcp")
        if connection.raddr and connection.raddr.port == port and connection.status == psutil.CONN_ESTABLISHED
    ]
