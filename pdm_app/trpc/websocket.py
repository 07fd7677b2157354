"""tRPC over one WebSocket: calls, subscriptions, keep-alive, reconnect notices and an orderly end.

A connection owns every task it starts and awaits them before it ends: the receiver, the sender, the watch over
silence, stalls and permissions, and one task per call in flight or live subscription.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from enum import IntEnum
from typing import Any

import orjson

from pdm_app.trpc.asgi import Receive, Scope, Send
from pdm_app.trpc.connection import ConnectionInfo, Query
from pdm_app.trpc.dispatch import Dispatcher, Outcome, close_iterator
from pdm_app.trpc.errors import TrpcError
from pdm_app.trpc.messages import NO_KEY, Message, answer, head_of, is_id, read_connection_params, read_message
from pdm_app.trpc.outbox import Outbox, Slot
from pdm_app.trpc.procedures import Procedure

RECONNECT = '{"id":null,"method":"reconnect"}'
CLOSE_WAIT_S = 1.0  # For the close frame of a client that reads nothing; the server then drops the transport.


class CloseCode(IntEnum):
    """Why the server closed a WebSocket; 4000 and up are this library's own."""

    NORMAL = 1000
    TOO_LARGE = 1009
    RESTART = 1012
    TRY_LATER = 1013
    STALLED = 4008
    SILENT = 4009


class Subscription:
    """One live subscription: its task, and why it is being ended if it is."""

    __slots__ = ("error", "has_begun", "is_stopping", "procedure", "task")

    def __init__(self, procedure: Procedure) -> None:
        self.procedure = procedure
        self.task: asyncio.Task[None] | None = None
        self.has_begun = False
        self.is_stopping = False
        self.error: TrpcError | None = None

    def stop(self, error: TrpcError | None = None) -> None:
        """End it; the client is told ``error`` first, if there is one."""
        if not self.is_stopping and self.task is not None:
            self.is_stopping, self.error = True, error
            if self.has_begun:  # A task cancelled before its first step takes none: nobody would hear of its end.
                self.task.cancel()


