"""One server, as a program calls it: queries, mutations, uploads, streams and subscriptions by their paths."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from typing import Any, Final
from urllib.parse import quote

import httpx

from pdm_app.trpc.client.batches import Batcher
from pdm_app.trpc.client.calls import HttpCalls, Request, no_answer, no_trpc, retry_after_s
from pdm_app.trpc.client.errors import ClosedError, RpcConnectionError, RpcError, RpcTimeoutError, call_error
from pdm_app.trpc.client.event_streams import EventStreams
from pdm_app.trpc.client.feeds import AsyncSubscription, Feed, Source
from pdm_app.trpc.client.settings import Backoff, Patience, Settings, retry_pause_s
from pdm_app.trpc.client.sockets import Socket
from pdm_app.trpc.client.streams import Lines, StreamedAnswer
from pdm_app.trpc.wire_values import MISSING

STREAMED: Final = {"trpc-accept": "application/jsonl"}


class Shared:
    """The connections that all views of a client share."""

    def __init__(self, settings: Settings, timeout_s: float) -> None:
        verify: ssl.SSLContext | bool = True if settings.tls is None else settings.tls
        self.settings = settings
        self.http = httpx.AsyncClient(verify=verify, timeout=None)  # noqa: S113 - each call has its own time.
        self.streams = httpx.AsyncClient(verify=verify, timeout=timeout_s, limits=httpx.Limits(max_connections=None))
        self.calls = HttpCalls(settings, self.http)
        self.batcher = Batcher(self.calls, settings.batch_max, settings.url_length_max)
        self.source: Source = (
            Socket(settings, timeout_s)
            if settings.subscriptions == "websocket"
            else EventStreams(settings, self.streams, timeout_s)
        )
        self.is_closed = False

    async def close(self) -> None:
        """End everything that is under way."""
        self.is_closed = True
        await self.batcher.close()
        await self.source.close()
        await self.http.aclose()
        await self.streams.aclose()


class Link:
    """Calls procedures by their paths; inputs and results are what JSON holds.

    Args:
        shared: The connections.
        patience: How long a call may take, and how often it is tried.
    """

    def __init__(self, shared: Shared, patience: Patience) -> None:
        self._shared = shared
        self._patience = patience
        self._encode = shared.settings.encode

    def with_patience(self, timeout_s: float | None, retries_max: int | None) -> "Link":
        """Return the same connections with other limits; None leaves one as it is."""
        now = self._patience
        return Link(
            self._shared,
            Patience(
                now.timeout_s if timeout_s is None else timeout_s,
                now.retries_max if retries_max is None else retries_max,
            ),
        )

    async def query(self, path: str, input: Any = MISSING) -> Any:
        """Call a query; it is sent again when the server was not there.

        Raises:
            CallError: The server's answer.
            RpcConnectionError: There was none.
            RpcTimeoutError: Not in time.
        """
        request = Request("query", path, self._text(input))
        backoff = Backoff()

        async def answer() -> Any:
            for _ in range(self._patience.retries_max):
                try:
                    return await self._shared.batcher.call(request)
                except RpcError as error:
                    pause_s = retry_pause_s(error, backoff)
                    if pause_s is None:
                        raise
                await asyncio.sleep(pause_s)
            return await self._shared.batcher.call(request)

        return await self._in_time(path, answer())

    async def mutate(self, path: str, input: Any = MISSING) -> Any:
        """Call a mutation, once."""
        request = Request("mutation", path, self._text(input))
        return await self._in_time(path, self._shared.batcher.call(request))

    async def upload(self, path: str, body: bytes | AsyncIterator[bytes]) -> Any:
        """Call a mutation whose input is a stream of bytes, once."""
        if self._shared.is_closed:
            raise ClosedError
        return await self._in_time(path, self._shared.calls.upload(path, body))

    async def send_form(self, path: str, fields: Mapping[str, Any], files: Collection[str]) -> Any:
        """Call a mutation that takes a form, once; ``files`` names the fields that are files."""
        if self._shared.is_closed:
            raise ClosedError
        return await self._in_time(path, self._shared.calls.form(path, fields, files))

    async def stream(self, path: str, input: Any = MISSING) -> AsyncIterator[Any]:
        """Iterate over the result of a query that comes item by item.

        Raises:
            CallError: The server's answer, before the first item or after some.
            RpcConnectionError: There was none, or it ended early.
        """
        text = self._text(input)
        inputs = "{}" if text is None else f'{{"0":{text}}}'
        url = f"{self._shared.settings.url}/{path}?batch=1&input={quote(inputs, safe='')}"
        headers = {**await self._shared.settings.current_headers(), **STREAMED}
        lines, answer = Lines(), StreamedAnswer(self._shared.settings.decode)
        timeout = httpx.Timeout(self._patience.timeout_s)
        bare_url = url.partition("?")[0]
        try:
            async with self._shared.streams.stream("GET", url, headers=headers, timeout=timeout) as response:
                if response.status_code != 200:
                    await self._raise_plain(response)
                async for chunk in response.aiter_bytes():
                    for line in lines.split(chunk):
                        for item in answer.read(line):
                            yield item
                    if answer.is_ended:
                        return
        except httpx.HTTPError as error:
            raise no_answer(bare_url, error) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RpcConnectionError(bare_url, "did not stream in tRPC", error, "Check the path.") from error
        raise RpcConnectionError(bare_url, "ended its stream early", "no end was sent", "Call it again.")

    def subscribe(
        self,
        path: str,
        input: Any = MISSING,
        *,
        last_event_id: str | None = None,
        read: Callable[[Any], Any] | None = None,
    ) -> AsyncSubscription[Any]:
        """Return the events of a subscription.

        Args:
            path: The procedure.
            input: What it takes.
            last_event_id: Begin with the event after this one.
            read: Turns the JSON of an event into what the program gets.
        """
        return AsyncSubscription(self._shared.source, Feed(path, self._text(input), last_event_id), read)

    async def close(self) -> None:
        """Close the connections; for all views of them."""
        await self._shared.close()

    def _text(self, input: Any) -> str | None:
        return None if input is MISSING else self._encode(input)

    async def _in_time(self, path: str, answer: Awaitable[Any]) -> Any:
        limit_s = self._patience.timeout_s
        try:
            async with asyncio.timeout(limit_s) as limit:
                return await answer
        except TimeoutError:
            if not limit.expired():
                raise
            raise RpcTimeoutError(path, limit_s) from None

    async def _raise_plain(self, response: httpx.Response) -> None:
        """Raise what the server answered instead of a stream."""
        await response.aread()
        try:
            error = call_error(self._shared.settings.decode(response.content)["error"], retry_after_s(response))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise no_trpc(response) from None
        raise error


def given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an input that were given."""
    return {name: value for name, value in fields.items() if value is not MISSING}
