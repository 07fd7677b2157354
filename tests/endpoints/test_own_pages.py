"""Pages of other sites reach nothing, whatever the browser sends along; programs and own pages reach everything."""

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
from websockets.exceptions import InvalidStatus

from pdm_app.endpoints.own_pages import OwnPages
from pdm_app.endpoints.wrapping import Wrapping
from tests.counterparts.clocks import until
from tests.endpoints.conftest import Served

OWN = "http://plant.example:8000"
PROXIED = "https://pdm.example"
FOREIGN = ("http://evil.example", "http://plant.example", "http://plant.example:8000.evil.example", "null")


async def _changed(_: Request) -> Response:
    return PlainTextResponse("changed")


async def _echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(await socket.receive_text())
    await socket.close()


def guarded() -> OwnPages:
    """A front end with an event socket, behind the guard."""
    methods = ["GET", "POST", "PUT", "DELETE", "OPTIONS"]
    routes = [
        Route("/change", _changed, methods=methods),
        Route("/_upload", _changed, methods=methods),
        WebSocketRoute("/_event", _echo),
    ]
    return OwnPages(Starlette(routes=routes), {PROXIED})


def browser() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=guarded()), base_url=OWN)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_foreign_page_changes_nothing(method: str, origin: str) -> None:
    async with browser() as client:
        response = await client.request(method, "/change", headers={"origin": origin})
    assert (response.status_code, response.text) == (403, "This page belongs to another site and may not send here.")


@pytest.mark.parametrize("headers", [{"origin": OWN}, {"origin": PROXIED}, {}])
async def test_own_pages_also_behind_a_proxy_and_programs_without_a_page_pass(headers: dict[str, str]) -> None:
    async with browser() as client:
        assert (await client.post("/change", headers=headers)).text == "changed"


async def test_reading_is_left_to_the_browsers_own_rules() -> None:
    async with browser() as client:
        assert (await client.get("/change", headers={"origin": FOREIGN[0]})).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_front_ends_own_upload_is_closed_to_everybody(method: str) -> None:
    async with browser() as client:
        assert (await client.request(method, "/_upload", headers={"origin": OWN})).status_code == 403


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """Host and port of a real server with the guard."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(guarded(), log_config=None, lifespan="off"))
    serving = asyncio.ensure_future(server.serve([listener]))
    await until(lambda: server.started)
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    await serving


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_foreign_page_opens_no_socket(address: str, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://{address}/_event", additional_headers={"origin": origin})
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("origin", ["http://{address}", PROXIED, None])
async def test_an_own_page_and_a_program_open_one(address: str, origin: str | None) -> None:
    headers = {} if origin is None else {"origin": origin.format(address=address)}
    async with connect(f"ws://{address}/_event", additional_headers=headers) as opened:
        await opened.send("alive")
        assert await opened.recv() == "alive"


async def test_addresses_that_anybody_invents_never_become_a_time_series(served: Served) -> None:
    app = Wrapping(OwnPages(served.app, ()), served.metrics)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=OWN) as client:
        for turn in range(3):
            await client.post(f"/api/invented-{turn}", headers={"origin": FOREIGN[0]})
            await client.post(f"/api/invented-{turn}")
            await client.get(f"/health/invented-{turn}")
            await client.get(f"/api/auth/oidc/invented-{turn}/begin")
        await client.post("/api/ingest")
    page = served.metrics.page().decode()
    assert "invented" not in page
    assert 'api_latency_seconds_count{method="POST",route="other",status="403"} 3.0' in page
    assert 'route="/api/ingest",status="401"' in page
    assert 'route="/api/auth/oidc/{directory_id}/begin",status="404"' in page


async def test_a_page_that_hides_its_origin_borrows_no_cookie() -> None:
    async with browser() as client:
        for site, cookie, status in (
            ("cross-site", "pdm_access=1", 403),
            ("same-site", "pdm_access=1", 403),
            ("same-origin", "pdm_access=1", 200),
            ("none", "pdm_access=1", 200),
            ("cross-site", "", 200),
        ):
            headers = {"sec-fetch-site": site, **({"cookie": cookie} if cookie else {})}
            assert (await client.post("/change", headers=headers)).status_code == status, site


async def test_a_page_of_another_site_reads_nothing_that_is_for_programs_either() -> None:
    async with browser() as client:
        for path in ("/api/change", "/trpc/live.now", "/health", "/metrics"):
            assert (await client.get(path, headers={"origin": FOREIGN[0]})).status_code == 403, path
            assert (await client.get(path, headers={"origin": OWN})).status_code == 404, path
        refused = await client.get("/trpc/live.now", headers={"origin": FOREIGN[0]})
        assert refused.json()["error"]["data"]["code"] == "FORBIDDEN"
        assert (await client.get("/api/x", headers={"origin": "null"})).json()["error"]["code"] == "foreign_page"


async def test_under_https_a_page_of_the_same_name_without_it_is_another_site() -> None:
    transport = httpx.ASGITransport(app=guarded())
    async with httpx.AsyncClient(transport=transport, base_url="https://plant.example") as client:
        assert (await client.post("/change", headers={"origin": "https://plant.example"})).status_code == 200
        assert (await client.post("/change", headers={"origin": "http://plant.example"})).status_code == 403
