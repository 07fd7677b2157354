"""The ASGI application that serves a router: mount it in any Starlette application, or run it by itself."""

import asyncio
import re
from collections.abc import Callable
from typing import Generic, TypeVar

from starlette.routing import BaseRoute, Mount, WebSocketRoute
from starlette.types import ASGIApp

from pdm_app.trpc.asgi import Receive, Scope, Send
from pdm_app.trpc.dispatch import (
    Authorize,
    CallRecord,
    CreateContext,
    Dispatcher,
    Fault,
    FormatError,
    RateKey,
    Translate,
    log_fault,
)
from pdm_app.trpc.errors import RETRY_AFTER, TrpcError
from pdm_app.trpc.http import HttpTransport, Ready, answer_headers, envelope, send_json
from pdm_app.trpc.jsonl import JsonLines
from pdm_app.trpc.limits import Limits, Stats
from pdm_app.trpc.procedures import Procedure
from pdm_app.trpc.rates import Rate
from pdm_app.trpc.rest import RestTransport
from pdm_app.trpc.router import Router
from pdm_app.trpc.sse import EventStream
from pdm_app.trpc.transformers import SuperJson
from pdm_app.trpc.websocket import CloseCode, WebSocketConnection

Ctx = TypeVar("Ctx")
COME_BACK_S = 5  # What clients are told who find no room.


