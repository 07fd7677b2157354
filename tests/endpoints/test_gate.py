"""Whoever calls too often or with too long a head is told so before anything looks at the request."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from pdm_app.endpoints.gate import Gate
from pdm_app.endpoints.wrapping import Wrapping
from pdm_app.services.metrics import Metrics
from pdm_app.services.origins import network_of
from pdm_app.settings import HttpSettings
from tests.counterparts.clocks import HandClock, until

FAR = "203.0.113.9"


async def _who(request: Request) -> Response:
    return PlainTextResponse(f"{request.client.host if request.client else ''} {request.url.scheme}")


async def _socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


def guarded(clock: HandClock, **settings: object) -> Gate:
    paths = ("/plant", "/api/ingest", "/trpc/live.now", "/health")
    app = Starlette(routes=[*(Route(path, _who) for path in paths), WebSocketRoute("/trpc", _socket)])
    return Gate(app, HttpSettings.model_validate(settings), clock)


def caller(app: ASGIApp, address: str = FAR, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, client=(address, 50_000)), base_url="http://plant", headers=headers
    )


async def statuses(client: httpx.AsyncClient, calls: int, path: str = "/plant") -> list[int]:
    return [(await client.get(path)).status_code for _ in range(calls)]


async def test_an_address_that_calls_too_often_waits_and_is_then_served_again() -> None:
    clock = HandClock()
    gate = guarded(clock, address_per_minute=40)
    async with caller(gate) as client:
        assert await statuses(client, 12) == [200] * 10 + [429] * 2
        refused = await client.get("/plant")
        clock.at += int(refused.headers["retry-after"]) * 1_000_000
        assert await statuses(client, 1) == [200]
    async with caller(gate, "203.0.113.10") as other:
        assert await statuses(other, 10) == [200] * 10
    assert gate.refused_total == 3


async def test_one_credential_is_no_quicker_from_many_addresses() -> None:
    gate = guarded(HandClock(), credential_per_minute=40)
    found = []
    for number in range(20):
        async with caller(gate, f"203.0.113.{number}", {"x-device-key": "pdm_key"}) as client:
            found += await statuses(client, 1, "/api/ingest")
    assert found == [200] * 10 + [429] * 10


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer abc"},
        {"authorization": "TargetToken abc"},
        {"x-device-key": "abc"},
        {"cookie": "other=1; pdm_access=abc; more=2"},
    ],
)
async def test_each_kind_of_credential_is_counted_also_at_this_machine(headers: dict[str, str]) -> None:
    gate = guarded(HandClock(), credential_per_minute=40)
    async with caller(gate, "127.0.0.1", headers) as client:
        assert await statuses(client, 11) == [200] * 10 + [429]
    async with caller(gate, "127.0.0.1") as anonymous:
        assert await statuses(anonymous, 1000) == [200] * 1000


async def test_invented_credentials_do_not_lift_the_limit_of_an_address() -> None:
    gate = guarded(HandClock(), address_per_minute=40)
    found = []
    for number in range(12):
        async with caller(gate, FAR, {"authorization": f"Bearer {number}"}) as client:
            found += await statuses(client, 1)
    assert found == [200] * 10 + [429] * 2


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("203.0.113.9", "203.0.113.10", False),
        ("::ffff:203.0.113.9", "203.0.113.9", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "unix socket", False),
    ],
)
def test_who_has_a_whole_network_of_addresses_is_one_caller(one: str, other: str, is_same: bool) -> None:
    assert (network_of(one) == network_of(other)) is is_same


async def test_a_refusal_is_worded_for_whoever_reads_it() -> None:
    gate = guarded(HandClock(), address_per_minute=4)
    async with caller(Wrapping(gate, Metrics())) as client:
        await client.get("/plant")
        page, api, rpc = [await client.get(path) for path in ("/plant", "/api/ingest", "/trpc/live.now")]
    for response in (page, api, rpc):
        assert (response.status_code, response.headers["retry-after"]) == (429, "15")
        assert response.headers["x-correlation-id"]
    assert page.text == api.json()["error"]["message"] == rpc.json()["error"]["message"]
    assert page.text.startswith("Too many calls in a short time. Try again in 15 s")
    assert api.json()["error"]["code"] == "too_many_requests"
    assert api.json()["error"]["correlation_id"] == api.headers["x-correlation-id"]
    assert rpc.json()["error"]["code"] == -32029
    assert rpc.json()["error"]["data"]["code"] == "TOO_MANY_REQUESTS"


async def test_an_address_or_headers_beyond_their_limit_are_refused_by_name() -> None:
    async with caller(guarded(HandClock(), url_bytes_max=2048, head_bytes_max=8192)) as client:
        assert (await client.get("/api/ingest?x=" + "y" * 2000)).status_code == 200
        assert (await client.get("/api/ingest?x=" + "y" * 2048)).status_code == 414
        assert (await client.get("/api/ingest", headers={"x-long": "y" * 7000})).status_code == 200
        refused = await client.get("/api/ingest", headers={"x-long": "y" * 8192})
        assert (refused.status_code, refused.json()["error"]["code"]) == (431, "headers_too_long")


async def test_only_a_trusted_proxy_says_for_whom_it_asks(caplog: pytest.LogCaptureFixture) -> None:
    forwarded = {"x-forwarded-for": "198.51.100.7", "x-forwarded-proto": "https"}
    for trusted, seen in (([], "127.0.0.1 http"), (["127.0.0.1"], "198.51.100.7 https")):
        app = ProxyHeadersMiddleware(guarded(HandClock()), trusted_hosts=trusted)  # type: ignore[arg-type]
        async with caller(app, "127.0.0.1", forwarded) as client:  # type: ignore[arg-type]
            assert (await client.get("/plant")).text == seen
    assert [record.levelno for record in caplog.records if "is not trusted" in record.message] == [logging.WARNING]


async def test_somebody_far_away_does_not_become_local_by_saying_so() -> None:
    app = ProxyHeadersMiddleware(guarded(HandClock(), address_per_minute=4), trusted_hosts=["10.0.0.1"])  # type: ignore[arg-type]
    async with caller(app, FAR, {"x-forwarded-for": "127.0.0.1"}) as client:  # type: ignore[arg-type]
        assert await statuses(client, 2) == [200, 429]


@pytest.mark.parametrize("word", ["everybody", "300.1.1.1", "10.0.0.1/8", "*"])
def test_a_trusted_proxy_that_is_no_address_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="no address or network"):
        HttpSettings(trusted_proxies=(word,))


@pytest.fixture
async def address() -> AsyncIterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    app = guarded(HandClock(), credential_per_minute=4)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    serving = asyncio.ensure_future(server.serve([listener]))
    await until(lambda: server.started)
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    await serving


async def test_sockets_that_open_too_often_are_refused(address: str) -> None:
    headers = {"authorization": "Bearer abc"}
    async with connect(f"ws://{address}/trpc", additional_headers=headers):
        pass
    with pytest.raises(InvalidStatus):
        await connect(f"ws://{address}/trpc", additional_headers=headers)
