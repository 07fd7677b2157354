"""Sign-in with a real provider, from our button to theirs and back, and what others try on the way."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from starlette.applications import Starlette

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Role
from pdm_app.domain.directories import Doors, OidcProvider
from pdm_app.domain.errors import UnauthenticatedError
from pdm_app.endpoints.routes import routes
from pdm_app.endpoints.wrapping import Wrapping
from pdm_app.services.auth import AuthService
from pdm_app.services.passwords import PasswordHasher
from pdm_app.services.sign_in import Visit
from pdm_app.settings import Settings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import WallClock
from tests.counterparts.letter_box import letter_box
from tests.counterparts.oidc_browser import browser, query_of, signed_in_by, signed_in_there
from tests.counterparts.oidc_provider import CLIENT, PEOPLE, SECRET, OidcProviderServer, installed_provider
from tests.endpoints.conftest import ORIGIN, PASSWORD, Served
from tests.services.directory_plant import doors_to, oidc_directory

BEGIN, BACK = "/api/auth/oidc/corp/begin", "/api/auth/oidc/corp/callback"
FROM_ELSEWHERE = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}


class LaterClock(WallClock):
    """The wall's time and some more."""

    later_s = 0

    def now(self) -> Any:
        return super().now() + self.later_s * 1_000_000


@pytest.fixture(scope="module")
def letters() -> Queue[bytes]:
    """What the provider has told of sign-outs, in place of the product, which has no port here."""
    return Queue()


@pytest.fixture(scope="module")
def provider(
    need: Callable[[str, object], None], tmp_path_factory: pytest.TempPathFactory, letters: Queue[bytes]
) -> Iterator[OidcProviderServer]:
    packages = installed_provider()
    need(packages if isinstance(packages, str) else "npm packages", isinstance(packages, Path))
    assert isinstance(packages, Path)
    server = OidcProviderServer(packages, tmp_path_factory.mktemp("oidc"), [f"{ORIGIN}{BACK}"])
    with letter_box(letters) as address:
        server.backchannel = address
        server.start()
        yield server
        server.stop()


FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass
class Plant:
    """The product over a provider whose settings a test chooses."""

    served: Served
    provider: OidcProviderServer
    work: SqlUnitOfWork
    hasher: PasswordHasher
    folder: Path
    clock: LaterClock = field(default_factory=LaterClock)
    doors: list[Doors] = field(default_factory=list)

    def use(self, *more: OidcProvider, **settings: Any) -> None:
        """Serve with these settings of the provider, and perhaps further ones."""
        first = oidc_directory(self.provider.issuer, CLIENT, self.provider.ca_file, **settings)
        doors = doors_to(self.clock, first, *more, secret=SECRET)
        self.doors.append(doors)
        chosen = Settings(data_dir=self.folder / "data")
        self.served.auth = AuthService(self.work, self.clock, chosen, self.hasher, doors=doors)
        found = routes(lambda: self.served, chosen, self.served.metrics)
        self.served.app = Wrapping(Starlette(routes=found), self.served.metrics)

    async def begun(self, client: httpx.AsyncClient, path: str = BEGIN, **query: str) -> str:
        """Press the button; return where it leads."""
        answer = await client.get(f"{path}?{urlencode(query)}")
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    async def sign_in(
        self, client: httpx.AsyncClient, login: str = "u-ada", amr: str = "", **query: str
    ) -> httpx.Response:
        """Do it all and return our last answer."""
        address = await self.begun(client, **query)
        return await client.get(await self.there(address, login, amr), headers=FROM_ELSEWHERE)

    async def there(self, address: str, login: str = "u-ada", amr: str = "") -> str:
        return await signed_in_there(address, self.provider.ca_file, login, ORIGIN, amr)

    async def audited(self, action: str) -> list[str]:
        async with self.work(EVERY_SITE) as work:
            return [entry.reason for entry in await work.audit.after(None, 500) if entry.action == action]

    async def close(self) -> None:
        for doors in self.doors:
            await doors.close()


@pytest.fixture
async def plant(
    served: Served, provider: OidcProviderServer, work: SqlUnitOfWork, hasher: PasswordHasher, tmp_path: Path
) -> AsyncIterator[Plant]:
    plant = Plant(served, provider, work, hasher, tmp_path)
    plant.use()
    yield plant
    await plant.close()


@pytest.fixture
async def client(plant: Plant) -> AsyncIterator[httpx.AsyncClient]:
    async with plant.served.client() as client:
        yield client


