"""A producer of EGD to test against: ``python egd_device.py PORT`` sends to this port of loopback.

Producer 10.20.30.40, exchange 7, every 50 ms: a float32 that counts, the float32 2.5, and 8 bytes of zero.
"""

import asyncio
import itertools
import struct
import sys
import time

from pdm_app.simulation.egd_producer import HEALTHY, Producer, Production


async def produce(port: int) -> None:
    counter = itertools.count()

    def memory() -> tuple[bytes, int]:
        return struct.pack("<ff8x", next(counter) % 1_000_000, 2.5), HEALTHY

    producer = Producer("10.20.30.40", [Production(7, 0.05, memory)], ("127.0.0.1", port), time.time_ns)
    await producer.run()


if __name__ == "__main__":
    asyncio.run(produce(int(sys.argv[1])))
