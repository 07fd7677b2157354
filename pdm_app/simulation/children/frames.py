"""Frames: what the physics tells the servers, one UDP datagram on loopback per machine and second.

A datagram needs no connection, so a server that was killed simply misses some, and a physics process that was killed
leaves nothing half-open. A frame carries the fleet's word of recognition; others' datagrams are dropped.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LOOPBACK = "127.0.0.1"
SILENT_AFTER_S = 3.0
"""After three frames missed in a row a server treats its machine's sensors as gone."""


@dataclass(frozen=True, slots=True)
class Frame:
    """All readings of one machine at one moment.

    Attributes:
        code: Machine code.
        at: Moment of measurement, microseconds UTC.
        values: Readings by signal name; None where a sensor says nothing.
        link_lost: The machine's radio link is broken: it measures, but nothing gets out.
    """

    code: str
    at: int
    values: dict[str, Any]
    link_lost: bool = False


def encode(frame: Frame, word: str) -> bytes:
    """Return the datagram of a frame."""
    return json.dumps([word, frame.code, frame.at, frame.values, frame.link_lost]).encode()


def decode(datagram: bytes, word: str) -> Frame | None:
    """Return the frame in a datagram; None if it is not one of ours."""
    with contextlib.suppress(ValueError, TypeError):
        said, code, at, values, link_lost = json.loads(datagram)
        if said == word:
            return Frame(code, at, values, link_lost)
    return None


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, word: str, take: Callable[[Frame], None]) -> None:
        self._word = word
        self._take = take

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:  # noqa: ARG002
        frame = decode(data, self._word)
        if frame is not None:
            self._take(frame)


async def open_feed(word: str, take: Callable[[Frame], None]) -> int:
    """Receive frames from now on, each given to ``take``; return the port to send them to."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Receiver(word, take), local_addr=(LOOPBACK, 0))
    return int(transport.get_extra_info("sockname")[1])


class Freshness:
    """Whether a machine's frames still arrive; by a clock that nobody sets."""

    def __init__(self) -> None:
        self._last_s = float("-inf")

    def seen(self) -> None:
        """Note a frame."""
        self._last_s = time.monotonic()

    @property
    def is_silent(self) -> bool:
        return time.monotonic() - self._last_s > SILENT_AFTER_S
