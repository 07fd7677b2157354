"""People of a real, certified provider: oidc-provider in Node, over HTTPS under a private authority."""

import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from pdm_app.directories.oidc import OidcClient
from pdm_app.domain.directories import DirectoryAwayError, DirectoryRefusedError, OidcProvider
from pdm_app.domain.samples import MICROS_PER_S, Micros
from tests.counterparts.clocks import WallClock
from tests.counterparts.oidc_browser import query_of, signed_in_there
from tests.counterparts.oidc_provider import CLIENT, PEOPLE, SECRET, OidcProviderServer, installed_provider

BACK = "http://127.0.0.1:8000/api/auth/oidc/corp/callback"
VERIFIER = "v" * 43


class LaterClock(WallClock):
    """The wall's time and some more."""

    later_s = 0

    def now(self) -> Micros:
        return Micros(super().now() + self.later_s * MICROS_PER_S)


@dataclass
class Question:
    """What one sign-in asks with."""

    client: OidcClient
    ca_file: Path
    nonce: str = "nonce-1"
    verifier: str = VERIFIER

    async def answered(self, login: str = "u-ada", amr: str = "") -> dict[str, str]:
        address = await self.client.address(BACK, "state-1", self.nonce, self.verifier)
        return query_of(await signed_in_there(address, self.ca_file, login, BACK, amr))


