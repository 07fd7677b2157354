"""Sign-in over HTTP: cookies, forms, foreign pages, programs."""

from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from pdm_app.domain.access import SYSTEM
from pdm_app.endpoints.auth import own_path
from tests.endpoints.conftest import ORIGIN, PASSWORD, Served

GOOD = {"username": "olga", "password": PASSWORD}


def cookies_of(response: httpx.Response) -> dict[str, Any]:
    jar: SimpleCookie = SimpleCookie()
    for header in response.headers.get_list("set-cookie"):
        jar.load(header)
    return dict(jar)


async def test_signing_in_sets_two_cookies_that_scripts_and_other_sites_do_not_get(
    browser: httpx.AsyncClient, served: Served
) -> None:
    response = await browser.post("/api/auth/login", json=GOOD)
    assert response.status_code == 200
    assert response.json()["user"]["username"] == "olga"
    jar = cookies_of(response)
    assert set(jar) == {"pdm_access", "pdm_refresh"}
    for cookie in jar.values():
        assert cookie["httponly"]
        assert cookie["samesite"] == "strict"
        assert cookie["max-age"] == str(7 * 86_400)
    assert jar["pdm_access"]["path"] == "/"
    assert jar["pdm_refresh"]["path"] == "/api/auth"
    for cookie in jar.values():
        assert cookie.value not in response.text
    actor = await served.auth.actor_of_access(jar["pdm_access"].value)
    assert actor.name == "olga"


async def test_over_tls_the_cookies_stay_on_tls(served: Served) -> None:
    async with served.client(base_url="https://plant.example") as client:
        response = await client.post("/api/auth/login", json=GOOD, headers={"origin": "https://plant.example"})
    assert all(cookie["secure"] for cookie in cookies_of(response).values())
    assert "strict-transport-security" in response.headers


async def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(browser: httpx.AsyncClient) -> None:
    answers = []
    for username in ("olga", "nobody"):
        response = await browser.post("/api/auth/login", json={"username": username, "password": "not the password"})
        error = response.json()["error"]
        error.pop("correlation_id")
        answers.append((response.status_code, error, dict(cookies_of(response))))
    assert answers[0] == answers[1]
    assert answers[0][0] == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:8001"},
        {"origin": "http://127.0.0.1.evil.example:8000"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://["},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["login", "setup", "refresh", "logout"])
async def test_a_page_of_another_site_can_neither_sign_in_nor_out(
    served: Served, headers: dict[str, str], path: str
) -> None:
    async with served.client() as client:
        await client.post("/api/auth/login", json=GOOD, headers={"origin": ORIGIN})
        response = await client.post(f"/api/auth/{path}", json=GOOD, headers=headers)
        assert response.status_code == 403
        assert response.json()["error"]["code"] == "permission_denied"
        assert not cookies_of(response)
        assert (await served.auth.actor_of_access(client.cookies["pdm_access"])).name == "olga"


async def test_an_origin_named_in_the_settings_is_our_own(served: Served) -> None:
    from pdm_app.services.origins import is_own_origin

    assert is_own_origin("https://plant.example", "10.0.0.5:8000", ("https://plant.example",))
    assert not is_own_origin("https://plant.example:8443", "10.0.0.5:8000", ("https://plant.example",))


async def test_refreshing_changes_both_cookies(browser: httpx.AsyncClient, served: Served) -> None:
    first = cookies_of(await browser.post("/api/auth/login", json=GOOD))
    await served.clock.advance(600)
    response = await browser.post("/api/auth/refresh", json={})
    assert response.status_code == 200
    second = cookies_of(response)
    assert second["pdm_access"].value != first["pdm_access"].value
    assert second["pdm_refresh"].value != first["pdm_refresh"].value
    assert second["pdm_refresh"]["max-age"] == str(7 * 86_400 - 600)


async def test_a_stolen_refresh_cookie_ends_the_session_and_takes_the_cookies_away(
    browser: httpx.AsyncClient, served: Served
) -> None:
    stolen = cookies_of(await browser.post("/api/auth/login", json=GOOD))["pdm_refresh"].value
    await browser.post("/api/auth/refresh", json={})
    await served.clock.advance(60)
    async with served.client("203.0.113.9") as thief:
        thief.cookies.set("pdm_refresh", stolen)
        response = await thief.post("/api/auth/refresh", json={})
    assert response.status_code == 401
    assert {name: cookie["max-age"] for name, cookie in cookies_of(response).items()} == {
        "pdm_access": "0",
        "pdm_refresh": "0",
    }
    assert (await browser.post("/api/auth/refresh", json={})).status_code == 401


@pytest.mark.parametrize("gone", ["pdm_access", "pdm_refresh", "none"])
async def test_signing_out_ends_the_session_whichever_cookie_is_left(
    browser: httpx.AsyncClient, served: Served, gone: str
) -> None:
    signed_in = cookies_of(await browser.post("/api/auth/login", json=GOOD))
    if gone != "none":
        browser.cookies.delete(gone)
    response = await browser.post("/api/auth/logout")
    assert response.status_code == 200
    async with served.client() as thief:
        thief.cookies.set("pdm_refresh", signed_in["pdm_refresh"].value)
        assert (await thief.post("/api/auth/refresh")).status_code == 401


async def test_signing_out_twice_is_no_error(browser: httpx.AsyncClient) -> None:
    assert (await browser.post("/api/auth/logout")).status_code == 200


async def test_a_form_is_answered_with_a_page(browser: httpx.AsyncClient) -> None:
    response = await browser.post("/api/auth/login", data={**GOOD, "next": "/asset/p-501?tab=trend"})
    assert (response.status_code, response.headers["location"]) == (303, "/asset/p-501?tab=trend")
    assert set(cookies_of(response)) == {"pdm_access", "pdm_refresh"}
    response = await browser.post("/api/auth/logout", data={"x": ""})
    assert (response.status_code, response.headers["location"]) == (303, "/login")


async def test_a_form_with_a_wrong_password_goes_back_to_the_page_with_a_code(browser: httpx.AsyncClient) -> None:
    for _ in range(5):
        response = await browser.post(
            "/api/auth/login", data={"username": "olga", "password": "guess", "next": "/alarms"}
        )
        assert response.status_code == 303
        query = parse_qs(urlsplit(response.headers["location"]).query)
        assert query == {"error": ["unauthenticated"], "next": ["/alarms"]}
    response = await browser.post("/api/auth/login", data=GOOD)
    query = parse_qs(urlsplit(response.headers["location"]).query)
    assert query["error"] == ["too_many_attempts"]
    assert query["retry_after_s"] == ["301"]


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "evil",
        "",
        None,
        7,
        "/a\r\nSet-Cookie: x=1",
        "/a b",
        "/ü",
    ],
)
def test_after_sign_in_nobody_is_sent_elsewhere(wanted: object) -> None:
    assert own_path(wanted) == "/plant"


