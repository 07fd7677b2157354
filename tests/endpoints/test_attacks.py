"""What an attacker tries over HTTP changes nothing, tells nothing and costs little."""

import base64
import io
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import httpx
import jwt
import pytest

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Role
from pdm_app.domain.errors import TooManyAttemptsError, UnauthenticatedError
from pdm_app.services.logs import set_up_logging
from pdm_app.services.passwords import PasswordHasher, Verdict
from pdm_app.services.tokens import REFRESH, signing_key
from pdm_app.settings import LogSettings
from pdm_app.storage.devices import SqlDevices
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.endpoints.conftest import ORIGIN, PASSWORD, Served

FAR = "203.0.113.9"
INJECTIONS = (
    "' OR '1'='1' -- ",
    'olga"; DROP TABLE users; --',
    "olga' UNION SELECT password_hash FROM users -- ",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "{{7*7}}${7*7}",
    "../../etc/passwd",
    "olga\x00admin",
    "olga\r\nset-cookie: a=b",
    "\x1b[2Jolga",
    "Ω" * 10_000,
    "\ud800",
)


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    set_up_logging(LogSettings(level="debug"), stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def hashed(hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The stored hash of each password check, None where there was none to compare with."""
    found: list[str | None] = []
    verify = hasher._verify

    def noted(password: str, stored_hash: str | None) -> Verdict:
        found.append(stored_hash)
        return verify(password, stored_hash)

    monkeypatch.setattr(hasher, "_verify", noted)
    return found


async def sign_in(served: Served, username: str, password: str, address: str = FAR) -> httpx.Response:
    body = json.dumps({"username": username, "password": password})
    headers = {"origin": ORIGIN, "content-type": "application/json"}
    async with served.client(address) as client:
        return await client.post("/api/auth/login", content=body, headers=headers)


@pytest.fixture
async def token(served: Served) -> str:
    """A good access token of Olga's."""
    async with served.client() as client:
        answer = await client.post("/api/auth/token", json={"username": "olga", "password": PASSWORD})
    return str(answer.json()["access_token"])


async def may_see(served: Served, **headers: str) -> int:
    """Status of what needs a signed-in person, from far away."""
    async with served.client(FAR) as client:
        return (await client.get("/metrics", headers=headers)).status_code


def _unsigned(claims: dict[str, object], algorithm: str) -> str:
    parts = ({"alg": algorithm, "typ": "JWT"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_only_a_token_that_this_program_signed_for_this_use_is_taken(served: Served, token: str) -> None:
    key = signing_key(served.settings.data_dir, None)
    good = jwt.decode(token, options={"verify_signature": False})
    assert await may_see(served, authorization=f"Bearer {token}") == 200
    assert await may_see(served, cookie=f"pdm_access={token}") == 200
    head, claims, signature = token.split(".")
    bad = {
        "forged": jwt.encode(good, "k" * 32, "HS256"),
        "no algorithm": _unsigned(good, "none"),
        "no algorithm, odd case": _unsigned(good, "NoNe"),
        "another algorithm": jwt.encode(good, key, "HS512"),
        "another audience": jwt.encode({**good, "aud": REFRESH}, key, "HS256"),
        "another issuer": jwt.encode({**good, "iss": "elsewhere"}, key, "HS256"),
        "expired": jwt.encode({**good, "exp": served.clock.now() // 1_000_000 - 1}, key, "HS256"),
        "no end": jwt.encode({name: value for name, value in good.items() if name != "exp"}, key, "HS256"),
        "another session": jwt.encode({**good, "sid": "00000000-0000-7000-8000-000000000000"}, key, "HS256"),
        "a signature cut short": f"{head}.{claims}.{signature[:-2]}",
        "claims exchanged": f"{head}.{_unsigned({**good, 'sub': 'root'}, 'HS256').split('.')[1]}.{signature}",
        "endless": token + "x" * 100_000,
        "empty": "",
    }
    for name, one in bad.items():
        assert await may_see(served, authorization=f"Bearer {one}") == 401, name
        assert await may_see(served, cookie=f"pdm_access={one}") == 401, name
        assert await may_see(served, **{"x-device-key": one}) == 401, name


async def test_a_token_of_a_session_that_has_ended_is_worth_nothing(served: Served, token: str) -> None:
    async with served.client() as client:
        assert (await client.post("/api/auth/logout", headers={"authorization": f"Bearer {token}"})).status_code == 200
    assert await may_see(served, authorization=f"Bearer {token}") == 401


async def test_a_refresh_token_played_again_ends_the_session_for_both(served: Served) -> None:
    async with served.client() as client:
        words = {"username": "olga", "password": PASSWORD}
        first = (await client.post("/api/auth/token", json=words)).json()["refresh_token"]
        second = (await client.post("/api/auth/token", json={"refresh_token": first})).json()["refresh_token"]
        third = (await client.post("/api/auth/token", json={"refresh_token": second})).json()
        replayed = await client.post("/api/auth/token", json={"refresh_token": first})
        assert replayed.status_code == 401
        assert (await client.post("/api/auth/token", json={"refresh_token": third["refresh_token"]})).status_code == 401
    assert await may_see(served, authorization=f"Bearer {third['access_token']}") == 401


async def test_whatever_is_typed_at_the_door_is_only_a_wrong_word(served: Served, work: SqlUnitOfWork) -> None:
    for number, words in enumerate(INJECTIONS):
        for username, password in ((words, PASSWORD), ("olga", words)):
            answer = await sign_in(served, username, password, f"198.51.100.{number}")
            assert answer.status_code in (401, 413, 422), words
            assert "script" not in answer.text, words
            assert "set-cookie" not in answer.headers, words
    async with work(EVERY_SITE) as transaction:
        assert [user.username for user in await transaction.users.all()] == ["olga"]


async def test_ten_thousand_wrong_passwords_cost_a_handful_of_hashes_and_open_nothing(
    served: Served, hashed: list[str | None]
) -> None:
    outcomes: Counter[type[Exception]] = Counter()
    for number in range(10_000):
        with pytest.raises((UnauthenticatedError, TooManyAttemptsError)) as refused:
            await served.auth.sign_in("olga", f"guess {number}", FAR)
        outcomes[refused.type] += 1
    allowed = served.settings.auth.attempts_max
    assert outcomes == {UnauthenticatedError: allowed, TooManyAttemptsError: 10_000 - allowed}
    assert len(hashed) == allowed
    answer = await sign_in(served, "olga", PASSWORD)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) <= served.settings.auth.attempts_window_s + 1
    assert (await sign_in(served, "olga", PASSWORD, "198.51.100.1")).status_code == 200, "the owner elsewhere gets in"


async def test_guesses_from_a_thousand_addresses_are_stopped_per_account(
    served: Served, hashed: list[str | None]
) -> None:
    for number in range(1_000):
        with pytest.raises((UnauthenticatedError, TooManyAttemptsError)):
            await served.auth.sign_in("olga", "guess", f"198.51.{number // 250}.{number % 250}")
    assert len(hashed) <= served.settings.auth.attempts_account_max


async def test_an_unknown_a_wrong_and_a_deactivated_account_cost_the_same_work_and_read_alike(
    served: Served, hashed: list[str | None]
) -> None:
    await served.auth.people.add(SYSTEM, "gone", PASSWORD, Role.VIEWER, site_ids=["pune"])
    await served.auth.people.deactivate(SYSTEM, "gone")
    hashed.clear()
    answers = []
    for username, password in (("olga", "wrong"), ("nobody", PASSWORD), ("gone", PASSWORD), ("?!", PASSWORD)):
        answer = await sign_in(served, username, password, "198.51.100.2")
        answers.append((answer.status_code, {**answer.json()["error"], "correlation_id": ""}))
    assert len(hashed) == 4, "each is checked against a hash, there or not"
    assert all(one == answers[0] for one in answers)


async def test_keys_are_looked_up_by_hash_and_never_compared_letter_by_letter(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await served.key()
    asked: list[str] = []
    find = SqlDevices.key_by_hash

    async def noted(self: SqlDevices, key_hash: str) -> object:
        asked.append(key_hash)
        return await find(self, key_hash)

    monkeypatch.setattr(SqlDevices, "key_by_hash", noted)
    nearly = [key[:-1] + ("a" if key[-1] != "a" else "b"), key[:-20] + "a" * 20, "pdm_abcdef_" + "a" * 43]
    for guess in nearly:
        with pytest.raises(UnauthenticatedError):
            await served.devices.actor_of_key(guess)
    assert len(asked) == 3, "a guess that begins right costs what any other costs"
    assert all(one not in key and len(one) == 64 for one in asked)


async def test_what_is_typed_writes_no_second_line_into_the_log(served: Served, logged: io.StringIO) -> None:
    forged = '\n{"level":"INFO","event":"signed in","username":"admin"}\r\n\x1b[31m\u2028\x85'
    await sign_in(served, f"olga{forged}", "x")
    async with served.client(FAR) as client:
        await client.get("/api/%0a%7b%22event%22%3a%22forged%22%7d", headers={"x-correlation-id": "a" * 8})
        await client.get("/api/x", headers={"user-agent": "a\tb"})
    lines = logged.getvalue().splitlines()
    assert lines
    for line in lines:
        entry = json.loads(line)
        assert entry.get("event") not in ("forged", "signed in")
    assert "\x1b" not in logged.getvalue()


async def test_unknown_addresses_and_methods_below_api_are_json(served: Served) -> None:
    tried = (
        ("TRACE", "/api/auth/login"), ("DELETE", "/api/auth/login"), ("GET", "/api/ingest"), ("POST", "/api/nothing"),
        ("GET", "/api/../api/nothing"), ("POST", "/api/auth/login/"), ("OPTIONS", "/api/auth"), ("GET", "/api/"),
    )  # fmt: skip
    async with served.client(FAR) as client:
        for method, path in tried:
            answer = await client.request(method, path)
            assert answer.status_code in (404, 405), path
            assert answer.headers["content-type"] == "application/json", path
            assert answer.json()["error"]["code"] in ("not_found", "method_not_allowed"), path


async def test_a_body_that_is_no_request_is_refused_in_words(served: Served) -> None:
    headers = {"x-device-key": await served.key(), "content-type": "application/json"}
    bodies = (b"", b"{", b"[" * 100_000, b"\xff\xfe", b'{"samples": 1e400}', b"null", b'{"a":' * 5000, b"NaN")
    async with served.client(FAR) as client:
        for body in bodies:
            answer = await client.post("/api/ingest", content=body, headers=headers)
            assert answer.status_code == 422, body[:20]
            assert answer.json()["error"]["message"], body[:20]


async def _endless(chunks: list[int]) -> AsyncIterator[bytes]:
    while True:
        chunks.append(1)
        yield b"x" * 65_536


async def test_a_body_without_end_is_read_no_further_than_its_limit(served: Served) -> None:
    key, chunks = await served.key(), list[int]()
    async with served.client(FAR) as client:
        headers = {"x-device-key": key, "content-type": "application/json"}
        answer = await client.post("/api/ingest", content=_endless(chunks), headers=headers)
    assert answer.status_code == 413
    assert len(chunks) * 65_536 <= served.settings.ingest.bytes_max + 2 * 65_536
