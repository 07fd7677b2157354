"""Give up a query whose client has gone, so that nobody's closed page keeps a database busy.

To listen for the end of a connection takes a task, which costs more than most calls: only what has been running for
``WATCHED_AFTER_S`` is watched.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from pdm_app.trpc.asgi import Receive
from pdm_app.trpc.deadlines import Deadlines

T = TypeVar("T")
WATCHED_AFTER_S = 0.5


async def until_disconnected(receive: Receive) -> None:
    """Wait until the client goes away, dropping what is left of its body."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def unless_gone(deadlines: Deadlines, receive: Receive, work: Awaitable[T]) -> T | None:
    """Await ``work`` in the running task, or cancel it and return None once the client has gone."""
    watch = _Watch(receive)
    deadlines.add(watch, asyncio.get_running_loop())
    try:
        try:
            return await work
        finally:
            deadlines.remove(watch)
            await watch.end()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if watch.is_gone and task is not None and task.uncancel() == 0:
            return None
        raise


class _Watch:
    """Listens for the end of a connection, once its time has come."""

    __slots__ = ("_listener", "_receive", "_task", "ends_at_s", "is_gone")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._task = asyncio.current_task()
        self._listener: asyncio.Task[None] | None = None
        self.ends_at_s = asyncio.get_running_loop().time() + WATCHED_AFTER_S
        self.is_gone = False

    def expire(self) -> None:
        """Begin to listen."""
        self._listener = asyncio.create_task(self._listen())

    async def end(self) -> None:
        """Listen no longer."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait({self._listener})

    async def _listen(self) -> None:
        await until_disconnected(self._receive)
        self.is_gone = True
        if self._task is not None:
            self._task.cancel()