class WebSocketConnection:
    """Serves one client from handshake to close."""

    def __init__(
        self, dispatcher: Dispatcher[Any], table: Mapping[str, Procedure], scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._dispatcher = dispatcher
        self._limits = dispatcher.limits
        self._table = table
        self._receive = receive
        self._send = send
        self._connection = ConnectionInfo("websocket", scope)
        self._query = Query(scope["query_string"])
        self._ctx: Any = None
        self._outbox = Outbox(dispatcher.limits, dispatcher.stats)
        self._subscriptions: dict[str | int | float, Subscription] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._queries: set[asyncio.Task[None]] = set()
        self._mutations: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._heard_at_s = self._loop.time()
        self._pinged_at_s: float | None = None
        self._closing = asyncio.Event()
        self._close_code = CloseCode.RESTART

    async def serve(self) -> None:
        """Serve until either side closes. Cancellation closes the socket and waits for the clean-up of generators."""
        receiver = self._own(self._receive_all())
        workers = [receiver, self._own(self._send_all()), self._own(self._watch()), self._own(self._until_closing())]
        try:
            done, _ = await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED)
            for worker in done:
                worker.result()  # A bug in a worker is not swallowed.
        finally:
            client_is_gone = receiver.done() and not receiver.cancelled()
            await self._clean_up()
            if not client_is_gone:
                await self._close()

    def ask_to_reconnect(self) -> None:
        """Tell the client to open another connection, move its subscriptions there and close this one."""
        self._outbox.put_now(RECONNECT)

    def close(self, code: CloseCode) -> None:
        """Close the connection at once, whatever is unsent."""
        self._close_code = code
        self._closing.set()

    def close_when_sent(self, code: CloseCode) -> None:
        """Close the connection once the client has what is queued."""
        self._close_code = code
        self._outbox.finish()

    async def _until_closing(self) -> None:
        await self._closing.wait()

    async def _receive_all(self) -> None:
        if not await self._open():
            return
        while (text := await self._next_message()) is not None:
            for message in await self._parsed(text):
                await self._begin(message)

    async def _open(self) -> bool:
        """Build the context, with connection parameters if the URL announces them. False: refused."""
        try:
            if self._query.get(b"connectionParams") == b"1":
                text = await self._first_message()
                if text is None:
                    return False
                self._connection.connection_params = read_connection_params(text)
            self._ctx = await self._dispatcher.context(self._connection)
        except Exception as raised:
            error = raised
        else:
            return True
        outcome = self._dispatcher.failure(error, self._connection, None)
        self._outbox.put_now(answer('"id":null', outcome))
        self.close_when_sent(CloseCode.NORMAL)
        await self._until_gone()
        return False

    async def _first_message(self) -> str | bytes | None:
        try:
            async with asyncio.timeout(self._limits.params_wait_s):
                return await self._next_message()
        except TimeoutError:
            raise TrpcError("PARSE_ERROR", "The connectionParams message did not come in time") from None

    async def _until_gone(self) -> None:
        """Read and forget, while the last words are being sent."""
        while (await self._receive())["type"] != "websocket.disconnect":
            pass

    async def _next_message(self) -> str | bytes | None:
        """Return the next message that is no PING or PONG, or None once the client is gone."""
        while True:
            event = await self._receive()
            if event["type"] == "websocket.disconnect":
                return None
            text: str | bytes = event.get("text") or event.get("bytes") or ""
            self._heard_at_s = self._loop.time()
            self._pinged_at_s = None
            if text == "PING":
                await self._outbox.put("PONG")
            elif len(text) > self._limits.message_bytes_max:
                error = TrpcError(
                    "PAYLOAD_TOO_LARGE", f"A message is longer than {self._limits.message_bytes_max} bytes"
                )
                await self._refuse('"id":null', error)
                self.close_when_sent(CloseCode.TOO_LARGE)
                await self._until_gone()
                return None
            elif text != "PONG":
                return text

    async def _parsed(self, text: str | bytes) -> list[Message]:
        """Return the requests of one frame; malformed ones are answered here, and one spoils its whole array."""
        try:
            parsed = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            await self._refuse('"id":null', TrpcError("PARSE_ERROR", f"Invalid JSON: {error}"))
            return []
        elements = parsed if isinstance(parsed, list) else [parsed]
        if len(elements) > self._limits.batch_max:
            await self._refuse_batch(elements)
            return []
        try:
            messages = [read_message(element) for element in elements]
        except TrpcError as error:
            await self._refuse('"id":null', error)
            return []
        return messages

    async def _refuse_batch(self, elements: list[Any]) -> None:
        error = TrpcError("BAD_REQUEST", "Batch call exceeds maximum size")
        heads = [
            head_of(element)
            for element in elements
            if isinstance(element, dict) and element.get("method") != "subscription.stop" and is_id(element.get("id"))
        ]
        for head in heads or ['"id":null']:
            await self._refuse(head, error)

    async def _refuse(self, head: str, error: TrpcError, path: str | None = None) -> None:
        await self._outbox.put(answer(head, self._dispatcher.refuse(error, self._connection, path)))

    async def _begin(self, message: Message) -> None:
        if message.method == "subscription.stop":
            if (live := self._subscriptions.get(message.key)) is not None:
                live.stop()
            return
        if message.key is NO_KEY:
            await self._refuse(message.head, TrpcError("PARSE_ERROR", "`id` is required"))
            return
        procedure = self._table.get(message.path)
        if message.method == "subscription" and message.key in self._subscriptions:
            await self._refuse(message.head, TrpcError("BAD_REQUEST", f"Duplicate id {message.key}"), message.path)
        elif procedure is None or procedure.type != message.method:
            error = TrpcError("NOT_FOUND", f'No "{message.method}"-procedure on path "{message.path}"')
            await self._refuse(message.head, error, message.path)
        elif procedure.type == "subscription":
            await self._begin_subscription(message, procedure)
        elif len(self._queries) + len(self._mutations) >= self._limits.calls_in_flight_max:
            error = TrpcError("TOO_MANY_REQUESTS", f"{self._limits.calls_in_flight_max} calls are unanswered already")
            await self._refuse(message.head, error, message.path)
        else:
            group = self._mutations if procedure.type == "mutation" else self._queries
            self._own(self._call(message, procedure), group)

    async def _begin_subscription(self, message: Message, procedure: Procedure) -> None:
        if len(self._subscriptions) >= self._limits.subscriptions_max:
            error = TrpcError("TOO_MANY_REQUESTS", f"{self._limits.subscriptions_max} subscriptions are live already")
            await self._refuse(message.head, error, message.path)
            return
        subscription = Subscription(procedure)
        self._subscriptions[message.key] = subscription
        subscription.task = self._own(self._subscribe(message, procedure, subscription))

    async def _call(self, message: Message, procedure: Procedure) -> None:
        outcome = await self._dispatcher.answer(procedure, self._ctx, self._connection, message.input)
        await self._outbox.put(answer(message.head, outcome))

    async def _subscribe(self, message: Message, procedure: Procedure, subscription: Subscription) -> None:
        """Run one subscription to its end: error alone, or started, data, perhaps an error, stopped."""
        subscription.has_begun = True
        self._dispatcher.stats.subscriptions_open += 1
        try:
            try:
                if subscription.is_stopping:
                    raise asyncio.CancelledError
                events = await self._dispatcher.subscribe(
                    procedure, self._ctx, self._connection, message.input, message.last_event_id
                )
                if isinstance(events, Outcome):
                    await self._outbox.put(answer(message.head, events))
                    return
                await self._stream(message, procedure, subscription, events)
            except asyncio.CancelledError:
                if not subscription.is_stopping:
                    raise
                _forget_cancellation()
            if subscription.error is not None:
                await self._refuse(message.head, subscription.error, message.path)
            await self._outbox.put(f'{{{message.head},"result":{{"type":"stopped"}}}}')
        finally:
            del self._subscriptions[message.key]
            self._dispatcher.stats.subscriptions_open -= 1

    async def _stream(self, message: Message, procedure: Procedure, subscription: Subscription, events: Any) -> None:
        slot = Slot() if procedure.is_coalescing else None
        head = f'{{{message.head},"result":{{"type":"data"'
        try:
            await self._outbox.put(f'{{{message.head},"result":{{"type":"started"}}}}')
            async for event in events:
                event_id, data = self._dispatcher.encode_event(procedure, event)
                if data is None:
                    frame = f"{head}}}}}"
                elif event_id is None:
                    frame = f'{head},"data":{data}}}}}'
                else:
                    quoted = orjson.dumps(event_id).decode()
                    wrapped = self._dispatcher.within(f'{{"id":{quoted},"data":', data, "}", "data")
                    frame = f'{head},"data":{wrapped},"id":{quoted}}}}}'
                if slot is None:
                    await self._outbox.put(frame)
                else:
                    self._outbox.replace(slot, frame)
                self._dispatcher.stats.events_sent += 1
                if subscription.is_stopping:  # The generator swallowed its cancellation.
                    break
        except Exception as error:
            if subscription.is_stopping:
                self._dispatcher.report(error, self._connection, procedure.path)
            else:
                outcome = self._dispatcher.failure(error, self._connection, procedure.path)
                await self._outbox.put(answer(message.head, outcome))
        finally:
            await self._close_events(events, procedure)

    async def _close_events(self, events: Any, procedure: Procedure) -> None:
        try:
            await close_iterator(events)
        except Exception as error:
            self._dispatcher.report(error, self._connection, procedure.path)

    async def _send_all(self) -> None:
        try:
            while (frame := await self._outbox.take()) is not None:
                await self._send({"type": "websocket.send", "text": frame})
        except OSError:
            await asyncio.Event().wait()  # The client is gone; the receiver is about to hear of it.

    async def _watch(self) -> None:
        """Ping a silent client, give up on a dead or stalled one, and authorise live subscriptions again."""
        limits = self._limits
        pause_s = min(limits.ping_s, limits.pong_wait_s, limits.stalled_s, limits.authorize_every_s) / 2
        authorized_at_s = self._loop.time()
        while True:
            await asyncio.sleep(pause_s)
            now_s = self._loop.time()
            if self._outbox.stalled_for_s() > limits.stalled_s:
                self._dispatcher.stats.clients_stalled += 1
                self.close(CloseCode.STALLED)
            elif self._pinged_at_s is not None and now_s - self._pinged_at_s >= limits.pong_wait_s:
                self._dispatcher.stats.clients_silent += 1
                self.close(CloseCode.SILENT)
            elif self._pinged_at_s is None and now_s - self._heard_at_s >= limits.ping_s:
                self._pinged_at_s = now_s
                self._outbox.put_now("PING")
            if now_s - authorized_at_s >= limits.authorize_every_s:
                authorized_at_s = now_s
                await self._authorize_again()

    async def _authorize_again(self) -> None:
        authorize = self._dispatcher.authorize
        if authorize is None:
            return
        for subscription in list(self._subscriptions.values()):
            try:
                await authorize(self._ctx, subscription.procedure)
            except TrpcError as error:
                subscription.stop(error)
            except Exception as error:  # A database that is away for a moment ends no subscription.
                self._dispatcher.report(error, self._connection, subscription.procedure.path)

    def _own(self, work: Coroutine[Any, Any, None], group: set[asyncio.Task[None]] | None = None) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        owner = self._tasks if group is None else group
        owner.add(task)
        task.add_done_callback(owner.discard)
        return task

    async def _clean_up(self) -> None:
        """Let mutations end by themselves, cancel all else and wait for ``finally`` blocks for a bounded time."""
        tasks = {*self._tasks, *self._queries}
        for task in tasks:
            task.cancel()
        self._outbox.discard()
        if self._mutations:
            await asyncio.wait(set(self._mutations))  # Each has its own time limit.
        _, late = await asyncio.wait(tasks, timeout=self._limits.cleanup_s)
        if late:
            error = TimeoutError(
                f"{len(late)} procedures did not end within {self._limits.cleanup_s:g} s of cancellation"
            )
            self._dispatcher.report(error, self._connection, None)

    async def _close(self) -> None:
        code = self._close_code
        try:
            async with asyncio.timeout(CLOSE_WAIT_S):
                await self._send({"type": "websocket.close", "code": int(code), "reason": code.name.lower()})
        except (OSError, RuntimeError, TimeoutError):
            pass  # It is gone already, or takes nothing: the server drops the transport.


def _forget_cancellation() -> None:
    """Make the running task an uncancelled one again, so that its time limits work."""
    task = asyncio.current_task()
    while task is not None and task.uncancel():
        pass
