"""Server-Sent Events on the wire, as captured from the Node reference server, and what holds beyond it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from pdm_app.trpc import Limits
from tests.trpc.captured_http import ADA, JSON, error, unknown
from tests.trpc.conftest import Served, serving, until

CONNECTED = ("connected", {"reconnectAfterInactivityMs": 30_000}, None)
RETURN = ("return", None, None)
Event = tuple[str, Any, str | None]


def item(data: Any, identity: str | None = None) -> Event:
    """Return a data event."""
    return ("message", data, identity)


def failed(message: str, number: int, code: str, status: int, path: str, **more: Any) -> Event:
    """Return an error event."""
    return ("serialized-error", error(message, number, code, status, path, **more)["error"], None)


def parsed(block: str) -> Event:
    """Read one event as EventSource would."""
    name, data, identity = "message", "", None
    for line in block.split("\n"):
        key, _, value = line.partition(": ")
        if key == "event":
            name = value
        elif key == "data":
            data = value
        elif key == "id" or line == "id: ":
            identity = value
    return name, json.loads(data) if data else None, identity


class Reader:
    """Reads one event at a time from an open stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._text = response.aiter_text()
        self._buffer = ""

    async def next(self, timeout_s: float = 90.0) -> Event | None:
        """Return the next event, or None at the end."""
        async with asyncio.timeout(timeout_s):
            while "\n\n" not in self._buffer:
                try:
                    self._buffer += await anext(self._text)
                except StopAsyncIteration:
                    assert not self._buffer.strip(), "the stream ends within an event"
                    return None
        block, _, self._buffer = self._buffer.partition("\n\n")
        return parsed(block)

    async def rest(self) -> list[Event]:
        """Return all events to the end."""
        events = []
        while (event := await self.next()) is not None:
            events.append(event)
        return events


@asynccontextmanager
async def listening(
    server: Served, url: str, headers: dict[str, str] | None = None, method: str = "GET", body: bytes = b""
) -> AsyncIterator[Reader]:
    """Open a stream."""
    async with (
        httpx.AsyncClient(timeout=90) as client,
        client.stream(method, f"{server.http_url}/{url}", headers=headers, content=body) as response,
    ):
        yield Reader(response)


@dataclass(frozen=True)
class Capture:
    """One captured stream."""

    name: str
    url: str
    events: list[Event]
    headers: dict[str, str] | None = None
    method: str = "GET"
    body: bytes = b""


TICKS = [item({"n": n}, str(n)) for n in range(6)]
CAPTURES = [
    Capture("tracked, finite", 'count?input={"upTo":3,"delayMs":5}', [CONNECTED, *TICKS[1:4], RETURN]),
    Capture(
        "resume via Last-Event-ID",
        'count?input={"upTo":5,"delayMs":5}',
        [CONNECTED, *TICKS[4:6], RETURN],
        {"last-event-id": "3"},
    ),
    Capture("resume via query", 'count?lastEventId=4&input={"upTo":5,"delayMs":5}', [CONNECTED, TICKS[5], RETURN]),
    Capture("resume via the older query name", 'count?Last-Event-Id=4&input={"upTo":5}', [CONNECTED, TICKS[5], RETURN]),
    Capture("resume without input", "count?lastEventId=2", [CONNECTED, TICKS[3], RETURN]),
    Capture(
        "resume via input",
        'count?input={"upTo":5,"delayMs":5,"lastEventId":"3"}',
        [CONNECTED, *TICKS[4:6], RETURN],
    ),
    Capture("untracked", 'countRaw?input={"upTo":2,"delayMs":5}', [CONNECTED, item(1), item(2), RETURN]),
    Capture(
        "untracked with last-event-id",
        'countRaw?input={"upTo":2,"delayMs":5}',
        [
            CONNECTED,
            item(1, ""),
            ("restore-id", None, "9"),
            item(2, ""),
            ("restore-id", None, "9"),
            RETURN,
        ],
        {"last-event-id": "9"},
    ),
    Capture(
        "untracked after tracked",
        "mixedIds",
        [CONNECTED, item(1, "a"), item(2, ""), ("restore-id", None, "a"), RETURN],
    ),
    Capture("encoded already", "sharedFrames", [CONNECTED, item({"n": 7}), RETURN]),
    Capture(
        "error after one",
        "boom",
        [CONNECTED, item(1), failed("boom after one", -32600, "BAD_REQUEST", 400, "boom")],
    ),
    Capture(
        "unauthorized", "secretFeed", [CONNECTED, failed("UNAUTHORIZED", -32001, "UNAUTHORIZED", 401, "secretFeed")]
    ),
    Capture(
        "a context that fails",
        "count",
        [CONNECTED, failed("rejected by createContext", -32001, "UNAUTHORIZED", 401, "count")],
        {"x-reject": "1"},
    ),
    Capture("authorized by header", "secretFeed", [CONNECTED, item("ada"), RETURN], ADA),
    Capture(
        "connectionParams",
        'secretFeedConn?connectionParams={"authorization":"Bearer tok_ada"}',
        [CONNECTED, item({"for": "ada"}), RETURN],
    ),
    Capture(
        "invalid input",
        'countRaw?input={"upTo":"x"}',
        [
            CONNECTED,
            failed(
                "Invalid input: upTo: Input should be a valid integer, unable to parse string as an integer",
                -32600,
                "BAD_REQUEST",
                400,
                "countRaw",
                issues=[
                    {
                        "loc": ["upTo"],
                        "msg": "Input should be a valid integer, unable to parse string as an integer",
                        "type": "int_parsing",
                    }
                ],
            ),
        ],
    ),
    Capture(
        "POST",
        "countRaw",
        [
            CONNECTED,
            failed(
                'Unsupported POST-request to subscription procedure at path "countRaw"',
                -32005,
                "METHOD_NOT_SUPPORTED",
                405,
                "countRaw",
            ),
        ],
        JSON,
        "POST",
        b'{"upTo":1}',
    ),
]


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.name)
async def test_a_stream_goes_as_captured(served: Served, capture: Capture) -> None:
    async with listening(served, capture.url, capture.headers, capture.method, capture.body) as stream:
        assert stream.response.status_code == 200
        assert stream.response.headers["content-type"] == "text/event-stream"
        assert stream.response.headers["cache-control"] == "no-cache, no-transform"
        assert stream.response.headers["x-accel-buffering"] == "no"
        assert await stream.rest() == capture.events
    assert served.plant.faults == []


