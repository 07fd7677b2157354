"""The wall clock, and a running demo plant, for the tests of the simulation."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable

import pytest

from pdm_app.domain.samples import Micros
from pdm_app.simulation.plant import PlantPorts


class WallClock:
    """The time of this computer: the plant's source times are real."""

    def now(self) -> Micros:
        return Micros(time.time_ns() // 1000)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


@pytest.fixture
def ports(free_ports: Callable[[int], list[int]]) -> PlantPorts:
    """Ports of the test's own, so that a demo on the same machine is left alone."""
    opcua, modbus, mqtt = free_ports(3)
    return PlantPorts(opcua, modbus, mqtt)


async def until(true: Callable[[], Awaitable[bool]], *, within_s: float, what: str) -> float:
    """Ask every 50 ms until the answer is yes; return how long it took.

    Raises:
        AssertionError: The time ran out first.
    """
    begun = time.monotonic()
    while time.monotonic() - begun < within_s:
        if await true():
            return time.monotonic() - begun
        await asyncio.sleep(0.05)
    raise AssertionError(f"not within {within_s:g} s: {what}")


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True
