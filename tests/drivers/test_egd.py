"""The EGD driver on sockets of loopback, and what it makes of hostile datagrams."""

import asyncio
import contextlib
import itertools
import socket
import struct
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import psutil
import pytest

from pdm_app.domain.errors import ConnectionFailedError, NotSupportedError
from pdm_app.domain.samples import MICROS_PER_S, Quality
from pdm_app.domain.signals import Signal
from pdm_app.drivers.connection_rules import Rules
from pdm_app.drivers.egd import EgdDriver
from pdm_app.drivers.registry import DRIVERS
from pdm_app.simulation.egd_producer import Producer, Production, datagram
from tests.counterparts.clocks import NOON, HandClock, WallClock, until
from tests.counterparts.ports import free_udp_port
from tests.drivers.sinks import Sink, a_connection, a_signal

PLC = "10.20.30.40"
GROUP = "239.192.24.18"


class Plc:
    """Sends what it is told to one port of loopback."""

    def __init__(self, port: int, name: str = PLC) -> None:
        self._to = ("127.0.0.1", port)
        self._name = name
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def sends(
        self, request_id: int, value: float = 1.0, *, exchange: int = 7, at: int = NOON, status: int = 1, **more: Any
    ) -> None:
        payload = more.pop("payload", struct.pack("<f", value))
        self.sends_raw(datagram(self._name, exchange, request_id, at * 1000, payload, status=status, **more))

    def sends_raw(self, raw: bytes) -> None:
        self._socket.sendto(raw, self._to)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def port() -> int:
    return free_udp_port()


@pytest.fixture
def plc(port: int) -> Iterator[Plc]:
    plc = Plc(port)
    yield plc
    plc.close()


def signal(number: int = 1, **address: Any) -> Signal:
    return a_signal(number, {"exchange": 7, "offset": 0, **address}, poll_every_s=0.01)


@asynccontextmanager
async def listening(
    port: int, plc: Plc, *signals: Signal, clock: Any = None, first: int = 0, **options: Any
) -> AsyncIterator[tuple[EgdDriver, Sink]]:
    """A driver that has heard request ``first`` of the producer, with the value 0, and reads these signals."""
    given = {"producer": PLC, "timeout_s": 60.0, "connect_timeout_s": 60.0, **options}
    driver = EgdDriver(a_connection("egd", f"egd://127.0.0.1:{port}", **given), clock or WallClock())
    sink = Sink()
    try:
        connecting = asyncio.ensure_future(driver.connect())
        await until(lambda: driver._socket is not None)
        plc.sends(first, 0.0, at=NOON - MICROS_PER_S)
        await connecting
        await driver.subscribe(signals or [signal()], sink)
        yield driver, sink
    finally:
        await driver.close()


async def test_what_came_before_the_signals_were_known_is_not_lost(port: int, plc: Plc) -> None:
    async with listening(port, plc) as (_, sink):
        plc.sends(1, 7.5)
        await until(lambda: len(sink.samples()) >= 2)
        assert [(s.value, s.quality, s.source_at) for s in sink.samples(1)] == [
            (0.0, Quality.GOOD, NOON - MICROS_PER_S),
            (7.5, Quality.GOOD, NOON),
        ]


async def test_gaps_doubles_and_late_ones_are_counted_exactly_and_nothing_is_made_up(port: int, plc: Plc) -> None:
    async with listening(port, plc) as (driver, sink):
        for number in (1, 2, 2, 5, 4, 6):
            plc.sends(number, float(number), at=NOON + number * MICROS_PER_S)
        await until(lambda: 6.0 in sink.values(1))
        assert sink.values(1) == [0, 1, 2, 5, 6]
        counts = driver.counts
        assert (counts.received, counts.missed, counts.duplicates, counts.late) == (5, 2, 1, 1)
        assert "2 missed" in driver.health().detail
        assert driver.health().faults == {}


