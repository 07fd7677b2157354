"""Gather the calls that a program makes at the same moment into one request."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from pdm_app.trpc.client.calls import HttpCalls, Request
from pdm_app.trpc.client.errors import ClosedError


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """A call and who waits for its answer."""

    request: Request
    answer: "asyncio.Future[Any]"


class Batcher:
    """Sends calls of one turn of the event loop together, queries and mutations apart.

    Args:
        calls: Sends them.
        count_max: Calls in one request.
        url_length_max: A request of several queries has no longer URL, in characters.
    """

    def __init__(self, calls: HttpCalls, count_max: int, url_length_max: int) -> None:
        self._calls = calls
        self._count_max = count_max
        self._url_length_max = url_length_max
        self._waiting: list[Waiting] = []
        self._sending: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def call(self, request: Request) -> Any:
        """Return the data that answers a call. Cancelling all calls of a request cancels the request.

        Raises:
            RpcError: The answer is an error, or there was none.
        """
        if self._is_closed:
            raise ClosedError
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._send_all)
        waiting = Waiting(request, loop.create_future())
        self._waiting.append(waiting)
        return await waiting.answer

    async def close(self) -> None:
        """Cancel what is under way; whoever waits for it is told that the client is closed."""
        self._is_closed = True
        _answer_closed(self._waiting)
        self._waiting = []
        for task in self._sending:
            task.cancel()
        if self._sending:
            await asyncio.wait(self._sending)

    def _send_all(self) -> None:
        waiting, self._waiting = [one for one in self._waiting if not one.answer.done()], []
        for group in self._groups(waiting):
            sending = asyncio.create_task(self._send(group))
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)
            sending.add_done_callback(partial(_answer_closed, group))
            for one in group:
                one.answer.add_done_callback(partial(_cancel_unwanted, group, sending))

    def _groups(self, waiting: list[Waiting]) -> Iterator[list[Waiting]]:
        for kind in ("query", "mutation"):
            group: list[Waiting] = []
            length = 0
            for one in waiting:
                if one.request.kind != kind:
                    continue
                more = len(one.request.path) + len(quote(one.request.input or "")) + len("%221%22%3A%2C")
                is_too_long = kind == "query" and length + more > self._url_length_max
                if group and (len(group) >= self._count_max or is_too_long):
                    yield group
                    group, length = [], 0
                group.append(one)
                length += more
            if group:
                yield group

    async def _send(self, group: list[Waiting]) -> None:
        try:
            if len(group) == 1:
                answers: list[Any] = [await self._calls.one(group[0].request)]
            else:
                answers = await self._calls.many([one.request for one in group])
        except Exception as error:  # Whatever it is, those who wait must hear it.
            answers = [error] * len(group)
        for one, answer in zip(group, answers, strict=True):
            if one.answer.done():
                continue
            if isinstance(answer, Exception):
                one.answer.set_exception(answer)
            else:
                one.answer.set_result(answer)


def _cancel_unwanted(group: list[Waiting], sending: "asyncio.Task[None]", _: object) -> None:
    if all(one.answer.cancelled() for one in group):
        sending.cancel()


def _answer_closed(group: list[Waiting], _: object = None) -> None:
    for one in group:
        if not one.answer.done():
            one.answer.set_exception(ClosedError())