def refusal(answer: httpx.Response) -> str:
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?")
    assert "pdm_access" not in answer.headers.get("set-cookie", "")
    return query_of(answer.headers["location"])["refused"]


async def whoami(plant: Plant, client: httpx.AsyncClient) -> str:
    actor = await plant.served.auth.actor_of_access(client.cookies.get("pdm_access") or "")
    return f"{actor.name} {actor.role}"


async def test_the_button_leads_there_and_back_into_an_account_with_the_role_of_the_groups(
    plant: Plant, client: httpx.AsyncClient
) -> None:
    answer = await plant.sign_in(client, next="/alarms?state=new")
    assert answer.headers["location"] == "/alarms?state=new"
    assert await whoami(plant, client) == "ada.lovelace engineer"
    cookies = answer.headers.get_list("set-cookie")
    assert all("HttpOnly" in cookie for cookie in cookies)
    assert all("strict" in cookie.lower() for cookie in cookies if "pdm_access" in cookie or "pdm_refresh" in cookie)
    assert (await plant.audited("users.created"))[-1] == "first sign-in with Corporate"


async def test_somebody_signed_in_there_already_is_not_asked_again(plant: Plant, client: httpx.AsyncClient) -> None:
    async with browser(plant.provider.ca_file) as there:
        await signed_in_by(there, await plant.begun(client), "u-ada", ORIGIN)
        back = await signed_in_by(there, await plant.begun(client), "somebody else would fail", ORIGIN)
    await client.get(back)
    assert await whoami(plant, client) == "ada.lovelace engineer"


async def test_somebody_in_no_group_of_a_rule_reads_so_on_our_page(plant: Plant, client: httpx.AsyncClient) -> None:
    answer = await plant.sign_in(client, "u-bob", next="/alarms")
    assert refusal(answer) == "no_rule"
    assert query_of(answer.headers["location"]) == {"refused": "no_rule", "directory": "corp", "next": "/alarms"}
    assert await plant.audited("sessions.refused") == ["Corporate: no_rule"]


async def test_somebody_who_gives_up_there_or_is_unknown_there_is_back_on_our_page(
    plant: Plant, client: httpx.AsyncClient
) -> None:
    assert refusal(await plant.sign_in(client, "nobody")) == "cancelled"


async def test_our_own_second_factor_is_asked_unless_the_provider_is_trusted_with_it(
    plant: Plant, client: httpx.AsyncClient
) -> None:
    rules = [{"group": "Engineers", "role": "admin"}]
    plant.use(rules=rules)
    answer = await plant.sign_in(client, next="/alarms")
    assert answer.headers["location"] == "/login?resume=1&next=%2Falarms"
    assert "pdm_access" not in client.cookies
    owed = await client.post("/api/auth/oidc/resume", json={}, headers={"origin": ORIGIN})
    assert owed.json()["step"] == "enrol"
    assert owed.json()["enrolment"]["qr_svg"]
    assert (await client.post("/api/auth/oidc/resume", json={}, headers={"origin": ORIGIN})).status_code == 200
    plant.use(rules=rules, mfa_values=["otp"])
    assert (await plant.sign_in(client, amr="")).headers["location"].startswith("/login?resume")
    assert (await plant.sign_in(client, amr="otp")).headers["location"] == "/plant"
    assert await whoami(plant, client) == "ada.lovelace admin"


async def test_the_step_that_is_owed_opens_a_session_of_the_provider(plant: Plant, client: httpx.AsyncClient) -> None:
    import pyotp

    plant.use(rules=[{"group": "Engineers", "role": "admin"}])
    await plant.sign_in(client)
    owed = (await client.post("/api/auth/oidc/resume", json={}, headers={"origin": ORIGIN})).json()
    code = pyotp.TOTP(owed["enrolment"]["typed"].replace(" ", "")).now()
    answer = await client.post(
        "/api/auth/step", json={"challenge": owed["challenge"], "answer": code}, headers={"origin": ORIGIN}
    )
    assert answer.status_code == 200, answer.text
    actor = await plant.served.auth.actor_of_access(client.cookies["pdm_access"])
    async with plant.work(EVERY_SITE) as work:
        assert await work.identities.session(str(actor.session_id)) is not None


