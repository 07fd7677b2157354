"""Modbus TCP against a real server in a process of its own."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pdm_app.domain.errors import ConnectionFailedError, InvalidInputError, NotSupportedError
from pdm_app.domain.samples import Quality
from pdm_app.domain.signals import Signal
from pdm_app.drivers.modbus import ASK_AGAIN_US, ModbusDriver
from tests.counterparts.clocks import HandClock, WallClock
from tests.counterparts.device_process import DeviceProcess
from tests.drivers.sinks import Sink, a_connection, a_signal


@pytest.fixture(scope="module")
def device() -> Iterator[DeviceProcess]:
    process = DeviceProcess("modbus_device.py")
    process.start()
    yield process
    process.kill()


@asynccontextmanager
async def connected(device: DeviceProcess, clock: Any = None) -> AsyncIterator[ModbusDriver]:
    driver = ModbusDriver(a_connection("modbus", f"127.0.0.1:{device.port}"), clock or WallClock())
    await driver.connect()
    try:
        yield driver
    finally:
        await driver.close()


def at(number: int, register: int, kind: str = "uint16", **address: Any) -> Signal:
    return a_signal(number, {"register": register, "type": kind, **address})


async def values(driver: ModbusDriver, *signals: Signal) -> list[float | str | None]:
    return [sample.value for sample in (await driver.poll(signals)).samples()]


async def test_every_table_type_and_order_of_the_device_is_read(device: DeviceProcess) -> None:
    signals = [
        at(1, 2, "float32"),
        at(2, 20, "float32", order="CDAB"),
        at(3, 22, "float32", order="BADC"),
        at(4, 24, "float32", order="DCBA"),
        at(5, 30, "int64"),
        at(6, 40, "bool", bit=3),
        at(7, 0, table="input"),
        at(8, 0, "bool", table="coil"),
        at(9, 1, "bool", table="discrete"),
    ]
    async with connected(device) as driver:
        found = await values(driver, *signals)
    assert found == [2.5, *[pytest.approx(-123.456, rel=1e-6)] * 3, -5.0, 1.0, 321.0, 1.0, 0.0]


async def test_registers_that_do_not_exist_between_two_values_spoil_neither(device: DeviceProcess) -> None:
    async with connected(device) as driver:
        assert await values(driver, at(1, 2, "float32"), at(2, 10)) == [2.5, 7.0]
        assert driver.health().faults == {}


async def test_a_refused_register_is_named_with_what_to_do_and_asked_for_again_in_a_minute(
    device: DeviceProcess,
) -> None:
    clock = HandClock()
    async with connected(device, clock) as driver:
        signals = [at(1, 2, "float32"), at(2, 6), at(3, 10)]
        batch = await driver.poll(signals)
        assert [sample.quality for sample in batch.samples()] == [
            Quality.GOOD,
            Quality.BAD_CONFIGURATION,
            Quality.GOOD,
        ]
        assert "from 6 of unit 1: illegal data address. Check the signal's address" in driver.health().faults[2]
        requests: list[int] = []
        read = driver._request

        async def counted(block: Any) -> Any:
            requests.append(block.start)
            return await read(block)

        driver._request = counted  # type: ignore[method-assign]
        await driver.poll(signals)
        assert requests == [2, 10], "the way round is remembered"
        clock.at += ASK_AGAIN_US
        await driver.poll(signals)
        assert 6 in requests


async def test_a_device_failure_is_not_a_wrong_address_and_is_asked_for_at_every_poll(device: DeviceProcess) -> None:
    async with connected(device) as driver:
        for _ in range(2):
            [sample] = (await driver.poll([at(1, 50)])).samples()
            assert sample.quality is Quality.BAD_DEVICE_FAILURE
            assert "server device failure" in driver.health().faults[1]


async def test_an_address_that_cannot_be_is_a_fault_without_a_request(device: DeviceProcess) -> None:
    async with connected(device) as driver:
        batch = await driver.poll([at(1, 2, "float32"), at(2, 70_000)])
        assert [sample.quality for sample in batch.samples()] == [Quality.GOOD, Quality.BAD_CONFIGURATION]
        assert "register" in driver.health().faults[2]


async def test_two_polls_at_once_take_turns(device: DeviceProcess) -> None:
    async with connected(device) as driver:
        answers = await asyncio.gather(*(values(driver, at(1, 2, "float32"), at(2, 10)) for _ in range(20)))
    assert answers == [[2.5, 7.0]] * 20


async def test_what_cannot_be_written_is_refused_before_anything_is_sent(device: DeviceProcess) -> None:
    async with connected(device) as driver:
        for signal, problem in (
            (at(1, 0, table="input"), "cannot be written"),
            (at(2, 40, "bool", bit=3), "single bit"),
            (at(3, -1), "register"),
        ):
            with pytest.raises(InvalidInputError, match=problem):
                await driver.write(signal, 1.0)
        with pytest.raises(InvalidInputError, match="text"):
            await driver.write(at(4, 10), "on")
        refused = await driver.write(at(5, 6), 1.0)
        assert not refused.accepted
        assert "illegal data address" in refused.reason
        coil = await driver.write(at(6, 5, "bool", table="coil"), 1.0)
        assert (coil.accepted, coil.read_back) == (True, 1.0)


async def test_it_is_polled_and_says_so(device: DeviceProcess) -> None:
    async with connected(device) as driver:
        assert not driver.pushes
        with pytest.raises(NotSupportedError, match="polled"):
            await driver.subscribe([], Sink())


async def test_a_frozen_device_costs_a_poll_about_a_second(within: Callable[[float], float]) -> None:
    process = DeviceProcess("modbus_device.py")
    process.start()
    try:
        async with connected(process) as driver:
            await values(driver, at(1, 10))
            process.freeze()
            began_at = time.monotonic()
            with pytest.raises(ConnectionFailedError, match=r"within 0\.5 s, 2 times"):
                await values(driver, at(1, 10))
            assert time.monotonic() - began_at < within(2.0)
    finally:
        process.kill()
