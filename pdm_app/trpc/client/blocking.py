"""The same client for programs without an event loop: one thread of its own runs the loop for all calls."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from pdm_app.trpc.client.errors import ClosedError
from pdm_app.trpc.client.feeds import AsyncSubscription
from pdm_app.trpc.client.link import Link
from pdm_app.trpc.wire_values import MISSING

T = TypeVar("T")
THREAD_STOP_S: Final = 5.0  # For what the loop still does when it is told to stop.


class LoopThread:
    """An event loop in a thread that ends with the program."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stopping = threading.Lock()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._serve, name="rpc-client", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine returns; an interrupt of the waiting thread cancels it."""
        future = self.begin(work)
        try:
            return future.result()
        except CancelledError:
            raise ClosedError from None
        except BaseException:
            future.cancel()
            raise

    def begin(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Start a coroutine.

        Raises:
            ClosedError: The loop is stopped.
            RuntimeError: This is the loop's own thread.
        """
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError(
                "A blocking call inside run(...) would wait for itself. Use the client that it is given."
            )
        with self._stopping:  # What is begun before the stop is cancelled by it; nothing is begun after.
            if not self._is_stopped:
                return asyncio.run_coroutine_threadsafe(work, self._loop)
        work.close()
        raise ClosedError

    def stop(self) -> None:
        """Stop the loop and wait for its thread."""
        with self._stopping:
            if not self._is_stopped:
                self._is_stopped = True
                self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(THREAD_STOP_S)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            if tasks:
                self._loop.run_until_complete(asyncio.wait(tasks, timeout=THREAD_STOP_S))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()


class Subscription(Generic[T]):
    """The events of a subscription, in order; leaving ``with`` ends it at the server.

    ::

        with client.live.values(signals=[1, 2]) as frames:
            for frame in frames:
                ...

    A lost connection is opened again, and the subscription goes on after its last event that had an id.

    Raises:
        RpcError: While iterating: the server refused or failed. Later losses of the connection are not told.
    """

    def __init__(self, thread: LoopThread, events: AsyncSubscription[T]) -> None:
        self._thread = thread
        self._events = events
        self._next: Future[tuple[T, ...]] | None = None

    @property
    def restarts(self) -> int:
        """How often it went on over another connection; each time events without ids may be missing."""
        return self._events.restarts

    def take(self, timeout_s: float | None = None) -> T:
        """Return the next event.

        Args:
            timeout_s: How long to wait for it; None waits for ever.

        Raises:
            TimeoutError: Nothing came; the next call goes on waiting, and no event is lost.
            StopIteration: The subscription is over.
            RpcError: The server refused or failed.
        """
        if self._next is None:
            self._next = self._thread.begin(self._take())
        try:
            found = self._next.result(timeout_s)
        except FutureTimeoutError:
            if self._next.done():  # It is what the subscription raised.
                self._next = None
                raise
            raise TimeoutError(f"No event came within {timeout_s} s.") from None
        except Exception:
            self._next = None
            raise
        self._next = None
        if not found:
            raise StopIteration
        return found[0]

    def close(self) -> None:
        """End the subscription."""
        try:
            self._thread.run(self._events.aclose())
        except ClosedError:
            pass  # With the client.

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        return self.take()

    def __enter__(self) -> Self:
        self._thread.run(self._events.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def _take(self) -> tuple[T, ...]:
        try:
            return (await anext(self._events),)
        except StopAsyncIteration:
            return ()


class BlockingLink:
    """Calls procedures by their paths, and waits for the answers. Threads may share it."""

    def __init__(self, link: Link, thread: LoopThread) -> None:
        self.link = link
        self.thread = thread

    def query(self, path: str, input: Any = MISSING) -> Any:
        """Call a query; see ``Link.query``."""
        return self.thread.run(self.link.query(path, input))

    def mutate(self, path: str, input: Any = MISSING) -> Any:
        """Call a mutation, once."""
        return self.thread.run(self.link.mutate(path, input))

    def upload(self, path: str, body: bytes | Iterable[bytes]) -> Any:
        """Call a mutation whose input is a stream of bytes, once."""
        return self.thread.run(self.link.upload(path, body if isinstance(body, bytes) else _async_chunks(body)))

    def send_form(self, path: str, fields: Mapping[str, Any], files: Collection[str]) -> Any:
        """Call a mutation that takes a form, once; ``files`` names the fields that are files."""
        return self.thread.run(self.link.send_form(path, fields, files))

    def stream(self, path: str, input: Any = MISSING) -> Iterator[Any]:
        """Iterate over the result of a query that comes item by item."""
        items = self.link.stream(path, input)

        async def following() -> tuple[Any, ...]:
            try:
                return (await anext(items),)
            except StopAsyncIteration:
                return ()

        try:
            while found := self.thread.run(following()):
                yield found[0]
        finally:
            self.thread.run(items.aclose())  # type: ignore[attr-defined] # It is a generator.

    def subscribe(
        self,
        path: str,
        input: Any = MISSING,
        *,
        last_event_id: str | None = None,
        read: Callable[[Any], Any] | None = None,
    ) -> Subscription[Any]:
        """Return the events of a subscription; see ``Link.subscribe``."""
        events = self.link.subscribe(path, input, last_event_id=last_event_id, read=read)
        return Subscription(self.thread, events)


async def _async_chunks(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
