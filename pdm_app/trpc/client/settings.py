"""How a client behaves: where the server is, who calls, how long to wait and what to try again."""

import inspect
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from pdm_app.trpc.client.errors import CallError, RpcConnectionError, RpcError
from pdm_app.trpc.client.json_text import decode_json, encode_json

RETRY_FIRST_S: Final = 0.1
RETRY_MAX_S: Final = 5.0
RETRY_AFTER_MAX_S: Final = 30.0  # A server that wants a longer wait is told to the caller instead.

Headers = Mapping[str, str] | Callable[[], Mapping[str, str] | Awaitable[Mapping[str, str]]]
Token = str | Callable[[], str | Awaitable[str]]
Transport = Literal["websocket", "sse"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What all calls of a client have in common.

    Attributes:
        url: Base of the procedures, without a slash at its end.
        token: Sent as ``Authorization: Bearer``; a function is asked before each request and each connection, so that
            it may renew what has expired.
        headers: Sent along, likewise.
        connection_params: tRPC's connection parameters, for servers that want credentials there.
        subscriptions: How events come: over one WebSocket, or each over its own event stream where proxies let no
            WebSocket through.
        tls: Certificates to trust; None takes those of the machine.
        batch_max: Calls in one request; 1 sends each by itself.
        url_length_max: A batch of queries is split before its URL gets longer, in characters.
        encode: Turns an input into JSON.
        decode: Reads JSON.
    """

    url: str
    token: Token | None = None
    headers: Headers | None = None
    connection_params: Mapping[str, str] | None = None
    subscriptions: Transport = "websocket"
    tls: ssl.SSLContext | None = None
    batch_max: int = 10
    url_length_max: int = 4_000
    encode: Callable[[Any], str] = encode_json
    decode: Callable[[bytes | str], Any] = decode_json

    async def current_headers(self) -> dict[str, str]:
        """Return what to send with the next request or handshake."""
        headers = dict(await _resolved(self.headers) or {})
        if self.token is not None:
            headers["authorization"] = f"Bearer {await _resolved(self.token)}"
        return headers


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call may take, and how often a query is sent again.

    Attributes:
        timeout_s: Longest wait for an answer, repetitions and their pauses included.
        retries_max: Repetitions of a query that found no server, or one that is away. Mutations are never repeated.
    """

    timeout_s: float = 30.0
    retries_max: int = 2

    def __post_init__(self) -> None:
        if self.timeout_s <= 0:
            raise ValueError(f"timeout_s must be above 0, not {self.timeout_s}.")
        if self.retries_max < 0:
            raise ValueError(f"retries_max must not be negative, not {self.retries_max}.")


class Backoff:
    """Pauses that grow up to a limit, with jitter: many clients do not come back at the same moment."""

    def __init__(self) -> None:
        self._next_s = RETRY_FIRST_S

    def pause_s(self) -> float:
        """Return the next pause."""
        pause_s = self._next_s * random.uniform(0.5, 1.5)
        self._next_s = min(self._next_s * 2, RETRY_MAX_S)
        return pause_s

    def reset(self) -> None:
        """Begin with short pauses again: something worked."""
        self._next_s = RETRY_FIRST_S


def retry_pause_s(error: RpcError, backoff: Backoff) -> float | None:
    """Return how long to wait before a query is sent again, or None where that would not help."""
    if isinstance(error, RpcConnectionError):
        return backoff.pause_s()
    if not isinstance(error, CallError) or not error.is_temporary:
        return None
    if error.retry_after_s is None:
        return backoff.pause_s() if error.code != "TOO_MANY_REQUESTS" else None
    return error.retry_after_s if error.retry_after_s <= RETRY_AFTER_MAX_S else None


async def _resolved(given: Any) -> Any:
    found = given() if callable(given) else given
    return await found if inspect.isawaitable(found) else found
