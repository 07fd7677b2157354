"""Answers that a good provider never gives: each is refused for the reason that is its own."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pdm_app.directories.id_tokens import LOGOUT_EVENT
from pdm_app.directories.oidc import OidcClient
from pdm_app.domain.directories import DirectoryAwayError, DirectoryRefusedError, LogoutNotice, OidcProvider, Proof
from pdm_app.domain.samples import MICROS_PER_S, Micros
from tests.counterparts.clocks import WallClock
from tests.counterparts.crooked_provider import CLIENT, CrookedProvider, crooked_provider

BACK = "http://127.0.0.1:8000/api/auth/oidc/corp/callback"


class LaterClock(WallClock):
    """The wall's time and some more."""

    later_s = 0.0

    def now(self) -> Micros:
        return Micros(super().now() + round(self.later_s * MICROS_PER_S))


@pytest.fixture
def crook() -> Iterator[CrookedProvider]:
    with crooked_provider() as provider:
        yield provider


@pytest.fixture
def clock() -> LaterClock:
    return LaterClock()


def client_of(crook: CrookedProvider, clock: LaterClock, **more: Any) -> OidcClient:
    async def no_secret() -> str | None:
        return None

    given = {"id": "corp", "name": "Corporate", "issuer": crook.issuer, "client_id": CLIENT, "timeout_s": 20}
    return OidcClient(OidcProvider.model_validate({**given, **more}), clock, no_secret)


@pytest.fixture
async def client(crook: CrookedProvider, clock: LaterClock) -> AsyncIterator[OidcClient]:
    client = client_of(crook, clock)
    yield client
    await client.close()


async def redeemed(client: OidcClient, iss: str | None = None) -> Proof:
    return await client.redeem(BACK, "code", "nonce-1", "v" * 43, iss)


async def refusal(client: OidcClient, iss: str | None = None) -> str:
    with pytest.raises(DirectoryRefusedError) as caught:
        await redeemed(client, iss)
    assert "did not prove who you are" in caught.value.message
    return str(caught.value.facts["why"])


async def test_what_all_attacks_here_are_made_from_is_good(crook: CrookedProvider, client: OidcClient) -> None:
    crook.hand_over(crook.signed(crook.claims()))
    assert (await redeemed(client)).person.subject == "mallory"


NOW = int(time.time())  # When the tests are collected; theirs may come an hour later.
DAY_S = 86_400
BAD_CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "another client": ({"aud": "somebody-else"}, "Audience"),
    "two clients and no word for whom": ({"aud": [CLIENT, "somebody-else"]}, "made for the client"),
    "made for another client that shows it here": ({"aud": [CLIENT, "b"], "azp": "b"}, "made for the client"),
    "a foreign issuer": ({"iss": "https://evil.example"}, "issuer"),
    "an issuer with a slash more": ({"iss": "http://127.0.0.1/"}, "issuer"),
    "no issuer": ({"iss": None}, "iss"),
    "another nonce": ({"nonce": "nonce-2"}, "nonce"),
    "no nonce": ({"nonce": None}, "nonce"),
    "a nonce that is no text": ({"nonce": ["nonce-1"]}, "nonce"),
    "over": ({"iat": NOW - 500, "exp": NOW - 120}, "ended"),
    "no end": ({"exp": None}, "until when"),
    "no beginning": ({"iat": None}, "iat"),
    "of long ago": ({"iat": NOW - 4000, "exp": NOW + DAY_S}, "ago"),
    "not yet": ({"iat": NOW + DAY_S, "exp": NOW + 2 * DAY_S}, "begins in"),
    "not before later": ({"nbf": NOW + DAY_S}, "begins in"),
    "times in words": ({"exp": "tomorrow"}, "no numbers"),
    "nobody": ({"sub": None}, "who it is about"),
    "a subject that is no text": ({"sub": 7}, ""),
    "a subject of a book's length": ({"sub": "x" * 256}, "who it is about"),
    "another access token": ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "access token"),
}


@pytest.mark.parametrize("name", BAD_CLAIMS)
async def test_a_token_with_wrong_claims_proves_nothing(crook: CrookedProvider, client: OidcClient, name: str) -> None:
    changes, expected = BAD_CLAIMS[name]
    crook.hand_over(crook.signed(crook.claims(**changes)))
    assert expected in await refusal(client)


