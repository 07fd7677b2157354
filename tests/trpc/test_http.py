"""HTTP on the wire, exchange by exchange as captured from the Node reference server."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from pdm_app.trpc import Limits
from tests.trpc.captured_http import BATCHES, CONFLICT, JSON, OK, SINGLE, UNAUTHORIZED, Exchange, data, error
from tests.trpc.conftest import Served, serving, until
from tests.trpc.reference import Plant, reference_app


@pytest.fixture
async def server() -> AsyncIterator[Served]:
    """A server of its own for each exchange: ids of posts count from 1."""
    async with serving() as running:
        yield running


async def carry_out(server: Served, exchange: Exchange) -> httpx.Response:
    """Send the request exactly as written: httpx would add a content type of its own."""
    async with httpx.AsyncClient(base_url=f"{server.http_url}/", timeout=90) as client:
        request = client.build_request(exchange.method, exchange.url, content=exchange.body, headers=exchange.headers)
        return await client.send(request)


@pytest.mark.parametrize("exchange", SINGLE, ids=lambda exchange: exchange.name)
async def test_a_single_call_is_answered_as_captured(server: Served, exchange: Exchange) -> None:
    answer = await carry_out(server, exchange)
    assert (answer.status_code, answer.json()) == (exchange.status, exchange.answer)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["vary"] == "trpc-accept, accept"
    assert answer.headers.get("allow") == exchange.allow
    assert server.plant.faults == []


@pytest.mark.parametrize("exchange", BATCHES, ids=lambda exchange: exchange.name)
async def test_a_batch_is_answered_as_captured(server: Served, exchange: Exchange) -> None:
    answer = await carry_out(server, exchange)
    assert (answer.status_code, answer.json()) == (exchange.status, exchange.answer)
    assert answer.headers["content-type"] == "application/json"
    assert server.plant.faults == []


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("GET", "greet?input={oops", b""),
        ("POST", "post.create", b"{oops"),
        ("POST", "post.create", b'{"title":"a\xffb"}'),
        ("POST", "post.create", b"[" * 5000),
        ("GET", "slow?input={%22ms%22:NaN}", b""),
        ("GET", "slow?input={%22ms%22:Infinity}", b""),
    ],
)
async def test_bad_json_is_a_bad_request_of_its_call(server: Served, method: str, url: str, body: bytes) -> None:
    answer = await carry_out(server, Exchange("", method, url, 400, None, body, JSON if body else {}))
    shape = answer.json()["error"]
    assert (answer.status_code, shape["code"], shape["data"]["code"]) == (400, -32600, "BAD_REQUEST")
    assert shape["data"]["path"] == url.partition("?")[0]
    assert "JSON" in shape["message"]


async def test_bad_json_in_a_batch_spoils_only_the_calls_that_read_it(server: Served) -> None:
    answer = await carry_out(server, Exchange("", "POST", "post.create,conflict?batch=1", 207, None, b"{oops", JSON))
    first, second = answer.json()
    assert (answer.status_code, first["error"]["code"], second) == (207, -32600, CONFLICT)


async def test_head_is_answered_without_running_anything(server: Served) -> None:
    answer = await carry_out(server, Exchange("", "HEAD", "crash", 204, None))
    assert (answer.status_code, answer.content) == (204, b"")
    assert server.plant.contexts == []


async def test_a_foreign_exception_is_hidden_and_reported_once(server: Served) -> None:
    headers = {"x-correlation-id": "abc-123"}
    answer = await carry_out(server, Exchange("", "GET", "crash", 500, None, headers=headers))
    assert answer.status_code == 500
    assert "exploded" not in answer.text
    assert answer.json() == error(
        "Internal server error. Quote abc-123 when reporting it.",
        -32603,
        "INTERNAL_SERVER_ERROR",
        500,
        "crash",
        correlationId="abc-123",
    )
    assert answer.headers["x-correlation-id"] == "abc-123"
    [fault] = server.plant.faults
    assert (str(fault.exception), fault.path, fault.correlation_id) == ("database exploded", "crash", "abc-123")


async def test_a_correlation_id_that_could_forge_a_log_line_is_replaced(server: Served) -> None:
    headers = {"x-correlation-id": "a b\tc"}
    answer = await carry_out(server, Exchange("", "GET", "crash", 500, None, headers=headers))
    assert len(answer.headers["x-correlation-id"]) == 16


async def test_an_output_of_the_wrong_type_is_a_fault_and_is_not_sent(server: Served) -> None:
    answer = await carry_out(server, Exchange("", "GET", "wrongOutput", 500, None))
    assert answer.json()["error"]["message"].startswith("Output validation failed")
    assert "secret" not in answer.text
    assert len(server.plant.faults) == 1


async def test_issues_are_capped_and_never_echo_the_input(server: Served) -> None:
    fields = ",".join(f'"field{number}":"swordfish"' for number in range(50))
    body = f'{{"username":"ada",{fields}}}'.encode()
    answer = await carry_out(server, Exchange("", "POST", "auth.login", 400, None, body, JSON))
    shape = answer.json()["error"]
    assert len(shape["data"]["issues"]) == 20
    assert shape["data"]["issuesTotal"] == 51
    assert "swordfish" not in answer.text
    assert shape["message"].endswith("and 48 more")


async def test_calls_of_a_batch_run_at_the_same_time(server: Served) -> None:
    names = [f"weld {number}" for number in range(10)]
    paths = ",".join(["waitForGate"] * len(names))
    body = json.dumps({str(number): {"name": name} for number, name in enumerate(names)}).encode()
    sending = asyncio.create_task(carry_out(server, Exchange("", "POST", f"{paths}?batch=1", 200, None, body, JSON)))
    await until(lambda: server.plant.at_the_gate == len(names))
    server.plant.gate.set()
    assert (await sending).json() == [data(name) for name in names]


async def test_a_batch_creates_one_context(server: Served) -> None:
    await carry_out(server, Exchange("", "GET", "health,health,nil?batch=1", 200, None))
    assert len(server.plant.contexts) == 1


async def test_batching_can_be_switched_off() -> None:
    async with serving(batching=False) as server:
        answer = await carry_out(server, Exchange("", "GET", "health,nil?batch=1", 400, None))
    assert answer.json() == error("Batching is not enabled on the server", -32600, "BAD_REQUEST", 400)


async def test_method_override_lets_queries_be_posted_but_never_mutations_be_got() -> None:
    async with serving(method_override=True) as server:
        posted = await carry_out(server, Exchange("", "POST", "greet", 200, None, b'{"name":"Ada"}', JSON))
        got = await carry_out(server, Exchange("", "GET", 'post.create?input={"title":"abc"}', 405, None))
        put = await carry_out(server, Exchange("", "PUT", "greet", 405, None, b"{}", JSON))
    assert posted.json() == data({"text": "hello Ada"})
    assert (got.status_code, got.headers["allow"]) == (405, "POST")
    assert (put.status_code, put.headers["allow"]) == (405, "GET, POST")


async def test_a_call_that_takes_too_long_is_cancelled_and_says_so() -> None:
    async with serving(Limits(call_timeout_s=1.0)) as server:
        answer = await carry_out(server, Exchange("", "GET", 'slow?input={"ms":60000}', 408, None))
        assert answer.json() == error("slow was cancelled after 1 s", -32008, "TIMEOUT", 408, "slow")
        assert (await carry_out(server, Exchange("", "GET", "health", 200, None))).json() == OK


async def test_a_url_beyond_its_limit_is_refused() -> None:
    async with serving(Limits(url_bytes_max=1000)) as server:
        answer = await carry_out(server, Exchange("", "GET", f'greet?input={{"name":"{"x" * 1000}"}}', 413, None))
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == -32013


async def test_an_upload_beyond_its_limit_is_refused_while_it_arrives() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 10_000

    async with serving(Limits(upload_bytes_max=100_000)) as server, httpx.AsyncClient(timeout=90) as client:
        answer = await client.post(
            f"{server.http_url}/uploadBytes", content=chunks(), headers={"content-type": "application/octet-stream"}
        )
    assert (answer.status_code, answer.json()["error"]["data"]["path"]) == (413, "uploadBytes")


async def test_the_application_may_translate_its_errors_and_format_every_shape() -> None:
    from pdm_app.trpc import TrpcError

    def translate(error: Exception) -> TrpcError | None:
        return TrpcError("CONFLICT", "translated", data={"kind": "db"}) if isinstance(error, RuntimeError) else None

    def format_error(shape: dict[str, Any], error: TrpcError, connection: Any) -> dict[str, Any]:
        return {**shape, "data": {**shape["data"], "extra": connection.transport}}

    async with serving(translate=translate, format_error=format_error) as server:
        answer = await carry_out(server, Exchange("", "GET", "crash", 409, None))
        assert server.plant.faults == []
    assert answer.json() == error("translated", -32009, "CONFLICT", 409, "crash", kind="db", extra="http")


async def test_a_broken_error_formatter_is_a_fault_and_the_caller_still_gets_an_answer() -> None:
    def format_error(shape: dict[str, Any], error: Any, connection: Any) -> dict[str, Any]:
        raise KeyError("formatter")

    async with serving(format_error=format_error) as server:
        answer = await carry_out(server, Exchange("", "GET", "me", 401, None))
        assert answer.json() == UNAUTHORIZED
        assert [type(fault.exception) for fault in server.plant.faults] == [KeyError]


async def test_every_call_is_counted_with_its_code() -> None:
    seen: list[tuple[str | None, str]] = []
    async with serving(on_call=lambda r: seen.append((r.procedure.path if r.procedure else None, r.code))) as server:
        await carry_out(server, Exchange("", "GET", "health,me,nope?batch=1", 207, None))
    assert sorted(seen, key=str) == [("health", "OK"), ("me", "UNAUTHORIZED"), (None, "NOT_FOUND")]


async def test_it_serves_without_a_mount_too() -> None:
    transport = httpx.ASGITransport(reference_app(Plant()))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/health")).json() == OK
