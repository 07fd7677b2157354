"""A client of the bare WebSocket, and the dialogues that the reference server led."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.trpc.conftest import Served


class Wire:
    """A raw client that speaks JSON and waits for what it expects."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, message: Any) -> None:
        """Send text as it is, anything else as JSON."""
        await self.socket.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def next(self, timeout_s: float = 90.0) -> Any:
        """Return the next frame, decoded unless it is PING or PONG."""
        async with asyncio.timeout(timeout_s):
            text = await self.socket.recv()
        assert isinstance(text, str), "The server sends text frames; browsers hand on binary ones as Blobs."
        return text if text in ("PING", "PONG") else json.loads(text)

    async def expect(self, *frames: Any) -> None:
        """Fail unless these frames come next."""
        for frame in frames:
            assert await self.next() == frame

    async def is_idle(self) -> None:
        """Fail if anything but the answer to this PING comes."""
        await self.send("PING")
        await self.expect("PONG")

    async def closed(self) -> int:
        """Wait for the close and return its code."""
        async with asyncio.timeout(90):
            with suppress(ConnectionClosed):
                async for _ in self.socket:
                    pass
        assert self.socket.close_code is not None
        return self.socket.close_code


@asynccontextmanager
async def wire(server: Served, query: str = "", **options: Any) -> AsyncIterator[Wire]:
    """Open a socket to the server."""
    async with connect(server.ws_url + query, **options) as socket:
        yield Wire(socket)


def call(identity: Any, method: str, path: str, **params: Any) -> dict[str, Any]:
    """Return a request."""
    return {"id": identity, "method": method, "params": {"path": path, **params}}


def result(identity: Any, **content: Any) -> dict[str, Any]:
    """Return an answer: ``type`` and perhaps ``data`` and ``id``."""
    return {"id": identity, "result": {"type": "data", **content}}


def started(identity: Any) -> dict[str, Any]:
    """Return the frame that opens a subscription."""
    return {"id": identity, "result": {"type": "started"}}


def stopped(identity: Any) -> dict[str, Any]:
    """Return the frame that ends a subscription."""
    return {"id": identity, "result": {"type": "stopped"}}


def error(
    identity: Any, message: str, number: int, code: str, status: int, path: str | None = None, **more: Any
) -> dict[str, Any]:
    """Return an error frame."""
    data = {"code": code, "httpStatus": status, **more}
    if path is not None:
        data["path"] = path
    return {"id": identity, "error": {"message": message, "code": number, "data": data}}


def no_procedure(identity: Any, kind: str, path: str) -> dict[str, Any]:
    """Return the error for a path that has no procedure of that type."""
    return error(identity, f'No "{kind}"-procedure on path "{path}"', -32004, "NOT_FOUND", 404, path)


def parse_error(message: str) -> dict[str, Any]:
    """Return the error of a message that cannot be attributed."""
    return error(None, message, -32700, "PARSE_ERROR", 400)


UNAUTHORIZED = ("UNAUTHORIZED", -32001, "UNAUTHORIZED", 401)
OK = {"ok": True}

