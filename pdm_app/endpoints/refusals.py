"""A request that is refused before anybody looks at it, worded for whoever reads the answer there."""

from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from pdm_app.endpoints.answers import HttpError, error_response, json_response
from pdm_app.services.logs import correlation_id

RPC_PATH = "/trpc"
JSON_PATHS = ("/api", "/health", "/metrics", "/DEFAULT", "/default")
FOR_PROGRAMS = frozenset(prefix[1:] for prefix in (RPC_PATH, *JSON_PATHS))
RPC_CODES = {
    403: (-32003, "FORBIDDEN"),
    413: (-32013, "PAYLOAD_TOO_LARGE"),
    414: (-32013, "PAYLOAD_TOO_LARGE"),
    429: (-32029, "TOO_MANY_REQUESTS"),
    431: (-32013, "PAYLOAD_TOO_LARGE"),
}


def is_below(path: str, prefix: str) -> bool:
    """Say whether a path is ``prefix`` or lies under it."""
    return path == prefix or path.startswith(prefix + "/")


def is_for_programs(path: str) -> bool:
    """Say whether answers at this path are read by programs rather than shown by a browser."""
    return path[1:].partition("/")[0] in FOR_PROGRAMS


def refusal(scope: Scope, error: HttpError) -> Response:
    """Word ``error`` as an RPC answer below ``/trpc``, as JSON below ``/api``, as text for a page."""
    path = scope["path"]
    if is_below(path, RPC_PATH):
        number, code = RPC_CODES[error.status]
        data = {"code": code, "httpStatus": error.status, "correlation_id": correlation_id.get()}
        content = {"error": {"message": error.message, "code": number, "data": data}}
        return json_response(content, error.status, error.headers)
    if is_for_programs(path):
        return error_response(error)
    return PlainTextResponse(error.message, error.status, error.headers)


def head_bytes(scope: Scope) -> int:
    """Size of the request line's address and all headers."""
    size = url_bytes(scope)
    for name, value in scope["headers"]:
        size += len(name) + len(value) + 4
    return size


def url_bytes(scope: Scope) -> int:
    """Size of the path and the query."""
    return len(scope.get("raw_path") or scope["path"].encode()) + len(scope.get("query_string", b"")) + 1
