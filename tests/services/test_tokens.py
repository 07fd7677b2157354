"""Attacks on tokens: whatever was not signed here, for this use, and lately, is refused with one text."""

import base64
import json
from typing import Any

import jwt
import pytest

from pdm_app.domain.access import ROLE_PERMISSIONS, Role, User
from pdm_app.domain.errors import UnauthenticatedError
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.services.tokens import ACCESS, ISSUER, REFRESH, TokenMint
from tests.counterparts.clocks import HandClock

KEY = b"k" * 32
OLGA = User(id="u-1", username="olga", display_name="Olga", role=Role.OPERATOR, site_ids=("pune",))


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def mint(clock: HandClock) -> TokenMint:
    return TokenMint(KEY, clock, access_s=900)


def claims(clock: HandClock, **changed: Any) -> dict[str, Any]:
    now = clock.now() // MICROS_PER_S
    good = {"iss": ISSUER, "aud": ACCESS, "sub": "u-1", "sid": "s-1", "iat": now, "exp": now + 900}
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def unsigned(header: dict[str, Any], content: dict[str, Any], signature: str = "") -> str:
    def part(given: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(given).encode()).rstrip(b"=").decode()

    return f"{part(header)}.{part(content)}.{signature}"


def test_a_token_carries_subject_role_permissions_and_expiry_for_other_programs(
    mint: TokenMint, clock: HandClock
) -> None:
    token, expires_at = mint.access(
        OLGA, ROLE_PERMISSIONS[OLGA.role], "s-1", Micros(clock.now() + 7 * 86_400 * MICROS_PER_S)
    )
    read = jwt.decode(
        token, KEY, algorithms=["HS256"], audience=ACCESS, options={"verify_exp": False, "verify_iat": False}
    )
    assert (read["sub"], read["sid"], read["role"]) == ("u-1", "s-1", "operator")
    assert "alarms.acknowledge" in read["permissions"]
    assert read["exp"] * MICROS_PER_S == expires_at == clock.now() + 900 * MICROS_PER_S


def test_a_token_never_outlives_its_session(mint: TokenMint, clock: HandClock) -> None:
    session_end = Micros(clock.now() + 60 * MICROS_PER_S)
    assert mint.access(OLGA, ROLE_PERMISSIONS[OLGA.role], "s-1", session_end)[1] == session_end


def test_what_was_signed_here_is_read(mint: TokenMint, clock: HandClock) -> None:
    assert mint.read_access(jwt.encode(claims(clock), KEY, algorithm="HS256")).session_id == "s-1"


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": REFRESH},
        {"aud": "another program"},
        {"aud": None},
        {"iss": "somebody else"},
        {"iss": None},
        {"sub": None},
        {"sid": None},
        {"exp": None},
        {"iat": None},
        {"exp": "tomorrow"},
        {"exp": [1]},
    ],
)
def test_a_token_with_other_claims_is_refused(mint: TokenMint, clock: HandClock, changed: dict[str, Any]) -> None:
    with pytest.raises(UnauthenticatedError):
        mint.read_access(jwt.encode(claims(clock, **changed), KEY, algorithm="HS256"))


def test_a_token_signed_with_another_key_is_refused(mint: TokenMint, clock: HandClock) -> None:
    with pytest.raises(UnauthenticatedError):
        mint.read_access(jwt.encode(claims(clock), b"x" * 32, algorithm="HS256"))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
def test_a_token_that_names_no_algorithm_is_refused(mint: TokenMint, clock: HandClock, algorithm: str) -> None:
    for signature in ("", "AAAA"):
        with pytest.raises(UnauthenticatedError):
            mint.read_access(unsigned({"alg": algorithm, "typ": "JWT"}, claims(clock), signature))


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_with_the_right_key_is_refused(mint: TokenMint, clock: HandClock, algorithm: str) -> None:
    with pytest.raises(UnauthenticatedError):
        mint.read_access(jwt.encode(claims(clock), KEY * 2, algorithm=algorithm))


def test_an_access_token_is_no_refresh_token_and_the_other_way_round(mint: TokenMint, clock: HandClock) -> None:
    end = Micros(clock.now() + 7 * 86_400 * MICROS_PER_S)
    with pytest.raises(UnauthenticatedError):
        mint.read_refresh(mint.access(OLGA, ROLE_PERMISSIONS[OLGA.role], "s-1", end)[0])
    with pytest.raises(UnauthenticatedError):
        mint.read_access(mint.refresh("u-1", "s-1", end))


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "é", "\ud800", "x" * 100_000, "null", "{}", "Bearer a.b.c"])
def test_what_is_no_token_is_refused(mint: TokenMint, token: str) -> None:
    with pytest.raises(UnauthenticatedError):
        mint.read_access(token)
    with pytest.raises(UnauthenticatedError):
        mint.read_refresh(token)


async def test_an_expired_token_is_refused_also_when_it_was_verified_before(mint: TokenMint, clock: HandClock) -> None:
    token, _ = mint.access(OLGA, ROLE_PERMISSIONS[OLGA.role], "s-1", Micros(clock.now() + 86_400 * MICROS_PER_S))
    mint.read_access(token)
    await clock.advance(900)
    with pytest.raises(UnauthenticatedError):
        mint.read_access(token)
    assert mint.read_access(token, allow_expired=True).session_id == "s-1"


def test_every_refusal_reads_alike(mint: TokenMint, clock: HandClock) -> None:
    texts = set()
    for token in ("", "a.b.c", jwt.encode(claims(clock, exp=1), KEY, algorithm="HS256")):
        with pytest.raises(UnauthenticatedError) as caught:
            mint.read_access(token)
        texts.add(str(caught.value))
    assert len(texts) == 1