DIALOGUES: dict[str, list[tuple[Any, list[Any]]]] = {
    "query": [(call(1, "query", "health"), [result(1, data=OK)])],
    "query with jsonrpc and string id": [
        (
            {"id": "a", "jsonrpc": "2.0", "method": "query", "params": {"path": "greet", "input": {"name": "Ada"}}},
            [{"id": "a", "jsonrpc": "2.0", "result": {"type": "data", "data": {"text": "hello Ada"}}}],
        )
    ],
    "fractional and negative ids": [
        (call(1.5, "query", "nil"), [result(1.5, data=None)]),
        (call(-3, "query", "nil"), [result(-3, data=None)]),
    ],
    "ids that need escaping": [(call('"\\\n', "query", "nil"), [result('"\\\n', data=None)])],
    "mutation": [
        (
            call(2, "mutation", "post.create", input={"title": "abc"}),
            [result(2, data={"id": 1, "title": "abc", "tags": []})],
        )
    ],
    "batch, fastest first": [
        (
            [call(1, "query", "slow", input={"ms": 80}), call(2, "query", "health")],
            [result(2, data=OK), result(1, data={"slept": 80})],
        )
    ],
    "empty batch": [([], []), (call(1, "query", "health"), [result(1, data=OK)])],
    "undefined result": [(call(1, "query", "nothing"), [result(1)])],
    "undefined is not null": [
        (call(1, "query", "echoSet"), [result(1, data="missing")]),
        (call(2, "query", "echoSet", input=None), [result(2, data="None")]),
    ],
    "binary frames": [(json.dumps(call(1, "query", "health")).encode(), [result(1, data=OK)])],
    "errors": [
        (call(1, "query", "nope"), [no_procedure(1, "query", "nope")]),
        (
            call(2, "query", "greet", input={}),
            [
                error(
                    2,
                    "Invalid input: name: Field required",
                    -32600,
                    "BAD_REQUEST",
                    400,
                    "greet",
                    issues=[{"loc": ["name"], "msg": "Field required", "type": "missing"}],
                )
            ],
        ),
        (call(3, "query", "me"), [error(3, *UNAUTHORIZED, "me")]),
        (call(4, "mutation", "health"), [no_procedure(4, "mutation", "health")]),
        (call(5, "query", "post.create", input={"title": "abc"}), [no_procedure(5, "query", "post.create")]),
        (call(6, "query", "count"), [no_procedure(6, "query", "count")]),
        (call(7, "subscription", "health"), [no_procedure(7, "subscription", "health")]),
    ],
    "iterating query": [
        (
            call(1, "query", "streamed", input={"n": 2}),
            [
                error(
                    1,
                    "Cannot return an async iterable from a query procedure with WebSockets",
                    -32015,
                    "UNSUPPORTED_MEDIA_TYPE",
                    415,
                    "streamed",
                )
            ],
        )
    ],
    "upload": [
        (
            call(1, "mutation", "uploadBytes", input="x"),
            [
                error(
                    1,
                    '"uploadBytes" takes a body of application/octet-stream',
                    -32015,
                    "UNSUPPORTED_MEDIA_TYPE",
                    415,
                    "uploadBytes",
                )
            ],
        )
    ],
    "subscription, tracked, finite": [
        (
            call(1, "subscription", "count", input={"upTo": 2, "delayMs": 5}),
            [
                started(1),
                result(1, data={"id": "1", "data": {"n": 1}}, id="1"),
                result(1, data={"id": "2", "data": {"n": 2}}, id="2"),
                stopped(1),
            ],
        )
    ],
    "subscription, resume": [
        (
            call(1, "subscription", "count", input={"upTo": 5, "delayMs": 5}, lastEventId="4"),
            [started(1), result(1, data={"id": "5", "data": {"n": 5}}, id="5"), stopped(1)],
        )
    ],
    "subscription, resume without input": [
        (
            call(1, "subscription", "count", lastEventId="2"),
            [started(1), result(1, data={"id": "3", "data": {"n": 3}}, id="3"), stopped(1)],
        )
    ],
    "subscription, tracked and untracked": [
        (
            call(1, "subscription", "mixedIds"),
            [started(1), result(1, data={"id": "a", "data": 1}, id="a"), result(1, data=2), stopped(1)],
        )
    ],
    "subscription, encoded already": [
        (call(1, "subscription", "sharedFrames"), [started(1), result(1, data={"n": 7}), stopped(1)])
    ],
    "subscription, stop for unknown id": [
        ({"id": 99, "method": "subscription.stop"}, []),
        (call(1, "query", "health"), [result(1, data=OK)]),
    ],
    "subscription, error": [
        (
            call(1, "subscription", "boom"),
            [
                started(1),
                result(1, data=1),
                error(1, "boom after one", -32600, "BAD_REQUEST", 400, "boom"),
                stopped(1),
            ],
        )
    ],
    "subscription, unauthorized": [
        (call(1, "subscription", "secretFeed"), [error(1, *UNAUTHORIZED, "secretFeed")]),
        (call(1, "subscription", "mixedIds", input=None), [started(1)]),
    ],
    "PING": [("PING", ["PONG"]), ("PONG", [])],
    "bad method": [
        ({"id": 1, "method": "bogus", "params": {"path": "health"}}, [parse_error("Invalid procedure type")])
    ],
    "null id": [(call(None, "query", "health"), [parse_error("`id` is required")])],
    "missing id": [({"method": "query", "params": {"path": "health"}}, [parse_error("Invalid request id")])],
    "boolean id": [(call(True, "query", "health"), [parse_error("Invalid request id")])],
    "missing params": [({"id": 1, "method": "query"}, [parse_error("Not an object")])],
    "path that is no string": [(call(1, "query", 5), [parse_error("Invalid string")])],  # type: ignore[arg-type]
    "lastEventId that is no string": [
        (call(1, "subscription", "count", lastEventId=4), [parse_error("Invalid string")])
    ],
    "other JSON-RPC": [({"id": 1, "jsonrpc": "1.0", "method": "query"}, [parse_error("Must be JSONRPC 2.0")])],
    "scalar": [("5", [parse_error("Not an object")])],
    "one bad element fails the array": [
        ([call(1, "query", "health"), 5], [parse_error("Not an object")]),
        (call(2, "query", "health"), [result(2, data=OK)]),
    ],
    "batch too large": [
        (
            [call(number, "query", "health") for number in range(1, 12)],
            [error(number, "Batch call exceeds maximum size", -32600, "BAD_REQUEST", 400) for number in range(1, 12)],
        )
    ],
    "batch too large, nothing to answer to": [
        ([5] * 11, [error(None, "Batch call exceeds maximum size", -32600, "BAD_REQUEST", 400)])
    ],
}
