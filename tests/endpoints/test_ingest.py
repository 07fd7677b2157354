"""``POST /api/ingest``: status, verdicts, and what a hostile or broken sender gets."""

import asyncio
import json
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdm_app.domain.access import SYSTEM
from pdm_app.endpoints import bodies
from tests.counterparts.clocks import until
from tests.endpoints.conftest import PASSWORD, Served

AT = "2027-01-15T08:00:00Z"
SAMPLE = {"signal": "Vibration_mm_s", "value": 2.5, "source_at": AT}


async def post(served: Served, content: bytes, key: str | None = None, **headers: str) -> httpx.Response:
    async with served.client("192.0.2.9") as device:
        return await device.post(
            "/api/ingest",
            content=content,
            headers={
                "content-type": "application/json",
                "authorization": f"Bearer {key or await served.key()}",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )


async def test_kept_samples_are_answered_with_a_verdict_each(served: Served) -> None:
    response = await post(served, orjson.dumps({"samples": [SAMPLE, {**SAMPLE, "signal": "?"}]}))
    assert response.status_code == 200
    assert response.json() == {
        "kept": 1,
        "refused": 1,
        "received_at": "2027-01-15T08:00:00Z",
        "verdicts": [
            {"index": 0, "kept": True},
            {
                "index": 1,
                "kept": False,
                "field": "samples.1.signal",
                "problem": "names no signal of this site: ?",
                "fix": response.json()["verdicts"][1]["fix"],
            },
        ],
    }
    assert served.intake.samples == [(44, 2.5)]


async def test_none_kept_is_422_with_the_same_verdicts_and_a_sentence(served: Served) -> None:
    response = await post(served, orjson.dumps({"samples": [{**SAMPLE, "value": "x"}]}))
    assert response.status_code == 422
    answer = response.json()
    assert answer["error"]["message"].startswith("None of the 1 samples was kept. samples.0.value is the text 'x';")
    assert answer["verdicts"][0]["field"] == "samples.0.value"
    assert answer["kept"] == 0


async def test_a_pump_body_is_taken_with_the_key_in_its_own_header(served: Served) -> None:
    async with served.client() as device:
        response = await device.post(
            "/api/ingest", json={"Motor_RPM": 1480}, headers={"x-device-key": await served.key()}
        )
    assert response.status_code == 200
    assert (response.json()["kept"], response.json()["refused"]) == (1, 9)


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" + "0" * 400])
async def test_a_number_that_json_does_not_know_is_refused_alone(served: Served, literal: str) -> None:
    body = json.dumps({"samples": [SAMPLE, {**SAMPLE, "value": 0}, SAMPLE]}).replace(
        '"value": 0,', f'"value": {literal},'
    )
    response = await post(served, body.encode())
    assert response.status_code == 200
    assert [verdict["kept"] for verdict in response.json()["verdicts"]] == [True, False, True]
    assert response.json()["verdicts"][1]["field"] == "samples.1.value"


async def test_half_of_a_surrogate_pair_is_refused_alone(served: Served) -> None:
    body = json.dumps({"samples": [SAMPLE, {**SAMPLE, "signal": "\ud800"}]})
    response = await post(served, body.encode())
    assert [verdict["kept"] for verdict in response.json()["verdicts"]] == [True, False]


async def test_a_body_cut_short_names_the_place_and_nothing_is_kept(served: Served) -> None:
    whole = orjson.dumps({"samples": [SAMPLE, SAMPLE]})
    key = await served.key()
    for length in range(len(whole)):
        response = await post(served, whole[:length], key)
        assert response.status_code == 422
        issue = response.json()["error"]["issues"][0]
        assert issue["field"] == "body"
        assert "line 1, column" in issue["problem"]
    assert served.intake.batches == []


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"samples":' + b"[" * 50_000 + b"]" * 50_000 + b"}"])
async def test_deep_nesting_is_an_answer_and_no_crash(served: Served, content: bytes) -> None:
    assert (await post(served, content)).status_code == 422


async def test_without_a_key_401_says_how_to_send_one(served: Served) -> None:
    async with served.client() as device:
        response = await device.post("/api/ingest", json={"samples": [SAMPLE]})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer KEY" in response.json()["error"]["message"]


async def test_wrong_revoked_and_foreign_credentials_are_refused(served: Served) -> None:
    made = await served.devices.create_key(SYSTEM, "dev-p-501")
    await served.devices.revoke_key(SYSTEM, made.key.id)
    token = (await served.auth.sign_in("olga", PASSWORD, "127.0.0.1")).access_token
    for key in (made.secret, "pdm_abc123_" + "a" * 43, token, "x"):
        response = await post(served, orjson.dumps({"samples": [SAMPLE]}), key)
        assert response.status_code == 401
    assert served.intake.batches == []


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "text/csv"},
        {"content_type": ""},
        {"content_type": "application/json", "content_encoding": "gzip"},
        {"content_type": "application/x-www-form-urlencoded"},
    ],
)
async def test_another_content_type_is_415(served: Served, headers: dict[str, str]) -> None:
    response = await post(served, orjson.dumps({"samples": [SAMPLE]}), **headers)
    assert response.status_code == 415
    assert "Content-Type" in response.json()["error"]["message"]


