"""Head and body leave in one write, and no head is kept back for ever."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from pdm_app.endpoints.answer_writer import JOINED_BYTES_MAX, AnswerWriter
from pdm_app.endpoints.bounded_http import bounded_http
from tests.counterparts.clocks import until

PATIENCE_S = 90


class Wire:
    """A transport that remembers."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.is_closed = False

    def write(self, part: bytes) -> None:
        self.writes.append(part)

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def writer(wire: Wire) -> AnswerWriter:
    writer = AnswerWriter(wire)
    writer.begin()
    return writer


def test_head_and_first_part_are_one_write_and_later_parts_pass(wire: Wire, writer: AnswerWriter) -> None:
    for part in (b"HTTP/1.1 200 OK\r\n\r\n", b"one", b"HTTP/1.1 two"):
        writer.write(part)
    assert wire.writes == [b"HTTP/1.1 200 OK\r\n\r\none", b"HTTP/1.1 two"]


def test_an_invitation_to_send_a_body_is_no_head(wire: Wire, writer: AnswerWriter) -> None:
    for part in (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"x"):
        writer.write(part)
    assert wire.writes == [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nx"]


def test_a_large_part_is_not_copied(wire: Wire, writer: AnswerWriter) -> None:
    large = b"x" * (JOINED_BYTES_MAX + 1)
    writer.write(b"head")
    writer.write(large)
    assert wire.writes[0] == b"head"
    assert wire.writes[1] is large


@pytest.mark.parametrize("end", ["flush", "close"])
def test_a_head_alone_is_written_at_the_end(wire: Wire, writer: AnswerWriter, end: str) -> None:
    writer.write(b"head")
    assert wire.writes == []
    getattr(writer, end)()
    assert wire.writes == [b"head"]
    assert writer.is_closing() == (end == "close")


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer in the way that the path names."""
    headers = [(b"content-length", b"2")]
    how = scope["path"]
    if how == "/echo":
        body = b""
        while True:
            message: Message = await receive()
            body += message["body"]
            if not message["more_body"]:
                break
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return
    await send(
        {"type": "http.response.start", "status": 204 if how == "/none" else 200, "headers": headers[: how != "/none"]}
    )
    if how == "/broken":
        raise RuntimeError("between head and body")
    await send({"type": "http.response.body", "body": b"" if how == "/none" else b"ok"})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    protocol = bounded_http(head_s=20, head_bytes_max=8_192)
    server = uvicorn.Server(uvicorn.Config(_app, log_config=None, lifespan="off", http=protocol))
    serving = asyncio.ensure_future(server.serve([listener]))
    await until(lambda: server.started)
    yield listener.getsockname()[1]
    server.should_exit = True
    await serving


async def answers(port: int, sent: bytes) -> bytes:
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        got = await reader.read()
        writer.close()
        return got


@pytest.mark.parametrize(
    ("request_line", "status", "body"),
    [(b"HEAD /x", b"200", b""), (b"GET /x", b"200", b"ok"), (b"GET /none", b"204", b""), (b"GET /broken", b"200", b"")],
)
async def test_every_kind_of_answer_arrives_whole(port: int, request_line: bytes, status: bytes, body: bytes) -> None:
    got = await answers(port, request_line + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    head, _, rest = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert rest == body


async def test_answers_to_requests_sent_at_once_come_in_order(port: int) -> None:
    one = b"%b HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    got = await answers(port, one % b"GET /none" + one % b"HEAD /x" + one % b"GET /x" + last)
    assert [part[:3] for part in got.split(b"HTTP/1.1 ")[1:]] == [b"204", b"200", b"200", b"200"]
    assert got.count(b"\r\n\r\nok") == 2


async def test_a_caller_that_waits_to_be_invited_is_invited(port: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
        )
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        writer.write(b"abc")
        got = await reader.read()
        writer.close()
    assert got.startswith(b"HTTP/1.1 200 ")
    assert got.endswith(b"\r\n\r\nabc")
