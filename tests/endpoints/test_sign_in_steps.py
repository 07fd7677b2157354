"""Sign-in in steps over HTTP: no cookie before the last one, and nothing of a link in any log or address."""

from typing import Any

import httpx
import pyotp
import pytest

from pdm_app.domain.access import SYSTEM, Role
from pdm_app.domain.credentials import Preferences
from tests.endpoints.conftest import ORIGIN, PASSWORD, Served
from tests.endpoints.test_auth import cookies_of

OTHER = "granite whispers twice"


def code_at(served: Served, typed: str) -> str:
    return pyotp.TOTP(typed.replace(" ", "")).at(int(served.clock.now()) // 1_000_000)


async def answer(browser: httpx.AsyncClient, path: str, **body: Any) -> tuple[int, dict[str, Any], httpx.Response]:
    response = await browser.post(f"/api/auth/{path}", json=body)
    return response.status_code, response.json(), response


async def test_an_admin_sets_an_app_up_on_the_way_in_and_gets_cookies_with_the_last_step(
    browser: httpx.AsyncClient, served: Served
) -> None:
    await served.auth.people.add(SYSTEM, "ada", PASSWORD, Role.ADMIN, must_change=True)
    _, told, response = await answer(browser, "login", username="ada", password=PASSWORD)
    assert (told["step"], cookies_of(response)) == ("password", {})
    _, told, response = await answer(browser, "step", challenge=told["challenge"], answer=OTHER)
    assert (told["step"], cookies_of(response)) == ("enrol", {})
    assert told["enrolment"]["qr_svg"].startswith("<svg")
    status, refused, response = await answer(browser, "step", challenge=told["challenge"], answer="000000")
    assert (status, refused["error"]["code"], cookies_of(response)) == (422, "invalid_input", {})
    assert refused["error"]["issues"][0]["field"] == "code"
    code = code_at(served, told["enrolment"]["typed"])
    status, done, response = await answer(browser, "step", challenge=told["challenge"], answer=code, next="/alarms")
    assert (status, done["next"], len(done["recovery_codes"])) == (200, "/alarms", 10)
    assert set(cookies_of(response)) == {"pdm_access", "pdm_refresh"}

    await served.clock.advance(60)
    _, told, response = await answer(browser, "login", username="ada", password=OTHER)
    assert (told["step"], told["enrolment"], cookies_of(response)) == ("code", None, {})
    _, done, response = await answer(
        browser, "step", challenge=told["challenge"], answer=done["recovery_codes"][0].upper()
    )
    assert done["user"]["username"] == "ada"
    assert set(cookies_of(response)) == {"pdm_access", "pdm_refresh"}


async def test_a_program_sends_its_code_with_the_password_or_is_told_what_is_missing(
    browser: httpx.AsyncClient, served: Served
) -> None:
    actor = await served.auth.actor_of_session((await served.auth.sign_in("olga", PASSWORD, "")).session_id)
    typed = (await served.auth.profile.begin_mfa(actor, PASSWORD)).typed
    await served.auth.profile.confirm_mfa(actor, code_at(served, typed))
    await served.clock.advance(60)
    status, told, response = await answer(browser, "token", username="olga", password=PASSWORD)
    assert (status, cookies_of(response)) == (401, {})
    assert "one more step to sign in: code" in told["error"]["message"]
    status, told, _ = await answer(browser, "token", username="olga", password=PASSWORD, code=code_at(served, typed))
    assert status == 200
    assert (await served.auth.actor_of_access(told["access_token"])).name == "olga"


async def test_a_form_without_scripts_cannot_skip_a_step(browser: httpx.AsyncClient, served: Served) -> None:
    await served.auth.people.add(SYSTEM, "ada", PASSWORD, Role.ADMIN)
    response = await browser.post("/api/auth/login", data={"username": "ada", "password": PASSWORD})
    assert response.status_code == 303
    assert response.headers["location"].startswith("/login?error=unauthenticated")
    assert cookies_of(response) == {}


async def test_a_link_opens_once_and_its_token_is_in_no_log(
    browser: httpx.AsyncClient, served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    link = await served.auth.links.invite(SYSTEM, "nina", Role.VIEWER, "Nina")
    token = link.path.partition("#")[2]
    status, view, _ = await answer(browser, "link", token=token)
    assert (status, view["username"], view["purpose"]) == (200, "nina", "invite")
    status, done, response = await answer(browser, "accept", token=token, password=PASSWORD)
    assert (status, done["user"]["username"]) == (200, "nina")
    assert set(cookies_of(response)) == {"pdm_access", "pdm_refresh"}
    for path, more in (("link", {}), ("accept", {"password": OTHER})):
        status, told, _ = await answer(browser, path, token=token, **more)
        assert (status, told["error"]["code"]) == (401, "unauthenticated")
    said = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    for secret in (token, PASSWORD):
        assert secret not in said


@pytest.mark.parametrize("path", ["step", "link", "accept", "strength"])
async def test_pages_of_other_sites_and_wrong_bodies_are_refused(
    browser: httpx.AsyncClient, served: Served, path: str
) -> None:
    body = {"challenge": "x", "answer": "x", "token": "x", "password": "x", "username": "x"}
    foreign = await browser.post(f"/api/auth/{path}", json=body, headers={"origin": "https://evil.example"})
    assert foreign.status_code == 403
    as_form = await browser.post(f"/api/auth/{path}", data=body, headers={"origin": ORIGIN})
    assert as_form.status_code == 415
    for wrong in ({}, dict.fromkeys(body, 7), dict.fromkeys(body)):
        assert (await browser.post(f"/api/auth/{path}", json=wrong)).status_code == 422
    assert (await browser.post(f"/api/auth/{path}", json=dict.fromkeys(body, "x" * 20000))).status_code == 413


async def test_strength_is_told_while_a_password_is_chosen(browser: httpx.AsyncClient) -> None:
    told = {}
    for password in ("short", "sunshine12", "olga is here 7", "vT7#kq9Lw2", "copper lantern drifts"):
        _, strength, _ = await answer(browser, "strength", password=password, username="olga")
        told[password] = (strength["level"], bool(strength["problem"]))
    assert told == {
        "short": (0, True),
        "sunshine12": (0, True),
        "olga is here 7": (0, True),
        "vT7#kq9Lw2": (1, False),
        "copper lantern drifts": (4, False),
    }


async def test_each_role_begins_with_the_page_that_answers_its_first_question(
    browser: httpx.AsyncClient, served: Served
) -> None:
    _, told, _ = await answer(browser, "login", username="olga", password=PASSWORD)
    assert (told["next"], told["preferences"]["home"]) == ("/production/shift", "role")
    assert Preferences().first_page(Role.MANAGER) == "/operations"
    assert Preferences().first_page(Role.VIEWER) == "/plant"
    assert Preferences(home="/alarms").first_page(Role.MANAGER) == "/alarms"


async def test_whoever_likes_another_first_page_lands_there(browser: httpx.AsyncClient, served: Served) -> None:
    actor = await served.auth.actor_of_session((await served.auth.sign_in("olga", PASSWORD, "")).session_id)
    preferences = (await served.auth.profile.show(actor)).preferences
    await served.auth.profile.prefer(actor, preferences.model_copy(update={"home": "/alarms", "theme": "dark"}))
    _, told, _ = await answer(browser, "login", username="olga", password=PASSWORD)
    assert (told["next"], told["preferences"]["theme"]) == ("/alarms", "dark")
    _, told, _ = await answer(browser, "login", username="olga", password=PASSWORD, next="/devices")
    assert told["next"] == "/devices"
