"""Streamed batches (tRPC's ``httpBatchStreamLink``): each call's answer as a line of its own, fastest first.

The first line announces one asynchronous value per call; every other line is ``[chunk id, status, value]``. A call's
answer is one line; only an iterating query takes more, one per item.
"""

import asyncio
from itertools import count
from typing import Any, Final

from pdm_app.trpc.asgi import Receive, Send
from pdm_app.trpc.dispatch import Dispatcher, Outcome, close_iterator
from pdm_app.trpc.hang_up import until_disconnected
from pdm_app.trpc.http import JSON_TYPE, VARY, HttpTransport, Ready, answer_headers
from pdm_app.trpc.outbox import Outbox
from pdm_app.trpc.procedures import Procedure

KEEP_ALIVE: Final = b" "
FULFILLED: Final = 0
ITEM: Final = 1
ITEM_ERROR: Final = 2


class JsonLines:
    """One streamed batch. Owns and awaits the tasks of its calls."""

    def __init__(self, dispatcher: Dispatcher[Any], http: HttpTransport, ready: Ready) -> None:
        self._dispatcher = dispatcher
        self._http = http
        self._ready = ready
        self._outbox = Outbox(dispatcher.limits, dispatcher.stats)
        calls = len(ready.request.paths)
        self._unfinished = calls
        self._chunk_ids = count(calls)

    async def serve(self, receive: Receive, send: Send) -> None:
        """Run all calls and stream their answers. When the client goes, queries are cancelled, mutations end."""
        calls = range(self._unfinished)
        self._outbox.put_now(self._plain("{" + ",".join(f'"{index}":[[0],[null,0,{index}]]' for index in calls) + "}"))
        producers = [asyncio.create_task(self._produce(index)) for index in calls]
        sender = asyncio.create_task(self._send_all(send))
        hang_up = asyncio.create_task(until_disconnected(receive))
        try:
            await asyncio.wait({sender, hang_up}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._outbox.discard()
            is_mutation = any(p is not None and p.type == "mutation" for p in self._ready.request.procedures)
            for task in (sender, hang_up, *(() if is_mutation else producers)):
                task.cancel()
            await asyncio.wait({sender, hang_up, *producers})
        if not sender.cancelled():
            sender.result()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _produce(self, index: int) -> None:
        procedure = self._ready.request.procedures[index]
        try:
            if procedure is not None and procedure.output.is_iterator and procedure.type == "query":
                await self._iterate(index, procedure)
            else:
                outcome = await self._http.call(self._ready, index)
                await self._put_answer(index, outcome)
        finally:
            self._unfinished -= 1
            if not self._unfinished:
                self._outbox.finish()

    async def _iterate(self, index: int, procedure: Procedure) -> None:
        """Stream an iterating query: its items as chunks of one announced iterable."""
        connection = self._ready.connection
        items: Any = self._http.admitted(self._ready, index)
        if not isinstance(items, Outcome):
            raw = self._http.raw_input(self._ready, index)
            items = await self._dispatcher.subscribe(procedure, self._ready.ctx, connection, raw)
        if isinstance(items, Outcome):
            await self._put_answer(index, items)
            return
        result_id, items_id = next(self._chunk_ids), next(self._chunk_ids)
        await self._outbox.put(self._plain(f'[{index},0,[[{{"result":0}}],["result",0,{result_id}]]]'))
        await self._outbox.put(self._plain(f'[{result_id},0,[[{{"data":0}}],["data",1,{items_id}]]]'))
        try:
            async for item in items:
                data = self._dispatcher.encode_event(procedure, item)[1]
                await self._put(f"[{items_id},{ITEM},[[", data or "", "]]]", "2.0.0")
            await self._outbox.put(self._plain(f"[{items_id},{FULFILLED},[[]]]"))
        except Exception as error:
            shape = self._dispatcher.failure(error, connection, procedure.path).error
            await self._put(f"[{items_id},{ITEM_ERROR},", shape.decode(), "]", "2")
        finally:
            await close_iterator(items)

    async def _put_answer(self, index: int, outcome: Outcome) -> None:
        head = f"[{index},{FULFILLED},[["
        if outcome.error:
            await self._put(f'{head}{{"error":', outcome.error.decode(), "}]]]", "2.0.0.error")
        elif outcome.data is None:
            await self._outbox.put(self._plain(f'{head}{{"result":{{}}}}]]]'))
        else:
            await self._put(f'{head}{{"result":{{"data":', outcome.data.decode(), "}}]]]", "2.0.0.result.data")

    async def _put(self, before: str, encoded: str, after: str, at: str) -> None:
        """Send a line with something encoded at a place of it; a transformer sees to the line as a whole."""
        await self._outbox.put(self._dispatcher.within(before, encoded, after, at) + "\n")

    def _plain(self, line: str) -> str:
        return f"{line}\n" if self._dispatcher.transformer is None else f'{{"json":{line}}}\n'

    async def _send_all(self, send: Send) -> None:
        headers = [JSON_TYPE, VARY, *answer_headers(self._ready.connection)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while True:
            try:
                async with asyncio.timeout(self._dispatcher.limits.jsonl_ping_s):
                    line = await self._outbox.take()
            except TimeoutError:
                chunk = KEEP_ALIVE
            else:
                if line is None:
                    return
                chunk = line.encode()
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
