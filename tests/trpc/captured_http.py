"""What the reference server answered over HTTP, exchange by exchange."""

from dataclasses import dataclass, field
from typing import Any

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
        "multipart",
        "POST",
        "uploadForm",
        200,
        data({"keys": ["a"]}),
        b'--B\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--B--\r\n',
        {"content-type": "multipart/form-data; boundary=B"},
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