class TrpcApp(Generic[Ctx]):
    """Serves a router over HTTP, Server-Sent Events and WebSocket, below whatever path it is mounted at.

    Args:
        root: The router; procedures added to it later are served as well.
        create_context: Awaited once per HTTP request and once per WebSocket; what it raises is every call's answer.
        authorize: Awaited before each call, and for live subscriptions every ``Limits.authorize_every_s``; refuses by
            raising ``TrpcError``. Any other exception fails a call but never ends a live subscription.
        translate: Turns an application's own exception into a ``TrpcError``, or returns None for "not for clients".
        format_error: May add to an error shape's ``data``; gets the shape, the error and the connection.
        on_call: Told about each finished call.
        on_fault: Told once about each exception that was hidden from the client. Logs it by default.
        limits: Bounds, see ``Limits``.
        rate: How often one caller may call altogether, such as ``6000/minute``; procedures have rates of their own
            beside it. More is TOO_MANY_REQUESTS, with the seconds to wait. Counted after ``authorize``.
        rate_key: Tells callers apart, by user or key; by address without it.
        transformer: ``SUPERJSON`` where both ends speak that; plain JSON without it. REST is always plain.
        batching: Whether several calls may share a request.
        method_override: Whether queries and subscriptions may be posted, their input in the body.
    """

    def __init__(
        self,
        root: Router[Ctx],
        *,
        create_context: CreateContext[Ctx],
        authorize: Authorize[Ctx] | None = None,
        translate: Translate | None = None,
        format_error: FormatError | None = None,
        on_call: Callable[[CallRecord], None] | None = None,
        on_fault: Callable[[Fault], None] = log_fault,
        limits: Limits | None = None,
        rate: str = "",
        rate_key: RateKey[Ctx] | None = None,
        transformer: SuperJson | None = None,
        batching: bool = True,
        method_override: bool = False,
    ) -> None:
        self.root = root
        self.limits = limits or Limits()
        self._table = root.table()
        self._dispatcher: Dispatcher[Ctx] = Dispatcher(
            create_context=create_context,
            authorize=authorize,
            translate=translate,
            format_error=format_error,
            on_call=on_call,
            on_fault=on_fault,
            limits=self.limits,
            rate=Rate.parse(rate) if rate else None,
            rate_key=rate_key,
            transformer=transformer,
        )
        self._http = HttpTransport(self._dispatcher, self._table, batching=batching, method_override=method_override)
        self._plain: list[Dispatcher[Ctx]] = []
        self._sockets: set[WebSocketConnection] = set()
        self._streams: set[EventStream] = set()
        self._is_draining = False
        self._emptied = asyncio.Event()

    def apply(self, limits: Limits, rate: str = "") -> None:
        """Go by other limits and another rate from now on; a WebSocket or stream that is open keeps its own limits.

        Raises:
            RateError: The rate is written otherwise than ``6000/minute``; nothing was changed.
        """
        parsed = Rate.parse(rate) if rate else None
        self.limits = limits
        for dispatcher in (self._dispatcher, *self._plain):
            dispatcher.limits, dispatcher.rate = limits, parsed

    @property
    def stats(self) -> Stats:
        """Counters since the start; read them, do not change them."""
        return self._dispatcher.stats

    def routes(self, path: str) -> list[BaseRoute]:
        """Return what a Starlette application needs to serve this at ``path``.

        A ``Mount`` alone leaves out the bare path, which is where WebSocket clients connect by convention.
        """
        return [WebSocketRoute(path, self), _mounted(path, self)]

    def rest_routes(self, prefix: str) -> list[BaseRoute]:
        """Return what serves the procedures with ``rest=`` below ``prefix``, such as ``/api/v1``; see ``rest``.

        Procedures added to the router later are not among them.

        Raises:
            RestError: Two procedures claim one address.
        """
        plain = self._dispatcher.untransformed()
        self._plain.append(plain)
        return [_mounted(prefix, RestTransport(plain, self._table))]

    def in_front_of(self, otherwise: ASGIApp, path: str) -> ASGIApp:
        """Return an application that serves this at ``path`` and leaves the rest to another.

        The same as `routes`, without the price of matching a route for every call.
        """
        below = f"{path}/"

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            asked = scope.get("path", "")
            if asked.startswith(below) or asked == path:
                await self({**scope, "root_path": scope.get("root_path", "") + path}, receive, send)
            else:
                await otherwise(scope, receive, send)

        return serve

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request or WebSocket; ``lifespan`` drains at shutdown when this is the outermost app."""
        if scope["type"] == "http":
            await self._serve_http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._serve_websocket(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._serve_lifespan(receive, send)
        else:
            raise ValueError(f"TrpcApp serves http, websocket and lifespan scopes, not {scope['type']!r}.")

    async def drain(self, timeout_s: float = 5.0) -> None:
        """Send every client elsewhere before a shutdown.

        WebSocket clients are asked to reconnect and event streams are ended, so that both resume at the next server
        with their last id; what is still connected after ``timeout_s`` is closed with 1012. New streams are refused,
        HTTP calls are still answered.
        """
        self._is_draining = True
        for socket in self._sockets:
            socket.ask_to_reconnect()
        for stream in self._streams:
            stream.end()
        if not await self._is_empty_within(timeout_s):
            for socket in self._sockets:
                socket.close(CloseCode.RESTART)
            await self._is_empty_within(self.limits.cleanup_s)

    async def _serve_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        ready = await self._http.check(scope, receive)
        if not isinstance(ready, Ready):
            connection, error = ready
            outcome = self._dispatcher.refuse(error, connection, None)
            await send_json(send, outcome.status, envelope(outcome), answer_headers(connection))
        elif ready.request.is_batch and ready.request.is_jsonl:
            await JsonLines(self._dispatcher, self._http, ready).serve(receive, send)
        elif ready.request.is_batch:
            await self._http.batch(ready, receive, send)
        elif (procedure := ready.request.procedures[0]) is not None and procedure.type == "subscription":
            await self._serve_stream(procedure, ready, receive, send)
        else:
            await self._http.single(ready, receive, send)

    async def _serve_stream(self, procedure: Procedure, ready: Ready, receive: Receive, send: Send) -> None:
        if not self._admits():
            error = TrpcError(
                "SERVICE_UNAVAILABLE",
                "The server takes no more event streams now; try again later",
                data={RETRY_AFTER: COME_BACK_S},
            )
            outcome = self._dispatcher.refuse(error, ready.connection, ready.request.paths[0])
            await send_json(send, outcome.status, envelope(outcome), answer_headers(ready.connection))
            return
        stream = EventStream(self._dispatcher, self._http, ready)
        self._streams.add(stream)
        self.stats.streams_open += 1
        try:
            await stream.serve(procedure, receive, send)
        finally:
            self._streams.discard(stream)
            self.stats.streams_open -= 1
            self._emptied.set()

    async def _serve_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        if not self._admits():
            await _refuse_websocket(scope, send)
            return
        await send({"type": "websocket.accept"})
        socket = WebSocketConnection(self._dispatcher, self._table, scope, receive, send)
        self._sockets.add(socket)
        self.stats.websockets_open += 1
        try:
            await socket.serve()
        finally:
            self._sockets.discard(socket)
            self.stats.websockets_open -= 1
            self._emptied.set()

    async def _serve_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.drain()
        await send({"type": "lifespan.shutdown.complete"})

    def _admits(self) -> bool:
        if not self._is_draining and len(self._sockets) + len(self._streams) < self.limits.connections_max:
            return True
        self.stats.connections_refused += 1
        return False

    async def _is_empty_within(self, timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                while self._sockets or self._streams:
                    self._emptied.clear()
                    await self._emptied.wait()
        except TimeoutError:
            return False
        return True


async def _refuse_websocket(scope: Scope, send: Send) -> None:
    """Say at the handshake that there is no room now; a bare refusal would read as 403, as if it were for ever."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": int(CloseCode.TRY_LATER)})
        return
    headers = [(b"retry-after", b"%d" % COME_BACK_S), (b"content-length", b"0")]
    await send({"type": "websocket.http.response.start", "status": 503, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b""})


def _mounted(path: str, app: ASGIApp) -> Mount:
    """Mount an application for every address below a path; a line break in one is no `.` without DOTALL."""
    mount = Mount(path, app)
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return mount
