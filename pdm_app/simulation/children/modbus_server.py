"""The Modbus TCP server of the compressed air and of the packing line: one unit per machine behind one address.

`pdm_app.simulation.machines.compressor`, `air` and `packing` document the register maps.

Registers carry neither age nor quality. So when the physics falls silent every read is answered with exception 4,
server device failure, as before the first frame: an old number is never served as if it were new.
"""

import asyncio
import math
import struct

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from pdm_app.simulation.children.child import ChildLink, Message, run_child
from pdm_app.simulation.children.frames import LOOPBACK, Frame, Freshness, open_feed

REGISTER_MAX = 0xFFFF


class Registers:
    """One controller's memory, in the order of the wire.

    Attributes:
        words: One 16-bit word per register, from register 0.
    """

    def __init__(self, rows: list[Message], heartbeat: int) -> None:
        self._rows = [(str(row["name"]), int(row["register"]), str(row["type"])) for row in rows]
        self._heartbeat = heartbeat
        self.words = [0] * (heartbeat + 1)
        self.freshness = Freshness()
        self._link_lost = False

    @property
    def used(self) -> list[int]:
        """Registers that exist, ascending."""
        wide = [register + 1 for _, register, kind in self._rows if kind == "float32"]
        return sorted({register for _, register, _ in self._rows} | {*wide, self._heartbeat})

    def take(self, frame: Frame) -> None:
        """Put a frame's readings into the registers and count the heartbeat up."""
        for name, register, kind in self._rows:
            if kind == "float32":
                value = frame.values[name]
                packed = struct.pack(">f", math.nan if value is None else value)
                self.words[register : register + 2] = struct.unpack(">HH", packed)
            else:
                self.words[register] = int(frame.values[name]) & REGISTER_MAX
        self.words[self._heartbeat] = (self.words[self._heartbeat] + 1) & REGISTER_MAX
        self._link_lost = frame.link_lost
        self.freshness.seen()

    async def answer(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        current: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Fill in the present words just before the library answers a read."""
        del function, start, address, count
        if written is not None:
            return ExcCodes.ILLEGAL_FUNCTION
        if self.freshness.is_silent:
            return ExcCodes.DEVICE_FAILURE
        if self._link_lost:  # The address answers for a unit that it no longer reaches.
            return ExcCodes.GATEWAY_NO_RESPONSE
        current[:] = self.words[: len(current)]
        return None


def blocks(used: list[int]) -> list[SimData]:
    """Return one block of memory per run of registers; what lies between does not exist."""
    runs: list[list[int]] = []
    for register in used:
        if runs and runs[-1][-1] + 1 == register:
            runs[-1].append(register)
        else:
            runs.append([register])
    return [SimData(address=run[0], count=len(run), values=0, datatype=DataType.REGISTERS) for run in runs]


async def serve(link: ChildLink, configuration: Message) -> None:
    """Serve until cancelled."""
    units = {row["code"]: Registers(row["signals"], row["heartbeat"]) for row in configuration["units"]}

    def take(frame: Frame) -> None:
        if frame.code in units:
            units[frame.code].take(frame)

    feed = await open_feed(configuration["word"], take)
    devices = [
        SimDevice(id=row["unit"], simdata=blocks(units[row["code"]].used), action=units[row["code"]].answer)
        for row in configuration["units"]
    ]
    server = ModbusTcpServer(devices, address=(LOOPBACK, configuration["port"]))
    await server.serve_forever(background=True)
    link.tell(ready=True, feed=feed)
    await asyncio.Event().wait()


if __name__ == "__main__":
    run_child(serve)
