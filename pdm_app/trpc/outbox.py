"""The bounded queue of frames that one connection has still to send.

Policy when it is full: whoever adds a frame waits, so generators are held up by their own client only; a coalescing
subscription does not wait but replaces its unsent event by the newer one. A client that takes no frame for
``Limits.stalled_s`` is disconnected by its connection, which watches ``stalled_for_s``.
"""

import asyncio
from collections import deque

from pdm_app.trpc.limits import Limits, Stats


class Slot:
    """The place of one coalescing subscription in the queue: holds its newest unsent frame, if any."""

    __slots__ = ("frame",)

    def __init__(self) -> None:
        self.frame: str | None = None


class Outbox:
    """Frames in order of arrival. One reader takes, many writers add."""

    def __init__(self, limits: Limits, stats: Stats) -> None:
        self._limits = limits
        self._stats = stats
        self._queue: deque[str | Slot] = deque()
        self._characters = 0
        self._filled = asyncio.Event()
        self._has_room = asyncio.Event()
        self._taken_at_s: float | None = None
        self._is_finished = False
        self._is_discarding = False
        self._loop = asyncio.get_running_loop()

    async def put(self, frame: str) -> None:
        """Add a frame, waiting while the queue is full."""
        while self._is_full() and not self._is_discarding:
            self._has_room.clear()
            await self._has_room.wait()
        self.put_now(frame)

    def put_now(self, frame: str) -> None:
        """Add a frame at once, full or not: for the few a connection sends of its own accord."""
        if self._is_discarding:
            return
        self._queue.append(frame)
        self._characters += len(frame)
        self._filled.set()

    def replace(self, slot: Slot, frame: str) -> None:
        """Put a coalescing subscription's newest event in the place of its unsent one, or at the end."""
        if self._is_discarding:
            return
        if slot.frame is None:
            self._queue.append(slot)
            self._filled.set()
        else:
            self._characters -= len(slot.frame)
            self._stats.events_coalesced += 1
        slot.frame = frame
        self._characters += len(frame)

    def finish(self) -> None:
        """Say that nothing follows: once the queue is empty, ``take`` returns None."""
        self._is_finished = True
        self._filled.set()

    def discard(self) -> None:
        """Drop what is queued and whatever follows: the client is gone, and nobody may wait for it."""
        self._is_discarding = True
        self._queue.clear()
        self._characters = 0
        self._has_room.set()

    async def take(self) -> str | None:
        """Wait for the oldest frame, None after the last; asking also says that the one before was handed over."""
        self._taken_at_s = None
        while not self._queue:
            if self._is_finished:
                return None
            self._filled.clear()
            await self._filled.wait()
        entry = self._queue.popleft()
        if isinstance(entry, Slot):
            frame, entry.frame = entry.frame or "", None
        else:
            frame = entry
        self._characters -= len(frame)
        if not self._has_room.is_set() and not self._is_full():
            self._has_room.set()
        self._taken_at_s = self._loop.time()
        return frame

    def stalled_for_s(self) -> float:
        """Seconds since the frame being sent was taken; 0 when none is."""
        return 0.0 if self._taken_at_s is None else self._loop.time() - self._taken_at_s

    def _is_full(self) -> bool:
        return len(self._queue) >= self._limits.outbox_frames_max or self._characters >= self._limits.outbox_bytes_max
