"""What every request gets, front end and RPC included: a correlation id, security headers, a line in the log."""

import logging
import re
import secrets
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pdm_app.endpoints.answers import Answering
from pdm_app.endpoints.content_policy import NOTHING
from pdm_app.services.logs import correlation_id
from pdm_app.services.metrics import Metrics

log = logging.getLogger(__name__)

CORRELATION = b"x-correlation-id"
GIVEN_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")

SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=(), payment=(), usb=()"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", NOTHING),  # Pages have one of their own, which `FrontEnd` adds.
)
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")


class Wrapping:
    """ASGI middleware around the whole application.

    Args:
        app: What is wrapped.
        metrics: Counts requests and their time.
        log_all: Whether requests that were answered as they should get a line at INFO; else one at DEBUG.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, *, log_all: bool = False) -> None:
        self._app = app
        self._metrics = metrics
        self._level_of_good = logging.INFO if log_all else logging.DEBUG

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        identity = _identity(scope)
        correlation_id.set(identity.decode())  # Of this request's task; it ends with it.
        # Whoever reads the header further in, such as the RPC engine, finds the same id.
        headers = [pair for pair in scope["headers"] if pair[0] != CORRELATION]
        scope = {**scope, "headers": [*headers, (CORRELATION, identity)]}
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        await self._http(scope, receive, send, identity)

    async def _http(self, scope: Scope, receive: Receive, send: Send, identity: bytes) -> None:
        started = perf_counter()
        status = 0

        async def send_wrapped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": _complete(message.get("headers", []), scope, identity)}
            await send(message)

        try:
            await self._app(scope, receive, send_wrapped)
        finally:
            self._note(scope, status, perf_counter() - started)

    def _note(self, scope: Scope, status: int, took_s: float) -> None:
        route = _route(scope)
        self._metrics.api_latency_seconds.labels(route, _method(scope["method"]), str(status)).observe(took_s)
        level = self._level_of_good if status < 400 else logging.INFO if status < 500 else logging.ERROR
        if log.isEnabledFor(level):
            client = scope.get("client")
            facts = {
                "method": scope["method"],
                "path": scope["path"][:200],  # Never the query: a set-up link carries its token there.
                "status": status,
                "took_ms": round(took_s * 1000, 2),
                "address": client[0] if client else "",
            }
            log.log(level, "request", extra=facts)


def _identity(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == CORRELATION and GIVEN_ID.fullmatch(value):
            return bytes(value)
    return secrets.token_hex(8).encode()


def _complete(headers: list[tuple[bytes, bytes]], scope: Scope, identity: bytes) -> list[tuple[bytes, bytes]]:
    present = {name.lower() for name, _ in headers}
    more = [*SECURITY_HEADERS, (CORRELATION, identity)]
    if scope.get("scheme") == "https":
        more.append(STRICT_TRANSPORT)
    return [*headers, *(pair for pair in more if pair[0] not in present)]


def _route(scope: Scope) -> str:
    """Name the route with few different words: what anybody may invent must not become a time series."""
    if scope["path"].startswith("/trpc"):
        return "/trpc"
    if "path_format" in scope:  # Of a REST address, its parameters by name.
        return f"{scope.get('root_path', '')}{scope['path_format']}"
    if scope["path"].startswith("/api/v1"):
        return "/api/v1"
    found = isinstance(scope.get("endpoint"), Answering)  # Left here by the router that found it.
    return scope["path"].rstrip("/") if found else "other"


def _method(method: str) -> str:
    return method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "other"