async def test_nobody_resumes_what_another_browser_began(plant: Plant, client: httpx.AsyncClient) -> None:
    plant.use(rules=[{"group": "Engineers", "role": "admin"}])
    await plant.sign_in(client)
    async with plant.served.client() as other:
        assert (await other.post("/api/auth/oidc/resume", json={})).status_code == 401
    plant.clock.later_s = 601
    assert (await client.post("/api/auth/oidc/resume", json={})).status_code == 401
    foreign = {"origin": "https://evil.example"}
    assert (await client.post("/api/auth/oidc/resume", json={}, headers=foreign)).status_code == 403


# --- what others try -------------------------------------------------------------------------------------------------


async def test_an_answer_with_another_state_is_refused(plant: Plant, client: httpx.AsyncClient) -> None:
    query = query_of(await plant.there(await plant.begun(client)))
    for state in ("", "x", "A" * 43, query["state"][:-1] + "_", "é" * 43):
        changed = urlencode({**query, "state": state})
        assert refusal(await client.get(f"{BACK}?{changed}")) == "stale"


async def test_an_answer_is_taken_once(plant: Plant, client: httpx.AsyncClient) -> None:
    back = await plant.there(await plant.begun(client))
    assert (await client.get(back)).headers["location"] == "/fleet"
    client.cookies.clear()
    assert refusal(await client.get(back)) == "stale"


async def test_an_answer_is_taken_only_from_the_browser_that_asked(plant: Plant, client: httpx.AsyncClient) -> None:
    """Or somebody could send a victim an answer of their own, and have them work in a foreign account."""
    back = await plant.there(await plant.begun(client))
    async with plant.served.client() as victim:
        assert refusal(await victim.get(back, headers=FROM_ELSEWHERE)) == "stale"
    assert refusal(await client.get(back)) == "stale"  # The question is used up, whoever came with it.


async def test_an_answer_that_took_too_long_is_refused(plant: Plant, client: httpx.AsyncClient) -> None:
    back = await plant.there(await plant.begun(client))
    plant.clock.later_s = 601
    assert refusal(await client.get(back)) == "stale"


async def test_a_code_for_one_provider_is_not_handed_to_another(plant: Plant, client: httpx.AsyncClient) -> None:
    """The mix-up attack: the answer of one provider arrives at the address of another."""
    plant.use(oidc_directory("http://127.0.0.1:1", "evil", id="evil", name="Evil"))
    query = query_of(await plant.there(await plant.begun(client)))
    assert refusal(await client.get(f"/api/auth/oidc/evil/callback?{urlencode(query)}")) == "stale"


async def test_an_answer_that_names_another_issuer_is_refused(plant: Plant, client: httpx.AsyncClient) -> None:
    query = query_of(await plant.there(await plant.begun(client)))
    changed = urlencode({**query, "iss": "https://evil.example"})
    assert refusal(await client.get(f"{BACK}?{changed}")) == "unproven"
    assert "https://evil.example" in (await plant.audited("sessions.refused"))[0]


async def test_a_code_of_somebody_else_is_refused(plant: Plant, client: httpx.AsyncClient) -> None:
    """A stolen code, put into an answer to one's own question: the verifier does not fit it."""
    stolen = query_of(await plant.there(await plant.begun(client)))["code"]
    query = query_of(await plant.there(await plant.begun(client), "u-bob"))
    assert refusal(await client.get(f"{BACK}?{urlencode({**query, 'code': stolen})}")) == "unproven"


@pytest.mark.parametrize(
    "path", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb"]
)
async def test_nobody_is_sent_elsewhere_after_signing_in(plant: Plant, client: httpx.AsyncClient, path: str) -> None:
    assert (await plant.sign_in(client, next=path)).headers["location"] == "/fleet"


async def test_pages_of_other_sites_begin_nothing_with_a_cookie_of_ours(
    plant: Plant, client: httpx.AsyncClient
) -> None:
    await plant.sign_in(client)
    client.headers["sec-fetch-site"] = "cross-site"
    assert (await client.get(BEGIN)).status_code in (303, 403)


async def test_a_provider_that_is_away_or_unknown_is_said_on_our_page(plant: Plant, client: httpx.AsyncClient) -> None:
    plant.use(oidc_directory("http://127.0.0.1:1", "x", id="away", name="Away"))
    assert query_of((await client.get("/api/auth/oidc/away/begin")).headers["location"])["refused"] == "away"
    assert (await client.get("/api/auth/oidc/nowhere/begin")).status_code == 404
    assert (await client.get("/api/auth/oidc/nowhere/callback?state=x")).status_code == 404


