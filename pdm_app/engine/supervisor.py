"""Runs every loop of the engine as a named child and keeps one child's trouble from reaching another.

``Supervisor(clock, on_fatal)``; ``start(name, run)`` for each child; ``stop()`` at the end. This module is the only
place that creates tasks. What a child's end means depends on how it ends:

* It returns: it is done.
* `PdmError`, `OSError` or `TimeoutError`: the world is at fault. The child is run again after a capped, jittered
  back-off, for ever.
* `FencedError`, or any other exception: the product is at fault, or must not go on. ``on_fatal`` is called once and the
  process is expected to end; a service manager starts it again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from random import Random
from typing import Any

import structlog

from pdm_app.domain.errors import FencedError, PdmError
from pdm_app.domain.ports import Clock

log = structlog.get_logger(__name__)

CANCEL_S_MAX = 1.0  # So long a child may take to give back what it holds; then it is told again.
CANCEL_AGAIN_S = 0.3
CANCELS_MAX = 3  # A child that ignores them all is abandoned and named in the log.
DRAIN_S_MAX = 4.0  # SIGTERM promises ten seconds; the rest is for open requests, the database and demo processes.

Expected = (PdmError, OSError, TimeoutError)


class Stage(IntEnum):
    """When a child is stopped: producers first, so that consumers have an end to drain to."""

    PRODUCER = 0
    CONSUMER = 1
    SERVICE = 2


class ChildState(StrEnum):
    """Where a child stands."""

    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class Backoff:
    """Growing, jittered waits between attempts; the owner calls `reset` on success.

    Jitter takes up to half of the wait away and never adds to it, so ``cap_s`` is also the longest time for which a
    source that is back can go unnoticed.
    """

    def __init__(self, first_s: float = 0.5, cap_s: float = 30.0, factor: float = 2.0) -> None:
        if not 0 < first_s <= cap_s or factor < 1:
            raise ValueError(f"a back-off from {first_s} s to {cap_s} s by {factor} never grows towards its cap")
        self._first_s = first_s
        self._cap_s = cap_s
        self._factor = factor
        self.attempts = 0

    def next_s(self, random: Random) -> float:
        """Count one more failed attempt and return how long to wait before the next, in seconds."""
        exponent = min(self.attempts, 64)  # Beyond, the float overflows long after the cap is reached.
        self.attempts += 1
        full_s = min(self._cap_s, self._first_s * self._factor**exponent)
        return full_s * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        self.attempts = 0


@dataclass(frozen=True, slots=True)
class Retry:
    """What a child is told when it is about to wait for its next attempt."""

    error: BaseException
    attempts: int
    wait_s: float


@dataclass(slots=True)
class Child:
    """One named loop; read-only for everybody but the supervisor."""

    name: str
    stage: Stage
    backoff: Backoff
    state: ChildState = ChildState.RUNNING
    restarts: int = 0
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class _Running:
    child: Child
    task: "asyncio.Task[None]"
    drain: Callable[[], Awaitable[None]] | None


class Supervisor:
    """Owner of all children. Not a task group: a child that fails never cancels its siblings.

    Args:
        clock: Sleeps between attempts.
        on_fatal: Called once, with the child's name and the exception, when the process must end.
        random: Source of jitter.
    """

    def __init__(
        self, clock: Clock, on_fatal: Callable[[str, BaseException], None], random: Random | None = None
    ) -> None:
        self._clock = clock
        self._on_fatal = on_fatal
        self._random = random or Random()
        self._running: dict[str, _Running] = {}
        self._fatal = False
        self._stopping = False

    def start(
        self,
        name: str,
        run: Callable[[], Awaitable[None]],
        *,
        stage: Stage = Stage.PRODUCER,
        backoff: Backoff | None = None,
        on_retry: Callable[[Retry], None] | None = None,
        drain: Callable[[], Awaitable[None]] | None = None,
    ) -> Child:
        """Run ``run`` as the child ``name`` until it returns or is stopped.

        Args:
            name: Unique among the children that have not ended.
            stage: When `stop` stops it.
            backoff: The child's own, if it wants to reset it at a moment it knows; else one that is reset by every
                attempt that lasted longer than the cap.
            on_retry: Told before each wait.
            drain: Awaited at `stop`, before the child is cancelled, to let it finish what it holds.

        Raises:
            ValueError: A child of that name is still running.
        """
        if name in self._running and not self._running[name].task.done():
            raise ValueError(f"a child named {name!r} is already running")
        if self._stopping:
            raise RuntimeError(f"the supervisor is stopping and starts no {name!r}")
        child = Child(name=name, stage=stage, backoff=backoff or Backoff())
        task = asyncio.create_task(self._keep_running(child, run, on_retry, own=backoff is None), name=name)
        self._running[name] = _Running(child, task, drain)
        return child

    async def _keep_running(
        self,
        child: Child,
        run: Callable[[], Awaitable[None]],
        on_retry: Callable[[Retry], None] | None,
        *,
        own: bool,
    ) -> None:
        while True:
            child.state = ChildState.RUNNING
            began_at = self._clock.now()
            try:
                await run()
            except FencedError as error:
                return self._end(child, error)
            except Expected as error:
                failure: BaseException = error
            except Exception as error:
                return self._end(child, error)
            else:
                child.state = ChildState.DONE
                return None
            if own and self._clock.now() - began_at > STEADY_US:
                child.backoff.reset()
            wait_s = child.backoff.next_s(self._random)
            child.state = ChildState.WAITING
            child.restarts += 1
            child.last_error = str(failure) or type(failure).__name__
            if on_retry is not None:
                on_retry(Retry(failure, child.backoff.attempts, wait_s))
            elif child.backoff.attempts == 1:
                log.warning("child is run again", child=child.name, error=child.last_error, wait_s=round(wait_s, 2))
            await self._clock.sleep(wait_s)

    def _end(self, child: Child, error: BaseException) -> None:
        child.state = ChildState.FAILED
        child.last_error = str(error) or type(error).__name__
        log.critical("child failed, the process must end", child=child.name, exc_info=error)
        if not self._fatal:
            self._fatal = True
            self._on_fatal(child.name, error)

    async def cancel(self, name: str) -> None:
        """Stop one child and wait until it is gone; nothing happens if there is none of that name."""
        running = self._running.pop(name, None)
        if running is not None:
            await _cancelled([running.task])

    async def stop(self, drain_s: float = DRAIN_S_MAX) -> None:
        """Stop all children in the order of their stages; within a stage all at once.

        Children with ``drain`` are given ``drain_s`` seconds in total; what they could not finish stays where it is
        durable, so running out of time loses nothing.
        """
        self._stopping = True
        for stage in Stage:
            members = [running for running in self._running.values() if running.child.stage is stage]
            drains = [
                self._drained(running.child, running.drain)
                for running in members
                if running.drain is not None and not running.task.done()
            ]
            if drains:
                await _within(drain_s, drains)
            await _cancelled([running.task for running in members])
        self._running.clear()

    async def _drained(self, child: Child, drain: Callable[[], Awaitable[None]]) -> None:
        try:
            await drain()
        except Expected as error:
            log.warning("child could not be drained", child=child.name, error=str(error))

    def children(self) -> Mapping[str, Child]:
        """Return every child that has been started and not removed, by name."""
        return {name: running.child for name, running in self._running.items()}


STEADY_US = 30_000_000  # An attempt that lasted this long was a success; the next failure is a new story.


async def _within(seconds: float, coroutines: list[Coroutine[Any, Any, None]]) -> None:
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    _, late = await asyncio.wait(tasks, timeout=seconds)
    await _cancelled(list(late))
    for task in tasks:
        if task not in late:
            task.result()


async def _cancelled(tasks: "list[asyncio.Task[Any]]") -> None:
    """Cancel ``tasks`` and wait for their end; one that ignores it is named and left behind."""
    stubborn = await _until_done(set(tasks), CANCEL_S_MAX)  # What a child gives back at its end takes its time.
    for task in stubborn:
        log.error("child ignores its cancellation", child=task.get_name())
    for task in tasks:
        if task.done() and not task.cancelled() and task.exception() is not None:
            log.warning("child failed while it was stopped", child=task.get_name(), exc_info=task.exception())


async def _until_done(tasks: "set[asyncio.Task[Any]]", first_s: float) -> "set[asyncio.Task[Any]]":
    """Cancel ``tasks`` until they end, again ``first_s`` seconds after the first time; return those that never do.

    Once is not enough: `asyncio.wait_for` up to Python 3.11 drops a cancellation that arrives in the same turn of the
    loop as the awaited answer, and the libraries of databases and protocols are full of it.
    """
    pending = {task for task in tasks if not task.done()}
    wait_s = first_s
    for _ in range(CANCELS_MAX):
        if not pending:
            break
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=wait_s)
        wait_s = CANCEL_AGAIN_S
    return pending


async def first_of(*coroutines: Coroutine[Any, Any, Any]) -> Any:
    """Run all at once; when the first ends, cancel the others, wait for them and return or raise what it did.

    For a loop that has several things to wait for. Cancelling it cancels them all. Should several end in the same
    instant, an exception is preferred to a result and the rest is dropped.
    """
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _until_done(set(tasks), CANCEL_AGAIN_S)
        for task in tasks:
            if task.done() and not task.cancelled():
                task.exception()  # Looked at, so that asyncio does not complain that nobody has.
    ended = sorted(done, key=lambda task: task.cancelled() or task.exception() is None)
    return ended[0].result()
