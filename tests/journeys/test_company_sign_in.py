"""Somebody signs in with the company's provider in a real browser; an admin sees the directories and tries them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from pdm_app.domain.access import Role
from tests.counterparts.oidc_provider import CLIENT, SECRET, OidcProviderServer, installed_provider
from tests.counterparts.ports import free_port
from tests.counterparts.product import RunningProduct
from tests.counterparts.slapd import GROUPS, PEOPLE, READER, READER_PASSWORD, Slapd, find_slapd

PASSWORD = "copper lantern drifts"


@pytest.fixture(scope="module")
def slapd(need: Callable[[str, object], None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    need("slapd", find_slapd())
    server = Slapd(tmp_path_factory.mktemp("slapd"))
    server.create()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def company(
    need: Callable[[str, object], None], tmp_path_factory: pytest.TempPathFactory, slapd: Slapd
) -> Iterator[RunningProduct]:
    """An empty installation that knows a provider and an LDAP directory."""
    packages = installed_provider()
    need(packages if isinstance(packages, str) else "npm packages", isinstance(packages, Path))
    assert isinstance(packages, Path)
    folder = tmp_path_factory.mktemp("company")
    port = free_port()
    here = f"http://127.0.0.1:{port}"
    provider = OidcProviderServer(packages, folder / "oidc", [f"{here}/api/auth/oidc/corp/callback"])
    provider.back_to, provider.backchannel = f"{here}/login", f"{here}/api/auth/oidc/corp/logout"
    provider.start()
    rules = [{"group": "Engineers", "role": "engineer"}, {"group": "Staff", "role": "viewer"}]
    corp = {"id": "corp", "name": "Corporate", "issuer": provider.issuer, "client_id": CLIENT, "timeout_s": 30,
            "ca_file": str(provider.ca_file), "rules": rules}  # fmt: skip
    plant = {"id": "plant", "name": "Plant directory", "url": slapd.url, "ca_file": str(slapd.ca_file), "timeout_s": 30,
             "bind_dn": READER, "base_dn": PEOPLE, "group_base_dn": GROUPS, "rules": rules}  # fmt: skip
    environment = {
        "PDM_AUTH__OIDC": json.dumps([corp]),
        "PDM_AUTH__LDAP": json.dumps([plant]),
        "PDM_AUTH__MFA_REQUIRED_ROLES": "[]",
    }
    product = RunningProduct(folder / "data", "serve", environment)
    product.port = port
    product.start()
    yield product
    product.kill()
    provider.stop()


def test_an_admin_enters_secrets_and_tries_the_directories_and_a_colleague_signs_in(
    company: RunningProduct, page: Page, browser: Browser, errors: list[str]
) -> None:
    page.goto(company.url + company.setup_path)
    set_up = {"token": company.setup_path.partition("token=")[2], "choice": "empty", "username": "ada.admin",
              "display_name": "Ada", "password": PASSWORD}  # fmt: skip
    assert page.request.post(f"{company.url}/api/auth/setup", data=set_up, headers={"origin": company.url}).ok

    page.goto(f"{company.url}/settings/sign-in")
    for name, label, secret in (
        ("Corporate", "Client secret", SECRET),
        ("Plant directory", "Password of our bind", READER_PASSWORD),
    ):
        card = page.get_by_label(name, exact=True)
        card.get_by_role("button", name="Enter").click()
        card.get_by_label(label).fill(secret)
        card.get_by_role("button", name="Save").click()
        expect(card.get_by_text("is kept encrypted")).to_be_visible()
        card.get_by_role("button", name="Check").click()
        expect(card.get_by_text("It answers.")).to_be_visible()
    card.get_by_label("Username").fill("ada")
    card.get_by_role("button", name="Look up").click()
    expect(card.get_by_text("Would sign in as engineer")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert errors == []

    colleague = browser.new_context(viewport={"width": 390, "height": 844}, ignore_https_errors=True)
    hers = colleague.new_page()
    hers.goto(f"{company.url}/login?next=%2Falarms")
    hers.get_by_role("link", name="Sign in with Corporate").click()
    hers.locator("input[name=login]").fill("u-ada")
    hers.locator("#in").click()
    hers.wait_for_url("**/alarms")
    expect(hers.get_by_role("heading", level=1)).to_contain_text("Active alarms")
    me = hers.request.get(f"{company.url}/trpc/auth.me").json()["result"]["data"]
    assert (me["username"], me["role"]) == ("ada.lovelace", Role.ENGINEER)
    colleague.close()

    stranger = browser.new_context(ignore_https_errors=True)
    his = stranger.new_page()
    his.goto(f"{company.url}/login")
    his.get_by_role("link", name="Sign in with Corporate").click()
    his.locator("input[name=login]").fill("u-bob")
    his.locator("#in").click()
    expect(his.get_by_text("Corporate knows you, but none of your groups")).to_be_visible()
    his.get_by_label("Username").fill("ada")
    his.get_by_label("Password").fill("quartz under rain")
    his.get_by_role("button", name="Sign in", exact=True).click()
    his.wait_for_url("**/fleet")  # Where engineers begin.
    stranger.close()
