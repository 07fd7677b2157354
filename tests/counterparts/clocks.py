"""Clocks for tests: one that moves only when told, and the wall's."""

import asyncio
import heapq
import time
from collections.abc import Callable

from pdm_app.domain.samples import MICROS_PER_S, Micros

NOON = 1_800_000_000 * MICROS_PER_S


async def settle() -> None:
    """Let everything that can run without the clock run to its end."""
    for _ in range(50):
        await asyncio.sleep(0)


class HandClock:
    """Time that moves only when told; sleepers wake in order."""

    def __init__(self, at: int = NOON) -> None:
        self.at = at
        self._sleepers: list[tuple[int, int, asyncio.Event]] = []
        self._number = 0

    def now(self) -> Micros:
        return Micros(self.at)

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._number += 1
        heapq.heappush(self._sleepers, (self.at + round(seconds * MICROS_PER_S), self._number, woken))
        await woken.wait()

    async def advance(self, seconds: float) -> None:
        """Let time pass, waking each sleeper at its time and letting it run."""
        await settle()
        end = self.at + round(seconds * MICROS_PER_S)
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, woken = heapq.heappop(self._sleepers)
            self.at = max(self.at, at)
            woken.set()
            await settle()
        self.at = end


class WallClock:
    """Real time, for tests against real servers."""

    def now(self) -> Micros:
        return Micros(time.time_ns() // 1000)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def until(condition: Callable[[], object], *, within_s: float = 90.0) -> None:
    """Wait until ``condition()`` is true.

    Raises:
        AssertionError: It did not become true in time.
    """
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s:g} s"
        await asyncio.sleep(0.01)
