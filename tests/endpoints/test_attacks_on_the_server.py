"""What an attacker tries on the served product itself, past any client library: raw bytes and bare sockets."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pdm_app.ui.states.session import Session
from tests.counterparts.bare_sockets import SocketEvent, bare_socket
from tests.counterparts.clocks import until
from tests.counterparts.product import RunningProduct

PATIENCE_S = 90
SECRET = "planted copper lantern"
EVENTS = "/_event/?EIO=4&transport=websocket&token=bare"


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
    async with httpx.AsyncClient(base_url=product.url, timeout=PATIENCE_S) as client:
        assert (await client.get("/health/live")).json() == {"status": "alive"}


async def test_no_answer_names_the_software_and_each_has_the_headers_that_protect(product: RunningProduct) -> None:
    async with httpx.AsyncClient(base_url=product.url, timeout=PATIENCE_S) as client:
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


async def test_an_own_page_opens_the_sockets_that_others_may_not(product: RunningProduct) -> None:
    for path in (EVENTS, "/trpc"):
        async with connect(f"ws://127.0.0.1:{product.port}{path}", additional_headers={"origin": product.url}):
            pass


async def test_an_event_that_does_not_exist_or_is_no_event_harms_nobody(product: RunningProduct) -> None:
    frames = (
        "42/_event," + json.dumps(["event", {"name": "os.system", "payload": {"x": 1}, "token": "bare"}]),
        "42/_event," + json.dumps(["event", "not an event"]),
        "42/_event,[[[[",
        "42/_event," + "[" * 60_000,
        "42/_event," + json.dumps(["event", {"name": "x" * 50_000, "payload": {}, "token": "bare"}]),
        "99999",
        "\x00",
    )
    for frame in frames:
        try:
            headers = {"cookie": "pdm_access=copper-cookie"}
            async with connect(f"ws://127.0.0.1:{product.port}{EVENTS}", additional_headers=headers) as socket:
                await socket.send("40/_event,")
                await socket.send(frame)
        except ConnectionClosed:
            pass
    await until(lambda: product.output.count("a socket sent what cannot be read") >= 3, within_s=PATIENCE_S)
    await until(lambda: product.output.count("a page sent an event that is none") >= 2, within_s=PATIENCE_S)
    async with httpx.AsyncClient(base_url=product.url, timeout=PATIENCE_S) as client:
        assert (await client.get("/health/live")).status_code == 200
    assert "copper-cookie" not in product.output, "the front end would log all of an event that it does not know"
    for line in product.lines:
        assert len(line) < 2_000, line
        assert not line.startswith((" ", "Traceback")), (
            "one line each, and no stack that anybody could fill a disk with"
        )


async def _figure(product: RunningProduct, name: str) -> float:
    async with httpx.AsyncClient(base_url=product.url, timeout=PATIENCE_S) as client:
        found = re.search(rf"^{name} (\S+)$", (await client.get("/metrics")).text, re.MULTILINE)
    assert found is not None, name
    return float(found[1])


async def test_a_flood_of_events_ends_its_socket_and_the_server_answers_on(product: RunningProduct) -> None:
    event = SocketEvent(f"{Session.get_full_name()}.enter")
    with pytest.raises(ConnectionClosed) as closed:
        async with bare_socket(product.url) as flood:
            await flood.answers([event] * 5_000)
    frame = closed.value.rcvd
    assert frame is not None
    assert frame.code == 1013
    assert "Too many events" in frame.reason
    assert await _figure(product, "event_sockets_closed_total") >= 1
    assert "disconnected client" not in product.output, "a line for each event would fill the disk"
    async with bare_socket(product.url) as other:
        assert "/login" in await other.answers([event])


async def test_a_frame_of_a_megabyte_ends_its_socket(product: RunningProduct) -> None:
    event = SocketEvent(f"{Session.get_full_name()}.report", {"identity": "x" * 900_000})
    with pytest.raises(ConnectionClosed) as closed:
        async with bare_socket(product.url) as socket:
            await socket.answers([event])
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize("path", [EVENTS, "/trpc"])
async def test_a_message_is_not_even_read_beyond_twice_its_limit(product: RunningProduct, path: str) -> None:
    async with connect(f"ws://127.0.0.1:{product.port}{path}") as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await _send_and_wait(socket, "x" * 3_000_000)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


async def _send_and_wait(socket: ClientConnection, text: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await socket.send(text)
        while True:
            await socket.recv()


async def test_nothing_is_kept_of_tabs_in_which_nobody_signed_in(product: RunningProduct) -> None:
    event, crowd = SocketEvent(f"{Session.get_full_name()}.enter"), 20
    async with AsyncExitStack() as stack:
        for _ in range(crowd):
            stranger = await stack.enter_async_context(bare_socket(product.url))
            await stranger.answers([event])
        assert await _figure(product, "tabs_kept") >= crowd
    for _ in range(2 * PATIENCE_S):
        if await _figure(product, "tabs_kept") < crowd / 2:  # Of other tests a few may still be under way.
            return
        await asyncio.sleep(1)
    pytest.fail("they are kept")


async def test_the_events_of_pages_are_taken_by_websocket_only(product: RunningProduct) -> None:
    async with httpx.AsyncClient(base_url=product.url) as client:
        opened = await client.get("/_event/?EIO=4&transport=polling&token=bare")
        assert opened.status_code == 400
        assert "sid" not in opened.text