async def test_a_producer_that_began_anew_is_followed_from_its_first_datagram(port: int, plc: Plc) -> None:
    async with listening(port, plc, first=9000) as (driver, sink):
        plc.sends(1, 11.0, at=NOON)
        plc.sends(2, 12.0, at=NOON + MICROS_PER_S)
        await until(lambda: 12.0 in sink.values(1))
        assert sink.values(1) == [0, 11, 12]
        assert (driver.counts.restarts, driver.counts.missed) == (1, 0)


async def test_hostile_datagrams_are_counted_and_spoil_nothing(port: int, plc: Plc) -> None:
    good = datagram(PLC, 7, 1, NOON * 1000, bytes(4))
    async with listening(port, plc) as (driver, sink):
        hostile = [b"", b"\0", b"GET / HTTP/1.1\r\n\r\n", good[:31], bytes(60_000), b"\xff" * 1432, good[::-1]]
        for raw in hostile:
            plc.sends_raw(raw)
        plc.sends(1, 3.0, payload=b"")  # A header alone: the signal's value lies behind its end.
        plc.sends(2, 4.0, at=NOON + MICROS_PER_S)
        await until(lambda: 4.0 in sink.values(1))
        assert driver.ignored.total() == len(hostile)
        assert sink.qualities(1) == [Quality.GOOD, Quality.BAD_CONFIGURATION, Quality.GOOD]
        assert driver.health().connected


async def test_more_exchanges_than_can_be_remembered_take_no_place_of_those_that_are_read(port: int, plc: Plc) -> None:
    async with listening(port, plc, signal(1), signal(2, exchange=5_000_000)) as (driver, sink):
        for start in range(0, 2_000, 100):
            for exchange in range(start, start + 100):
                plc.sends(1, exchange=10_000 + exchange)
            heard = start + 100
            await until(lambda heard=heard: driver.counts.received + driver.ignored.total() > heard)  # type: ignore[misc]
        plc.sends(1, 5.0, exchange=5_000_000)
        await until(lambda: 5.0 in sink.values(2))
        assert len(driver._exchanges) <= 1_001
        assert driver.ignored["of more exchanges than are remembered"] >= 999


async def test_the_status_of_the_producer_is_the_quality_and_a_doubtful_clock_is_not_believed(
    port: int, plc: Plc
) -> None:
    clock = HandClock(NOON + 500)
    async with listening(port, plc, clock=clock) as (driver, sink):
        plc.sends(1, 1.0, at=NOON)
        plc.sends(2, 2.0, at=NOON + MICROS_PER_S, status=5)
        await until(lambda: 2.0 in sink.values(1))
        assert "says itself that the values are stale" in driver.health().faults[1]
        plc.sends(3, 3.0, at=NOON - 999 * MICROS_PER_S, status=3)
        await until(lambda: 3.0 in sink.values(1))
        assert sink.qualities(1)[1:] == [Quality.GOOD, Quality.BAD_STALE, Quality.GOOD]
        assert sink.samples(1)[-1].source_at == NOON + 500, "the time of receipt"
        assert "clock is not synchronised in exchange 7" in driver.health().detail
        assert driver.health().faults == {}


async def test_another_length_or_major_version_is_refused_with_what_to_compare(port: int, plc: Plc) -> None:
    exchanges = [{"exchange": 7, "length": 4, "signature": 0x0102}]
    async with listening(port, plc, exchanges=exchanges) as (driver, sink):
        await until(lambda: "is of configuration 0.0, not 1.2" in driver.health().faults.get(1, ""))
        plc.sends(1, 1.0, signature=0x0107, at=NOON)
        await until(lambda: 1.0 in sink.values(1))
        assert "minor version is another one" in driver.health().detail
        plc.sends(2, payload=bytes(8), signature=0x0102, at=NOON + MICROS_PER_S)
        await until(lambda: "has 8 bytes instead of 4" in driver.health().faults.get(1, ""))
        await until(lambda: len(sink.samples(1)) == 3)
        bad = Quality.BAD_CONFIGURATION
        assert sink.qualities(1) == [bad, Quality.GOOD, bad]
        assert driver.counts.refused == 2