async def test_an_unknown_path_is_a_plain_answer(served: Served) -> None:
    async with listening(served, "nosuch", {"accept": "text/event-stream"}) as stream:
        await stream.response.aread()
        assert (stream.response.status_code, stream.response.json()) == (404, unknown("nosuch"))


async def test_malformed_connection_parameters_are_a_plain_answer(served: Served) -> None:
    async with listening(served, 'secretFeedConn?connectionParams={"a":1}') as stream:
        await stream.response.aread()
        assert stream.response.json() == error("Invalid connection params shape", -32700, "PARSE_ERROR", 400)


async def test_a_foreign_exception_is_hidden_and_reported_once(served: Served) -> None:
    async with listening(served, "boom500") as stream:
        events = await stream.rest()
    assert events[:2] == [CONNECTED, item(1)]
    name, shape, _ = events[2]
    [fault] = served.plant.faults
    assert (name, shape["code"], shape["data"]["correlationId"]) == ("serialized-error", -32603, fault.correlation_id)
    assert "unexpected" not in json.dumps(events)
    assert len(events) == 3


async def test_pings_fill_silence_and_the_longest_life_ends_the_stream_without_return() -> None:
    limits = Limits(sse_ping_s=0.05, sse_reconnect_after_s=1, sse_max_s=1.0)
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    async with serving(limits) as server, listening(server, "forever") as stream:
        events = await stream.rest()
        took_s = loop.time() - began_s
    assert events[:2] == [("connected", {"reconnectAfterInactivityMs": 1000}, None), item(1)]
    assert set(events[2:]) == {("ping", None, None)}
    assert 3 <= len(events[2:]) <= took_s / 0.05 + 1
    assert server.plant.cleaned_up == ["forever"]


async def test_a_client_that_goes_away_cancels_the_generator_at_once(served: Served) -> None:
    async with listening(served, "forever") as stream:
        assert [await stream.next(), await stream.next()] == [CONNECTED, item(1)]
        assert served.app.stats.streams_open == 1
    await until(lambda: served.plant.cleaned_up == ["forever"])
    await until(lambda: served.app.stats.streams_open == 0)


async def test_drain_ends_streams_without_return_and_refuses_new_ones(served: Served) -> None:
    async with listening(served, "forever") as stream:
        await stream.next()
        await stream.next()
        await served.app.drain(2)
        assert await stream.next() is None
    async with listening(served, "forever") as refused:
        await refused.response.aread()
        assert refused.response.status_code == 503
        assert refused.response.json()["error"]["data"]["code"] == "SERVICE_UNAVAILABLE"


async def test_a_permission_withdrawn_ends_the_stream_with_the_reason() -> None:
    async with serving(Limits(authorize_every_s=0.05)) as server, listening(server, "memberFeed", ADA) as stream:
        assert [await stream.next(), await stream.next()] == [CONNECTED, item("ada")]
        server.plant.revoked.add("ada")
        assert await stream.rest() == [failed("session revoked", -32001, "UNAUTHORIZED", 401, "memberFeed")]


async def test_a_client_that_stops_reading_is_given_up() -> None:
    limits = Limits(outbox_frames_max=8, stalled_s=0.2)
    async with serving(limits) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(server.http_url).port, limit=1024)
        writer.write(b"GET /trpc/flood?input={%22events%22:1000000,%22size%22:50000} HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        await until(lambda: server.app.stats.clients_stalled == 1)
        await until(lambda: server.app.stats.streams_open == 0)
        assert server.app.stats.events_sent < 1_000
        writer.transport.abort()


async def test_a_slow_reader_of_a_coalescing_subscription_gets_the_newest_event() -> None:
    url = 'floodNewest?input={"events":2000,"size":50000}'
    async with serving(Limits(outbox_frames_max=8)) as server, listening(server, url) as stream:
        await until(lambda: server.app.stats.events_sent == 2_000)
        assert server.app.stats.events_coalesced > 1_000
        events = await stream.rest()
    assert events[-2][1].startswith("1999:")
    assert events[-1] == RETURN