@pytest.fixture(scope="module")
def provider(
    need: Callable[[str, object], None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OidcProviderServer]:
    packages = installed_provider()
    need(packages if isinstance(packages, str) else "npm packages", isinstance(packages, Path))
    assert isinstance(packages, Path)
    server = OidcProviderServer(packages, tmp_path_factory.mktemp("oidc"), [BACK])
    server.start()
    yield server
    server.stop()


def client_of(
    provider: OidcProviderServer, secret: str | None = SECRET, clock: WallClock | None = None, **more: Any
) -> OidcClient:
    given = {
        "id": "corp",
        "name": "Corporate",
        "issuer": provider.issuer,
        "client_id": CLIENT,
        "ca_file": provider.ca_file,
        "timeout_s": 30,
    }

    async def read() -> str | None:
        return secret

    return OidcClient(OidcProvider.model_validate({**given, **more}), clock or WallClock(), read)


@pytest.fixture
async def client(provider: OidcProviderServer) -> AsyncIterator[OidcClient]:
    client = client_of(provider)
    yield client
    await client.close()


@pytest.fixture
def question(client: OidcClient, provider: OidcProviderServer) -> Question:
    return Question(client, provider.ca_file)


async def test_somebody_who_signs_in_there_is_known_here_with_name_address_and_groups(question: Question) -> None:
    answer = await question.answered()
    proof = await question.client.redeem(BACK, answer["code"], "nonce-1", VERIFIER, answer["iss"])
    ada = proof.person
    assert (ada.subject, ada.username, ada.display_name) == ("u-ada", "Ada.Lovelace@plant.example", "Ada Łovelace")
    assert (ada.email, ada.email_verified, ada.groups) == ("Ada@plant.example", True, ("Engineers", "Staff"))
    assert not ada.has_mfa
    assert proof.refresh_token


async def test_a_second_factor_there_counts_where_the_settings_trust_it(provider: OidcProviderServer) -> None:
    for trusted, amr, expected in ((("otp",), "otp", True), (("otp",), "", False), ((), "otp", False)):
        client = client_of(provider, mfa_values=trusted)
        answer = await Question(client, provider.ca_file).answered(amr=amr)
        proof = await client.redeem(BACK, answer["code"], "nonce-1", VERIFIER, answer["iss"])
        assert proof.person.has_mfa is expected
        await client.close()


async def redeem(client: OidcClient, answer: dict[str, str], **changes: Any) -> None:
    given = {"code": answer["code"], "nonce": "nonce-1", "verifier": VERIFIER, "iss": answer["iss"], **changes}
    await client.redeem(BACK, given["code"], given["nonce"], given["verifier"], given["iss"])


async def refusal(client: OidcClient, answer: dict[str, str], **changes: Any) -> str:
    with pytest.raises(DirectoryRefusedError) as caught:
        await redeem(client, answer, **changes)
    return str(caught.value.facts["why"])


async def test_a_code_is_good_once(question: Question) -> None:
    answer = await question.answered()
    await redeem(question.client, answer)
    assert "invalid_grant" in await refusal(question.client, answer)


async def test_a_stolen_code_is_worth_nothing_without_the_verifier(question: Question) -> None:
    assert "invalid_grant" in await refusal(question.client, await question.answered(), verifier="w" * 43)


async def test_an_answer_to_another_question_proves_nothing(question: Question) -> None:
    assert "nonce" in await refusal(question.client, await question.answered(), nonce="nonce-2")


async def test_a_wrong_client_secret_is_told_to_admins(provider: OidcProviderServer, question: Question) -> None:
    client = client_of(provider, secret="not it")
    assert "invalid_client" in await refusal(client, await question.answered())
    await client.close()


async def test_somebody_unknown_there_comes_back_with_a_refusal(question: Question) -> None:
    answer = await question.answered("nobody")
    assert answer["error"] == "access_denied"
    assert answer["state"] == "state-1"


async def test_names_and_groups_that_only_userinfo_tells_are_read(provider: OidcProviderServer, tmp_path: Path) -> None:
    other = OidcProviderServer(provider.packages, tmp_path, [BACK], tells_by_userinfo=True)
    other.start()
    client = client_of(other)
    answer = await Question(client, other.ca_file).answered()
    proof = await client.redeem(BACK, answer["code"], "nonce-1", VERIFIER, answer["iss"])
    assert proof.person.groups == ("Engineers", "Staff")
    await client.close()
    other.stop()


async def test_new_keys_of_the_provider_are_found_by_themselves(provider: OidcProviderServer) -> None:
    clock = LaterClock()
    client = client_of(provider, clock=clock)
    question = Question(client, provider.ca_file)
    await redeem(client, await question.answered())
    old_kid = provider.kid
    provider.change_keys()
    assert provider.kid != old_kid
    tls = ssl.create_default_context(cafile=str(provider.ca_file))
    async with httpx.AsyncClient(verify=tls) as asking:
        told = (await asking.get(f"{provider.issuer}/jwks")).json()
    assert [key["kid"] for key in told["keys"]] == [provider.kid]
    clock.later_s = 25
    await redeem(client, await question.answered())
    await client.close()


async def test_somebody_who_is_gone_there_is_not_renewed(provider: OidcProviderServer, question: Question) -> None:
    answer = await question.answered()
    proof = await question.client.redeem(BACK, answer["code"], "nonce-1", VERIFIER, answer["iss"])
    provider.know({**PEOPLE, "u-ada": {**PEOPLE["u-ada"], "groups": ["Guests"]}})
    again = await question.client.renew("u-ada", proof.refresh_token)
    assert (again.person.groups, again.is_whole) == (("Guests",), True)
    provider.know({"u-bob": PEOPLE["u-bob"]})
    with pytest.raises(DirectoryRefusedError) as caught:
        await question.client.renew("u-ada", again.refresh_token)
    assert caught.value.facts["code"] == "invalid_grant"
    provider.know(PEOPLE)


async def test_signing_out_there_is_offered_with_proof_of_who_it_was(question: Question) -> None:
    address = await question.client.logout_address("token", "http://127.0.0.1:8000/login")
    assert query_of(address) == {
        "client_id": CLIENT, "id_token_hint": "token", "post_logout_redirect_uri": "http://127.0.0.1:8000/login",
    }  # fmt: skip


async def test_a_provider_under_an_authority_that_nobody_named_is_away(provider: OidcProviderServer) -> None:
    client = client_of(provider, ca_file=None)
    with pytest.raises(DirectoryAwayError) as caught:
        await client.check()
    assert "certificate" in str(caught.value.facts["why"]).lower()
    await client.close()


async def test_what_a_provider_says_of_itself_can_be_checked(client: OidcClient, provider: OidcProviderServer) -> None:
    assert f"issuer {provider.issuer}" in await client.check()
