"""One plain stream of server-sent events: what it sends, how long it lasts, and what a slow reader misses.

Values and alarms are pulled when the reader has taken what came before, and what it had no time for is dropped at the
source, never kept here: the newest values and the true picture of the alarms always come. A reader that takes nothing
for `STALLED_S` is cut off.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pdm_app.domain.access import Actor
from pdm_app.domain.errors import PdmError, UnauthenticatedError
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.signals import Signal
from pdm_app.endpoints.callers import HttpServices

MEDIA_TYPE = "text/event-stream"
RETRY_MS = 2_000  # When a reader that was cut off comes back.
SILENCE_S = 10.0  # After so much of it a comment says that the line stands; proxies cut off what is silent for longer.
STALLED_S = 30.0
LAST_WORDS_S = 1.0
AUTHORIZE_EVERY_S = 2.0
LIFE_S_MAX = 24 * 3_600.0
STOPPING = "The program is stopping. Come back in a few seconds."
RESUME_MARGIN_US = 2 * MICROS_PER_S
"""A reading received just before a frame was made may have come with the next one; so much is sent twice, not lost."""

Find = Callable[[], HttpServices | None]


@dataclass(frozen=True, slots=True)
class Watched:
    """What one reader asked for.

    Attributes:
        signals: Each with the code of its asset.
        site_id: The only site whose alarms are wanted; None for all in reach.
        since: Microseconds UTC up to which the reader knows the values; None if it knows none.
    """

    signals: tuple[tuple[Signal, str], ...]
    with_alarms: bool
    site_id: str | None
    since: int | None


class _EndError(Exception):
    """The stream ends; ``reason`` is told to the reader, unless it has gone."""

    def __init__(self, reason: str | None, text: str = "") -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


class EventStream(Response):
    """Writes the body as long as the reader reads and its rights last."""

    def __init__(
        self,
        watched: Watched,
        actor: Actor,
        services: HttpServices,
        find: Find,
        still_allowed: Callable[[], Awaitable[Actor]],
    ) -> None:
        super().__init__(
            media_type=MEDIA_TYPE, headers={"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
        )
        del self.headers["content-length"]
        self._watched = watched
        self._actor = actor
        self._services = services
        self._find = find
        self._still_allowed = still_allowed
        self._one_at_a_time = asyncio.Lock()
        self._sent_at_s = 0.0
        self.is_stalled = False
        """Whether the reader was cut off because it took nothing."""
        self.on_open: Callable[[], None] = lambda: None
        self.on_close: Callable[[], None] = lambda: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Serve until the reader goes, its rights end, or the server stops."""
        self.on_open()
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            end = await self._run(receive, send)
        finally:
            self.on_close()
        if end.reason is not None:
            await _last_words(send, _event("end", orjson.dumps({"reason": end.reason, "message": end.text})))

    async def _run(self, receive: Receive, send: Send) -> "_EndError":
        end = _EndError("renew", f"A stream lasts {LIFE_S_MAX / 3600:g} h at most. Open it again.")
        try:
            async with asyncio.timeout(LIFE_S_MAX), asyncio.TaskGroup() as tasks:
                await self._send(send, b"retry: %d\n\n" % RETRY_MS)
                tasks.create_task(_until_gone(receive))
                tasks.create_task(self._keep_checking())
                if self._watched.signals:
                    tasks.create_task(self._values(send))
                if self._watched.with_alarms:
                    tasks.create_task(self._alarms(send))
        except* _EndError as ended:
            end = next(error for error in ended.exceptions if isinstance(error, _EndError))
        except* PdmError as failed:
            end = _EndError("failed", str(failed.exceptions[0]))
        except* asyncio.CancelledError:  # The server cancels what is still open when its time to stop is over.
            end = _EndError("stopping", STOPPING)
        except* TimeoutError:
            pass
        return end

    async def _values(self, send: Send) -> None:
        described = [
            {
                "signal": signal.id,
                "asset": asset,
                "name": signal.name,
                "label": signal.label,
                "unit": signal.unit,
                "simulated": signal.simulated,
            }
            for signal, asset in self._watched.signals
        ]
        await self._send(send, _event("signals", orjson.dumps(described)))
        is_first = True
        async with aclosing(
            self._services.live.watch(self._actor, [signal.id for signal, _ in self._watched.signals])
        ) as frames:
            async for frame in frames:
                now, rows = frame_parts(frame)
                if is_first and self._watched.since is not None:
                    frame, rows = _only_since(frame, self._watched.since)
                is_first = False
                if rows:
                    await self._send(send, _event("values", frame, now))
                else:
                    await self._say_that_the_line_stands(send)

    async def _alarms(self, send: Send) -> None:
        async with aclosing(self._services.alarms.watch(self._actor, self._watched.site_id)) as pictures:
            async for picture in pictures:
                if picture.kind == "change" and not picture.alarms and not picture.gone:
                    await self._say_that_the_line_stands(send)
                else:
                    await self._send(send, _event("alarms", picture.model_dump_json().encode()))

    async def _say_that_the_line_stands(self, send: Send) -> None:
        if asyncio.get_running_loop().time() - self._sent_at_s >= SILENCE_S:
            await self._send(send, b": no change\n\n")

    async def _send(self, send: Send, chunk: bytes) -> None:
        try:
            async with self._one_at_a_time, asyncio.timeout(STALLED_S):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except TimeoutError:
            self.is_stalled = True
            raise _EndError(None) from None
        except OSError:
            raise _EndError(None) from None
        self._sent_at_s = asyncio.get_running_loop().time()

    async def _keep_checking(self) -> None:
        """End the stream with its session, with the rights it began with, and with the product."""
        while True:
            await asyncio.sleep(AUTHORIZE_EVERY_S)
            if self._find() is None:
                raise _EndError("stopping", STOPPING)
            try:
                actor = await self._still_allowed()
            except UnauthenticatedError as error:
                raise _EndError("signed_out", error.message) from None
            except PdmError:
                continue  # A database that is away for a moment ends no stream.
            if (actor.permissions, actor.scope) != (self._actor.permissions, self._actor.scope):
                raise _EndError("rights_changed", "Your rights or sites were changed. Open the stream again.")


def frame_parts(frame: bytes) -> tuple[int, bool]:
    """Return the time of a live frame and whether it has rows, without decoding them; see `pdm_app.stream.frames`."""
    now, _, rows = frame.partition(b',"rows":[')
    return int(now[len(b'{"now":') :]), rows != b"]}"


def _only_since(frame: bytes, since: int) -> tuple[bytes, bool]:
    decoded = orjson.loads(frame)
    rows = [row for row in decoded["rows"] if row[4] > since - RESUME_MARGIN_US]
    return orjson.dumps({"now": decoded["now"], "rows": rows}), bool(rows)


def _event(name: str, data: bytes, event_id: int | None = None) -> bytes:
    """Write one event; JSON has no line breaks of its own."""
    named = b"event: %b\ndata: %b\n" % (name.encode(), data)
    return named + (b"id: %d\n\n" % event_id if event_id is not None else b"\n")


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    raise _EndError(None)


async def _last_words(send: Send, event: bytes) -> None:
    try:
        async with asyncio.timeout(LAST_WORDS_S):
            await send({"type": "http.response.body", "body": event, "more_body": False})
    except (OSError, TimeoutError):
        pass  # It is gone already, or takes nothing.
