"""The running demo plant, read by real clients of its three protocols, with its processes killed in turn."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import psutil
import pytest
from asyncua.client.client import Client as OpcuaClient
from pymodbus.client import AsyncModbusTcpClient

from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from pdm_app.domain.plant_size import PlantSize
from pdm_app.domain.samples import MICROS_PER_S, Micros, micros
from pdm_app.simulation import faults
from pdm_app.simulation.fleet import Fleet, labels_at_start, running_fleet
from pdm_app.simulation.labels import read_labels
from pdm_app.simulation.plant import PlantPorts
from pdm_app.simulation.ports import free_port, reserved
from tests.simulation.conftest import WallClock, listens, until
from tests.simulation.readers import first_values, modbus_words, opcua_value

UNTIL_TOLD_S = 12_345.0
SERVERS = {"opcua", "modbus", "broker", "publishers", "physics"}


class WaitsUntilTold(WallClock):
    """A clock on which one length of wait ends when the test says so."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.told = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await (self.told.wait() if seconds == self._seconds else super().sleep(seconds))


class Inbox:
    """What arrived from the broker, newest message by topic."""

    def __init__(self) -> None:
        self.newest: dict[str, dict[str, Any]] = {}
        self.all: list[tuple[str, dict[str, Any]]] = []

    async def read(self, port: int) -> None:
        while True:
            try:
                async with aiomqtt.Client("127.0.0.1", port, timeout=3) as client:
                    await client.subscribe("northfield/#", qos=1)
                    async for message in client.messages:
                        assert isinstance(message.payload, bytes)
                        said = json.loads(message.payload)
                        self.newest[str(message.topic)] = said
                        self.all.append((str(message.topic), said))
            except aiomqtt.MqttError:
                await asyncio.sleep(0.2)


@asynccontextmanager
async def inbox(fleet: Fleet) -> AsyncIterator[Inbox]:
    box = Inbox()
    reading = asyncio.create_task(box.read(fleet.ports.mqtt))
    try:
        yield box
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def test_plant_delivers_every_signal_on_its_real_protocol(
    tmp_path: Path, clock: WallClock, ports: PlantPorts
) -> None:
    async with running_fleet(tmp_path, clock, ports) as fleet, inbox(fleet) as box:
        await first_values(fleet)
        assert {child.name for child in fleet.children if child.is_ready} == SERVERS
        async with OpcuaClient(fleet.definition.connections[0].endpoint) as client:
            for each in fleet.definition.signals_of("p-101a"):
                read = await client.get_node(str(each.address["node"])).read_data_value()
                assert read.Value is not None
                assert read.SourceTimestamp is not None
                assert each.range_low is not None
                assert each.range_high is not None
                assert each.range_low <= float(read.Value.Value) <= each.range_high
                age_s = (clock.now() - micros(read.SourceTimestamp)) / MICROS_PER_S
                assert -0.1 < age_s < 30
            nodes = [
                client.get_node(str(row.address["node"])) for row in fleet.definition.signals if "node" in row.address
            ]

            async def all_told() -> bool:
                told = await asyncio.gather(*(node.read_data_value(raise_on_bad_status=False) for node in nodes))
                return all(value.Value is not None and value.Value.Value is not None for value in told)

            await until(all_told, within_s=120, what="a value of every machine on OPC UA")
            bounds = await (await client.get_node("ns=2;s=P-101A.Flow_Rate_m3_h").get_child("0:EURange")).read_value()
            assert (bounds.Low, bounds.High) == (0, 160)

        pressure = await modbus_words(fleet, 0, 2)
        assert isinstance(pressure, list)
        convert = AsyncModbusTcpClient.convert_from_registers
        header_bar = convert(pressure, AsyncModbusTcpClient.DATATYPE.FLOAT32)
        assert isinstance(header_bar, float)
        assert 6.5 < header_bar < 7.4
        assert await modbus_words(fleet, 40, 1) == [2]
        assert await modbus_words(fleet, 30, 1) == 2, "an address that does not exist"

        registers = [row.address for row in fleet.definition.signals if "register" in row.address]

        async def all_answered() -> bool:
            for place in registers:
                wide = 2 if place["type"] == "float32" else 1
                if not isinstance(await modbus_words(fleet, place["register"], wide, place["unit"]), list):
                    return False
            return True

        await until(all_answered, within_s=120, what="every register of every unit on Modbus")
        topics = {str(each.address["topic"]) for each in fleet.definition.signals if "topic" in each.address}

        async def all_spoke() -> bool:
            return topics <= set(box.newest)

        await until(all_spoke, within_s=120, what=f"a message on each of {topics}")
        for each in fleet.definition.signals:
            if "topic" in each.address:
                assert each.address["path"] in box.newest[str(each.address["topic"])]
        assert len(box.newest["northfield/pune/pump-station/P-501"]) == 11, "ten measurements and the time stamp"


