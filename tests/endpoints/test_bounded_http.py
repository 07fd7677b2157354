"""A connection ends where its sender is too slow or endless; everybody else is served meanwhile and as before."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect

from pdm_app.endpoints.bounded_http import bounded_http
from tests.counterparts.clocks import until

PATIENCE_S = 90  # Of the test, not of the server.
HEAD_MAX = 8_192
HEAD_S = 2.0
LONGER_S = HEAD_S + 0.2


async def _quick(_: Request) -> Response:
    return PlainTextResponse("unread")


async def _read(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def _later(_: Request) -> Response:
    await asyncio.sleep(LONGER_S)
    return PlainTextResponse("late")


async def _echo(socket: WebSocket) -> None:
    await socket.accept()
    await asyncio.sleep(LONGER_S)
    await socket.send_text(await socket.receive_text())
    await socket.close()


@pytest.fixture
async def port() -> AsyncIterator[int]:
    routes = [Route(f"/{each.__name__}", each, methods=["GET", "POST"]) for each in (_quick, _read, _later)]
    app = Starlette(routes=[*routes, WebSocketRoute("/_echo", _echo)])
    listener = socket.create_server(("127.0.0.1", 0))
    protocol = bounded_http(head_s=HEAD_S, head_bytes_max=HEAD_MAX)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", http=protocol))
    serving = asyncio.ensure_future(server.serve([listener]))
    await until(lambda: server.started)
    yield listener.getsockname()[1]
    server.should_exit = True
    await serving


async def answer(port: int, *parts: bytes, pause_s: float = 0.0) -> bytes:
    """What comes back until the server closes the connection, whose sender goes on sending until then."""
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        reading = asyncio.ensure_future(_everything(reader))
        try:
            for part in parts:
                if reading.done():
                    break
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause_s)
        except OSError:
            pass  # It closed in the middle of what was sent.
        got = await reading
        writer.close()
        return got


async def _everything(reader: asyncio.StreamReader) -> bytes:
    got = b""
    try:
        while part := await reader.read(65_536):
            got += part
    except ConnectionError:
        pass  # Closed while more was on its way; what had come before counts.
    return got


async def test_who_connects_and_says_nothing_is_let_go(port: int) -> None:
    assert await answer(port) == b""


async def test_a_head_that_dribbles_in_is_given_up(port: int) -> None:
    dribble = [b"GET /_quick HTTP/1.1\r\nHost: a\r\n", *(b"X-%d: y\r\n" % number for number in range(100))]
    assert (await answer(port, *dribble, pause_s=0.05)).startswith(b"HTTP/1.1 408 ")


async def test_a_head_without_end_is_cut_off(port: int) -> None:
    unending = b"GET /_quick HTTP/1.1\r\nHost: a\r\nX-Long: " + b"y" * HEAD_MAX
    assert (await answer(port, unending)).startswith(b"HTTP/1.1 431 ")


async def test_a_body_that_goes_on_after_the_answer_ends_the_connection(port: int) -> None:
    head = b"POST /_quick HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
    got = await answer(port, head, *([b"y"] * 40), pause_s=0.05)
    assert got.startswith(b"HTTP/1.1 200 ")


async def test_a_slow_answer_a_large_body_and_a_quiet_socket_are_no_fault(port: int) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
        assert (await client.get("/_later")).text == "late"
        assert (await client.post("/_read", content=b"y" * 3_000_000)).text == "3000000"
        assert (await client.get("/_quick", headers={"x-long": "y" * 4000})).text == "unread"
        await asyncio.sleep(0.2)
        assert [(await client.get("/_quick")).status_code for _ in range(50)] == [200] * 50
    async with connect(f"ws://127.0.0.1:{port}/_echo") as opened:
        await opened.send("alive")
        assert await opened.recv() == "alive"


async def test_two_requests_sent_at_once_are_both_answered(port: int) -> None:
    one = b"GET /_quick HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"GET /_quick HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert (await answer(port, one + last)).count(b"HTTP/1.1 200 ") == 2


async def test_slow_senders_keep_nobody_else_waiting(port: int) -> None:
    slow = [asyncio.ensure_future(answer(port, b"GET / HT", pause_s=0.1)) for _ in range(200)]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
        assert (await client.get("/_quick")).text == "unread"
    assert all(got.startswith(b"HTTP/1.1 408 ") for got in await asyncio.gather(*slow))
