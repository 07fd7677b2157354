"""Subscriptions as Server-Sent Events, each over an HTTP answer of its own, for where no WebSocket gets through."""

import asyncio
from typing import Any, Final
from urllib.parse import quote

import httpx

from pdm_app.trpc.client.calls import no_answer, no_trpc, retry_after_s
from pdm_app.trpc.client.errors import CallError, ClosedError, RpcConnectionError, RpcError, call_error
from pdm_app.trpc.client.feeds import Feed
from pdm_app.trpc.client.settings import Backoff, Settings
from pdm_app.trpc.client.streams import EventReader, Lines, ServerSentEvent
from pdm_app.trpc.wire_values import Tracked

STREAM_SILENCE_S: Final = 60.0  # Longest wait for the next event or ping where the server promises none sooner.


class EventStreams:
    """Brings the events of each subscription over a connection of its own, opened again whenever it is lost."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient, timeout_s: float) -> None:
        self._settings = settings
        self._http = http
        self._timeout_s = timeout_s
        self._readers: dict[Feed, asyncio.Task[None]] = {}
        self._room: dict[Feed, asyncio.Event] = {}
        self._stopping: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def start(self, feed: Feed) -> None:
        """Ask for a subscription; return once the server has answered."""
        if self._is_closed:
            raise ClosedError
        connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._room[feed] = asyncio.Event()
        self._readers[feed] = asyncio.create_task(self._keep_reading(feed, connected))
        try:
            await connected
        except BaseException:
            await self.stop(feed)
            raise

    async def taken(self, feed: Feed) -> None:
        """Read on, if the feed was full."""
        if feed in self._room:
            self._room[feed].set()

    async def stop(self, feed: Feed) -> None:
        """Hang up."""
        self._room.pop(feed, None)
        reader = self._readers.pop(feed, None)
        if reader is not None:
            reader.cancel()
            await asyncio.wait({reader})

    def abandon(self, feed: Feed) -> None:
        """Hang up without waiting for it."""
        if not self._is_closed:
            stopping = asyncio.create_task(self.stop(feed))
            self._stopping.add(stopping)
            stopping.add_done_callback(self._stopping.discard)

    async def close(self) -> None:
        """End all subscriptions."""
        self._is_closed = True
        for feed in list(self._readers):
            feed.end()
            await self.stop(feed)
        if self._stopping:
            await asyncio.wait(self._stopping)

    async def _keep_reading(self, feed: Feed, connected: "asyncio.Future[None]") -> None:
        backoff = Backoff()
        while not feed.is_ended:
            try:
                await self._read(feed, connected, backoff)
            except RpcError as error:
                is_lost = isinstance(error, RpcConnectionError) or (
                    isinstance(error, CallError) and error.is_temporary and connected.done()
                )
                if not connected.done():
                    connected.set_exception(error)
                    return
                if not is_lost:
                    feed.end(error)
            except Exception as error:  # Whatever it is, those who wait must hear it.
                feed.end(error)
                if not connected.done():
                    connected.set_result(None)
            if not feed.is_ended:
                feed.restarts += 1
                await asyncio.sleep(backoff.pause_s())

    async def _read(self, feed: Feed, connected: "asyncio.Future[None]", backoff: Backoff) -> None:
        """Read one answer to its end.

        Raises:
            CallError: The subscription failed.
            RpcConnectionError: Nothing, or not tRPC, came back.
        """
        url = self._url(feed)
        headers = {**await self._settings.current_headers(), "accept": "text/event-stream"}
        if feed.last_event_id is not None:
            headers["last-event-id"] = feed.last_event_id
        timeout = httpx.Timeout(self._timeout_s, read=None)
        loop = asyncio.get_running_loop()
        lines, reader, silence_s = Lines(), EventReader(), STREAM_SILENCE_S
        try:
            async with (
                self._http.stream("GET", url, headers=headers, timeout=timeout) as response,
                asyncio.timeout(silence_s) as silence,
            ):
                if not response.headers.get("content-type", "").startswith("text/event-stream"):
                    await self._raise_plain(response)
                if not connected.done():
                    connected.set_result(None)
                async for chunk in response.aiter_bytes():
                    silence.reschedule(None)  # However long the program takes over its events.
                    for event in filter(None, map(reader.read, lines.split(chunk))):
                        if event.event == "connected":
                            backoff.reset()
                            silence_s = self._promised_silence_s(event)
                        else:
                            await self._deliver(feed, event)
                    if feed.is_ended:
                        return
                    silence.reschedule(loop.time() + silence_s)
        except httpx.HTTPError as error:
            raise no_answer(url.partition("?")[0], error) from error
        except (TimeoutError, ValueError) as error:
            cause = error if isinstance(error, ValueError) else f"nothing came for {silence_s:g} s"
            raise RpcConnectionError(url.partition("?")[0], "stopped streaming", cause, "Check the network.") from error

    async def _deliver(self, feed: Feed, event: ServerSentEvent) -> None:
        if event.event == "message":
            data = self._settings.decode(event.data)
            feed.put(Tracked(event.id, data) if event.id else data, len(event.data))
            if feed.is_full:  # Until there is room nothing is read, and the server holds back.
                room = self._room[feed]
                room.clear()
                await room.wait()
        elif event.event == "serialized-error":
            raise call_error(self._settings.decode(event.data))
        elif event.event == "return":
            feed.end()

    async def _raise_plain(self, response: httpx.Response) -> None:
        """Raise what the server answered instead of a stream."""
        await response.aread()
        try:
            error = call_error(self._settings.decode(response.content)["error"], retry_after_s(response))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise no_trpc(response) from None
        raise error

    def _promised_silence_s(self, event: ServerSentEvent) -> float:
        try:
            return float(self._settings.decode(event.data)["reconnectAfterInactivityMs"]) / 1000
        except (ValueError, KeyError, TypeError):
            return STREAM_SILENCE_S

    def _url(self, feed: Feed) -> str:
        query: dict[str, Any] = {}
        if feed.input is not None:
            query["input"] = feed.input
        if self._settings.connection_params is not None:
            query["connectionParams"] = self._settings.encode(dict(self._settings.connection_params))
        words = "&".join(f"{name}={quote(text, safe='')}" for name, text in query.items())
        return f"{self._settings.url}/{feed.path}" + (f"?{words}" if words else "")
