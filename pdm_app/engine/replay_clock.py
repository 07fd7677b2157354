"""A clock that is led by the data: it stands until somebody moves it, and nobody wakes before that.

``ReplayClock(start_at)`` is the one clock of a replay. Loops sleep on it as on the wall clock; `move` says what time it
is, `wake` lets those go on whose time has come, `settled` returns once each of them sleeps again or has ended. So a
step of hours takes as long as its work does, and what comes out does not depend on how fast the computer is.
"""

import asyncio
import heapq
from itertools import count
from typing import Any
from weakref import WeakSet

from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.samples import MICROS_PER_S, Micros

BREATH_S = 0.1
"""A sleep no longer than this is only to let others go first, and is over when they had their turn."""
SETTLED_WITHIN_S = 300.0  # Of the computer's time; taking a day to its file is a matter of seconds.


class ReplayClock:
    """Time of a replay, microseconds UTC; made and used inside one running event loop."""

    def __init__(self, start_at: Micros) -> None:
        self._now = start_at
        self._sleepers: list[tuple[int, int, asyncio.Future[None], asyncio.Task[Any]]] = []
        self._numbers = count()  # Of two who wake at the same time, the first to sleep is first.
        self._awake: set[asyncio.Task[Any]] = set()
        self._known: WeakSet[asyncio.Task[Any]] = WeakSet()
        self._quiet = asyncio.Event()
        self._quiet.set()

    def now(self) -> Micros:
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Sleep until the clock was moved so far; a task that is cancelled meanwhile is forgotten."""
        if seconds <= BREATH_S:
            await asyncio.sleep(0)
            return
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can sleep")
        until, woken = self._now + round(seconds * MICROS_PER_S), asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (until, next(self._numbers), woken, task))
        self._rests(task)
        await woken

    def move(self, to: Micros) -> None:
        """Say that it is later; nobody wakes yet.

        Raises:
            ValueError: It would be earlier.
        """
        if to < self._now:
            raise ValueError(f"the clock of a replay goes forward only: from {self._now} not to {to}")
        self._now = to

    def wake(self) -> None:
        """Let all go on whose sleep is over."""
        while self._sleepers and self._sleepers[0][0] <= self._now:
            *_, woken, task = heapq.heappop(self._sleepers)
            if woken.done():
                continue
            woken.set_result(None)
            self._awake.add(task)
            self._quiet.clear()
            if task not in self._known:
                self._known.add(task)
                task.add_done_callback(self._rests)

    @property
    def sleeping(self) -> frozenset[str]:
        """Names of the tasks that sleep."""
        return frozenset(task.get_name() for *_, woken, task in self._sleepers if not woken.done())

    async def settled(self) -> None:
        """Return once all who were woken sleep again or have ended.

        Raises:
            UnavailableError: Some do not come to rest; says who.
        """
        try:
            async with asyncio.timeout(SETTLED_WITHIN_S):
                await self._quiet.wait()
        except TimeoutError:
            names = ", ".join(sorted(task.get_name() for task in self._awake))
            raise UnavailableError(
                f"The replay cannot go on: {names} did not come to rest within {SETTLED_WITHIN_S:g} s. "
                "Look for its trouble in the log, and begin the replay again in an empty directory.",
                waits_for=names,
            ) from None

    def _rests(self, task: "asyncio.Task[Any]") -> None:
        self._awake.discard(task)
        if not self._awake:
            self._quiet.set()
