"""The physics process: tells the plant a second at a time and sends every machine's readings once in it.

Orders state the whole truth each time (faults, held values, who listens where), so none can be missed or doubled.
Source times are the computer's wall clock; after a standstill of it the plant goes on at the present moment.

A second is told as its ten ticks at once and then sent tick by tick, so that the machines are spread over it; an order
in the middle has what is left of the second told anew.
"""

import asyncio
import socket
import time
from collections.abc import Mapping

import numpy as np

from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.simulation import faults
from pdm_app.simulation.children.child import ChildLink, Message, run_child
from pdm_app.simulation.children.frames import LOOPBACK, Frame, encode
from pdm_app.simulation.physics.world import Memory
from pdm_app.simulation.readings import PlantReader, Told

TICKS_PER_S = 10
TICK_US = MICROS_PER_S // TICKS_PER_S
LAG_MAX_US = MICROS_PER_S  # Further behind, the missed ticks are left out: they can no longer be told on time.


class Plant:
    """The state that this process keeps between seconds."""

    def __init__(self, configuration: Message) -> None:
        self._word = str(configuration["word"])
        self._codes: list[str] = configuration["codes"]  # In the order in which they send, a tenth of them every tick.
        self._reader = PlantReader(int(configuration["since"]), int(configuration["seed"]), self._codes)
        self._faults: tuple[InjectedFault, ...] = ()
        self._held: dict[str, float] = {}
        self._feeds: Mapping[str, list[int]] = {}
        self._memory: Memory | None = None
        self._told: Told | None = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)  # noqa: FBT003 - the standard library's own signature.
        self.obey(configuration)

    def obey(self, order: Message) -> None:
        """Take over the faults, the held values and the feeds of an order."""
        standing = tuple(InjectedFault(**row) for row in order["faults"])
        if standing != self._faults:
            self._faults, self._told = standing, None
        self._held = {**self._held, **order["held"]}
        self._feeds = order["feeds"]

    def restart(self) -> None:
        """Forget the state; the next tick makes it anew."""
        self._memory = self._told = None

    def tick(self, at: int) -> None:
        """Send the frames that are due at ``at``."""
        row = at // TICK_US % TICKS_PER_S
        codes = self._codes[row::TICKS_PER_S]
        second = at - row * TICK_US
        if self._told is None or int(self._told.at[0]) != second:
            if self._told is not None:
                self._memory = self._told.memory
            self._tell(second)
        assert self._told is not None  # noqa: S101 - told just now.
        readings = self._told.readings(row, codes)
        for code in codes:
            frame = Frame(code, at, readings[code], faults.link_lost(code, self._faults, at))
            datagram = encode(frame, self._word)
            for port in self._feeds.get(code, ()):
                self._socket.sendto(datagram, (LOOPBACK, port))

    def _tell(self, second: int) -> None:
        moments = second + np.arange(TICKS_PER_S, dtype=np.int64) * TICK_US
        self._told = self._reader.read(moments, self._faults, self._memory, self._held)
        if self._told.held != self._held:
            self._held = self._told.held
            ChildLink.tell(held=self._held)


def now() -> int:
    """Return the wall clock of this computer, in microseconds UTC."""
    return time.time_ns() // 1000


async def serve(link: ChildLink, configuration: Message) -> None:
    """Run until cancelled."""
    plant = Plant(configuration)
    link.tell(ready=True)
    async with asyncio.TaskGroup() as group:
        group.create_task(_obey(link, plant))
        group.create_task(_run(plant))


async def _obey(link: ChildLink, plant: Plant) -> None:
    while True:
        order = await link.order()
        plant.obey(order)
        link.tell(obeyed=order["number"])


async def _run(plant: Plant) -> None:
    at = now() // TICK_US * TICK_US
    while True:
        at += TICK_US
        behind_us = now() - at
        if behind_us > LAG_MAX_US or behind_us < -LAG_MAX_US:  # Standstill, or somebody has set the clock.
            at = now() // TICK_US * TICK_US
            plant.restart()
        await asyncio.sleep(max(at - now(), 0) / MICROS_PER_S)
        plant.tick(at)


if __name__ == "__main__":
    run_child(serve)
