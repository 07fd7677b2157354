"""Running models off the event loop: windows of many assets in one batch, a bounded queue, and a deadline for each.

A batch of 256 windows on the loop holds everything else up for tens of milliseconds; in a thread the loop goes on, for
the graph runs without the interpreter's lock. What cannot be judged in time is shed and counted: a late score is of no
use, and a queue that only grows is late for good.
"""

import asyncio
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.errors import UnavailableError
from pdm_app.inference.sessions import Session
from pdm_app.inference.windows import CHUNK

THREADS = 2
WINDOWS_MAX = 4_096
THREAD_NICE = 10
"""Below the event loop: where all processors are at work, a loop that wakes goes first."""
DEADLINE_S = 2.0
LATENCY_EDGES_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)


@dataclass(slots=True)
class PoolFigures:
    """What the pool has done since it began.

    Attributes:
        windows: Scored windows.
        batches: Runs of a graph.
        refused: Windows that found the queue full.
        shed: Windows that were given up because their deadline had passed.
        failed: Windows whose graph raised an error.
        latency: Windows by latency from asking to answer, one more than `LATENCY_EDGES_S`.
    """

    windows: int = 0
    batches: int = 0
    refused: int = 0
    shed: int = 0
    failed: int = 0
    latency: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_EDGES_S) + 1))


def _give_way() -> None:
    """Lower the priority of this thread alone; only Linux knows that of a thread."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), THREAD_NICE)


@dataclass(slots=True)
class _Asked:
    window: NDArray[np.float32]
    asked_s: float
    answer: "asyncio.Future[tuple[float, NDArray[np.float64]]]"


class InferencePool:
    """Scores single windows for many askers; those of one model that wait together are run together."""

    def __init__(
        self,
        threads: int = THREADS,
        windows_max: int = WINDOWS_MAX,
        deadline_s: float = DEADLINE_S,
        now_s: Callable[[], float] | None = None,
    ) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="inference", initializer=_give_way)
        self._free = threads
        self._windows_max, self._deadline_s = windows_max, deadline_s
        self._now_s = now_s
        self._sessions: dict[str, Session] = {}
        self._waiting: dict[str, deque[_Asked]] = {}
        self._count = 0
        self._is_closed = False
        self.figures = PoolFigures()

    def put(self, model_id: str, session: Session) -> None:
        """Put a model in force, or another version in its place: windows that run now end with the old one."""
        self._sessions[model_id] = session

    def drop(self, model_id: str) -> None:
        """Take a model out of force; what waits for it is refused."""
        self._sessions.pop(model_id, None)
        for asked in self._waiting.pop(model_id, ()):
            self._count -= 1
            self._refuse(asked, f"Model {model_id} was taken out of force.")

    async def score(self, model_id: str, window: NDArray[np.float32]) -> tuple[float, NDArray[np.float64]]:
        """Score one window, shape (rows, signals); returns the score and each signal's share.

        Raises:
            UnavailableError: No such model is in force, the queue is full, or the deadline passed; nothing is lost but
                this one score.
        """
        session = self._sessions.get(model_id)
        if self._is_closed or session is None:
            raise UnavailableError(f"Model {model_id} is not in force.")
        if window.shape != (session.window_rows, session.signals):
            raise UnavailableError(
                f"Model {model_id} takes windows of shape {(session.window_rows, session.signals)}; "
                f"{window.shape} came."
            )
        if self._count >= self._windows_max:
            self.figures.refused += 1
            raise UnavailableError(f"{self._windows_max:,} windows wait already; this one was refused. Ask less often.")
        loop = asyncio.get_running_loop()
        asked = _Asked(window, self._clock(loop), loop.create_future())
        self._waiting.setdefault(model_id, deque()).append(asked)
        self._count += 1
        self._start(loop)
        return await asked.answer

    def close(self) -> None:
        """Refuse what waits and end the threads; runs in flight are awaited."""
        self._is_closed = True
        for model_id in tuple(self._waiting):
            self.drop(model_id)
        self._threads.shutdown(wait=True)

    def _clock(self, loop: asyncio.AbstractEventLoop) -> float:
        return loop.time() if self._now_s is None else self._now_s()

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand batches to free threads, the model whose oldest window waits longest first."""
        while self._free and self._waiting:
            model_id = min(self._waiting, key=lambda each: self._waiting[each][0].asked_s)
            session = self._sessions[model_id]
            batch = self._batch(model_id, self._clock(loop))
            if not batch:
                continue
            self._free -= 1
            windows = np.stack([asked.window for asked in batch])
            done = loop.run_in_executor(self._threads, session.score, windows)
            done.add_done_callback(lambda ended, batch=batch: self._answer(ended, batch, loop))  # type: ignore[misc]

    def _batch(self, model_id: str, now_s: float) -> list[_Asked]:
        waiting = self._waiting[model_id]
        batch: list[_Asked] = []
        while waiting and len(batch) < CHUNK:
            asked = waiting.popleft()
            self._count -= 1
            if asked.answer.done():
                continue  # Who asked has gone.
            if now_s - asked.asked_s > self._deadline_s:
                self.figures.shed += 1
                self._refuse(asked, f"The window waited longer than {self._deadline_s:g} s and was given up.")
                continue
            batch.append(asked)
        if not waiting:
            del self._waiting[model_id]
        return batch

    def _answer(
        self,
        ended: "asyncio.Future[tuple[NDArray[np.float64], NDArray[np.float64]]]",
        batch: list[_Asked],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._free += 1
        self.figures.batches += 1
        error = ended.exception()
        now_s = self._clock(loop)
        places = np.searchsorted(LATENCY_EDGES_S, [now_s - asked.asked_s for asked in batch]).tolist()
        for place, asked in enumerate(batch):
            if error is not None:
                self.figures.failed += 1
                self._refuse(asked, f"The graph failed: {str(error)[:200]}")
                continue
            score, shares = ended.result()
            self.figures.windows += 1
            self.figures.latency[places[place]] += 1
            if not asked.answer.done():
                asked.answer.set_result((float(score[place]), shares[place]))
        if not self._is_closed:
            self._start(loop)

    @staticmethod
    def _refuse(asked: _Asked, words: str) -> None:
        if not asked.answer.done():
            asked.answer.set_exception(UnavailableError(words))
