"""A producer of EGD: exchanges of a controller's memory, sent every so often to one address or group.

``Producer(id, exchanges, to)`` sends what each exchange's ``memory`` returns at that moment. It is written from the
specification by itself: it shares no code with the driver that listens.

Source: GFK-2224Q, Ethernet Global Data.
"""

import asyncio
import ipaddress
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
HEALTHY = 1
NANOS_PER_S = 1_000_000_000


def datagram(
    producer: str,
    exchange: int,
    request_id: int,
    at_ns: int,
    payload: bytes,
    *,
    status: int = HEALTHY,
    signature: int = 0,
) -> bytes:
    """Return one production.

    Args:
        at_ns: Nanoseconds UTC; 0 says that there is no time.
        signature: Major version in the second byte, minor in the first.
    """
    seconds, nanos = divmod(at_ns, NANOS_PER_S)
    kind_and_version = b"\x0d\x01"
    name = ipaddress.IPv4Address(producer).packed
    numbers = struct.pack("<6I", exchange, seconds, nanos, status, signature, 0)
    return kind_and_version + struct.pack("<H", request_id % 65_536) + name + numbers + payload


@dataclass(slots=True)
class Production:
    """One exchange.

    Attributes:
        memory: Called at each production; the payload and a status.
    """

    exchange: int
    every_s: float
    memory: Callable[[], tuple[bytes, int]]
    signature: int = 0
    request_id: int = 0


class Producer:
    """Sends until it is cancelled.

    Args:
        name: Its id, dotted.
        to: Address or group, and port.
        now_ns: Its clock, nanoseconds UTC.
        interface: Address from which a group is sent to.
    """

    def __init__(
        self,
        name: str,
        productions: Sequence[Production],
        to: tuple[str, int],
        now_ns: Callable[[], int],
        interface: str = LOOPBACK,
    ) -> None:
        self._name = name
        self._productions = productions
        self._to = to
        self._now_ns = now_ns
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(0)
        if ipaddress.IPv4Address(to[0]).is_multicast:
            own = ipaddress.IPv4Address(interface).packed
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)

    async def run(self) -> None:
        """Produce at whole multiples of each period; what a slow machine missed is not made up for."""
        try:
            async with asyncio.TaskGroup() as group:
                for production in self._productions:
                    group.create_task(self._produce(production))
        finally:
            self._socket.close()

    async def _produce(self, production: Production) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self.send(production)
            due = max(due + production.every_s, loop.time())
            await asyncio.sleep(due - loop.time())

    def send(self, production: Production) -> None:
        """Produce once; what the network does not take is lost, as it is on a wire."""
        payload, status = production.memory()
        production.request_id = (production.request_id + 1) % 65_536
        sent = datagram(
            self._name, production.exchange, production.request_id, self._now_ns(), payload,
            status=status, signature=production.signature,
        )  # fmt: skip
        try:
            self._socket.sendto(sent, self._to)
        except OSError:
            return
