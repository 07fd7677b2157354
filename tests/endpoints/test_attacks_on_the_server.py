"""What an attacker tries on the served product itself, past any client library: raw bytes and bare sockets."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import reflex as rx
from reflex.state import BaseState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pdm_app.ui.pages.all_pages import PAGES
from tests.counterparts.clocks import until
from tests.counterparts.product import RunningProduct

PATIENCE_S = 30
SECRET = "planted copper lantern"
EVENTS = "/_event/?EIO=4&transport=websocket"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProduct]:
    folder = Path(tmp_path_factory.mktemp("served"))
    (folder / "planted.txt").write_text(SECRET)
    product = RunningProduct(folder, "serve")
    product.start()
    yield product
    product.kill()


async def raw(product: RunningProduct, request: bytes) -> bytes:
    """Send bytes as they are and read until the server closes."""
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", product.port)
        writer.write(request)
        got = b""
        try:
            while part := await reader.read(65_536):
                got += part
        except ConnectionError:
            pass
        writer.close()
        return got


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()


async def test_no_path_leads_out_of_the_folder_of_the_pages(product: RunningProduct) -> None:
    up = ("..", "%2e%2e", "..%2f..", "%2e%2e%2f", "..%5c..", ".%2e", "%252e%252e", "....//", "..;")
    roots = ("", "/assets", "/plant", "/_upload", "/api", "/trpc")
    targets = (
        "etc/passwd",
        "planted.txt",
        "pdm.sqlite",
        "secret_keys",
        "web/backend/stateful_pages.json",
        "rxconfig.py",
    )
    paths = [f"{root}/{'/'.join([step] * 8)}/{target}" for root in roots for step in up for target in targets]
    paths += [f"/{product.data_dir}/planted.txt", f"//{product.data_dir}/planted.txt", "/%00/../planted.txt", "/.env"]
    for path in paths:
        answer = await raw(product, get(path))
        status = int(answer[9:12])
        assert status in (307, 308, 400, 403, 404, 405), path
        assert SECRET.encode() not in answer
        assert b"root:" not in answer
        assert b"SQLite format" not in answer


async def test_a_request_that_can_be_read_in_two_ways_is_answered_once(product: RunningProduct) -> None:
    head = b"POST /api/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    inner = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    smuggled = (
        head + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % (5 + len(inner)) + inner,
        head + b"Content-Length: 0\r\nContent-Length: 40\r\n\r\n" + inner,
        head + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + inner,
        head + b"Content-Length : 5\r\n\r\nabcde" + inner,
    )
    for request in smuggled:
        answer = await raw(product, request)
        assert b'"alive"' not in answer, request
        assert answer.startswith(b"HTTP/1.1 400 "), request


async def test_bytes_that_are_no_request_end_the_connection_and_nothing_else(product: RunningProduct) -> None:
    for junk in (b"\x16\x03\x01\x02\x00\x01", b"\x00" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"x" * 70_000):
        answer = await raw(product, junk)
        assert answer == b"" or re.match(rb"HTTP/1\.1 4\d\d ", answer), junk[:20]
    async with httpx.AsyncClient(base_url=product.url) as client:
        assert (await client.get("/health/live")).json() == {"status": "alive"}


async def test_no_answer_names_the_software_and_each_has_the_headers_that_protect(product: RunningProduct) -> None:
    async with httpx.AsyncClient(base_url=product.url) as client:
        for path in ("/login", "/plant", "/asset/p-1", "/nowhere", "/api/x", "/trpc/x", "/health", "/_upload", "/ping"):
            answer = await client.get(path)
            assert "server" not in answer.headers, path
            assert "x-powered-by" not in answer.headers, path
            assert answer.headers["x-content-type-options"] == "nosniff", path
            assert answer.headers["x-frame-options"] == "DENY", path
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], path
            scripts = re.search(r"script-src ([^;]*)", answer.headers["content-security-policy"])
            assert scripts is None or "unsafe" not in scripts[1], path
            assert "access-control-allow-origin" not in answer.headers, path


@pytest.mark.parametrize("path", [EVENTS, "/trpc"])
@pytest.mark.parametrize("origin", ["http://evil.example", "https://127.0.0.1", "null", "http://127.0.0.1"])
async def test_a_page_of_another_site_opens_no_socket(product: RunningProduct, path: str, origin: str) -> None:
    with pytest.raises(InvalidStatus):
        await connect(f"ws://127.0.0.1:{product.port}{path}", additional_headers={"origin": origin})


def handlers() -> list[str]:
    """Every event that a browser could send."""
    assert PAGES  # Importing them has declared every state.
    found = [
        f"{state.get_full_name()}.{name}"
        for state in all_states(rx.State)
        if state.__module__.startswith("pdm_app.")
        for name in state.event_handlers
    ]
    assert len(found) > 20
    return found


def all_states(state: type[BaseState]) -> Iterator[type[BaseState]]:
    for below in state.get_substates():
        yield below
        yield from all_states(below)


async def test_an_own_page_opens_the_sockets_that_others_may_not(product: RunningProduct) -> None:
    for path in (EVENTS, "/trpc"):
        async with connect(f"ws://127.0.0.1:{product.port}{path}", additional_headers={"origin": product.url}):
            pass


async def test_a_bare_socket_without_a_session_learns_nothing_from_any_handler(product: RunningProduct) -> None:
    async with connect(f"ws://127.0.0.1:{product.port}{EVENTS}&token=bare") as socket:
        await socket.send("40/_event,")
        events = handlers()
        for handler in events:
            event = {"name": handler, "payload": {}, "router_data": {"pathname": "/plant"}, "token": "bare"}
            await socket.send("42/_event," + json.dumps(["event", event]))
        said = await _said(socket, enough=lambda text: text.count("/login") >= 10)
    assert "/login" in said
    assert product.setup_path.partition("=")[2] not in said
    for word in ("sqlite", str(product.data_dir), "argon2", "Traceback", "secret_keys"):
        assert word not in said, word


async def _said(socket: ClientConnection, enough: Callable[[str], bool]) -> str:
    said = ""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not enough(said):
                frame = await socket.recv()
                text = frame if isinstance(frame, str) else frame.decode()
                if text == "2":
                    await socket.send("3")
                said += text
    except (TimeoutError, ConnectionClosed):
        pass
    return said


async def test_an_event_that_does_not_exist_or_is_no_event_harms_nobody(product: RunningProduct) -> None:
    frames = (
        "42/_event," + json.dumps(["event", {"name": "os.system", "payload": {"x": 1}, "token": "bare"}]),
        "42/_event," + json.dumps(["event", "not an event"]),
        "42/_event,[[[[",
        "42/_event," + json.dumps(["event", {"name": "x" * 50_000, "payload": {}, "token": "bare"}]),
        "99999",
        "\x00",
    )
    for frame in frames:
        try:
            async with connect(f"ws://127.0.0.1:{product.port}{EVENTS}&token=bare") as socket:
                await socket.send("40/_event,")
                await socket.send(frame)
        except ConnectionClosed:
            pass
    await until(lambda: product.output.count("a socket sent what cannot be read") >= 3, within_s=PATIENCE_S)
    async with httpx.AsyncClient(base_url=product.url) as client:
        assert (await client.get("/health/live")).status_code == 200
    for line in product.lines:
        assert not line.startswith((" ", "Traceback")), (
            "one line each, and no stack that anybody could fill a disk with"
        )
