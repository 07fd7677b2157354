"""What every request gets, front end and RPC included: a correlation id, security headers, a line in the log."""

import logging
import random
import re
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pdm_app.endpoints.answers import Answering
from pdm_app.endpoints.content_policy import NOTHING
from pdm_app.services.logs import correlation_id, request_lines
from pdm_app.services.metrics import Metrics

log = logging.getLogger(__name__)

Headers = list[tuple[bytes, bytes]]

CORRELATION = b"x-correlation-id"
GIVEN_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")

SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", NOTHING),  # Pages have one of their own, which `FrontEnd` adds.
    # What follows is about documents; an answer in JSON loads nothing, opens nothing and asks for no sensor.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=(), payment=(), usb=()"),
)
OF_DATA = SECURITY_HEADERS[:4]
JSON_TYPE = (b"content-type", b"application/json")
STRICT_TRANSPORT = b"strict-transport-security"
ADDED = frozenset({*(name for name, _ in SECURITY_HEADERS), STRICT_TRANSPORT, CORRELATION})
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Wrapping:
    """ASGI middleware around the whole application.

    Args:
        app: What is wrapped.
        metrics: Counts requests and their time.
        log_all: Whether requests that were answered as they should get a line at INFO; else one at DEBUG.
        strict_days: So long a browser that came over HTTPS is to come only so; 0 does not say it. It holds for every
            port of the host, so a host with other servers that have no HTTPS is better off without.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, *, log_all: bool = False, strict_days: int = 365) -> None:
        self._app = app
        self._strict = (STRICT_TRANSPORT, b"max-age=%d" % (strict_days * 86_400)) if strict_days else None
        self._metrics = metrics
        self.log_all(log_all)

    def log_all(self, wanted: bool) -> None:
        """Log requests that are answered as they should be at INFO, or no longer."""
        self._level_of_good = logging.INFO if wanted else logging.DEBUG

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        identity, headers = _identified(scope["headers"])
        correlation_id.set(identity)  # Of this request's task; it ends with it.
        scope = {**scope, "headers": headers}
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        status = 0

        async def send_wrapped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                more = [headers[-1], self._strict] if self._strict and scope.get("scheme") == "https" else [headers[-1]]
                message = {**message, "headers": _complete(message.get("headers", []), more)}
            await send(message)

        try:
            await self._app(scope, receive, send_wrapped)
        finally:
            self._note(scope, status, perf_counter() - started, identity)

    def _note(self, scope: Scope, status: int, took_s: float, identity: str) -> None:
        method = scope["method"]
        self._metrics.answered(_route(scope), method if method in METHODS else "other", status, took_s)
        level = self._level_of_good if status < 400 else logging.INFO if status < 500 else logging.ERROR
        if not log.isEnabledFor(level):
            return
        path = scope["path"][:200]  # Never the query: a set-up link carries its token there.
        client = scope.get("client")
        address = client[0] if client else ""
        lines = request_lines() if level == logging.INFO and status < 400 else None
        if lines is not None:
            lines.note(__name__, identity, method, path, status, took_s, address)
            return
        facts = {"method": method, "path": path, "status": status, "took_ms": round(took_s * 1000, 2),
                 "address": address}  # fmt: skip
        log.log(level, "request", extra=facts)


def _identified(headers: Headers) -> tuple[str, Headers]:
    """Return the request's id and its headers with that id last: whoever reads the header further in finds the same.

    An id tells requests apart and opens nothing, so it need not be hard to guess.
    """
    given = [value for name, value in headers if name == CORRELATION]
    if not given:
        identity = f"{random.getrandbits(64):016x}"
        return identity, [*headers, (CORRELATION, identity.encode())]
    fitting = next((value.decode() for value in given if GIVEN_ID.fullmatch(value)), None)
    identity = fitting or f"{random.getrandbits(64):016x}"
    others = [pair for pair in headers if pair[0] != CORRELATION]
    return identity, [*others, (CORRELATION, identity.encode())]


def _complete(headers: Headers, own: Headers) -> Headers:
    more = [*(OF_DATA if JSON_TYPE in headers else SECURITY_HEADERS), *own]
    present = {name.lower() for name, _ in headers}
    if present.isdisjoint(ADDED):
        return [*headers, *more]
    return [*headers, *(pair for pair in more if pair[0] not in present)]


def _route(scope: Scope) -> str:
    """Name the route with few different words: what anybody may invent must not become a time series."""
    if scope["path"].startswith("/trpc"):
        return "/trpc"
    if "path_format" in scope:  # Of a REST address, its parameters by name.
        return f"{scope.get('root_path', '')}{scope['path_format']}"
    if scope["path"].startswith("/api/v1"):
        return "/api/v1"
    if not isinstance(scope.get("endpoint"), Answering):  # Left here by the router that found it, as what follows is.
        return "other"
    path = scope["path"].rstrip("/")
    for name, value in scope.get("path_params", {}).items():
        path = path.replace(f"/{value}", f"/{{{name}}}", 1)
    return str(path)
