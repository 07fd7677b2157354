"""The collector: attempts, losses, polls, pauses and reloads, on a clock that is set by hand."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import numpy as np
import pytest

from pdm_app.domain.connections import Connection, ConnectionState, ConnectionStatus
from pdm_app.domain.errors import InvalidInputError, NotFoundError, UnavailableError
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Quality, Sample, SignalId
from pdm_app.domain.signals import Signal
from pdm_app.engine.collector import Collector
from pdm_app.engine.intake import Intake
from pdm_app.engine.lease_keeper import LeaseKeeper
from pdm_app.engine.ledger import Count
from pdm_app.engine.supervisor import Supervisor
from pdm_app.stream.bus import Bus, Overflow
from pdm_app.stream.latest import Latest
from tests.counterparts.clocks import NOON, HandClock, settle
from tests.counterparts.scripted_driver import ScriptedDevice
from tests.engine.memory import MemoryBuffer, MemoryLease, MemoryPlant, connection, signal


class Line:
    """A collector with everything around it and scripted devices."""

    def __init__(
        self,
        devices: dict[str, ScriptedDevice],
        connections: Sequence[Connection],
        signals: Sequence[Signal],
        keeper: LeaseKeeper | None = None,
    ) -> None:
        self.clock = HandClock()
        self.fatal: list[BaseException] = []
        self.buffer = MemoryBuffer()
        self.latest = Latest()
        self.bus = Bus[Batch]()
        self.plant = MemoryPlant(connections, signals)
        self.supervisor = Supervisor(self.clock, lambda _, error: self.fatal.append(error))
        self.intake = Intake([], self.bus, self.latest, self.buffer, self.clock)
        drivers = {name: device.driver for name, device in devices.items()}
        self.collector = Collector(self.plant, self.intake, self.supervisor, drivers, self.clock, keeper)

    def status(self, connection_id: str = "line-1") -> ConnectionStatus:
        return self.collector.status(connection_id)

    def quality(self, number: int) -> Quality:
        sample = self.latest.sample(number)
        return sample.quality if sample is not None else Quality.BAD_WAITING

    def batch(self, values: dict[int, float]) -> Batch:
        now = self.clock.now()
        samples = [Sample(SignalId(key), value, Quality.GOOD, now) for key, value in values.items()]
        return Batch.of("line-1", samples, now)


@asynccontextmanager
async def running(line: Line) -> AsyncIterator[Line]:
    await line.collector.start()
    await settle()
    try:
        yield line
    finally:
        await line.supervisor.stop()
    assert not line.fatal


def pushed(*signals: Signal) -> tuple[Line, ScriptedDevice]:
    device = ScriptedDevice()
    return Line({"scripted": device}, [connection()], signals or [signal(1), signal(2)]), device


def polled(*signals: Signal) -> tuple[Line, ScriptedDevice]:
    device = ScriptedDevice(pushes=False)
    device.values = {entry.id: float(entry.id) for entry in signals}
    return Line({"scripted": device}, [connection()], signals), device


async def test_values_reach_screen_bus_and_buffer_and_the_status_tells_how_many() -> None:
    line, device = pushed()
    async with running(line):
        assert line.status().state is ConnectionState.ONLINE
        with line.bus.reader(10, Overflow.DROP_OLDEST) as reader:
            durable = device.open_driver.send(line.batch({1: 10.0, 2: 20.0}))
            [batch] = reader.drain()
        assert durable is not None
        await durable
        assert batch.seq == 1
        assert line.quality(1) is Quality.GOOD
        await line.clock.advance(2)
        status = line.status()
        assert (status.samples_total, status.last_sample_at) == (2, NOON)
        assert status.samples_per_s == pytest.approx(1.0)


async def test_a_refused_batch_is_not_reported_as_durable() -> None:
    line, device = pushed()
    line.buffer.samples_max = 0
    async with running(line):
        assert device.open_driver.send(line.batch({1: 10.0})) is None
        assert line.quality(1) is Quality.GOOD


async def test_a_lost_link_stamps_its_signals_once_and_heals_with_a_fresh_driver() -> None:
    line, device = pushed()
    async with running(line):
        device.open_driver.send(line.batch({1: 10.0, 2: 20.0}))
        await line.clock.advance(3)
        device.cut("The cable was pulled.")
        await settle()
        assert line.status().state is ConnectionState.DISCONNECTED
        assert line.status().last_error == "The cable was pulled."
        assert line.quality(1) is line.quality(2) is Quality.BAD_CONNECTION_LOST
        await line.clock.advance(60)
        attempts = line.status().attempts
        assert attempts >= 25, "a dead endpoint is tried about every second and a half"
        stamps = [sample for sample in line.buffer.samples() if sample.quality is Quality.BAD_CONNECTION_LOST]
        assert [sample.signal for sample in stamps] == [1, 2], "one gap each, however many attempts fail"

        device.reachable = True
        back_at = line.clock.at
        await line.clock.advance(2.0)
        assert line.status().state is ConnectionState.ONLINE, "noticed within two seconds"
        assert line.status().since - back_at <= 2 * MICROS_PER_S
        assert (line.status().attempts, line.status().last_error) == (0, "")
        assert len(device.drivers) == attempts + 1, "a fresh driver for every attempt"
        device.open_driver.send(line.batch({1: 11.0}))
        assert line.quality(1) is Quality.GOOD
        assert line.quality(2) is Quality.BAD_CONNECTION_LOST, "until it speaks itself"


async def test_one_lost_connection_is_not_noticed_by_another() -> None:
    here, there = ScriptedDevice(), ScriptedDevice()
    line = Line(
        {"here": here, "there": there},
        [connection("line-1", driver="here"), connection("line-2", driver="there")],
        [signal(1), signal(2, connection_id="line-2")],
    )
    async with running(line):
        here.open_driver.send(line.batch({1: 1.0}))
        there.open_driver.send(line.batch({2: 2.0}))
        here.cut()
        await line.clock.advance(5)
        there.open_driver.send(line.batch({2: 3.0}))
        assert line.quality(1) is Quality.BAD_CONNECTION_LOST
        assert line.quality(2) is Quality.GOOD
        assert len(there.drivers) == 1
        assert line.status("line-2").since == NOON


async def test_what_a_protocol_library_throws_is_a_lost_link_and_not_the_end_of_the_process() -> None:
    line, device = pushed()
    device.breaks_with = KeyError("struct")
    async with running(line):
        await line.clock.advance(1)
        assert "KeyError" in line.status().last_error
        device.breaks_with = None
        await line.clock.advance(2)
        assert line.status().state is ConnectionState.ONLINE


async def test_an_unknown_driver_is_named_with_the_ones_there_are() -> None:
    line = Line({"modbus": ScriptedDevice()}, [connection(driver="profibus")], [signal(1)])
    async with running(line):
        await line.clock.advance(1)
        assert "'profibus'" in line.status().last_error
        assert "modbus" in line.status().last_error


async def test_polls_stay_on_whole_multiples_of_their_period() -> None:
    line, device = polled(signal(1, poll_every_s=1.0), signal(2, poll_every_s=1.0), signal(3, poll_every_s=0.25))
    async with running(line):
        await line.clock.advance(0.1)
        await line.clock.advance(9.9)
    slow = [at for at, ids in device.polls if ids == (1, 2)]
    fast = [at for at, ids in device.polls if ids == (3,)]
    assert [(at - NOON) / MICROS_PER_S for at in slow] == list(range(11))
    np.testing.assert_allclose(np.diff(fast), 250_000)
    assert line.intake.counts(1)[Count.OFFERED] == 12, "eleven polls, and the stamp of the stop"


async def test_a_slow_device_is_not_polled_faster_to_catch_up_and_the_missed_slots_are_counted() -> None:
    line, device = polled(signal(1, poll_every_s=1.0))
    device.poll_takes_s = 2.5
    async with running(line):
        await line.clock.advance(9.9)
    assert [(at - NOON) / MICROS_PER_S for at, _ in device.polls] == [0, 3, 6, 9]
    assert line.intake.counts(1)[Count.SKIPPED] == 6


async def test_a_signal_that_cannot_be_read_degrades_its_connection_and_spoils_no_other() -> None:
    line, device = polled(signal(1), signal(2))
    del device.values[2]
    device.faults = {2: "Modbus device 'press-07' refused 1 holding register from 40120: illegal data address."}
    async with running(line):
        await line.clock.advance(3)
        status = line.status()
        assert status.state is ConnectionState.DEGRADED
        assert (status.signals, status.signals_failing) == (2, 1)
        assert "illegal data address" in status.faults[2]
        assert line.quality(1) is Quality.GOOD


async def test_a_silent_signal_of_a_standing_connection_goes_stale() -> None:
    line, device = pushed(signal(1, stale_after_s=5.0), signal(2, stale_after_s=60.0))
    async with running(line):
        device.open_driver.send(line.batch({1: 1.0, 2: 2.0}))
        await line.clock.advance(7)
        assert line.quality(1) is Quality.BAD_STALE
        assert line.quality(2) is Quality.GOOD
        assert line.status().state is ConnectionState.ONLINE


async def test_pausing_closes_the_driver_and_resuming_makes_a_new_one() -> None:
    line, device = pushed()
    async with running(line):
        device.open_driver.send(line.batch({1: 1.0}))
        line.plant.connections["line-1"] = connection(enabled=False)
        await line.collector.reload("line-1")
        assert line.status().state is ConnectionState.PAUSED
        assert not device.open_driver.is_open
        assert line.quality(1) is Quality.BAD_CONNECTION_LOST, "a frozen value never looks like a live one"
        await line.clock.advance(60)
        assert len(device.drivers) == 1

        line.plant.connections["line-1"] = connection()
        await line.collector.reload("line-1")
        await settle()
        assert line.status().state is ConnectionState.ONLINE
        assert len(device.drivers) == 2


async def test_two_people_who_switch_at_once_leave_one_loop_that_tells_the_truth() -> None:
    line, device = pushed()
    async with running(line):
        enabled = line.plant.connections["line-1"]
        for last, state in (
            (enabled.model_copy(update={"enabled": False}), ConnectionState.PAUSED),
            (enabled, ConnectionState.ONLINE),
        ):
            first = asyncio.create_task(line.collector.reload("line-1"))
            await asyncio.sleep(0)
            line.plant.connections["line-1"] = last
            await asyncio.gather(first, line.collector.reload("line-1"), line.collector.reload("line-1"))
            await settle()
            assert line.status().state is state
            assert [driver.is_open for driver in device.drivers].count(True) == (state is ConnectionState.ONLINE)


async def test_many_who_ask_for_a_reload_at_once_cost_the_link_two_connects() -> None:
    line, device = pushed()
    async with running(line):
        before = len(device.drivers)
        first = asyncio.create_task(line.collector.reload("line-1"))
        await asyncio.sleep(0)
        line.plant.signals.append(signal(3))
        await asyncio.gather(first, *(line.collector.reload("line-1") for _ in range(20)))
        await settle()
        assert len(device.drivers) == before + 2
        assert line.status().signals == 3, "what was stored meanwhile is in force"
        await line.collector.reload("line-1")
        await settle()
        assert len(device.drivers) == before + 3


async def test_a_reload_applies_new_signals_and_forgets_a_deleted_connection() -> None:
    line, device = pushed(signal(1))
    async with running(line):
        line.plant.signals = [signal(1, scale=10.0), signal(5)]
        await line.collector.reload("line-1")
        await settle()
        device.open_driver.send(line.batch({1: 2.0, 5: 3.0}))
        shown = line.latest.sample(1)
        assert shown is not None
        assert shown.value == 20.0
        assert line.status().signals == 2

        del line.plant.connections["line-1"]
        await line.collector.reload("line-1")
        assert line.collector.statuses == []
        with pytest.raises(NotFoundError):
            line.status()


async def test_every_change_of_state_is_told() -> None:
    line, device = pushed()
    with line.collector.status_changes.reader(100, Overflow.DROP_OLDEST) as changes:
        async with running(line):
            device.cut()
            await settle()
        states = [status.state for status in changes.drain()]
    assert states == [
        ConnectionState.CONNECTING,
        ConnectionState.ONLINE,
        ConnectionState.DISCONNECTED,
        ConnectionState.DISCONNECTED,  # Now with the time of the next attempt.
    ]


async def test_nothing_is_read_before_the_lease_is_held() -> None:
    lease = MemoryLease()
    lease.holder = "the other installation"
    device, clock = ScriptedDevice(), HandClock()
    keeper = LeaseKeeper(lease, clock, "this installation", ttl_s=15)
    line = Line({"scripted": device}, [connection()], [signal(1)], keeper)
    async with running(line):
        line.supervisor.start("lease", keeper.run)
        await clock.advance(30)
        assert device.drivers == []
        assert "Another process" in line.status().last_error
        lease.holder = None
        await clock.advance(2)
        assert line.status().state is ConnectionState.ONLINE


async def test_a_stop_stamps_the_signals_and_closes_the_drivers() -> None:
    line, device = pushed(signal(1))
    async with running(line):
        device.open_driver.send(line.batch({1: 1.0}))
        line.clock.at += MICROS_PER_S
    assert not device.open_driver.is_open
    assert [sample.quality for sample in line.buffer.samples()] == [Quality.GOOD, Quality.BAD_CONNECTION_LOST]


async def test_what_history_recalls_is_waiting_until_it_comes() -> None:
    line, device = pushed(signal(1))
    await line.collector.start([Sample(SignalId(1), 5.0, Quality.GOOD, Micros(NOON - MICROS_PER_S))])
    await settle()
    assert line.quality(1) is Quality.BAD_WAITING
    device.open_driver.send(line.batch({1: 6.0}))
    assert line.quality(1) is Quality.GOOD
    await line.supervisor.stop()


async def test_a_write_is_in_the_signals_unit_in_both_directions() -> None:
    line, device = pushed(signal(1, scale=0.1, offset=-40.0), signal(2, scale=0.0))
    async with running(line):
        result = await line.collector.write(line.plant.signals[0], 25.0)
        assert device.values[1] == pytest.approx(650.0)
        assert result.requested == 25.0
        assert result.read_back == pytest.approx(25.0)
        with pytest.raises(InvalidInputError, match="scale"):
            await line.collector.write(line.plant.signals[1], 25.0)
        device.cut()
        await settle()
        with pytest.raises(UnavailableError, match="cable"):
            await line.collector.write(line.plant.signals[0], 25.0)
