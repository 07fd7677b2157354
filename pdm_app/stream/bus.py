"""A bounded in-process bus: one publisher never waits for a reader, and each reader says what overflow means to it.

Readers that must not miss anything (`Overflow.FALL_BEHIND`) are told that they have fallen behind and catch up from the
durable buffer; viewers (`Overflow.DROP_OLDEST`) lose the oldest and the loss is counted.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Generic, TypeVar

T = TypeVar("T")


class Overflow(Enum):
    """What happens to a reader whose queue is full."""

    DROP_OLDEST = "drop_oldest"
    FALL_BEHIND = "fall_behind"


class FellBehindError(Exception):
    """The reader missed items; it must catch up from the durable buffer and then read on."""


class Reader(Generic[T]):
    """One reader's queue; iterate it."""

    def __init__(self, capacity: int, overflow: Overflow) -> None:
        self._queue: deque[T] = deque()
        self._capacity = capacity
        self._overflow = overflow
        self._arrived = asyncio.Event()
        self._fell_behind = False
        self.dropped = 0

    def put(self, item: T) -> None:
        if len(self._queue) >= self._capacity:
            if self._overflow is Overflow.FALL_BEHIND:
                self.dropped += len(self._queue) + 1
                self._queue.clear()
                self._fell_behind = True
                self._arrived.set()
                return
            self._queue.popleft()
            self.dropped += 1
        self._queue.append(item)
        self._arrived.set()

    async def get(self) -> T:
        """Return the next item.

        Raises:
            FellBehindError: Items were missed since the last call; raised once per overflow.
        """
        while not self._queue:
            if self._fell_behind:
                self._fell_behind = False
                raise FellBehindError
            self._arrived.clear()
            await self._arrived.wait()
        if self._fell_behind:
            self._fell_behind = False
            raise FellBehindError
        return self._queue.popleft()

    def drain(self) -> list[T]:
        """Take everything that waits, without waiting."""
        taken = list(self._queue)
        self._queue.clear()
        return taken

    async def __aiter__(self) -> AsyncIterator[T]:
        while True:
            yield await self.get()

    def __len__(self) -> int:
        return len(self._queue)


class Bus(Generic[T]):
    """Hands every published item to every reader, in order."""

    def __init__(self) -> None:
        self._readers: set[Reader[T]] = set()
        self.published = 0

    def publish(self, item: T) -> None:
        """Give ``item`` to all readers at once; never blocks."""
        self.published += 1
        for reader in self._readers:
            reader.put(item)

    @contextmanager
    def reader(self, capacity: int, overflow: Overflow) -> Iterator[Reader[T]]:
        """Open a reader; it is forgotten when the block is left."""
        reader = Reader[T](capacity, overflow)
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)

    @property
    def readers(self) -> int:
        return len(self._readers)

    @property
    def dropped(self) -> int:
        """Items that readers now open have lost."""
        return sum(reader.dropped for reader in self._readers)
