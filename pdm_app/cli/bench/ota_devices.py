"""Load generator: a fleet that asks for firmware, as ``python -m pdm_app.cli.bench.ota_devices``.

Each device asks over a connection of its own, once in ``poll_s``, all of them spread evenly. Some have an update and
load it meanwhile, each at a steady pace, so that as many downloads are under way all the time as there are such
devices. Only questions are timed: from the connection on to the whole answer.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from pdm_app.cli.bench.latencies import Latencies
from pdm_app.simulation.children.child import ChildLink, Message, run_child

WITHIN_S = 30.0
HEAD_BYTES_MAX = 65_536
PIECE_BYTES = 16_384
CLOSE = b"connection: close\r\n\r\n"


@dataclass
class Fleet:
    """What was measured."""

    host: str
    port: int
    took_ns: list[int] = field(default_factory=list)
    failed: int = 0
    loaded_bytes: int = 0
    loading: int = 0
    is_measuring: bool = False


@asynccontextmanager
async def asked(fleet: Fleet, path: str, token: str) -> AsyncIterator[asyncio.StreamReader]:
    """Send a question over a connection of its own, and read the answer as long as the block lasts."""
    reader, writer = await asyncio.open_connection(fleet.host, fleet.port, limit=HEAD_BYTES_MAX)
    try:
        head = f"GET {path} HTTP/1.1\r\nhost: {fleet.host}\r\nauthorization: TargetToken {token}\r\n"
        writer.write(head.encode() + CLOSE)
        yield reader
    finally:
        writer.close()


async def poll(fleet: Fleet, path: str, token: str) -> bytes:
    """Ask once; return the body, empty where it was not answered with 200."""
    began_ns, head, body = time.perf_counter_ns(), b"", b""
    try:
        async with asyncio.timeout(WITHIN_S), asked(fleet, path, token) as answer:
            head, _, body = (await answer.read()).partition(b"\r\n\r\n")
    except (OSError, TimeoutError, ValueError):
        head = b""
    is_good = head.startswith(b"HTTP/1.1 200")
    if fleet.is_measuring:
        fleet.took_ns.append(time.perf_counter_ns() - began_ns)
        fleet.failed += not is_good
    return body if is_good else b""


async def device(fleet: Fleet, path: str, token: str, first_s: float, poll_s: float) -> None:
    """Ask for ever, at the same moment of each round."""
    due_s = time.monotonic() + first_s
    while True:
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        await poll(fleet, path, token)
        due_s = max(due_s + poll_s, time.monotonic())


async def loader(fleet: Fleet, path: str, token: str, bytes_per_s: float) -> None:
    """Load an image for ever, at a steady pace."""
    while True:
        try:
            async with asked(fleet, path, token) as answer:
                head = await answer.readuntil(b"\r\n\r\n")
                if head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 206")):
                    await _loaded(fleet, answer, bytes_per_s)
                    continue
                fleet.failed += fleet.is_measuring
        except (OSError, asyncio.IncompleteReadError):
            pass  # It begins anew.
        await asyncio.sleep(1)


async def _loaded(fleet: Fleet, answer: asyncio.StreamReader, bytes_per_s: float) -> None:
    fleet.loading += 1
    try:
        while piece := await answer.read(PIECE_BYTES):
            fleet.loaded_bytes += len(piece)
            await asyncio.sleep(len(piece) / bytes_per_s)
    finally:
        fleet.loading -= 1


async def serve(link: ChildLink, configuration: Message) -> None:
    """Let the fleet live, and measure for as long as each order says."""
    address = urlsplit(configuration["url"])
    fleet = Fleet(str(address.hostname), int(address.port or 80))
    poll_s, devices = float(configuration["poll_s"]), configuration["devices"]
    async with asyncio.TaskGroup() as group:
        for number, (path, token) in enumerate(devices):
            group.create_task(device(fleet, path, token, poll_s * number / len(devices), poll_s))
        for path, token in configuration["loaders"]:
            group.create_task(loader(fleet, path, token, float(configuration["bytes_per_s"])))
        link.tell(ready=len(devices))
        while True:
            order = await link.order()
            fleet.took_ns, fleet.failed, fleet.loaded_bytes, fleet.is_measuring = [], 0, 0, True
            await asyncio.sleep(order["seconds"])
            fleet.is_measuring = False
            link.tell(**summary(fleet, order["seconds"]))


def summary(fleet: Fleet, seconds: float) -> dict[str, Any]:
    """Return what was measured."""
    took_us = np.array(fleet.took_ns, dtype=np.int64) // 1000
    return {
        "polls_per_s": len(fleet.took_ns) / seconds,
        "failed": fleet.failed,
        "loading": fleet.loading,
        "loaded_mb_per_s": fleet.loaded_bytes / seconds / 1e6,
        "polls": Latencies.of_micros(took_us).as_message(),
    }


if __name__ == "__main__":
    run_child(serve)