async def test_too_many_attempts_say_when_to_come_back(browser: httpx.AsyncClient) -> None:
    for _ in range(5):
        await browser.post("/api/auth/login", json={"username": "olga", "password": "guess"})
    response = await browser.post("/api/auth/login", json=GOOD)
    assert response.status_code == 429
    assert response.headers["retry-after"] == "301"


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"", "application/json", 422),
        (b"{", "application/json", 422),
        (b"[]", "application/json", 422),
        (b"null", "application/json", 422),
        (b'{"username": "olga"}', "application/json", 422),
        (b'{"username": 1, "password": 2}', "application/json", 422),
        (b'{"username": "\\ud800", "password": "\\ud800"}', "application/json", 401),
        (b'{"username": "' + b"x" * 20_000 + b'"}', "application/json", 413),
        (b"username=olga", "application/x-www-form-urlencoded", 422),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 422),
        (b"&".join(b"a=1" for _ in range(30)), "application/x-www-form-urlencoded", 422),
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
        (b"{}", "multipart/form-data; boundary=x", 415),
    ],
)
async def test_a_malformed_sign_in_gets_a_clear_answer(
    browser: httpx.AsyncClient, content: bytes, media_type: str, status: int
) -> None:
    response = await browser.post("/api/auth/login", content=content, headers={"content-type": media_type})
    assert response.status_code in (status, 303)
    if response.status_code != 303:
        assert response.json()["error"]["message"]
        assert "Traceback" not in response.text


async def test_a_program_gets_tokens_and_no_cookies(served: Served) -> None:
    async with served.client("192.0.2.20") as program:
        response = await program.post("/api/auth/token", json=GOOD)
        assert response.status_code == 200
        assert not cookies_of(response)
        tokens = response.json()
        assert tokens["token_type"] == "Bearer"
        assert (await served.auth.actor_of_access(tokens["access_token"])).name == "olga"
        response = await program.post("/api/auth/token", json={"refresh_token": tokens["refresh_token"]})
        assert response.status_code == 200
        assert response.json()["access_token"] != tokens["access_token"]


async def test_the_refresh_cookie_of_a_page_is_no_way_to_read_tokens(browser: httpx.AsyncClient) -> None:
    await browser.post("/api/auth/login", json=GOOD)
    response = await browser.post("/api/auth/token", json={})
    assert response.status_code == 422
    assert "access_token" not in response.text


async def test_the_set_up_link_makes_the_first_admin(browser: httpx.AsyncClient, served: Served) -> None:
    token = parse_qs(urlsplit(await served.auth.setup_link(ORIGIN) or "").query)["token"][0]
    weak = await browser.post(
        "/api/auth/setup", json={"token": token, "choice": "empty", "username": "ada", "password": "short"}
    )
    assert (weak.status_code, weak.json()["error"]["issues"][0]["field"]) == (422, "password")
    response = await browser.post(
        "/api/auth/setup", json={"token": token, "choice": "empty", "username": "ada", "password": PASSWORD}
    )
    assert response.status_code == 200
    assert response.json()["user"]["role"] == "admin"
    again = await browser.post(
        "/api/auth/setup", json={"token": token, "choice": "empty", "username": "eve", "password": PASSWORD}
    )
    assert again.status_code == 409
    assert len(await served.auth.people.all(SYSTEM)) == 2


@pytest.mark.parametrize(
    "body", [{}, {"token": "x"}, {"token": "x", "choice": "restore"}, {"token": 1, "choice": "empty"}]
)
async def test_an_incomplete_set_up_names_the_field(browser: httpx.AsyncClient, body: dict[str, Any]) -> None:
    response = await browser.post("/api/auth/setup", json=body)
    assert response.status_code == 422
    assert response.json()["error"]["issues"][0]["field"] in {"token", "choice"}


async def test_a_set_up_form_that_fails_goes_back_with_its_token(browser: httpx.AsyncClient, served: Served) -> None:
    token = parse_qs(urlsplit(await served.auth.setup_link(ORIGIN) or "").query)["token"][0]
    response = await browser.post(
        "/api/auth/setup", data={"token": token, "choice": "empty", "username": "ada", "password": "short"}
    )
    query = parse_qs(urlsplit(response.headers["location"]).query)
    assert query == {"error": ["invalid_input"], "field": ["password"], "token": [token]}
