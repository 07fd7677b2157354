"""HTTP on the wire, exchange by exchange as captured from the Node reference server."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from pdm_app.trpc import Limits
from tests.trpc.conftest import Served, serving
from tests.trpc.reference import Plant, reference_app

ADA = {"authorization": "Bearer tok_ada"}
JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Exchange:
    """One captured request and its answer."""

    name: str
    method: str
    url: str
    status: int
    answer: Any
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    allow: str | None = None


def error(message: str, number: int, code: str, status: int, path: str | None = None, **more: Any) -> dict[str, Any]:
    """Return an error as the wire has it."""
    data = {"code": code, "httpStatus": status, **more}
    if path is not None:
        data["path"] = path
    return {"error": {"message": message, "code": number, "data": data}}


def data(value: Any) -> dict[str, Any]:
    """Return a result as the wire has it."""
    return {"result": {"data": value}}


def bad_field(path: str, field_name: str, text: str, kind: str) -> dict[str, Any]:
    """Return the error of one wrong field."""
    issue = {"loc": [field_name], "msg": text, "type": kind}
    message = f"Invalid input: {field_name}: {text}"
    return error(message, -32600, "BAD_REQUEST", 400, path, issues=[issue])


def unknown(path: str) -> dict[str, Any]:
    """Return the error of a path that leads nowhere."""
    return error(f'No procedure found on path "{path}"', -32004, "NOT_FOUND", 404, path)


OK = data({"ok": True})
UNAUTHORIZED = error("UNAUTHORIZED", -32001, "UNAUTHORIZED", 401, "me")
NOT_A_STRING = bad_field("greet", "name", "Input should be a valid string", "string_type")
TOO_SHORT = bad_field("post.create", "title", "String should have at least 3 characters", "string_too_short")
CONFLICT = error("already exists", -32009, "CONFLICT", 409, "conflict")
TOO_MANY = error("Batch call exceeds maximum size", -32600, "BAD_REQUEST", 400)


def not_an_object(path: str) -> dict[str, Any]:
    """Return the error of a batch whose input is no object."""
    return error('"input" needs to be an object when doing a batch call', -32600, "BAD_REQUEST", 400, path)


def unsupported(method: str, kind: str, path: str) -> dict[str, Any]:
    """Return the error of a wrong method."""
    message = f'Unsupported {method}-request to {kind} procedure at path "{path}"'
    return error(message, -32005, "METHOD_NOT_SUPPORTED", 405, path)


SINGLE = [
    Exchange("query, no input", "GET", "health", 200, OK),
    Exchange("query with input", "GET", 'greet?input={"name":"Ada"}', 200, data({"text": "hello Ada"})),
    Exchange("query returning undefined", "GET", "nothing", 200, {"result": {}}),
    Exchange("query returning null", "GET", "nil", 200, data(None)),
    Exchange("nested query", "GET", 'post.byId?input="7"', 200, data({"id": "7", "title": "post 7"})),
    Exchange(
        "mutation",
        "POST",
        "post.create",
        200,
        data({"id": 1, "title": "First", "tags": []}),
        b'{"title":"First"}',
        JSON,
    ),
    Exchange("mutation with no body", "POST", "conflict", 409, CONFLICT, b"", JSON),
    Exchange("invalid input", "GET", 'greet?input={"name":5}', 400, NOT_A_STRING),
    Exchange("missing input", "GET", "greet", 400, bad_field("greet", "name", "Field required", "missing")),
    Exchange("empty input", "GET", "greet?input=", 400, bad_field("greet", "name", "Field required", "missing")),
    Exchange("undefined is not null", "GET", "echoSet", 200, data("missing")),
    Exchange("null is not undefined", "GET", "echoSet?input=null", 200, data("None")),
    Exchange("plus is a space", "GET", "echoSet?input=%22a+b%22", 200, data("'a b'")),
    Exchange("unauthorized middleware", "GET", "me", 401, UNAUTHORIZED),
    Exchange("unauthorized wins over bad input", "GET", "me?input={oops", 401, UNAUTHORIZED),
    Exchange("an input nobody reads may be bad", "GET", "health?input={oops", 200, OK),
    Exchange(
        "login mutation",
        "POST",
        "auth.login",
        401,
        error("bad credentials", -32001, "UNAUTHORIZED", 401, "auth.login"),
        b'{"username":"ada","password":"x"}',
        JSON,
    ),
    Exchange(
        "login ok",
        "POST",
        "auth.login",
        200,
        data({"token": "tok_ada"}),
        b'{"username":"ada","password":"lovelace"}',
        JSON,
    ),
    Exchange("auth ok", "GET", "me", 200, data({"username": "ada", "role": "user"}), headers=ADA),
    Exchange(
        "forbidden",
        "GET",
        "admin.stats",
        403,
        error("admin role required", -32003, "FORBIDDEN", 403, "admin.stats"),
        headers=ADA,
    ),
    Exchange(
        "NOT_FOUND of a procedure",
        "GET",
        'post.byId?input="404"',
        404,
        error("No post '404'", -32004, "NOT_FOUND", 404, "post.byId"),
    ),
    Exchange("unknown procedure", "GET", "nope.nada", 404, unknown("nope.nada")),
    Exchange("POST to query", "POST", "health", 405, unsupported("POST", "query", "health"), b"{}", JSON, "GET"),
    Exchange(
        "GET to mutation",
        "GET",
        'post.create?input={"title":"abc"}',
        405,
        unsupported("GET", "mutation", "post.create"),
        allow="POST",
    ),
    Exchange("PUT", "PUT", "health", 405, unsupported("PUT", "query", "health"), b"", JSON, "GET"),
    Exchange(
        "OPTIONS", "OPTIONS", "health", 415, error("Missing content-type header", -32015, "UNSUPPORTED_MEDIA_TYPE", 415)
    ),
    Exchange(
        "wrong content type",
        "POST",
        "post.create",
        415,
        error('Unsupported content-type "text/plain', -32015, "UNSUPPORTED_MEDIA_TYPE", 415),
        b'{"title":"abc"}',
        {"content-type": "text/plain"},
    ),
    Exchange(
        "no content type",
        "POST",
        "post.create",
        415,
        error("Missing content-type header", -32015, "UNSUPPORTED_MEDIA_TYPE", 415),
        b'{"title":"abc"}',
    ),
    Exchange(
        "content type with charset",
        "POST",
        "post.create",
        200,
        data({"id": 1, "title": "abc", "tags": []}),
        b'{"title":"abc"}',
        {"content-type": "Application/JSON; charset=utf-8"},
    ),
    Exchange("GET of any content type", "GET", "health", 200, OK, headers={"content-type": "text/plain"}),
    Exchange(
        "malformed percent-encoding",
        "GET",
        "%E0%A4%A",
        400,
        error('Invalid URL-encoding in path "%E0%A4%A"', -32600, "BAD_REQUEST", 400),
    ),
    Exchange(
        "percent-encoding that is no UTF-8",
        "GET",
        "%FF",
        400,
        error('Invalid URL-encoding in path "%FF"', -32600, "BAD_REQUEST", 400),
    ),
    Exchange(
        "body too large",
        "POST",
        "post.create",
        413,
        error("The body is longer than 100000 bytes", -32013, "PAYLOAD_TOO_LARGE", 413, "post.create"),
        b'{"title":"' + b"x" * 101_000 + b'"}',
        JSON,
    ),
    Exchange("empty path", "GET", "", 404, unknown("")),
    Exchange("comma path without batch=1", "GET", "health,nil", 404, unknown("health,nil")),
    Exchange("batch=true is no batch", "GET", "health,nil?batch=true", 404, unknown("health,nil")),
    Exchange("slashes around the path", "GET", "/health/", 200, OK),
    Exchange(
        "stream-like result without jsonl",
        "GET",
        'streamed?input={"n":2}',
        415,
        error(
            "Cannot use stream-like response in non-streaming request - use httpBatchStreamLink",
            -32015,
            "UNSUPPORTED_MEDIA_TYPE",
            415,
            "streamed",
        ),
    ),
    Exchange(
        "octet-stream",
        "POST",
        "uploadBytes",
        200,
        data({"bytes": 5}),
        b"abcde",
        {"content-type": "application/octet-stream"},
    ),
    Exchange(
        "octet-stream to a JSON procedure",
        "POST",
        "post.create",
        415,
        error("This procedure takes a body of application/json", -32015, "UNSUPPORTED_MEDIA_TYPE", 415, "post.create"),
        b"abcde",
        {"content-type": "application/octet-stream"},
    ),
    Exchange(
        "JSON to a byte procedure",
        "POST",
        "uploadBytes",
        415,
        error(
            "This procedure takes a body of application/octet-stream",
            -32015,
            "UNSUPPORTED_MEDIA_TYPE",
            415,
            "uploadBytes",
        ),
        b"{}",
        JSON,
    ),
    Exchange(
        "octet-stream not posted",
        "GET",
        "uploadBytes",
        405,
        error(
            "Only POST requests are supported for application/octet-stream requests",
            -32005,
            "METHOD_NOT_SUPPORTED",
            405,
        ),
        headers={"content-type": "application/octet-stream"},
    ),
    Exchange(
        "jsonl: not batched",
        "GET",
        "health",
        400,
        error("Streaming requests must be batched (you can do a batch of 1)", -32600, "BAD_REQUEST", 400),
        headers={"trpc-accept": "application/jsonl"},
    ),
    Exchange(
        "malformed connectionParams",
        "GET",
        'health?connectionParams={"a":1}',
        400,
        error("Invalid connection params shape", -32700, "PARSE_ERROR", 400),
    ),
    Exchange(
        "unparsable connectionParams",
        "GET",
        "health?connectionParams={",
        400,
        error("Not JSON-parsable query params", -32700, "PARSE_ERROR", 400),
    ),
    Exchange(
        "context that fails",
        "GET",
        "health",
        401,
        error("rejected by createContext", -32001, "UNAUTHORIZED", 401, "health"),
        headers={"x-reject": "1"},
    ),
    Exchange(
        "unknown path wins over a context that fails", "GET", "nope", 404, unknown("nope"), headers={"x-reject": "1"}
    ),
]

BATCHES = [
    Exchange(
        "two ok", "GET", 'health,greet?batch=1&input={"1":{"name":"Ada"}}', 200, [OK, data({"text": "hello Ada"})]
    ),
    Exchange(
        "mixed",
        "GET",
        'health,greet,me,nope?batch=1&input={"1":{"name":5}}',
        207,
        [OK, NOT_A_STRING, UNAUTHORIZED, unknown("nope")],
    ),
    Exchange("same failure", "GET", "me,me?batch=1&input={}", 401, [UNAUTHORIZED, UNAUTHORIZED]),
    Exchange("1 item", "GET", "health?batch=1&input={}", 200, [OK]),
    Exchange("no input param", "GET", "health,nothing?batch=1", 200, [OK, {"result": {}}]),
    Exchange(
        "mutation",
        "POST",
        "post.create,post.create?batch=1",
        207,
        [data({"id": 1, "title": "one", "tags": []}), TOO_SHORT],
        b'{"0":{"title":"one"},"1":{"title":"x"}}',
        JSON,
    ),
    Exchange(
        "input is an array",
        "POST",
        "post.create,post.create?batch=1",
        400,
        [not_an_object("post.create")] * 2,
        b'[{"title":"one"},{"title":"two"}]',
        JSON,
    ),
    Exchange("input is a string", "GET", 'health,greet?batch=1&input="x"', 207, [OK, not_an_object("greet")]),
    Exchange(
        "mixed types",
        "GET",
        "health,post.create?batch=1",
        400,
        error("Cannot mix procedure types in call: query, mutation", -32600, "BAD_REQUEST", 400),
    ),
    Exchange("too many", "GET", ",".join(["health"] * 11) + "?batch=1", 400, TOO_MANY),
    Exchange("encoded comma", "GET", "health%2Cnil?batch=1", 200, [OK, data(None)]),
    Exchange(
        "subscriptions",
        "GET",
        "countRaw,countRaw?batch=1",
        400,
        [error("Cannot batch subscription calls", -32600, "BAD_REQUEST", 400, "countRaw")] * 2,
        headers={"accept": "text/event-stream"},
    ),
    Exchange(
        "undefined is not null",
        "GET",
        'echoSet,echoSet?batch=1&input={"1":null}',
        200,
        [data("missing"), data("None")],
    ),
    Exchange(
        "body too large for those who read it",
        "POST",
        "conflict,post.create?batch=1",
        207,
        [CONFLICT, error("The body is longer than 100000 bytes", -32013, "PAYLOAD_TOO_LARGE", 413, "post.create")],
        b'{"1":{"title":"' + b"x" * 101_000 + b'"}}',
        JSON,
    ),
]


@pytest.fixture
async def server() -> AsyncIterator[Served]:
    """A server of its own for each exchange: ids of posts count from 1."""
    async with serving() as running:
        yield running


async def carry_out(server: Served, exchange: Exchange) -> httpx.Response:
    """Send the request exactly as written: httpx would add a content type of its own."""
    async with httpx.AsyncClient(base_url=f"{server.http_url}/") as client:
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
    paths = ",".join(["slow"] * 10)
    body = "{" + ",".join(f'"{index}":{{"ms":100}}' for index in range(10)) + "}"
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    answer = await carry_out(server, Exchange("", "GET", f"{paths}?batch=1&input={body}", 200, None))
    assert answer.json() == [data({"slept": 100})] * 10
    assert loop.time() - started_s < 0.8  # One after the other takes at least 1 s.


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
    async with serving(Limits(call_timeout_s=0.1)) as server:
        answer = await carry_out(server, Exchange("", "GET", 'slow?input={"ms":60000}', 408, None))
        assert answer.json() == error("slow was cancelled after 0.1 s", -32008, "TIMEOUT", 408, "slow")
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

    async with serving(Limits(upload_bytes_max=100_000)) as server, httpx.AsyncClient() as client:
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
