"""Whoever floods the event sockets of the pages loses them, with the reason, and nobody else notices."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.types import Message, Scope
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pdm_app.endpoints import event_sockets
from pdm_app.endpoints.event_sockets import EventSockets
from pdm_app.settings import HttpSettings
from tests.counterparts.clocks import HandClock, until

WAIT_S = 90
EVENTS = "/_event/?token=3f1c-a"
EVENT = "42/_event,[]"
MINE = {"cookie": "pdm_access=mine"}


async def _front_end(socket: WebSocket) -> None:
    """Answer each frame, as the front end does, also when the socket is gone in between."""
    await socket.accept()
    try:
        while True:
            text = await socket.receive_text()
            await socket.send_text(f"did {text[:40]}")
    except WebSocketDisconnect:
        await socket.send_text("a late answer of a handler")


def guarded(clock: HandClock, **settings: object) -> EventSockets:
    app = Starlette(routes=[WebSocketRoute("/_event/", _front_end), WebSocketRoute("/trpc", _front_end)])
    return EventSockets(app, HttpSettings.model_validate(settings), clock)


@asynccontextmanager
async def served(app: EventSockets) -> AsyncIterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    serving = asyncio.ensure_future(server.serve([listener]))
    await until(lambda: server.started, within_s=WAIT_S)
    yield f"ws://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    await serving


async def ask(opened: ClientConnection, text: str = EVENT) -> str:
    async with asyncio.timeout(WAIT_S):
        await opened.send(text)
        return str(await opened.recv())


async def _to_the_end(opened: ClientConnection) -> None:
    while True:
        await opened.recv()


async def closed_with(opened: ClientConnection) -> tuple[int, str]:
    async with asyncio.timeout(WAIT_S):
        with pytest.raises(ConnectionClosed) as closed:
            await _to_the_end(opened)
    frame = closed.value.rcvd
    assert frame is not None
    return frame.code, frame.reason


async def test_a_flood_closes_its_socket_with_the_reason_and_others_go_on() -> None:
    clock = HandClock()
    sockets = guarded(clock, events_per_minute=40)
    async with served(sockets) as url:
        async with connect(url + EVENTS, additional_headers={"cookie": "pdm_access=theirs"}) as other:
            async with connect(url + EVENTS, additional_headers=MINE) as flood:
                for _ in range(10):
                    assert await ask(flood) == "did 42/_event,[]"
                await flood.send(EVENT)
                assert await closed_with(flood) == (1013, "Too many events in a short time. Try again in 2 s.")
            assert await ask(other) == "did 42/_event,[]"
        async with connect(url + EVENTS, additional_headers=MINE) as again:
            await again.send(EVENT)
            assert (await closed_with(again))[0] == 1013, "a new socket of the session is no way around"
        clock.at += 2_000_000
        async with connect(url + EVENTS, additional_headers=MINE) as later:
            assert await ask(later) == "did 42/_event,[]"
    assert sockets.closed_total == {"often": 2}


@pytest.mark.parametrize(
    ("frame", "code", "word"),
    [
        ("99999", 1008, "nothing that"),
        ("\x00", 1008, "nothing that"),
        ("", 1008, "nothing that"),
        ("42[]", 1008, "nothing that"),
        ("42/_event,[" + "x" * 4_086, 1009, "4096 bytes"),
        ("42/_event,[" + "€" * 1_362, 1009, "4096 bytes"),
        (b"\x04", 1003, "Only text"),
    ],
)
async def test_a_frame_too_large_or_not_of_text_ends_the_socket(frame: str | bytes, code: int, word: str) -> None:
    sockets = guarded(HandClock(), event_bytes_max=4_096)
    async with served(sockets) as url, connect(url + EVENTS) as opened:
        assert await ask(opened, "42/_event,[" + "x" * 4_085)
        await opened.send(frame)
        found, reason = await closed_with(opened)
    assert (found, word in reason) == (code, True)


async def test_a_socket_joins_once() -> None:
    sockets = guarded(HandClock())
    async with served(sockets) as url, connect(url + EVENTS) as opened:
        assert await ask(opened, "40/_event,")
        assert await ask(opened, EVENT)
        await opened.send("40/_event,")
        assert (await closed_with(opened))[0] == 1008
    assert sockets.closed_total == {"twice": 1}


@pytest.mark.parametrize("query", ["", "?token=", "?token=" + "x" * 65, "?token=a%0ab", "?token=../a"])
async def test_a_socket_that_no_page_of_ours_opens_is_refused(query: str) -> None:
    sockets = guarded(HandClock())
    async with served(sockets) as url:
        with pytest.raises(InvalidStatus):
            await connect(f"{url}/_event/{query}")
    assert sockets.closed_total == {"nameless": 1}


async def test_tabs_that_open_too_often_or_stay_open_in_crowds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_sockets, "OPEN_MAX", 2)
    clock = HandClock()
    sockets = guarded(clock, event_sockets_per_minute=16)
    async with served(sockets) as url:
        async with connect(url + EVENTS, additional_headers=MINE), connect(url + EVENTS, additional_headers=MINE):
            with pytest.raises(InvalidStatus):
                await connect(url + EVENTS, additional_headers=MINE)
            async with connect(url + EVENTS, additional_headers={"cookie": "pdm_access=theirs"}):
                pass
        await until(lambda: not sockets._each.open, within_s=WAIT_S)
        async with connect(url + EVENTS, additional_headers=MINE):
            pass
        with pytest.raises(InvalidStatus):
            await connect(url + EVENTS, additional_headers=MINE)
        async with connect(url + "/trpc", additional_headers=MINE) as rpc:
            assert await ask(rpc, "not looked at here")
    assert sockets.closed_total == {"many": 2}


async def told(sockets: EventSockets, address: str, cookie: str, frames: int) -> list[int]:
    """Open a socket from an address, send frames, and return the codes with which it was closed."""
    scope: Scope = {
        "type": "websocket", "path": "/_event/", "query_string": b"token=a", "client": (address, 1),
        "headers": [(b"cookie", f"pdm_access={cookie}".encode())] if cookie else [],
    }  # fmt: skip
    left = [{"type": "websocket.connect"}, *[{"type": "websocket.receive", "text": EVENT}] * frames]
    codes: list[int] = []

    async def receive() -> Message:
        return left.pop(0) if left else {"type": "websocket.disconnect", "code": 1000}

    async def send(message: Message) -> None:
        if message["type"] == "websocket.close":
            codes.append(message["code"])

    await sockets(scope, receive, send)
    return codes


async def test_invented_sessions_do_not_lift_the_limit_of_an_address() -> None:
    async def ends(scope: Scope, receive: Callable[[], Awaitable[Message]], send: object) -> None:
        while (await receive())["type"] != "websocket.disconnect":
            pass

    sockets = EventSockets(ends, HttpSettings(events_per_minute=4, event_sockets_per_minute=0), HandClock())
    found = [await told(sockets, "203.0.113.9", f"made-up-{number}", 1) for number in range(12)]
    assert found == [[]] * 10 + [[1013]] * 2, "ten times what one session may, and no more"
    assert await told(sockets, "203.0.113.10", "", 1) == []
    assert await told(sockets, "203.0.113.10", "", 1) == [1013], "a stranger is his address"
    assert await told(sockets, "127.0.0.1", "", 1) == []
    assert await told(sockets, "127.0.0.1", "", 1) == [], "at this machine each socket is one"
