"""Behind a proxy that ends TLS: only one that the settings name is believed; then cookies and browsers stay on TLS."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie

import httpx
import pytest
from starlette.applications import Starlette
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from pdm_app.endpoints.wrapping import Wrapping
from pdm_app.services.metrics import Metrics
from tests.endpoints.conftest import PASSWORD, Served

PROXY, SOMEBODY = "192.0.2.80", "192.0.2.66"
ORIGIN = "https://plant.example"
GOOD = {"username": "olga", "password": PASSWORD}
SAID = {"x-forwarded-proto": "https", "x-forwarded-for": "198.51.100.7", "host": "plant.example", "origin": ORIGIN}


@asynccontextmanager
async def behind(served: Served, caller: str, trusted: list[str]) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who calls the product as a proxy does, in plain HTTP."""
    app = ProxyHeadersMiddleware(served.app, trusted)  # type: ignore[arg-type]  # Declared twice.
    transport = httpx.ASGITransport(app=app, client=(caller, 4711))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://plant.example", headers=SAID) as client:
        yield client


def jar_of(response: httpx.Response) -> SimpleCookie:
    jar: SimpleCookie = SimpleCookie()
    for line in response.headers.get_list("set-cookie"):
        jar.load(line)
    return jar


def is_secure(response: httpx.Response) -> list[bool]:
    return [bool(cookie["secure"]) for cookie in jar_of(response).values()]


@pytest.mark.parametrize("trusted", [[PROXY], ["192.0.2.80/28"]])
async def test_what_a_trusted_proxy_says_of_tls_is_believed(served: Served, trusted: list[str]) -> None:
    async with behind(served, PROXY, trusted) as client:
        response = await client.post("/api/auth/login", json=GOOD)
    assert (response.status_code, is_secure(response)) == (200, [True, True])
    assert response.headers["strict-transport-security"] == "max-age=31536000"
    actor = await served.auth.actor_of_access(jar_of(response)["pdm_access"].value)
    session = (await served.auth.sessions(actor))[0]
    assert session.address == "198.51.100.7"


@pytest.mark.parametrize(("caller", "trusted"), [(SOMEBODY, [PROXY]), (PROXY, [])])
async def test_nobody_else_makes_plain_http_look_like_tls(served: Served, caller: str, trusted: list[str]) -> None:
    async with behind(served, caller, trusted) as client:
        response = await client.post("/api/auth/login", json=GOOD)
    assert (response.status_code, is_secure(response)) == (200, [False, False])
    assert "strict-transport-security" not in response.headers


@pytest.mark.parametrize(("days", "said"), [(0, None), (30, "max-age=2592000")])
async def test_how_long_a_browser_comes_over_tls_only_is_a_setting(days: int, said: str | None) -> None:
    app = Wrapping(Starlette(), Metrics(), strict_days=days)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=ORIGIN) as client:
        assert (await client.get("/")).headers.get("strict-transport-security") == said
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://a") as client:
        assert "strict-transport-security" not in (await client.get("/")).headers
