"""tRPC subscriptions as Server-Sent Events, for clients where a WebSocket does not get through.

Every failure of a known subscription is an event, not an HTTP status: EventSource could not read a status.
"""

import asyncio
import re
from typing import Any, Final

import orjson

from pdm_app.trpc.asgi import Receive, Send
from pdm_app.trpc.dispatch import Dispatcher, Outcome, close_iterator
from pdm_app.trpc.errors import TrpcError
from pdm_app.trpc.hang_up import until_disconnected
from pdm_app.trpc.http import VARY, HttpTransport, Ready, answer_headers
from pdm_app.trpc.outbox import Outbox, Slot
from pdm_app.trpc.procedures import Procedure

HEADERS: Final = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
    VARY,
]
PING: Final = b"event: ping\ndata: \n\n"
RETURN: Final = "event: return\ndata: \n\n"
LAST_WORDS_WAIT_S = 1.0  # For the end of the answer to a client that reads nothing.
_UNSENDABLE_ID: Final = re.compile("[\0\r\n]")


class EventStream:
    """One subscription of one client over one HTTP answer. Owns and awaits its tasks."""

    def __init__(self, dispatcher: Dispatcher[Any], http: HttpTransport, ready: Ready) -> None:
        self._dispatcher = dispatcher
        self._limits = dispatcher.limits
        self._http = http
        self._ready = ready
        self._outbox = Outbox(dispatcher.limits, dispatcher.stats)
        self._ending = asyncio.Event()
        self._producer: asyncio.Task[None]
        self._revoked: TrpcError | None = None
        given = ready.request.headers.get(b"last-event-id", b"").decode("utf-8", "replace")
        query = ready.request.query
        in_query = query.get(b"lastEventId") or query.get(b"Last-Event-Id") or b""
        self._given_id = given or in_query.decode("utf-8", "replace")

    def end(self) -> None:
        """End the stream without ``return``: the client comes back with its last id."""
        self._ending.set()

    async def serve(self, procedure: Procedure, receive: Receive, send: Send) -> None:
        """Serve until the subscription ends, the client goes, or the stream has reached its longest life."""
        options = orjson.dumps({"reconnectAfterInactivityMs": round(self._limits.sse_reconnect_after_s * 1000)})
        self._outbox.put_now(f"event: connected\ndata: {options.decode()}\n\n")
        self._dispatcher.stats.subscriptions_open += 1
        self._producer = asyncio.create_task(self._produce(procedure))
        hang_up = asyncio.create_task(until_disconnected(receive))
        ends = [
            asyncio.create_task(self._send_all(send)),
            asyncio.create_task(self._watch(procedure)),
            asyncio.create_task(self._ending_wait()),
            hang_up,
        ]
        try:
            done, _ = await asyncio.wait(ends, timeout=self._limits.sse_max_s, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # A bug is not swallowed.
        finally:
            is_hung_up = hang_up.done()
            await self._clean_up(ends, procedure)
            self._dispatcher.stats.subscriptions_open -= 1
            if not is_hung_up:
                await _finish(send)

    async def _ending_wait(self) -> None:
        await self._ending.wait()

    async def _produce(self, procedure: Procedure) -> None:
        """Turn the subscription's events into frames, and say how it ended."""
        try:
            try:
                last = await self._events(procedure)
            except asyncio.CancelledError:
                if self._revoked is None:
                    raise
                last = self._error(self._revoked)
            await self._outbox.put(last)
        finally:
            self._outbox.finish()

    async def _events(self, procedure: Procedure) -> str:
        connection = self._ready.connection
        admitted = self._http.admitted(self._ready, 0)
        if isinstance(admitted, Outcome):
            return _error_event(admitted)
        raw = self._http.raw_input(self._ready, 0)
        events = await self._dispatcher.subscribe(procedure, self._ready.ctx, connection, raw, self._given_id)
        if isinstance(events, Outcome):
            return _error_event(events)
        slot = Slot() if procedure.is_coalescing else None
        held_id = "" if _UNSENDABLE_ID.search(self._given_id) else self._given_id
        try:
            async for event in events:
                event_id, data = self._dispatcher.encode_event(procedure, event)
                held_id = event_id or held_id
                frame = _event(event_id, data or "null", held_id)
                if slot is None:
                    await self._outbox.put(frame)
                else:
                    self._outbox.replace(slot, frame)
                self._dispatcher.stats.events_sent += 1
        except Exception as error:
            return self._error(error)
        finally:
            try:
                await close_iterator(events)
            except Exception as error:
                self._dispatcher.report(error, connection, procedure.path)
        return RETURN

    async def _send_all(self, send: Send) -> None:
        headers = [*HEADERS, *answer_headers(self._ready.connection)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while True:
            try:
                async with asyncio.timeout(self._limits.sse_ping_s):
                    frame = await self._outbox.take()
            except TimeoutError:
                chunk = PING
            else:
                if frame is None:
                    return
                chunk = frame.encode()
            await send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def _watch(self, procedure: Procedure) -> None:
        """Give up on a client that takes nothing, and authorise again from time to time."""
        limits = self._limits
        authorize = self._dispatcher.authorize
        pause_s = min(limits.stalled_s, limits.authorize_every_s) / 2
        loop = asyncio.get_running_loop()
        authorized_at_s = loop.time()
        while True:
            await asyncio.sleep(pause_s)
            if self._outbox.stalled_for_s() > limits.stalled_s:
                self._dispatcher.stats.clients_stalled += 1
                return
            if authorize is None or self._revoked or loop.time() - authorized_at_s < limits.authorize_every_s:
                continue
            authorized_at_s = loop.time()
            try:
                await authorize(self._ready.ctx, procedure)
            except TrpcError as error:
                self._revoked = error
                self._producer.cancel()
            except Exception as error:  # A database that is away for a moment ends no subscription.
                self._dispatcher.report(error, self._ready.connection, procedure.path)

    async def _clean_up(self, tasks: list[asyncio.Task[None]], procedure: Procedure) -> None:
        for task in (*tasks, self._producer):
            task.cancel()
        _, late = await asyncio.wait({*tasks, self._producer}, timeout=self._limits.cleanup_s)
        if late:
            error = TimeoutError(f"A subscription did not end within {self._limits.cleanup_s:g} s of cancellation")
            self._dispatcher.report(error, self._ready.connection, procedure.path)

    def _error(self, error: Exception) -> str:
        return _error_event(self._dispatcher.failure(error, self._ready.connection, self._ready.request.paths[0]))


def _event(event_id: str | None, data: str, held_id: str) -> str:
    """Return one data event.

    EventSource stamps the last id it saw on an event without one; so an untracked event after a tracked one clears the
    id, and an event that nobody listens to sets it again for the resume.
    """
    if event_id is not None:
        return f"data: {data}\nid: {event_id}\n\n"
    if not held_id:
        return f"data: {data}\n\n"
    return f"data: {data}\nid: \n\nevent: restore-id\ndata: \nid: {held_id}\n\n"


def _error_event(outcome: Outcome) -> str:
    return f"event: serialized-error\ndata: {outcome.error.decode()}\n\n"


async def _finish(send: Send) -> None:
    try:
        async with asyncio.timeout(LAST_WORDS_WAIT_S):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    except (OSError, RuntimeError, TimeoutError):
        pass  # It is gone already, or takes nothing.