async def test_one_silent_exchange_spoils_its_own_signals_alone_and_comes_back(port: int, plc: Plc) -> None:
    quick = [{"exchange": 8, "timeout_s": 0.05}]
    signals = [signal(1), signal(2, exchange=8), signal(3, exchange=9)]
    async with listening(port, plc, *signals, exchanges=quick) as (driver, sink):
        plc.sends(1, 1.0, exchange=8)
        await until(lambda: Quality.BAD_STALE in sink.qualities(2))
        assert "has not come for more than 0.05 s" in driver.health().faults[2]
        assert set(driver.health().faults) == {2}
        assert driver.health().connected
        assert not driver._lost.done()
        plc.sends(9, 2.0, exchange=8, at=NOON + MICROS_PER_S)
        await until(lambda: 2.0 in sink.values(2))
        assert driver.counts.missed == 7


async def test_an_exchange_that_never_came_says_so(port: int, plc: Plc) -> None:
    signals = [signal(1), signal(2, exchange=99)]
    async with listening(port, plc, *signals, exchanges=[{"exchange": 99, "timeout_s": 0.05}]) as (driver, sink):
        await until(lambda: sink.qualities(2) == [Quality.BAD_STALE])
        assert "exchange 99 of producer 10.20.30.40 has not come since listening began" in driver.health().faults[2]


async def test_silence_of_all_exchanges_is_a_lost_link(port: int, plc: Plc) -> None:
    async with listening(port, plc, timeout_s=0.2) as (driver, sink):
        reason = await asyncio.wait_for(driver.lost(), 60)
        assert "exchange 7 of producer 10.20.30.40" in reason
        assert not driver.health().connected
        assert sink.qualities(1) == [Quality.GOOD, Quality.BAD_STALE]