async def test_a_huge_answer_is_no_trouble(plant: Plant, client: httpx.AsyncClient) -> None:
    await plant.begun(client)
    assert refusal(await client.get(f"{BACK}?code={'c' * 20_000}&state={'s' * 8_000}")) == "stale"


# --- the end of a session --------------------------------------------------------------------------------------------


async def test_signing_out_leads_to_the_page_of_the_provider_where_it_is_asked_too(
    plant: Plant, client: httpx.AsyncClient
) -> None:
    await plant.sign_in(client)
    answer = await client.post("/api/auth/logout", json={}, headers={"origin": ORIGIN})
    page = answer.json()["next"]
    assert page.startswith(f"{plant.provider.issuer}/session/end?")
    assert query_of(page)["post_logout_redirect_uri"] == f"{ORIGIN}/login"
    async with browser(plant.provider.ca_file) as there:
        assert (await there.get(page)).status_code == 200
    await plant.served.auth.people.add(SYSTEM, "max", PASSWORD, Role.VIEWER)
    await client.post("/api/auth/login", json={"username": "max", "password": PASSWORD}, headers={"origin": ORIGIN})
    answer = await client.post("/api/auth/logout", json={}, headers={"origin": ORIGIN})
    assert answer.json() == {"signed_out": True}


async def test_a_session_ends_when_the_provider_says_its_owner_has_left(
    plant: Plant, client: httpx.AsyncClient
) -> None:
    await plant.sign_in(client)
    actor = await plant.served.auth.actor_of_access(client.cookies["pdm_access"])
    async with plant.work(EVERY_SITE) as work:
        row = await work.identities.session(str(actor.session_id))
    assert row is not None
    assert row.sid
    for body in ({"other": "x"}, {"logout_token": "x"}, {"logout_token": "a.b.c"}):
        assert (await client.post("/api/auth/oidc/corp/logout", data=body)).status_code == 400
    assert await whoami(plant, client) == "ada.lovelace engineer"


async def test_the_provider_tells_us_of_a_sign_out_there_and_the_session_is_over_at_once(
    plant: Plant, client: httpx.AsyncClient, letters: Queue[bytes]
) -> None:
    async with browser(plant.provider.ca_file) as there:
        await client.get(await signed_in_by(there, await plant.begun(client), "u-ada", ORIGIN))
        assert await whoami(plant, client) == "ada.lovelace engineer"
        page = await there.get(f"{plant.provider.issuer}/session/end")
        form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
        await there.post(f"{plant.provider.issuer}/session/end/confirm", data={**form, "logout": "yes"})
    letter = await asyncio.to_thread(letters.get, timeout=90)
    answer = await client.post("/api/auth/oidc/corp/logout", content=letter, headers=FORM)
    assert (answer.status_code, answer.json()) == (200, {"ended": 1})
    with pytest.raises(UnauthenticatedError):
        await whoami(plant, client)
    assert (await client.post("/api/auth/oidc/corp/logout", content=letter, headers=FORM)).status_code == 400


async def test_somebody_who_is_gone_there_is_out_at_the_next_renewal(plant: Plant, client: httpx.AsyncClient) -> None:
    plant.use(recheck_minutes=0)
    await plant.sign_in(client)
    same = {"origin": ORIGIN}
    for _ in range(2):  # With the refresh token of the sign-in, and with the one that came for it.
        assert (await client.post("/api/auth/refresh", json={}, headers=same)).status_code == 200
    assert await whoami(plant, client) == "ada.lovelace engineer"
    plant.provider.know({**PEOPLE, "u-ada": {**PEOPLE["u-ada"], "groups": ["Staff"]}})
    try:
        assert (await client.post("/api/auth/refresh", json={}, headers=same)).status_code == 200
        assert await whoami(plant, client) == "ada.lovelace operator"
        plant.provider.know({"u-bob": PEOPLE["u-bob"]})
        assert (await client.post("/api/auth/refresh", json={}, headers=same)).status_code == 401
        assert await plant.audited("sessions.not_renewed") == ["Corporate does not vouch for it any more"]
    finally:
        plant.provider.know(PEOPLE)


async def test_local_accounts_sign_in_while_the_provider_is_away(plant: Plant) -> None:
    await plant.served.auth.begin_sign_in("olga", PASSWORD, Visit("192.0.2.7"))
