"""What is known about who is calling, for building a context: headers, cookies, Origin, connection parameters."""

import re
from binascii import a2b_qp
from collections.abc import Mapping
from secrets import token_hex
from typing import Any, Literal
from urllib.parse import unquote_to_bytes, urlsplit

import orjson

from pdm_app.trpc.errors import TrpcError

Transport = Literal["http", "sse", "websocket"]
CORRELATION_HEADER = b"x-correlation-id"
RETRY_AFTER = b"retry-after"
_ODD = re.compile(rb"%(?![0-9A-Fa-f]{2})|[\r\n]")
_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


class ConnectionInfo:
    """One HTTP request, or one WebSocket from its handshake to its end.

    Attributes:
        transport: ``http``, ``sse`` or ``websocket``.
        scope: The ASGI scope, for whatever is not offered here.
        connection_params: What the client sent as tRPC connection parameters, or None.
        headers: The first of each name, in lower case.
        response_headers: Append ``(name, value)`` here in a procedure or context to add headers to an HTTP answer.
    """

    __slots__ = ("_correlation_id", "connection_params", "headers", "response_headers", "scope", "transport")

    def __init__(
        self, transport: Transport, scope: Mapping[str, Any], connection_params: Mapping[str, str] | None = None
    ) -> None:
        self.transport = transport
        self.scope = scope
        self.connection_params = connection_params
        self.response_headers: list[tuple[bytes, bytes]] = []
        self.headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))
        self._correlation_id: str | None = None

    def header(self, name: str) -> str | None:
        """Return the first header of this name, case-insensitive, or None."""
        value = self.headers.get(name.lower().encode("latin-1"))
        return None if value is None else value.decode("latin-1")

    @property
    def cookies(self) -> dict[str, str]:
        """Every cookie of the request; parsed at each access. The first of two equally named ones wins, as sent."""
        cookies: dict[str, str] = {}
        for key, value in self.scope["headers"]:
            if key == b"cookie":
                for pair in value.decode("latin-1").split(";"):
                    name, equals, content = pair.partition("=")
                    if equals:
                        cookies.setdefault(name.strip(), content.strip().strip('"'))
        return cookies

    @property
    def bearer_token(self) -> str | None:
        """The token of ``Authorization: Bearer ...``, or None."""
        given = self.headers.get(b"authorization")
        if given is None:
            return None
        scheme, _, token = given.decode("latin-1").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    @property
    def client_host(self) -> str | None:
        """The peer's address as the server saw it, or None."""
        client = self.scope.get("client")
        return client[0] if client else None

    @property
    def is_foreign_origin(self) -> bool:
        """Whether a browser says that a page of another host or port is calling. No Origin: not a browser, or same."""
        origin = self.header("origin")
        if origin is None:
            return False
        try:
            return urlsplit(origin).netloc.lower() != (self.header("host") or "").lower()
        except ValueError:
            return True

    @property
    def correlation_id(self) -> str:
        """The caller's ``X-Correlation-Id`` if it is well formed, else one made at the first access."""
        if self._correlation_id is None:
            given = self.header("x-correlation-id") or ""
            self._correlation_id = given if _CORRELATION_ID.fullmatch(given) else token_hex(8)
        return self._correlation_id

    def come_back_after(self, seconds: int) -> None:
        """Add ``Retry-After`` to an HTTP answer; of several calls in one request the longest wait counts."""
        if self.transport != "http":
            return
        waits = [int(value) for name, value in self.response_headers if name == RETRY_AFTER]
        if not waits or max(waits) < seconds:
            self.response_headers[:] = [pair for pair in self.response_headers if pair[0] != RETRY_AFTER]
            self.response_headers.append((RETRY_AFTER, b"%d" % seconds))

    @property
    def known_correlation_id(self) -> str | None:
        """The correlation id if anybody asked for it, so that an answer does not have to make one up."""
        return self._correlation_id


class Query:
    """The query string of a URL: first occurrence of each name, ``+`` and percent escapes decoded."""

    __slots__ = ("_raw",)

    def __init__(self, query_string: bytes) -> None:
        self._raw: dict[bytes, bytes] = {}
        if query_string:
            for pair in query_string.split(b"&"):
                name, _, value = pair.partition(b"=")
                self._raw.setdefault(unquote_to_bytes(name) if b"%" in name else name, value)

    def get(self, name: bytes) -> bytes | None:
        """Return the decoded value, or None when the name is absent."""
        value = self._raw.get(name)
        return None if value is None else unquoted(value)

    @property
    def is_batch(self) -> bool:
        """Whether it says exactly ``batch=1``."""
        return self._raw.get(b"batch") == b"1"


def unquoted(value: bytes) -> bytes:
    """Decode a value of a query string: ``+`` is a space, a ``%`` without two hexadecimal digits stays.

    Quoted-printable is the same code with another sign, and the standard library decodes it in C, six times as fast.
    """
    value = value.replace(b"+", b" ")
    if b"%" not in value:
        return value
    if _ODD.search(value):
        return unquote_to_bytes(value)
    return a2b_qp(value.replace(b"=", b"=3D").replace(b"%", b"="))


def parse_connection_params(encoded: bytes | str) -> Mapping[str, str] | None:
    """Read connection parameters from a URL: a JSON object of strings, or null."""
    try:
        parsed = orjson.loads(encoded)
    except orjson.JSONDecodeError:
        raise TrpcError("PARSE_ERROR", "Not JSON-parsable query params") from None
    return checked_connection_params(parsed)


def checked_connection_params(parsed: Any) -> Mapping[str, str] | None:
    """Return an object of strings or None, or raise PARSE_ERROR."""
    if parsed is None:
        return None
    if not isinstance(parsed, dict) or any(not isinstance(value, str) for value in parsed.values()):
        raise TrpcError("PARSE_ERROR", "Invalid connection params shape")
    return parsed
