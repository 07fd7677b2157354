"""What a generated client is made of, before it has procedures."""

import ssl
from collections.abc import Mapping
from typing import Self

from pdm_app.trpc.client.blocking import BlockingLink, LoopThread
from pdm_app.trpc.client.errors import ClosedError
from pdm_app.trpc.client.link import Link, Shared
from pdm_app.trpc.client.settings import Headers, Patience, Settings, Token, Transport


class AsyncClientBase:
    """What every asynchronous client can do, whatever its procedures.

    ::

        async with AsyncClient("http://127.0.0.1:8000/trpc", token="...") as client:
            ...

    Args:
        url: Base of the procedures, as in ``http://host:8000/trpc``.
        token: Sent as ``Authorization: Bearer``. A function, or a coroutine function, is asked before each request and
            each connection, so that it may renew what has expired.
        headers: Sent along, likewise.
        connection_params: tRPC's connection parameters, for servers that want credentials there.
        subscriptions: ``websocket``: all over one connection; ``sse``: each over its own, where proxies let no
            WebSocket through.
        tls: Certificates to trust; None takes those of the machine.
        timeout_s: Longest wait for an answer, repetitions included, and for a connection.
        retries_max: Repetitions of a query that found no server, or one that is away. Mutations are never repeated.
        batch_max: Calls made at the same moment share a request, up to so many; 1 sends each by itself.
    """

    _link: Link

    def __init__(
        self,
        url: str,
        *,
        token: Token | None = None,
        headers: Headers | None = None,
        connection_params: Mapping[str, str] | None = None,
        subscriptions: Transport = "websocket",
        tls: ssl.SSLContext | None = None,
        timeout_s: float = 30.0,
        retries_max: int = 2,
        batch_max: int = 10,
    ) -> None:
        settings = Settings(
            url=url.rstrip("/"),
            token=token,
            headers=headers,
            connection_params=connection_params,
            subscriptions=subscriptions,
            tls=tls,
            batch_max=batch_max,
        )
        self._bind(Link(Shared(settings, timeout_s), Patience(timeout_s, retries_max)))

    @classmethod
    def over(cls, link: Link) -> Self:
        """Return a client over connections that are there already."""
        client = object.__new__(cls)
        client._bind(link)
        return client

    def options(self, *, timeout_s: float | None = None, retries_max: int | None = None) -> Self:
        """Return a client with other limits over the same connections; closing either closes both."""
        return self.over(self._link.with_patience(timeout_s, retries_max))

    async def aclose(self) -> None:
        """Close the connections; subscriptions end, and whoever waits for an answer gets ``ClosedError``."""
        await self._link.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _bind(self, link: Link) -> None:
        """Take the connections."""
        self._link = link


class ClientBase:
    """What every blocking client can do, whatever its procedures; its arguments are those of ``AsyncClientBase``.

    ::

        with Client("http://127.0.0.1:8000/trpc", token="...") as client:
            ...

    Threads may share a client.
    """

    _link: BlockingLink

    def __init__(
        self,
        url: str,
        *,
        token: Token | None = None,
        headers: Headers | None = None,
        connection_params: Mapping[str, str] | None = None,
        subscriptions: Transport = "websocket",
        tls: ssl.SSLContext | None = None,
        timeout_s: float = 30.0,
        retries_max: int = 2,
        batch_max: int = 10,
    ) -> None:
        patience = Patience(timeout_s, retries_max)
        settings = Settings(
            url=url.rstrip("/"),
            token=token,
            headers=headers,
            connection_params=connection_params,
            subscriptions=subscriptions,
            tls=tls,
            batch_max=batch_max,
        )
        self._bind(BlockingLink(Link(Shared(settings, timeout_s), patience), LoopThread()))

    def options(self, *, timeout_s: float | None = None, retries_max: int | None = None) -> Self:
        """Return a client with other limits over the same connections; closing either closes both."""
        other = object.__new__(type(self))
        other._bind(BlockingLink(self._link.link.with_patience(timeout_s, retries_max), self._link.thread))
        return other

    def close(self) -> None:
        """Close the connections; subscriptions end, and whoever waits for an answer gets ``ClosedError``."""
        try:
            self._link.thread.run(self._link.link.close())
        except ClosedError:
            return
        self._link.thread.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _bind(self, link: BlockingLink) -> None:
        """Take the connections."""
        self._link = link
