"""Subscriptions over one WebSocket that is opened with the first of them, and again whenever it is lost."""

import asyncio
from contextlib import suppress
from itertools import count
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from pdm_app.trpc.client.errors import CallError, ClosedError, RpcConnectionError, RpcError, call_error
from pdm_app.trpc.client.feeds import Feed
from pdm_app.trpc.client.settings import RETRY_MAX_S, Backoff, Settings
from pdm_app.trpc.wire_values import MISSING, Tracked

SOCKET_KEEP_ALIVE_S: Final = 5.0  # Between pings, and for their answer: a dead link is noticed after twice that.
SOCKET_MESSAGE_MAX: Final = 64 * 1024 * 1024
HELD_UP_S: Final = 1.0  # How long one full feed holds up the others before its subscription is stopped.
REFUSED_S_MAX: Final = 30.0  # How long a server may refuse a connection that it had accepted before.
REFUSALS: Final = (401, 403, 404)  # HTTP statuses of a handshake that do not change by trying again.


class Socket:
    """Brings the events of all subscriptions over one connection.

    A subscription whose events are not taken is stopped at the server once its feed has been full for ``HELD_UP_S``,
    and goes on after its last event when they are: the others are not held up any longer.

    Args:
        settings: Of the client.
        timeout_s: Longest wait for a connection.
    """

    def __init__(self, settings: Settings, timeout_s: float) -> None:
        self._settings = settings
        self._url = settings.url.replace("http", "ws", 1)
        if settings.connection_params is not None:
            self._url += "?connectionParams=1"
        self._timeout_s = timeout_s
        self._keys = count(1)
        self._live: dict[int, Feed] = {}
        self._held: set[Feed] = set()
        self._connection: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._stopping: set[asyncio.Task[None]] = set()
        self._opening = asyncio.Lock()
        self._backoff = Backoff()
        self._is_closed = False

    async def start(self, feed: Feed) -> None:
        """Ask for a subscription, opening the connection if there is none yet."""
        async with self._opening:
            if self._is_closed:
                raise ClosedError
            if self._reader is None:
                connection = await self._open()
                self._reader = asyncio.create_task(self._keep_open(connection))
        await self._request(feed)

    async def taken(self, feed: Feed) -> None:
        """Let a subscription go on that was stopped because its feed was full."""
        if feed in self._held:
            self._held.discard(feed)
            feed.restarts += 1
            await self._request(feed)

    async def stop(self, feed: Feed) -> None:
        """Tell the server to stop a subscription."""
        self._held.discard(feed)
        for key in [key for key, live in self._live.items() if live is feed]:
            del self._live[key]
            await self._send({"id": key, "method": "subscription.stop"})

    def abandon(self, feed: Feed) -> None:
        """Stop without waiting for it."""
        if not self._is_closed:
            stopping = asyncio.create_task(self.stop(feed))
            self._stopping.add(stopping)
            stopping.add_done_callback(self._stopping.discard)

    async def close(self) -> None:
        """End all subscriptions and the connection."""
        self._is_closed = True
        self._end_all(None)
        tasks = {task for task in (self._reader, *self._stopping) if task is not None}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _open(self) -> ClientConnection:
        """Return a new connection.

        Raises:
            CallError: The server does not want this caller.
            RpcConnectionError: It was not reached.
        """
        try:
            connection = await connect(
                self._url,
                additional_headers=await self._settings.current_headers(),
                ssl=self._settings.tls if self._url.startswith("wss") else None,
                open_timeout=self._timeout_s,
                close_timeout=1.0,
                ping_interval=SOCKET_KEEP_ALIVE_S,
                ping_timeout=SOCKET_KEEP_ALIVE_S,
                compression=None,
                max_size=SOCKET_MESSAGE_MAX,
            )
            params = self._settings.connection_params
            if params is not None:
                hello = {"method": "connectionParams", "data": dict(params)}
                await connection.send(self._settings.encode(hello))
        except InvalidStatus as error:
            raise self._refused(error) from error
        except (OSError, WebSocketException) as error:
            raise RpcConnectionError(
                self._url,
                "took no WebSocket",
                str(error) or "time is up",
                "Check address, credentials and that it runs.",
            ) from error
        self._connection = connection
        return connection

    def _refused(self, error: InvalidStatus) -> RpcError:
        status = error.response.status_code
        if status not in REFUSALS:
            return RpcConnectionError(self._url, "took no WebSocket", error, "Check that it runs.")
        codes = {401: "UNAUTHORIZED", 403: "FORBIDDEN"}
        message = f"{self._url} refused the WebSocket with HTTP {status}. Check address and credentials."
        return call_error({"message": message, "data": {"code": codes.get(status, "NOT_FOUND"), "httpStatus": status}})

    async def _keep_open(self, connection: ClientConnection) -> None:
        """Read, and open again what was lost, until closed or refused."""
        loop = asyncio.get_running_loop()
        while True:
            opened_at_s = loop.time()
            try:
                await self._read(connection)
            finally:
                await connection.close()
            if loop.time() - opened_at_s > RETRY_MAX_S:  # It was a good one, not a server that accepts and drops.
                self._backoff.reset()
            if not (self._live or self._held or self._stopping):
                self._reader = self._connection = None  # Nobody listens: the next subscription opens it again.
                return
            try:
                connection = await self._reopen()
            except Exception as error:  # A refusal, or whatever the program's own token function raised.
                self._reader = None  # The next subscription tries anew, perhaps with other credentials.
                self._end_all(error)
                return
            feeds, self._live = list(self._live.values()), {}
            for feed in feeds:
                feed.restarts += 1
                await self._request(feed)

    async def _reopen(self) -> ClientConnection:
        """Return a new connection, however long it takes.

        Raises:
            CallError: The server does not want this caller, and that lasts: one that drains refuses everybody.
        """
        loop = asyncio.get_running_loop()
        given_up_at_s = loop.time() + REFUSED_S_MAX
        while True:
            await asyncio.sleep(self._backoff.pause_s())
            try:
                return await self._open()
            except CallError:
                if loop.time() > given_up_at_s:
                    raise
            except RpcConnectionError:
                pass

    async def _read(self, connection: ClientConnection) -> None:
        """Deliver messages until the connection ends or stops making sense."""
        with suppress(WebSocketException, OSError, ValueError, KeyError, TypeError, AttributeError):
            async for text in connection:
                if text == "PING":
                    await connection.send("PONG")
                elif text != "PONG" and not await self._deliver(self._settings.decode(text), len(text)):
                    return

    async def _deliver(self, message: dict[str, Any], size: int) -> bool:
        """Put one message where it belongs. False: this connection is of no more use."""
        key, has_failed = message.get("id"), "error" in message
        error = call_error(message["error"]) if has_failed else None
        if key is None:
            if error is None:
                return message.get("method") != "reconnect"
            if not error.is_temporary:
                self._end_all(error)
            return not error.is_temporary
        feed = self._live.get(key)
        if feed is None:
            return True  # It was stopped, and this was on its way.
        if error is not None:
            self._fail(key, feed, error)
        elif (result := message["result"])["type"] == "data":
            data = result.get("data", MISSING)
            feed.put(data if result.get("id") is None else Tracked(result["id"], data["data"]), size)
            if feed.is_full and not await feed.has_room_within(HELD_UP_S) and self._live.pop(key, None) is not None:
                self._held.add(feed)
                await self._send({"id": key, "method": "subscription.stop"})
        elif result["type"] == "stopped":
            del self._live[key]
            feed.end()
        else:
            self._backoff.reset()  # Started.
        return True

    def _fail(self, key: int, feed: Feed, error: CallError) -> None:
        """End a subscription, or ask for it again later if the server was only away."""
        del self._live[key]
        if not error.is_temporary:
            feed.end(error)
            return
        again = asyncio.create_task(self._again(feed, error.retry_after_s or self._backoff.pause_s()))
        self._stopping.add(again)
        again.add_done_callback(self._stopping.discard)
        # Even where the client is closed before the task's first step, which then takes none.
        again.add_done_callback(lambda ended: feed.end() if ended.cancelled() else None)

    async def _again(self, feed: Feed, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        if not feed.is_ended:
            feed.restarts += 1
            await self._request(feed)

    async def _request(self, feed: Feed) -> None:
        """Send what starts a subscription, or makes it go on after its last event."""
        key = next(self._keys)
        self._live[key] = feed
        params = {"path": feed.path}
        if feed.last_event_id is not None:
            params["lastEventId"] = feed.last_event_id
        head = self._settings.encode({"id": key, "method": "subscription", "params": params})
        await self._send_text(head if feed.input is None else f'{head[:-2]},"input":{feed.input}}}}}')

    async def _send(self, message: dict[str, Any]) -> None:
        await self._send_text(self._settings.encode(message))

    async def _send_text(self, text: str) -> None:
        """Send, or leave it to the next connection, which starts with every live subscription."""
        if self._connection is not None:
            with suppress(WebSocketException, OSError):
                await self._connection.send(text)

    def _end_all(self, error: Exception | None) -> None:
        for feed in (*self._live.values(), *self._held):
            feed.end(error)
        self._live.clear()
        self._held.clear()
