"""OPC UA against a real server: kinds of values, status codes, many nodes, and nodes that appear later."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asyncua import ua
from asyncua.server.server import Server
from asyncua.ua.status_codes import StatusCodes

from pdm_app.domain.errors import ConnectionFailedError, InvalidInputError
from pdm_app.domain.samples import Quality, micros
from pdm_app.domain.signals import Signal
from pdm_app.drivers import opcua as opcua_driver
from pdm_app.drivers.opcua import OpcuaDriver
from pdm_app.drivers.opcua_values import quality_of
from tests.counterparts.clocks import WallClock, until
from tests.drivers.sinks import Sink, a_connection, a_signal


class Device:
    """A server in this process whose values the test sets."""

    def __init__(self, server: Server, port: int) -> None:
        self.server = server
        self.port = port

    async def add(self, name: str, value: Any, *, writable: bool = False) -> Any:
        node = await self.server.nodes.objects.add_variable(ua.NodeId.from_string(f"ns=2;s={name}"), name, value)
        if writable:
            await node.set_writable()
        return node


@pytest.fixture
async def device(free_port: int) -> AsyncIterator[Device]:
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{free_port}")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    await server.register_namespace("urn:test")
    async with server:
        yield Device(server, free_port)


def node(number: int, name: str, **settings: Any) -> Signal:
    return a_signal(number, {"node": f"ns=2;s={name}"}, **settings)


@asynccontextmanager
async def subscribed(device: Device, sink: Sink, *signals: Signal, **options: Any) -> AsyncIterator[OpcuaDriver]:
    connection = a_connection("opcua", f"opc.tcp://127.0.0.1:{device.port}", security="none", **options)
    driver = OpcuaDriver(connection, WallClock())
    await driver.connect()
    await driver.subscribe(signals, sink)
    try:
        yield driver
    finally:
        await driver.close()


async def test_numbers_booleans_text_and_times_arrive_as_what_they_are(device: Device) -> None:
    await device.add("Int", ua.Variant(7, ua.VariantType.Int32))
    await device.add("Flag", True)
    await device.add("Text", "2.4.1")
    await device.add("Local", ua.LocalizedText("Pumpe"))
    await device.add("Nothing", ua.Variant(None, ua.VariantType.Null))
    await device.add("Row", [1.0, 2.0])
    sink = Sink()
    signals = [node(row + 1, name) for row, name in enumerate(["Int", "Flag", "Text", "Local", "Row"])]
    async with subscribed(device, sink, *signals) as driver:
        await until(lambda: len(sink.samples()) == 5)
        assert [sink.values(number) for number in (1, 2, 3, 4)] == [[7.0], [1.0], ["2.4.1"], ["Pumpe"]]
        assert sink.qualities(5) == [Quality.BAD_CONFIGURATION]
        assert "no single number" in driver.health().faults[5]


async def test_the_source_time_is_the_servers_to_the_microsecond(device: Device) -> None:
    moment = datetime(2026, 11, 20, 9, 30, 0, 123_456, tzinfo=UTC)
    variable = await device.add("Flow", 1.0)
    sink = Sink()
    async with subscribed(device, sink, node(1, "Flow")):
        await until(lambda: sink.samples(1))
        stamp: Any = moment
        await variable.write_value(ua.DataValue(ua.Variant(2.0), SourceTimestamp=stamp))
        await until(lambda: len(sink.samples(1)) == 2)
    assert sink.samples(1)[-1].source_at == micros(moment)


async def test_a_sick_sensor_is_bad_with_its_reason_until_it_is_well(device: Device) -> None:
    variable = await device.add("Flow", 1.0)
    sink = Sink()
    async with subscribed(device, sink, node(1, "Flow")) as driver:
        await until(lambda: sink.qualities(1) == [Quality.GOOD])
        sick = ua.StatusCode(ua.UInt32(StatusCodes.BadSensorFailure))
        await variable.write_value(ua.DataValue(ua.Variant(None), StatusCode=sick))
        await until(lambda: sink.qualities(1)[-1] is Quality.BAD_DEVICE_FAILURE)
        assert "BadSensorFailure" in driver.health().faults[1]
        await variable.write_value(2.0)
        await until(lambda: sink.qualities(1)[-1] is Quality.GOOD)
        assert driver.health().faults == {}


async def test_two_thousand_nodes_are_subscribed_in_chunks_and_none_is_missed(device: Device) -> None:
    for number in range(1, 2001):
        await device.add(f"N{number}", float(number))
    sink = Sink()
    async with subscribed(device, sink, *(node(number, f"N{number}") for number in range(1, 2001))) as driver:
        await until(lambda: len(sink.samples()) >= 2000, within_s=120)
        assert driver._publisher is not None
        assert driver._publisher.in_columns >= 1, "a real server's notifications are read in columns"
    assert {(int(sample.signal), sample.value) for sample in sink.samples()} == {(n, float(n)) for n in range(1, 2001)}


async def test_a_burst_is_delivered_whole_and_in_order(device: Device) -> None:
    variable = await device.add("Flow", 0.0)
    sink = Sink()
    async with subscribed(device, sink, node(1, "Flow", poll_every_s=0.01), publishing_ms=100):
        await until(lambda: sink.samples(1))
        moment = datetime.now(UTC)
        for step in range(1, 11):
            stamp: Any = moment + timedelta(milliseconds=step)
            await variable.write_value(ua.DataValue(ua.Variant(float(step)), SourceTimestamp=stamp))
        await until(lambda: sink.values(1)[-1] == 10.0)
    assert sink.values(1) == [float(step) for step in range(11)]


async def test_a_node_that_appears_later_is_found_without_a_reconnection(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opcua_driver, "ASK_AGAIN_US", 0)
    monkeypatch.setattr(opcua_driver, "WATCH_S", 0.1)
    sink = Sink()
    async with subscribed(device, sink, node(1, "Later")) as driver:
        assert sink.qualities(1) == [Quality.BAD_CONFIGURATION]
        watching = asyncio.create_task(driver.lost())
        await device.add("Later", 5.0)
        await until(lambda: sink.values(1)[-1] == 5.0)
        assert driver.health().faults == {}
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_a_write_keeps_the_nodes_own_type_and_is_refused_where_it_is_read_only(device: Device) -> None:
    setpoint = await device.add("Setpoint", ua.Variant(1, ua.VariantType.UInt16), writable=True)
    await device.add("Fixed", 1.0)
    name = await device.add("Name", "a", writable=True)
    async with subscribed(device, Sink()) as driver:
        result = await driver.write(node(1, "Setpoint"), 42.0)
        assert (result.accepted, result.read_back) == (True, 42.0)
        assert (await setpoint.read_data_value()).Value.VariantType is ua.VariantType.UInt16
        refused = await driver.write(node(2, "Fixed"), 2.0)
        assert not refused.accepted
        assert "BadUserAccessDenied" in refused.reason or "NotWritable" in refused.reason
        with pytest.raises(InvalidInputError, match="UInt16"):
            await driver.write(node(1, "Setpoint"), -1.0)
        await driver.write(node(3, "Name"), "b")
        assert await name.read_value() == "b"


@pytest.mark.parametrize(
    ("code", "quality"),
    [
        (0, Quality.GOOD),
        (StatusCodes.GoodClamped, Quality.GOOD),
        (StatusCodes.UncertainLastUsableValue, Quality.UNCERTAIN),
        (StatusCodes.BadSensorFailure, Quality.BAD_DEVICE_FAILURE),
        (StatusCodes.BadSensorFailure | 0x0403, Quality.BAD_DEVICE_FAILURE),
        (StatusCodes.BadNoCommunication, Quality.BAD_CONNECTION_LOST),
        (StatusCodes.BadWaitingForInitialData, Quality.BAD_WAITING),
        (StatusCodes.BadNodeIdUnknown, Quality.BAD_CONFIGURATION),
        (StatusCodes.BadUnexpectedError, Quality.BAD),
    ],
)
def test_status_codes_become_qualities_whatever_their_flags(code: int, quality: Quality) -> None:
    assert quality_of(ua.StatusCode(ua.UInt32(code))) is quality


async def test_an_endpoint_of_another_kind_is_refused_with_an_example() -> None:
    driver = OpcuaDriver(a_connection("opcua", "http://10.0.0.1"), WallClock())
    with pytest.raises(ConnectionFailedError, match=r"opc\.tcp://192"):
        await driver.connect()
