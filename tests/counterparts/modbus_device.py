"""A Modbus TCP server to test against: ``python modbus_device.py PORT``.

Unit 1. Holding registers: 0–1 a float32 that counts up with every read of it, 2–3 the float32 2.5, 10 writable (7 at
first), 20–21 the float32 -123.456 in the order CDAB, 22–23 in BADC, 24–25 in DCBA, 30–33 the int64 -5, 40 the word
0b1000; nothing lies between. Input register 0 is 321. Coil 0 is on, coil 1 off. Reading 50 gives exception 4.
"""

import asyncio
import struct
import sys

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

FLOAT = struct.unpack(">HH", struct.pack(">f", -123.456))
READ_HOLDING = 3
SICK_REGISTER = 50


def swapped(word: int) -> int:
    return ((word & 0xFF) << 8) | (word >> 8)


async def serve(port: int) -> None:
    reads = 0

    async def act(
        function: int, start: int, address: int, count: int, current: list[int], written: list[int] | list[bool] | None
    ) -> ExcCodes | None:
        nonlocal reads
        if written is None and function == READ_HOLDING and address <= SICK_REGISTER < address + count:
            return ExcCodes.DEVICE_FAILURE
        if written is None and function == READ_HOLDING and address == 0:
            reads += 1
            current[0 - start : 2 - start] = struct.unpack(">HH", struct.pack(">f", float(reads)))
        return None

    words = {
        0: [0, 0, *struct.unpack(">HH", struct.pack(">f", 2.5))],
        10: [7],
        20: [FLOAT[1], FLOAT[0], swapped(FLOAT[0]), swapped(FLOAT[1]), swapped(FLOAT[1]), swapped(FLOAT[0])],
        30: list(struct.unpack(">HHHH", struct.pack(">q", -5))),
        40: [0b1000],
        SICK_REGISTER: [0],
    }
    holding = [SimData(address=at, values=values, datatype=DataType.REGISTERS) for at, values in words.items()]
    inputs = [SimData(address=0, values=[321], datatype=DataType.REGISTERS)]
    bits = [SimData(address=0, values=[True, False] + [False] * 14, datatype=DataType.BITS)]
    device = SimDevice(id=1, simdata=(bits, bits, holding, inputs), action=act)
    server = ModbusTcpServer(device, address=("127.0.0.1", port))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
