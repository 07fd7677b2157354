"""A client that validates results as models, for programs that share them with the server."""

from collections.abc import AsyncIterator, Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, Self, TypeVar, overload

import orjson
from pydantic import TypeAdapter
from pydantic_core import to_json

from pdm_app.trpc.client.errors import CallError
from pdm_app.trpc.client.link import Link, Shared
from pdm_app.trpc.client.settings import Patience, Settings, Transport
from pdm_app.trpc.errors import CODES, ErrorCode, TrpcError
from pdm_app.trpc.wire_values import MISSING, Tracked

T = TypeVar("T")
_SERVER_KEYS: Final = frozenset({"code", "httpStatus", "path"})


class TrpcClient:
    """A client of one server.

    Args:
        url: Base of the procedures, as in ``http://host:8000/trpc``.
        headers: Sent with every request and with the WebSocket handshake.
        connection_params: tRPC connection parameters for the WebSocket, or None.
        subscriptions: How events come.
        timeout_s: Longest wait for an answer over HTTP, and for a connection.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        connection_params: Mapping[str, str] | None = None,
        subscriptions: Transport = "websocket",
        timeout_s: float = 30.0,
    ) -> None:
        self.url = url.rstrip("/")
        settings = Settings(
            url=self.url,
            headers=headers,
            connection_params=connection_params,
            subscriptions=subscriptions,
            batch_max=1,
            encode=lambda value: to_json(value, by_alias=True).decode(),
            decode=orjson.loads,
        )
        self._link = Link(Shared(settings, timeout_s), Patience(timeout_s, retries_max=0))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._link.close()

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
        try:
            return _validated(await self._link.query(path, input), result)
        except CallError as error:
            raise _as_raised(error) from None

    @overload
    async def mutate(self, path: str, input: Any = MISSING) -> Any: ...
    @overload
    async def mutate(self, path: str, input: Any = MISSING, *, result: type[T] | TypeAdapter[T]) -> T: ...
    async def mutate(self, path: str, input: Any = MISSING, *, result: Any = Any) -> Any:
        """Call a mutation, like ``query``."""
        try:
            return _validated(await self._link.mutate(path, input), result)
        except CallError as error:
            raise _as_raised(error) from None

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
        try:
            async with self._link.subscribe(path, input) as events:
                async for event in events:
                    if isinstance(event, Tracked):
                        yield Tracked(event.id, _validated(event.data, result))
                    else:
                        yield _validated(event, result)
        except CallError as error:
            raise _as_raised(error) from None


def _validated(data: Any, result: Any) -> Any:
    if result is Any or data is MISSING:
        return data
    adapter = result if isinstance(result, TypeAdapter) else _adapter(result)
    return adapter.validate_json(orjson.dumps(data))


@lru_cache(maxsize=256)
def _adapter(result: Any) -> TypeAdapter[Any]:
    return TypeAdapter(result)


def _as_raised(error: CallError) -> TrpcError:
    """Return the error as the server's procedures raise it."""
    code: ErrorCode = "INTERNAL_SERVER_ERROR"
    for known in CODES:
        if known == error.code:
            code = known
    facts = {key: value for key, value in error.data.items() if key not in _SERVER_KEYS}
    return TrpcError(code, error.message, data=facts)