async def test_json_with_a_charset_is_json(served: Served) -> None:
    body = orjson.dumps({"samples": [SAMPLE]})
    assert (await post(served, body, content_type="application/json; charset=utf-8")).status_code == 200


async def test_a_body_beyond_the_limit_is_413_announced_or_not(served: Served) -> None:
    huge = b" " * (served.settings.ingest.bytes_max + 1)
    assert (await post(served, huge)).status_code == 413

    async def unannounced() -> Any:
        for _ in range(30):
            yield b" " * 100_000

    async with served.client() as device:
        response = await device.post(
            "/api/ingest",
            content=unannounced(),
            headers={"content-type": "application/json", "x-device-key": await served.key()},
        )
    assert response.status_code == 413
    assert served.intake.batches == []


async def test_5001_samples_are_told_to_come_in_several_calls(served: Served) -> None:
    response = await post(served, orjson.dumps({"samples": [SAMPLE] * 5001}))
    assert response.status_code == 422
    assert response.json()["error"]["issues"] == [
        {"field": "samples", "problem": "has 5001 entries", "fix": "send 1 to 5000 per call"}
    ]


async def test_a_full_buffer_is_503_with_a_time_to_come_back(served: Served) -> None:
    served.intake.is_full = True
    response = await post(served, orjson.dumps({"samples": [SAMPLE]}))
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert response.json()["error"]["code"] == "unavailable"


async def test_a_body_that_does_not_come_is_given_up(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "READ_S_MAX", 0.01)

    async def slow() -> Any:
        yield b"{"
        await asyncio.Event().wait()

    async with served.client() as device:
        response = await device.post(
            "/api/ingest",
            content=slow(),
            headers={"content-type": "application/json", "x-device-key": await served.key()},
        )
    assert response.status_code == 408


async def test_so_many_calls_at_once_and_the_next_is_told_to_wait(served: Served) -> None:
    served.intake.commits = False
    key = await served.key()
    calls = [
        asyncio.ensure_future(post(served, orjson.dumps({"samples": [SAMPLE]}), key))
        for _ in range(served.settings.ingest.calls_max + 3)
    ]
    await until(lambda: sum(call.done() for call in calls) == 3 and len(served.intake.waiting) == len(calls) - 3)
    for durable in served.intake.waiting:
        durable.set_result(None)
    statuses = sorted([(await call).status_code for call in calls])
    assert statuses == [200] * served.settings.ingest.calls_max + [503] * 3


async def test_a_sender_that_breaks_off_is_not_answered_and_leaves_nothing(served: Served) -> None:
    key = await served.key()
    messages = iter([{"type": "http.request", "body": b'{"samples":', "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"x-device-key", key.encode()), (b"host", b"x")]
    scope = {
        "type": "http", "method": "POST", "path": "/api/ingest", "raw_path": b"/api/ingest", "root_path": "",
        "scheme": "http", "query_string": b"", "headers": headers, "client": ("192.0.2.9", 1), "server": ("x", 80),
    }  # fmt: skip
    await served.app(scope, receive, send)
    assert sent == []
    assert served.intake.batches == []


FRAGMENTS = st.sampled_from(
    [
        b"{",
        b"}",
        b"[",
        b"]",
        b'"samples"',
        b":",
        b",",
        orjson.dumps(SAMPLE),
        b"NaN",
        b"1e999",
        b'"\\ud800"',
        b"\xff",
        b"null",
        b" ",
    ]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200) | st.lists(FRAGMENTS, max_size=12).map(b"".join))
async def test_whatever_bytes_come_the_answer_is_json_and_never_500(served: Served, content: bytes) -> None:
    if not hasattr(served, "fuzz_key"):
        served.fuzz_key = await served.key()  # type: ignore[attr-defined]
    response = await post(served, content, served.fuzz_key)  # type: ignore[attr-defined]
    assert response.status_code in (200, 422)
    orjson.loads(response.content)