async def test_each_process_is_killed_alone_and_comes_back_on_its_port(
    tmp_path: Path, clock: WallClock, ports: PlantPorts
) -> None:
    async with running_fleet(tmp_path, clock, ports) as fleet:
        await first_values(fleet)
        for name in sorted(SERVERS):
            before = {child.name: child for child in fleet.children}
            fleet.kill(name)

            async def is_back(name: str = name, before: Any = before) -> bool:
                now = fleet.child(name)
                return now.is_ready and now.pid != before[name].pid

            took_s = await until(is_back, within_s=120, what=f"{name} serves again")
            assert took_s > 1.5, "it is visibly gone for a while"
            after = {child.name: child for child in fleet.children}
            assert after[name].restarts == before[name].restarts + 1
            assert after[name].port == before[name].port
            assert {other for other in SERVERS - {name} if after[other].pid != before[other].pid} == set()
        await first_values(fleet)


async def test_without_physics_no_server_invents_a_fresh_value(
    tmp_path: Path, ports: PlantPorts, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = WaitsUntilTold(UNTIL_TOLD_S)
    monkeypatch.setattr("pdm_app.simulation.process.RESTART_AFTER_S", UNTIL_TOLD_S)
    async with running_fleet(tmp_path, clock, ports) as fleet, inbox(fleet) as box:
        await first_values(fleet)
        fleet.kill("physics")
        killed = clock.now()

        async def is_uncertain() -> bool:
            return (await opcua_value(fleet, "Flow_Rate_m3_h")).StatusCode.name == (  # type: ignore[union-attr]
                "UncertainNoCommunicationLastUsableValue"
            )

        await until(is_uncertain, within_s=120, what="the OPC UA value is the last usable one")

        async def has_failed() -> bool:
            return await modbus_words(fleet, 0, 2) == 4

        await until(has_failed, within_s=120, what="Modbus answers server device failure: its own wait is over, too")
        said = [when for topic, body in box.all if "timestamp" in body and (when := body["timestamp"]) and topic]
        assert max(said) <= _text(killed + MICROS_PER_S // 5)
        clock.told.set()
        await first_values(fleet)


async def test_cavitation_reaches_the_broker_below_its_limit_within_seconds(
    tmp_path: Path, clock: WallClock, ports: PlantPorts
) -> None:
    async with running_fleet(tmp_path, clock, ports) as fleet, inbox(fleet) as box:
        await fleet.ready()
        topic = "northfield/pune/pump-station/P-501"

        async def suction_is(low: float, high: float) -> bool:
            return topic in box.newest and low < box.newest[topic]["Suction_Pressure_bar"] < high

        await until(lambda: suction_is(1.6, 2.0), within_s=120, what="a healthy suction pressure")
        label = await fleet.inject("cavitation", "P-501", "", 1.0)
        await until(lambda: suction_is(0, 1.2), within_s=120, what="suction below its limit")
        kept = read_labels(tmp_path)
        assert kept is not None
        assert kept.get(label.id) == label
        assert label.start_severity == 1.0
        with pytest.raises(ConflictError):
            await fleet.inject("cavitation", "P-501", "", 0.5)
        ended = await fleet.clear(label.id)
        assert ended.cleared_at is not None
        await until(lambda: suction_is(1.6, 2.0), within_s=120, what="suction back to normal")


async def test_stuck_sensor_stays_at_its_value_through_a_crash_of_the_physics(
    tmp_path: Path, clock: WallClock, ports: PlantPorts
) -> None:
    async with running_fleet(tmp_path, clock, ports) as fleet, inbox(fleet) as box:
        await fleet.ready()
        topic = "northfield/pune/pump-station/P-501"
        label = await fleet.inject("sensor_stuck", "P-501", "Flow_Rate_L_min", 1.0)

        async def heard(count: int, since: int = 0) -> bool:
            return len([row for row in box.all[since:] if row[0] == topic]) >= count

        async def is_held() -> bool:
            kept = read_labels(tmp_path)
            return kept is not None and label.id in kept.held

        await until(is_held, within_s=120, what="the held value is on disk")
        on_its_way = len(box.all)  # What was published before the value was held may still come.
        await until(lambda: heard(1, on_its_way), within_s=120, what="a message")
        since = len(box.all)
        await until(lambda: heard(2, since), within_s=120, what="two messages")
        fleet.kill("physics")
        since_crash = len(box.all)
        await until(lambda: heard(2, since_crash), within_s=120, what="two messages after the crash")
        bodies = [body for name, body in box.all[since:] if name == topic]
        assert len({body["Flow_Rate_L_min"] for body in bodies}) == 1
        assert len({body["Motor_Current_A"] for body in bodies}) == len(bodies)


async def test_lost_gateway_gets_its_last_will_and_sends_afterwards_what_it_stored(
    tmp_path: Path, clock: WallClock, ports: PlantPorts
) -> None:
    async with running_fleet(tmp_path, clock, ports) as fleet, inbox(fleet) as box:
        await fleet.ready()
        topic = "northfield/pune/gateways/G-3"

        async def status_is(said: str) -> bool:
            return box.newest.get(f"{topic}/status") == {"status": said}

        await until(lambda: status_is("online"), within_s=120, what="G-3 online")
        fleet.gateway_runs("G-3", "2.4.1")

        async def says_so() -> bool:
            return box.newest.get(topic, {}).get("firmware_version") == "2.4.1"

        await until(says_so, within_s=120, what="the version that its update client has booted")
        label = await fleet.inject("comm_loss", "G-3", "", 1.0)
        await until(lambda: status_is("offline"), within_s=120, what="the last will of G-3")
        lost_at = _text(clock.now())
        others = len([row for row in box.all if row[0].endswith("G-2")])

        async def others_went_on() -> bool:
            return len([row for row in box.all if row[0].endswith("G-2")]) >= others + 3

        await until(others_went_on, within_s=120, what="three messages of G-2")
        await fleet.clear(label.id)
        await until(lambda: status_is("online"), within_s=120, what="G-3 online again")
        back_at = _text(clock.now())

        async def stored_arrived() -> bool:
            stamps = [str(body["timestamp"]) for name, body in box.all if name == topic]
            return sum(lost_at < stamp < back_at for stamp in stamps) >= 3

        await until(stored_arrived, within_s=120, what="the messages G-3 stored while it was away")


async def test_a_plant_begins_on_day_19_and_goes_on_where_it_was(
    tmp_path: Path, clock: WallClock, ports: PlantPorts
) -> None:
    async with running_fleet(tmp_path, clock, ports) as fleet:
        wearing, *others = await fleet.faults()
        assert (wearing.key, wearing.asset_code) == ("bearing_wear", "P-101A")
        assert {fault.key for fault in others} == {"filter_clog", "link_weak", "comm_loss", "chattering", "capper_jam"}
        assert faults.severity(wearing, wearing.injected_at) * 27 == pytest.approx(19)
        with pytest.raises(NotFoundError):
            await fleet.clear("no-such-fault")
        with pytest.raises(NotFoundError):
            fleet.kill("reactor")
        with pytest.raises(InvalidInputError):
            await fleet.inject("meteor", "P-501", "", 1.0)
    async with running_fleet(tmp_path, clock, ports) as fleet:
        assert list(await fleet.faults()) == [wearing, *others]


def test_a_bearing_that_seized_while_the_plant_stood_still_has_been_replaced() -> None:
    start = Micros(1_763_640_000 * MICROS_PER_S)
    later = Micros(start + 9 * 86_400 * MICROS_PER_S)
    labels = labels_at_start(labels_at_start(None, start), later)
    old, new = (fault for fault in labels.faults if fault.key == "bearing_wear")
    assert old.cleared_at == new.injected_at == later
    assert [fault.id for fault in labels.standing(later) if fault.key == "bearing_wear"] == [new.id]


async def test_a_fault_whose_label_cannot_be_written_is_refused_and_does_not_begin(
    tmp_path: Path, clock: WallClock, ports: PlantPorts
) -> None:
    async with running_fleet(tmp_path, clock, ports, size=PlantSize.SMALL) as fleet:
        obstacle = tmp_path / "labels.json.new"
        obstacle.mkdir()
        with pytest.raises(UnavailableError, match=str(tmp_path)):
            await fleet.inject("cavitation", "P-501", "", 1.0)
        assert [fault.key for fault in await fleet.faults()] == ["bearing_wear"]
        obstacle.rmdir()
        await fleet.inject("cavitation", "P-501", "", 1.0)
        assert [fault.key for fault in fleet.labels.standing(clock.now())] == ["bearing_wear", "cavitation"]


async def test_a_server_whose_port_is_taken_meanwhile_says_so_and_serves_once_it_is_free(
    tmp_path: Path, clock: WallClock, ports: PlantPorts
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports.modbus))
        other.listen()
        async with running_fleet(tmp_path, clock, ports) as fleet:

            async def others_serve() -> bool:
                return {child.name for child in fleet.children if child.is_ready} == SERVERS - {"modbus"}

            await until(others_serve, within_s=120, what="the other processes serve")
            with pytest.raises(UnavailableError, match=r"modbus.*(in use|listen)"):
                await fleet.ready(within_s=4)
            other.close()
            await fleet.ready()


async def test_all_processes_end_with_the_block_and_give_their_ports_back(
    tmp_path: Path, clock: WallClock, ports: PlantPorts
) -> None:
    async with running_fleet(tmp_path, clock, ports) as fleet:
        await fleet.ready()
        pids = [child.pid for child in fleet.children]
    assert [pid for pid in pids if pid is None or psutil.pid_exists(pid)] == []
    assert not any(listens(port) for port in (ports.opcua, ports.modbus, ports.mqtt))


async def test_an_error_inside_the_block_comes_out_as_it_was(
    tmp_path: Path, clock: WallClock, ports: PlantPorts
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with running_fleet(tmp_path, clock, ports):
            raise ZeroDivisionError


def test_a_taken_port_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        usual = int(taken.getsockname()[1])
        found = free_port(usual)
    assert found != usual
    assert 1024 <= found <= 65535


def _text(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at / MICROS_PER_S)) + f".{at % MICROS_PER_S // 1000:03d}Z"


def test_plants_that_start_at_once_find_different_ports() -> None:
    usual = free_port(0)
    with reserved(usual) as one, reserved(usual) as other, reserved(usual) as third:
        assert len({one, other, third}) == 3
        assert free_port(usual) not in {one, other, third}