def unsigned(crook: CrookedProvider) -> str:
    return jwt.encode(crook.claims(), "", algorithm="none", headers={"kid": "k1"})


def under_the_public_key(crook: CrookedProvider) -> str:
    """An HMAC whose secret everybody knows: the public key. The library refuses to make one, so by hand."""
    pem = crook.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    def part(content: bytes) -> bytes:
        return base64.urlsafe_b64encode(content).rstrip(b"=")

    body = b".".join(part(json.dumps(piece).encode()) for piece in ({"alg": "HS256", "kid": "k1"}, crook.claims()))
    return b".".join((body, part(hmac.digest(pem, body, hashlib.sha256)))).decode()


def of_another_key(crook: CrookedProvider) -> str:
    return crook.signed(crook.claims(), key=rsa.generate_private_key(65537, 2048))


def of_another_kind_of_key(crook: CrookedProvider) -> str:
    return crook.signed(crook.claims(), "ES256", ec.generate_private_key(ec.SECP256R1()))


def of_an_unknown_key(crook: CrookedProvider) -> str:
    return crook.signed(crook.claims(), kid="k9")


def with_a_key_of_its_own(crook: CrookedProvider) -> str:
    own = rsa.generate_private_key(65537, 2048)
    return crook.signed(crook.claims(), key=own, jwk=crook.public(own))


def with_a_demand(crook: CrookedProvider) -> str:
    return crook.signed(crook.claims(), crit=["exp"])


def changed_after_signing(crook: CrookedProvider) -> str:
    head, _, signature = crook.signed(crook.claims()).split(".")
    other = crook.signed(crook.claims(sub="admin")).split(".")[1]
    return f"{head}.{other}.{signature}"


FORGED: tuple[Callable[[CrookedProvider], str], ...] = (
    unsigned, under_the_public_key, of_another_key, of_another_kind_of_key, of_an_unknown_key, with_a_key_of_its_own,
    with_a_demand, changed_after_signing,
)  # fmt: skip


@pytest.mark.parametrize("forge", FORGED, ids=lambda forge: forge.__name__)
async def test_a_forged_token_proves_nothing(
    crook: CrookedProvider, client: OidcClient, forge: Callable[[CrookedProvider], str]
) -> None:
    crook.hand_over(forge(crook))
    assert await refusal(client)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "." * 100_000, "e30.e30.", {"alg": "none"}, None])
async def test_what_is_no_token_at_all_proves_nothing(crook: CrookedProvider, client: OidcClient, token: Any) -> None:
    crook.hand_over(token)
    assert await refusal(client)


async def test_a_weak_key_and_one_for_secrets_sign_nothing(crook: CrookedProvider, client: OidcClient) -> None:
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - meant
    crook.answers["/keys"] = (200, {"keys": [crook.public(weak), {"kty": "oct", "k": "AAAA", "kid": "k1"}, 7, {}]})
    with pytest.warns(jwt.warnings.InsecureKeyLengthWarning):
        crook.hand_over(crook.signed(crook.claims(), key=weak))
    assert "none of the provider's keys" in await refusal(client)


async def test_unknown_keys_are_asked_for_once_and_not_for_every_forgery(
    crook: CrookedProvider, client: OidcClient, clock: LaterClock
) -> None:
    crook.hand_over(of_an_unknown_key(crook))
    for _ in range(5):
        await refusal(client)
    assert crook.asked.count("/keys") == 1
    clock.later_s = 25
    await refusal(client)
    assert crook.asked.count("/keys") == 2


async def test_clocks_may_be_apart_by_what_the_settings_say_and_not_more(
    crook: CrookedProvider, client: OidcClient, clock: LaterClock
) -> None:
    crook.hand_over(crook.signed(crook.claims()))
    for later_s, is_good in ((350, True), (-50, True), (370, False), (-70, False)):
        clock.later_s = later_s
        if is_good:
            await redeemed(client)
        else:
            await refusal(client)


async def test_an_answer_of_another_provider_is_not_redeemed(crook: CrookedProvider, client: OidcClient) -> None:
    crook.hand_over(crook.signed(crook.claims()))
    assert "https://evil.example" in await refusal(client, "https://evil.example")
    assert "/token" not in crook.asked
    await redeemed(client, crook.issuer)


async def test_a_provider_that_always_says_who_it_is_must_say_so(crook: CrookedProvider, clock: LaterClock) -> None:
    crook.describe(authorization_response_iss_parameter_supported=True)
    client = client_of(crook, clock)
    crook.hand_over(crook.signed(crook.claims()))
    assert "does not say which provider" in await refusal(client)
    await redeemed(client, crook.issuer)
    await client.close()


