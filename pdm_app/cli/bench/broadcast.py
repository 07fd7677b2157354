"""The peer of the live benchmark, as ``python -m pdm_app.cli.bench.broadcast``: the least a server can do.

A plain WebSocket server encodes one frame of the product's shape and sends the same bytes to everybody, as often as the
product sends. No collecting, no permissions, no choice of signals: what it takes is the floor of this machine.
"""

import asyncio
import time

import orjson
from websockets.asyncio.server import ServerConnection, broadcast
from websockets.asyncio.server import serve as serve_websocket

from pdm_app.simulation.children.child import ChildLink, Message, run_child


async def serve(link: ChildLink, configuration: Message) -> None:
    """Send ``rows`` values ``frames_per_s`` times a second to whoever is connected."""
    rows, every_s = range(1, configuration["rows"] + 1), 1 / configuration["frames_per_s"]
    viewers: set[ServerConnection] = set()

    async def welcome(connection: ServerConnection) -> None:
        await connection.recv()  # What it wants makes no difference.
        viewers.add(connection)
        try:
            await connection.wait_closed()
        finally:
            viewers.discard(connection)

    async with serve_websocket(welcome, "127.0.0.1", 0, compression=None) as server:
        link.tell(port=next(iter(server.sockets)).getsockname()[1])
        due_s = time.monotonic()
        while True:
            at = time.time_ns() // 1000
            data = {"now": at, "rows": [[row, float(at), 0, at, at] for row in rows]}
            broadcast(viewers, orjson.dumps({"id": 1, "result": {"type": "data", "data": data}}).decode())
            due_s = max(due_s + every_s, time.monotonic() - 1)
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))


if __name__ == "__main__":
    run_child(serve)
