"""The events of one subscription on their way from the connection to the program."""

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Generic, Protocol, Self, TypeVar

from pdm_app.trpc.wire_values import Tracked

T_co = TypeVar("T_co", covariant=True)
EVENTS_MAX: Final = 1_000  # Untaken events of one subscription; further ones wait at the server.
SIZE_MAX: Final = 16 * 1024 * 1024  # The same in characters of JSON.


class Feed:
    """What one subscription asked for, and its events that were not taken yet.

    Attributes:
        input: JSON, or None for no input.
        last_event_id: Of the newest event in here: another connection goes on after it.
        restarts: How often another connection had to go on. Events without ids may be missing from each time.
    """

    def __init__(self, path: str, input: str | None, last_event_id: str | None) -> None:
        self.path = path
        self.input = input
        self.last_event_id = last_event_id
        self.restarts = 0
        self._events: deque[tuple[Any, int]] = deque()
        self._size = 0
        self._end: BaseException | None = None
        self._changed = asyncio.Event()
        self._taken = asyncio.Event()

    @property
    def is_full(self) -> bool:
        """Nothing more should be put in until something is taken."""
        return len(self._events) >= EVENTS_MAX or self._size >= SIZE_MAX

    @property
    def is_empty(self) -> bool:
        """Everything is taken."""
        return not self._events

    @property
    def is_ended(self) -> bool:
        """Nothing more comes."""
        return self._end is not None

    def put(self, event: Any, size: int) -> None:
        """Add an event of so many characters of JSON."""
        if not self.is_ended:
            self._events.append((event, size))
            self._size += size
            if isinstance(event, Tracked):
                self.last_event_id = event.id
            self._changed.set()

    def end(self, error: BaseException | None = None) -> None:
        """Say that no event follows, and why if that was not its natural end."""
        if not self.is_ended:
            self._end = error or StopAsyncIteration()
            self._changed.set()

    def drop(self) -> None:
        """End at once, without what was not taken."""
        self._events.clear()
        self._size = 0
        self._taken.set()
        self.end()

    async def take(self) -> Any:
        """Return the oldest event. Cancellation loses none.

        Raises:
            StopAsyncIteration: There is no more.
            RpcError: Why there is no more.
        """
        while not self._events:
            if self._end is not None:
                raise self._end
            self._changed.clear()
            await self._changed.wait()
        event, size = self._events.popleft()
        self._size -= size
        self._taken.set()
        return event

    async def has_room_within(self, timeout_s: float) -> bool:
        """Wait until something more may be put in. False: nobody takes anything."""
        try:
            async with asyncio.timeout(timeout_s):
                while self.is_full:
                    self._taken.clear()
                    await self._taken.wait()
        except TimeoutError:
            return False
        return True


class Source(Protocol):
    """A connection that brings events."""

    async def start(self, feed: Feed) -> None:
        """Ask for a subscription.

        Raises:
            RpcError: The server was not reached, or refused.
        """

    async def taken(self, feed: Feed) -> None:
        """Note that an event is about to be taken: one that was held up may go on."""

    async def stop(self, feed: Feed) -> None:
        """Tell the server that nobody listens any more."""

    def abandon(self, feed: Feed) -> None:
        """Stop without waiting for it."""

    async def close(self) -> None:
        """End all subscriptions."""


class AsyncSubscription(Generic[T_co]):
    """The events of a subscription, in order; leaving ``async with`` ends it at the server.

    ::

        async with client.live.values(signals=[1, 2]) as frames:
            async for frame in frames:
                ...

    A lost connection is opened again, and the subscription goes on after its last event that had an id. Nothing is
    sent before the first event is asked for, or the block entered.

    Raises:
        RpcError: While iterating: the server refused or failed. Later losses of the connection are not told.
    """

    def __init__(self, source: Source, feed: Feed, read: Callable[[Any], Any] | None = None) -> None:
        self._source = source
        self._feed = feed
        self._read = read
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = asyncio.Lock()

    @property
    def restarts(self) -> int:
        """How often it went on over another connection; each time events without ids may be missing."""
        return self._feed.restarts

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T_co:
        await self._start()
        if self._feed.is_empty:
            await self._source.taken(self._feed)
        event: Any = await self._feed.take()
        if self._read is not None:
            event = Tracked(event.id, self._read(event.data)) if isinstance(event, Tracked) else self._read(event)
        given: T_co = event
        return given

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the subscription; what was not taken is dropped."""
        self._feed.drop()
        if self._loop is not None:
            self._loop = None
            await self._source.stop(self._feed)

    async def _start(self) -> None:
        if self._loop is None and not self._feed.is_ended:
            async with self._starting:
                if self._loop is None:
                    await self._source.start(self._feed)
                    self._loop = asyncio.get_running_loop()

    def __del__(self) -> None:
        loop = self._loop
        if loop is not None and not self._feed.is_ended and not loop.is_closed():
            loop.call_soon_threadsafe(self._source.abandon, self._feed)