async def test_userinfo_about_somebody_else_is_not_mixed_in(crook: CrookedProvider, clock: LaterClock) -> None:
    crook.describe(userinfo_endpoint=f"{crook.issuer}/userinfo")
    crook.hand_over(crook.signed(crook.claims(groups=["mine"])))
    client = client_of(crook, clock)
    crook.answers["/userinfo"] = (200, {"sub": "admin", "groups": ["admins"]})
    assert "somebody else" in await refusal(client)
    crook.answers["/userinfo"] = (200, {"sub": "mallory", "groups": ["admins"], "name": "M"})
    person = (await redeemed(client)).person
    assert (person.display_name, person.groups) == ("M", ("mine",))  # What is signed stands.
    await client.close()


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        ({"issuer": "https://evil.example"}, "calls itself"),
        ({"token_endpoint": "http://evil.example/token"}, "is not https"),
        ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri"),
        ({"authorization_endpoint": None}, "authorization_endpoint"),
        ({"end_session_endpoint": "javascript:alert(1)"}, "end_session_endpoint"),
    ],
)
async def test_a_description_that_leads_elsewhere_is_not_followed(
    crook: CrookedProvider, clock: LaterClock, described: dict[str, Any], expected: str
) -> None:
    crook.describe(**described)
    client = client_of(crook, clock)
    with pytest.raises(DirectoryAwayError) as caught:
        await client.address(BACK, "s", "n", "v" * 43)
    assert expected in str(caught.value.facts["why"])
    await client.close()


@pytest.mark.parametrize(
    ("status", "told"),
    [(500, {}), (200, b"<html>"), (200, b"[]"), (200, b"[" * 100_000), (200, b" " * 2_000_000), (302, {})],
    ids=["error", "a page", "a list", "a tower", "a book", "elsewhere"],
)
async def test_a_provider_that_answers_nonsense_is_away(
    crook: CrookedProvider, client: OidcClient, status: int, told: Any
) -> None:
    crook.answers["/.well-known/openid-configuration"] = (status, told)
    with pytest.raises(DirectoryAwayError, match="Accounts made here sign in as before"):
        await client.check()


async def test_while_the_provider_is_away_its_old_description_holds(
    crook: CrookedProvider, client: OidcClient, clock: LaterClock
) -> None:
    await client.address(BACK, "s", "n", "v" * 43)
    crook.answers["/.well-known/openid-configuration"] = (503, {})
    clock.later_s = 4_000
    assert (await client.address(BACK, "s", "n", "v" * 43)).startswith(crook.issuer)


# --- sign-outs that the provider tells of ----------------------------------------------------------------------------


def notice(crook: CrookedProvider, **changes: Any) -> dict[str, Any]:
    return crook.claims(**{"nonce": None, "jti": "n-1", "sid": "s-1", "events": {LOGOUT_EVENT: {}}, **changes})


async def test_a_sign_out_there_names_person_and_session_and_is_taken_once(
    crook: CrookedProvider, client: OidcClient
) -> None:
    token = crook.signed(notice(crook), typ="logout+jwt")
    assert await client.read_logout(token) == LogoutNotice("mallory", "s-1")
    with pytest.raises(DirectoryRefusedError):
        await client.read_logout(token)


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "nonce-1"}, {"events": {}}, {"events": None}, {"events": [LOGOUT_EVENT]}, {"jti": None},
        {"sub": None, "sid": None}, {"aud": "other"}, {"iat": NOW - 4000, "exp": NOW + DAY_S}, {"sid": 7},
    ],
)  # fmt: skip
async def test_a_notice_that_is_none_signs_nobody_out(
    crook: CrookedProvider, client: OidcClient, changes: dict[str, Any]
) -> None:
    with pytest.raises(DirectoryRefusedError):
        await client.read_logout(crook.signed(notice(crook, **changes)))


async def test_an_id_token_is_no_notice_and_a_notice_is_no_id_token(crook: CrookedProvider, client: OidcClient) -> None:
    with pytest.raises(DirectoryRefusedError):
        await client.read_logout(crook.signed(crook.claims(jti="x")))
    crook.hand_over(crook.signed(notice(crook)))
    assert "nonce" in await refusal(client)