async def test_a_slower_signal_takes_the_first_production_of_each_of_its_periods(port: int, plc: Plc) -> None:
    slow = a_signal(1, {"exchange": 7, "offset": 0}, poll_every_s=1.0)
    async with listening(port, plc, slow, signal(2)) as (_, sink):
        for number in range(1, 31):
            plc.sends(number, float(number), at=NOON + number * MICROS_PER_S // 10)
        await until(lambda: 30.0 in sink.values(2))
        assert sink.values(1) == [0, 1, 10, 20, 30]
        assert len(sink.values(2)) == 31


async def test_only_the_named_senders_are_heard(port: int, plc: Plc) -> None:
    given = {"senders": ["10.0.0.9"], "connect_timeout_s": 0.3}
    driver = EgdDriver(a_connection("egd", f"egd://127.0.0.1:{port}", **given), WallClock())
    connecting = asyncio.ensure_future(driver.connect())
    await until(lambda: driver._socket is not None)
    plc.sends(1)
    with pytest.raises(ConnectionFailedError, match="1 datagrams were from an address that is not among the senders"):
        await connecting
    await driver.close()


async def test_silence_says_what_was_heard_instead(port: int, plc: Plc) -> None:
    given = {"producer": "10.0.0.1", "connect_timeout_s": 0.3}
    driver = EgdDriver(a_connection("egd", f"egd://127.0.0.1:{port}", **given), WallClock())
    connecting = asyncio.ensure_future(driver.connect())
    await until(lambda: driver._socket is not None)
    plc.sends(1)
    with pytest.raises(ConnectionFailedError) as failure:
        await connecting
    await driver.close()
    assert "'Line 1' heard no exchange of producer 10.0.0.1" in failure.value.message
    assert "it heard exchange 7 of producer 10.20.30.40" in failure.value.message


@pytest.mark.parametrize(
    ("endpoint", "problem"), [("egd://203.0.113.7", "no such address"), ("egd://plc-7", "plc-7"), ("mqtt://1", "mqtt")]
)
async def test_an_address_that_is_not_this_machines_is_refused_at_once(endpoint: str, problem: str) -> None:
    driver = EgdDriver(a_connection("egd", endpoint), WallClock())
    with pytest.raises(ConnectionFailedError, match=problem):
        await driver.connect()
    await driver.close()


async def test_a_second_connection_at_one_port_takes_nothing_away(port: int, plc: Plc) -> None:
    async with listening(port, plc) as (_, sink):
        second = EgdDriver(a_connection("egd", f"egd://127.0.0.1:{port}"), WallClock())
        with pytest.raises(ConnectionFailedError, match="several producers share one connection"):
            await second.connect()
        await second.close()
        plc.sends(1, 5.0)
        await until(lambda: 5.0 in sink.values(1))


async def test_two_groups_at_one_port_have_a_connection_each(port: int) -> None:
    counter = itertools.count(1)
    production = Production(7, 0.02, lambda: (struct.pack("<f", next(counter)), 1))
    producing = asyncio.ensure_future(Producer(PLC, [production], (GROUP, port), time.time_ns).run())
    options = {"producer": PLC, "interface": "127.0.0.1"}
    joined = EgdDriver(a_connection("egd", f"egd://{GROUP}:{port}", connect_timeout_s=60, **options), WallClock())
    other = EgdDriver(a_connection("egd", f"egd://239.192.24.19:{port}", connect_timeout_s=0.3, **options), WallClock())
    sink = Sink()
    try:
        await joined.connect()
        await joined.subscribe([signal()], sink)
        await until(lambda: len(sink.samples(1)) >= 3)
        with pytest.raises(ConnectionFailedError, match="heard no exchange"):
            await other.connect()
        assert not producing.done()
    finally:
        producing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await producing
        await joined.close()
        await other.close()


async def test_close_leaves_neither_task_nor_socket_and_delivers_nothing_after_it(port: int, plc: Plc) -> None:
    tasks_before = asyncio.all_tasks()
    async with listening(port, plc) as (_, sink):
        await until(sink.samples)
        assert port in _udp_ports()
        plc.sends(1, 9.0)
    assert port not in _udp_ports()
    count = len(sink.samples())
    plc.sends(2, 9.0)
    await until(lambda: not (asyncio.all_tasks() - tasks_before))
    await asyncio.sleep(0.05)
    assert len(sink.samples()) == count


def _udp_ports() -> set[int]:
    return {each.laddr.port for each in psutil.Process().net_connections(kind="udp") if each.laddr}


async def test_it_sends_by_itself_and_tells_what_it_hears_where_it_cannot_be_browsed(port: int, plc: Plc) -> None:
    async with listening(port, plc) as (driver, _):
        with pytest.raises(NotSupportedError, match="sends by itself"):
            await driver.poll([])
        with pytest.raises(NotSupportedError, match="nothing is written"):
            await driver.write(signal(), 1.0)
        with pytest.raises(NotSupportedError, match=r"exchange 7 of producer 10\.20\.30\.40, 4 bytes"):
            await driver.browse(None)


def test_rules_judge_endpoint_options_and_addresses_while_they_are_typed() -> None:
    rules = Rules()
    assert "egd" in DRIVERS
    assert rules.connection_issues(a_connection("egd", "egd://0.0.0.0:18246", producer="1701122220")) == []
    [issue] = rules.connection_issues(a_connection("egd", "egd://plc-7"))
    assert (issue.field, "egd://0.0.0.0:18246" in issue.fix) == ("endpoint", True)
    [issue] = rules.connection_issues(a_connection("egd", "egd://0.0.0.0", senders=["plc"]))
    assert issue.field == "options.senders.0"
    [issue] = rules.address_issues("egd", {"exchange": 7, "offset": 1400})
    assert issue.field == "address.offset"
