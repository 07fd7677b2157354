"""What every child process shares: orders on standard input, answers on standard output, an end with its parent.

One JSON object per line each way. The first line in is the configuration; end of input means that the parent is gone,
on every system and however it died, so a child never outlives the program that started it.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

ORDERS_MAX = 1000  # Orders waiting; a child that falls so far behind is stuck and ends.
CHUNK = 65_536
ANSWERS = 1  # Standard output, which is for answers alone: what a library prints goes to standard error.
FROZEN = "frozen"  # The order to hang, or to go on.
GRACE_S = 2.0  # For an orderly end once the parent is gone; then the process ends whatever it is doing.

Message = dict[str, Any]


class ChildLink:
    """The child's end of the line to the fleet."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._orders: asyncio.Queue[Message] = asyncio.Queue(ORDERS_MAX)
        self._reader = threading.Thread(target=self._read, name="orders", daemon=True)
        self._parent_gone = asyncio.Event()
        self._thawed = threading.Event()

    def open(self) -> None:
        """Begin to read orders; the thread ends the process some time after the parent has gone."""
        self._reader.start()

    async def order(self) -> Message:
        """Wait for the next order."""
        return await self._orders.get()

    async def parent_gone(self) -> None:
        """Return once the fleet has closed the line."""
        await self._parent_gone.wait()

    @staticmethod
    def tell(**message: object) -> None:
        """Send one answer to the fleet; where nobody listens any more it is dropped."""
        with contextlib.suppress(OSError):
            os.write(ANSWERS, json.dumps(message).encode() + b"\n")

    def _read(self) -> None:
        for line in _lines(sys.stdin.fileno()):
            order = json.loads(line)
            if FROZEN in order:
                self._freeze(bool(order[FROZEN]))
            else:
                self._loop.call_soon_threadsafe(self._orders.put_nowait, order)
        with contextlib.suppress(RuntimeError):  # The loop may have ended first.
            self._loop.call_soon_threadsafe(self._parent_gone.set)
        threading.Event().wait(GRACE_S)
        os._exit(0)

    def _freeze(self, frozen: bool) -> None:
        """Let the event loop hang, as a server that has locked up does, until told otherwise or the parent is gone."""
        if frozen:
            self._thawed.clear()
            self._loop.call_soon_threadsafe(self._thawed.wait)
        else:
            self._thawed.set()


def _lines(descriptor: int) -> Iterator[bytes]:
    """Read lines without the standard input's lock, which a thread that waits would hold at the interpreter's end."""
    rest = b""
    while chunk := os.read(descriptor, CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines


def run_child(
    serve: Callable[[ChildLink, Message], Awaitable[None]],
    make_loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    """Run ``serve(link, configuration)`` until it ends or the parent is gone.

    Ctrl-C in a terminal reaches every process of the group; only the parent answers it and then closes the line.

    Args:
        serve: What the child does.
        make_loop: Makes the event loop; the standard one for None.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout = sys.stderr
    logging.basicConfig(level=logging.ERROR, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(_run(serve))


async def _run(serve: Callable[[ChildLink, Message], Awaitable[None]]) -> None:
    link = ChildLink(asyncio.get_running_loop())
    link.open()
    configuration = await link.order()
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(_serve(serve, link, configuration))
        await link.parent_gone()
        serving.cancel()


async def _serve(
    serve: Callable[[ChildLink, Message], Awaitable[None]], link: ChildLink, configuration: Message
) -> None:
    await serve(link, configuration)
    raise RuntimeError("The server ended by itself.")
