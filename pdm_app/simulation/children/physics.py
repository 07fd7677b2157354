"""The physics process: steps the plant ten times a second and sends every machine's readings once a second.

Orders state the whole truth each time (faults, held values, who listens where), so none can be missed or doubled.
Source times are the computer's wall clock; after a standstill of it the plant goes on at the present moment.
"""

import asyncio
import socket
import time
from collections.abc import Mapping

from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.simulation import faults
from pdm_app.simulation.children.child import ChildLink, Message, run_child
from pdm_app.simulation.children.frames import LOOPBACK, Frame, encode
from pdm_app.simulation.physics import world
from pdm_app.simulation.physics.world import TICK_S, WorldInputs, WorldState
from pdm_app.simulation.plant import MACHINES

TICK_US = round(TICK_S * MICROS_PER_S)
LAG_MAX_US = MICROS_PER_S  # Further behind, the missed ticks are left out: they can no longer be told on time.


class Plant:
    """The state that this process keeps between ticks."""

    def __init__(self, configuration: Message) -> None:
        self._word = str(configuration["word"])
        self._since = int(configuration["since"])
        self._seed = int(configuration["seed"])
        self._faults: tuple[InjectedFault, ...] = ()
        self._held: dict[str, float] = {}
        self._feeds: Mapping[str, list[int]] = {}
        self._state: WorldState | None = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)  # noqa: FBT003 - the standard library's own signature.
        self.obey(configuration)

    def obey(self, order: Message) -> None:
        """Take over the faults, the held values and the feeds of an order."""
        self._faults = tuple(InjectedFault(**row) for row in order["faults"])
        self._held = {**self._held, **order["held"]}
        self._feeds = order["feeds"]

    def restart(self) -> None:
        """Forget the state; the next tick begins settled."""
        self._state = None

    def tick(self, at: int) -> None:
        """Advance to ``at`` and send the frames that are due."""
        inputs = faults.inputs_at(at, self._faults, self._since)
        if self._state is None:
            self._state = world.begin(inputs, self._seed)
        else:
            self._state = world.step(self._state, TICK_S, inputs)
        due = at // TICK_US % round(1 / TICK_S)
        codes = [code for row, code in enumerate(CODES) if row % round(1 / TICK_S) == due]
        if codes:
            self._send(codes, inputs)

    def _send(self, codes: list[str], inputs: WorldInputs) -> None:
        assert self._state is not None  # noqa: S101 - tick() has just set it.
        readings = world.read(self._state, inputs)
        held = faults.hold_stuck(readings, self._faults, inputs.at, self._held)
        if held != self._held:
            self._held = held
            ChildLink.tell(held=held)
        for code in codes:
            frame = Frame(code, inputs.at, readings[code], inputs.link_lost(code))
            datagram = encode(frame, self._word)
            for port in self._feeds.get(code, ()):
                self._socket.sendto(datagram, (LOOPBACK, port))


CODES = tuple(dict.fromkeys(machine.asset.code for machine in MACHINES))
"""Machines in the order in which they send, one every tick: nine of them spread over a second."""


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
