"""Load generator: many viewers of live values in one process, as ``python -m pdm_app.cli.bench.viewers``.

Each viewer has a WebSocket and a subscription of its own. What arrives is stamped when its bytes are read and decoded
only after the measurement, so that the generator's own work does not count as the product's.
"""

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Any

import numpy as np
import orjson
from websockets.asyncio.client import ClientConnection, connect

from pdm_app.cli.bench.latencies import Latencies
from pdm_app.domain.samples import QUALITY_UNCERTAIN_MIN
from pdm_app.simulation.children.child import ChildLink, Message, run_child

CONNECT_S_MAX = 30.0
FRAME_BYTES_MAX = 4_000_000
FRAMES_MAX = 2_000_000  # Together; about an hour of 100 viewers.


class StampedConnection(ClientConnection):
    """Knows when the bytes arrived that it hands out."""

    heard_at = 0  # Microseconds since 1970.

    def data_received(self, data: bytes) -> None:
        """Note the time, then go on."""
        self.heard_at = time.time_ns() // 1000
        super().data_received(data)


class Viewer:
    """One screen's worth of signals."""

    def __init__(self, connection: Any, signals: list[int]) -> None:
        self._connection = connection
        self._signals = signals
        self.has_values = asyncio.Event()
        self.is_measuring = False
        self.frames: list[tuple[int, str | bytes]] = []

    async def watch(self) -> None:
        """Subscribe and read until the connection ends."""
        params = {"path": "live.values", "input": {"signals": self._signals}}
        await self._connection.send(orjson.dumps({"id": 1, "method": "subscription", "params": params}).decode())
        async for message in self._connection:
            if self.is_measuring:
                if message == "PING":
                    await self._connection.send("PONG")
                elif len(self.frames) < FRAMES_MAX:
                    self.frames.append((self._connection.heard_at, message))
            elif '"error"' in message:
                raise RuntimeError(f"The subscription was refused: {message[:500]}")
            elif '"rows"' in message:
                self.has_values.set()


async def serve(link: ChildLink, configuration: Message) -> None:
    """Connect all viewers, say so, and measure for as long as each order says."""
    url, headers = configuration["url"], configuration["headers"]
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        viewers = []
        for signals in configuration["viewers"]:
            opening = connect(
                url, additional_headers=headers, compression=None, max_size=FRAME_BYTES_MAX, open_timeout=CONNECT_S_MAX,
                create_connection=StampedConnection, proxy=None,
            )  # fmt: skip
            viewer = Viewer(await stack.enter_async_context(opening), signals)
            group.create_task(viewer.watch())
            viewers.append(viewer)
        await asyncio.gather(*(viewer.has_values.wait() for viewer in viewers))
        link.tell(ready=len(viewers))
        while True:
            order = await link.order()
            began_at = time.time_ns() // 1000
            for viewer in viewers:
                viewer.is_measuring = True
            await asyncio.sleep(order["seconds"])
            for viewer in viewers:
                viewer.is_measuring = False
            link.tell(**summary(viewers, began_at, order["seconds"]))


def summary(viewers: list[Viewer], began_at: int, seconds: float) -> Message:
    """Decode what arrived: latencies of all good samples that were born since ``began_at``, and rates."""
    born, received, heard = [], [], []
    messages = 0
    for viewer in viewers:
        messages += len(viewer.frames)
        for heard_at, frame in viewer.frames:
            rows = orjson.loads(frame)["result"].get("data", {}).get("rows", ())
            for _, _, quality, source_at, received_at in rows:
                if quality < QUALITY_UNCERTAIN_MIN and source_at >= began_at:
                    born.append(source_at)
                    received.append(received_at)
                    heard.append(heard_at)
        viewer.frames.clear()
    born_at, collected_at, seen_at = (np.array(times, dtype=np.int64) for times in (born, received, heard))
    return {
        "messages_per_s": messages / seconds,
        "values_per_s": len(born) / seconds,
        "whole": Latencies.of_micros(seen_at - born_at).as_message(),
        "to_collector": Latencies.of_micros(collected_at - born_at).as_message(),
        "to_viewer": Latencies.of_micros(seen_at - collected_at).as_message(),
    }


if __name__ == "__main__":
    run_child(serve)
