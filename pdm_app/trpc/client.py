"""A lean asynchronous client: calls over HTTP, subscriptions over one WebSocket that reconnects and resumes.

::

    async with TrpcClient("http://127.0.0.1:8000/trpc", headers={"authorization": f"Bearer {token}"}) as client:
        asset = await client.query("assets.by_id", "P-101A", result=Asset)
        async with aclosing(client.subscribe("assets.state", result=AssetState)) as events:
            async for event in events:
                ...

Tracked events arrive as ``Tracked(id, data)``. A lost connection is opened again with capped, jittered back-off, and
every live subscription goes on after its last id; calls are never repeated by themselves.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from functools import lru_cache
from itertools import count
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, overload

import httpx
import orjson
from pydantic import TypeAdapter
from pydantic_core import to_json
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from pdm_app.trpc.errors import CODES, ErrorCode, TrpcError
from pdm_app.trpc.signatures import LAST_EVENT_ID
from pdm_app.trpc.values import MISSING, Missing, Tracked

T = TypeVar("T")
RETRY_FIRST_S = 0.1
RETRY_MAX_S = 5.0
EVENTS_MAX = 1_000  # Undelivered events per subscription; then the socket is not read, and the server holds back.
_SERVER_KEYS = frozenset({"code", "httpStatus", "path"})


class TrpcConnectionError(ConnectionError):
    """The server was not reached, or did not answer in tRPC."""

    def __init__(self, url: str, attempt: str, cause: object, advice: str) -> None:
        super().__init__(f"{url} {attempt}: {cause}. {advice}")
        self.url = url


class TrpcClient:
    """A client of one server.

    Args:
        url: Base of the procedures, as in ``http://host:8000/trpc``.
        headers: Sent with every request and with the WebSocket handshake.
        connection_params: tRPC connection parameters for the WebSocket, or None.
        timeout_s: Longest wait for an answer over HTTP, and for a connection.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        connection_params: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
    ) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.AsyncClient(headers=dict(headers or {}), timeout=timeout_s)
        self._socket = Socket(self.url, dict(headers or {}), connection_params, timeout_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._socket.close()
        await self._http.aclose()

    @overload
    async def query(self, path: str, input: Any = MISSING) -> Any: ...
    @overload
    async def query(self, path: str, input: Any = MISSING, *, result: type[T] | TypeAdapter[T]) -> T: ...
    async def query(self, path: str, input: Any = MISSING, *, result: Any = Any) -> Any:
        """Call a query; its data is validated as ``result``.

        Raises:
            TrpcError: The server's answer.
            TrpcConnectionError: There was none.
        """
        query = {} if input is MISSING else {"input": _encoded(input).decode()}
        return _validated(await self._call("GET", path, params=query), result)

    @overload
    async def mutate(self, path: str, input: Any = MISSING) -> Any: ...
    @overload
    async def mutate(self, path: str, input: Any = MISSING, *, result: type[T] | TypeAdapter[T]) -> T: ...
    async def mutate(self, path: str, input: Any = MISSING, *, result: Any = Any) -> Any:
        """Call a mutation, like ``query``."""
        body = b"" if input is MISSING else _encoded(input)
        headers = {"content-type": "application/json"}
        return _validated(await self._call("POST", path, content=body, headers=headers), result)

    @overload
    def subscribe(self, path: str, input: Any = MISSING) -> AsyncIterator[Any]: ...
    @overload
    def subscribe(
        self, path: str, input: Any = MISSING, *, result: type[T] | TypeAdapter[T]
    ) -> AsyncIterator[T | Tracked[T]]: ...
    async def subscribe(self, path: str, input: Any = MISSING, *, result: Any = Any) -> AsyncIterator[Any]:
        """Iterate over a subscription until the server ends it. Closing the iterator stops it at the server.

        Raises:
            TrpcError: The server refused or failed.
            TrpcConnectionError: The first connection could not be made; later ones are tried for ever.
        """
        live = Live(path, MISSING if input is MISSING else orjson.Fragment(_encoded(input)))
        await self._socket.start(live)
        try:
            while (event := await live.events.get()) is not None:
                if isinstance(event, TrpcError):
                    raise event
                identity, data = event
                value = _validated(data, result)
                yield value if identity is None else Tracked(identity, value)
        finally:
            await self._socket.stop(live)

    async def _call(self, method: str, path: str, **request: Any) -> Any:
        url = f"{self.url}/{path}"
        try:
            response = await self._http.request(method, url, **request)
        except httpx.HTTPError as error:
            raise TrpcConnectionError(
                url, "did not answer", f"{type(error).__name__} {error}", "Check address, network and that it runs."
            ) from error
        try:
            answer = orjson.loads(response.content)
            return _data(answer) if "error" not in answer else _raise(_error(answer["error"]))
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            raise TrpcConnectionError(
                url, f"answered HTTP {response.status_code} but not in tRPC", response.text[:80], "Check the path."
            ) from None


class Live:
    """One subscription from the client's side."""

    __slots__ = ("events", "input", "key", "last_event_id", "path")

    def __init__(self, path: str, input: orjson.Fragment | Missing) -> None:
        self.path = path
        self.input = input
        self.key = 0
        self.last_event_id: str | None = None
        self.events: asyncio.Queue[tuple[str | None, Any] | TrpcError | None] = asyncio.Queue(EVENTS_MAX)

    def request(self) -> bytes:
        """Return the message that starts it, or goes on after the last id."""
        params: dict[str, Any] = {"path": self.path}
        if self.input is not MISSING:
            params["input"] = self.input
        if self.last_event_id is not None:
            params[LAST_EVENT_ID] = self.last_event_id
        return orjson.dumps({"id": self.key, "method": "subscription", "params": params})


class Socket:
    """The client's WebSocket, opened with the first subscription and kept open until ``close``."""

    def __init__(
        self, url: str, headers: dict[str, str], connection_params: Mapping[str, str] | None, timeout_s: float
    ) -> None:
        self._url = url.replace("http", "ws", 1) + ("" if connection_params is None else "?connectionParams=1")
        self._headers = headers
        self._params = connection_params
        self._timeout_s = timeout_s
        self._keys = count(1)
        self._live: dict[int, Live] = {}
        self._connection: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()

    async def start(self, live: Live) -> None:
        """Send a subscription, opening the connection if there is none yet."""
        async with self._opening:
            if self._task is None:
                connection = await self._open()
                self._task = asyncio.create_task(self._keep_open(connection))
        self._register(live)
        await self._send(live.request())

    async def stop(self, live: Live) -> None:
        """Tell the server to stop a subscription that is still live."""
        if self._live.pop(live.key, None) is not None:
            await self._send(orjson.dumps({"id": live.key, "method": "subscription.stop"}))

    async def close(self) -> None:
        """Close the connection and end its task."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        for live in self._live.values():
            _end(live, None)
        self._live.clear()

    async def _open(self) -> ClientConnection:
        try:
            connection = await connect(
                self._url,
                additional_headers=self._headers,
                open_timeout=self._timeout_s,
                compression=None,
                max_size=64 * 1024 * 1024,
            )
            if self._params is not None:
                await connection.send(orjson.dumps({"method": "connectionParams", "data": dict(self._params)}).decode())
        except (OSError, WebSocketException, TimeoutError) as error:
            raise TrpcConnectionError(
                self._url, "took no WebSocket", error, "Check address, credentials and that it runs."
            ) from error
        self._connection = connection
        return connection

    async def _keep_open(self, connection: ClientConnection) -> None:
        retry_s = RETRY_FIRST_S
        loop = asyncio.get_running_loop()
        while True:
            opened_at_s = loop.time()
            try:
                await self._read(connection)
            except asyncio.CancelledError:
                await connection.close()
                raise
            if loop.time() - opened_at_s > RETRY_MAX_S:  # It was a good one, not a server that accepts and drops.
                retry_s = RETRY_FIRST_S
            while True:
                await asyncio.sleep(retry_s * random.uniform(0.5, 1.5))
                retry_s = min(retry_s * 2, RETRY_MAX_S)
                with suppress(TrpcConnectionError):
                    connection = await self._open()
                    break
            for live in list(self._live.values()):
                del self._live[live.key]
                self._register(live)
                await self._send(live.request())

    async def _read(self, connection: ClientConnection) -> None:
        """Deliver messages until the connection ends or stops making sense."""
        with suppress(WebSocketException, OSError, ValueError, KeyError, TypeError, AttributeError):
            async for text in connection:
                if text == "PING":
                    await connection.send("PONG")
                    continue
                message = orjson.loads(text)
                if message.get("method") == "reconnect":
                    await connection.close()
                    return
                await self._deliver(message)

    async def _deliver(self, message: dict[str, Any]) -> None:
        key = message.get("id")
        if key is None and "error" in message:
            for live in list(self._live.values()):
                await self._finish(live, _error(message["error"]))
            return
        found = self._live.get(key) if isinstance(key, int) else None
        if found is None:
            return
        if "error" in message:
            await self._finish(found, _error(message["error"]))
        elif (result := message["result"])["type"] == "data":
            identity, data = result.get("id"), result.get("data", MISSING)
            if identity is not None:
                found.last_event_id, data = identity, data["data"]
            await found.events.put((identity, data))
        elif result["type"] == "stopped":
            await self._finish(found, None)

    async def _finish(self, live: Live, last: TrpcError | None) -> None:
        del self._live[live.key]
        await live.events.put(last)

    def _register(self, live: Live) -> None:
        live.key = next(self._keys)
        self._live[live.key] = live

    async def _send(self, message: bytes) -> None:
        """Send, or leave it to the next connection, which starts with every live subscription."""
        if self._connection is not None:
            with suppress(WebSocketException, OSError):
                await self._connection.send(message.decode())


def _end(live: Live, last: TrpcError | None) -> None:
    """End a subscription at once, dropping an event if its queue is full."""
    if live.events.full():
        live.events.get_nowait()
    live.events.put_nowait(last)


def _encoded(input: Any) -> bytes:
    return to_json(input, by_alias=True)


def _data(answer: dict[str, Any]) -> Any:
    return answer["result"].get("data", MISSING)


def _validated(data: Any, result: Any) -> Any:
    if result is Any or data is MISSING:
        return data
    adapter = result if isinstance(result, TypeAdapter) else _adapter(result)
    return adapter.validate_json(orjson.dumps(data))


@lru_cache(maxsize=256)
def _adapter(result: Any) -> TypeAdapter[Any]:
    return TypeAdapter(result)


def _error(shape: dict[str, Any]) -> TrpcError:
    data = shape.get("data") or {}
    code: ErrorCode | Literal[""] = data.get("code", "")
    extra = {key: value for key, value in data.items() if key not in _SERVER_KEYS}
    return TrpcError(code if code in CODES else "INTERNAL_SERVER_ERROR", str(shape.get("message", "")), data=extra)


def _raise(error: TrpcError) -> Any:
    raise error
