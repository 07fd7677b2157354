"""Time limits for many short calls with one timer.

``asyncio.timeout`` arms and disarms a timer per call, which on uvloop costs as much as the rest of a small call. Here
one timer, armed only while calls are in flight, looks every ``TICK_S`` for those whose time is up.
"""

import asyncio
from types import TracebackType
from typing import Any, Protocol

from pdm_app.trpc.errors import TrpcError

TICK_S = 0.1  # A limit is exceeded by at most this much.


class Timed(Protocol):
    """Something that is told, once, when its time has come."""

    @property
    def ends_at_s(self) -> float: ...
    def expire(self) -> None: ...


class Deadlines:
    """The time limits of one event loop."""

    def __init__(self) -> None:
        self._running: set[Timed] = set()
        self._timer: asyncio.TimerHandle | None = None

    def limit(self, timeout_s: float, what: str) -> "TimeLimit":
        """Return a ``with`` block that cancels the running task after ``timeout_s`` and then raises TIMEOUT."""
        return TimeLimit(self, timeout_s, what)

    def add(self, limit: Timed, loop: asyncio.AbstractEventLoop) -> None:
        """Start watching a limit."""
        self._running.add(limit)
        if self._timer is None:
            self._timer = loop.call_later(TICK_S, self._tick, loop)

    def remove(self, limit: Timed) -> None:
        """Stop watching a limit."""
        self._running.discard(limit)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now_s = loop.time()
        for limit in [limit for limit in self._running if limit.ends_at_s <= now_s]:
            self._running.discard(limit)
            limit.expire()
        self._timer = loop.call_later(TICK_S, self._tick, loop) if self._running else None


class TimeLimit:
    """A block of one task that may take so long."""

    __slots__ = ("_cancelling", "_deadlines", "_is_expired", "_task", "_timeout_s", "_what", "ends_at_s")

    def __init__(self, deadlines: Deadlines, timeout_s: float, what: str) -> None:
        self._deadlines = deadlines
        self._timeout_s = timeout_s
        self._what = what
        self._is_expired = False
        self._task: asyncio.Task[Any] | None = None
        self._cancelling = 0
        self.ends_at_s = 0.0

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        self._task = asyncio.current_task(loop)
        self._cancelling = self._task.cancelling() if self._task is not None else 0
        self.ends_at_s = loop.time() + self._timeout_s
        self._deadlines.add(self, loop)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._deadlines.remove(self)
        if not self._is_expired or self._task is None:
            return
        is_ours = self._task.uncancel() <= self._cancelling  # Else somebody else cancelled the task as well.
        if is_ours and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TrpcError("TIMEOUT", f"{self._what} was cancelled after {self._timeout_s:g} s") from None

    def expire(self) -> None:
        """Cancel the block."""
        self._is_expired = True
        if self._task is not None:
            self._task.cancel()
