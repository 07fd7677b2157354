"""tRPC over HTTP: single calls and batches, and the order in which a request is checked.

HEAD, path, content type, batch size, procedures, mixed types, connection parameters, batching allowed, context; then,
per call: 404, 405, batched subscription, authorisation, middleware, input, procedure, output. A failure before the
calls is one bare error object, also for a batch.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_to_bytes

from pdm_app.trpc.asgi import Receive, Scope, Send
from pdm_app.trpc.bodies import BatchInput, BatchInputs, Body, FormBody, OctetBody, SingleBody
from pdm_app.trpc.connection import CORRELATION_HEADER, ConnectionInfo, Query, parse_connection_params
from pdm_app.trpc.dispatch import Dispatcher, Outcome, RawInput
from pdm_app.trpc.errors import TrpcError
from pdm_app.trpc.hang_up import unless_gone
from pdm_app.trpc.procedures import Procedure
from pdm_app.trpc.values import MISSING

VARY: Final = (b"vary", b"trpc-accept, accept")
JSON_TYPE: Final = (b"content-type", b"application/json")
_METHODS: Final = {"query": ("GET",), "mutation": ("POST",), "subscription": ("GET",)}
_METHODS_OVERRIDDEN: Final = {"query": ("GET", "POST"), "mutation": ("POST",), "subscription": ("GET", "POST")}
BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Request:
    """One HTTP request on its way through the checks."""

    __slots__ = (
        "body",
        "headers",
        "inputs",
        "is_batch",
        "is_jsonl",
        "media_type",
        "method",
        "paths",
        "procedures",
        "query",
    )

    def __init__(self, connection: ConnectionInfo, receive: Receive, body_bytes_max: int) -> None:
        scope = connection.scope
        self.method: str = scope["method"]
        self.headers = connection.headers
        self.query = Query(scope["query_string"])
        self.media_type = ""
        self.is_batch = False
        self.paths: list[str] = []
        self.procedures: list[Procedure | None] = []
        self.body = Body(receive, self.headers, body_bytes_max)
        self.inputs: BatchInputs | None = None
        accepted = self.headers.get(b"trpc-accept")
        if accepted is None:
            accept = self.headers.get(b"accept", b"")
            self.is_jsonl = b"jsonl" in accept and b"application/jsonl" in map(bytes.strip, accept.split(b","))
        else:
            self.is_jsonl = accepted == b"application/jsonl"


class Ready(NamedTuple):
    """A request that passed the common checks, with its context or the error that context creation ended in."""

    request: Request
    connection: ConnectionInfo
    ctx: Any
    ctx_error: Exception | None


class HttpTransport:
    """Checks requests and answers single calls and batches; streams are handed to the other transports."""

    def __init__(
        self,
        dispatcher: Dispatcher[Any],
        table: Mapping[str, Procedure],
        *,
        batching: bool,
        method_override: bool,
    ) -> None:
        self._dispatcher = dispatcher
        self._table = table
        self._batching = batching
        self._method_override = method_override

    async def check(self, scope: Scope, receive: Receive) -> Ready | tuple[ConnectionInfo, TrpcError]:
        """Run the checks up to the context; return the request, or the error that stands for all of it."""
        connection = ConnectionInfo("http", scope)
        limits = self._dispatcher.limits
        try:
            request = Request(connection, receive, limits.body_bytes_max)
            path = procedure_path(scope)
            if len(scope["query_string"]) + len(path) > limits.url_bytes_max:
                raise TrpcError("PAYLOAD_TOO_LARGE", f"The URL is longer than {limits.url_bytes_max} bytes")
            request.media_type = media_type(request)
            self._look_up(request, path)
            params = request.query.get(b"connectionParams")
            if params is not None:
                connection.connection_params = parse_connection_params(params)
            if request.is_batch and not self._batching:
                raise TrpcError("BAD_REQUEST", "Batching is not enabled on the server")
            if request.is_jsonl and not request.is_batch:
                raise TrpcError("BAD_REQUEST", "Streaming requests must be batched (you can do a batch of 1)")
        except TrpcError as error:
            return connection, error
        first = request.procedures[0]
        if first is not None and first.type == "subscription" and not request.is_batch:
            connection.transport = "sse"
        try:
            return Ready(request, connection, await self._dispatcher.context(connection), None)
        except Exception as error:
            return Ready(request, connection, None, error)

    async def single(self, ready: Ready, receive: Receive, send: Send) -> None:
        """Answer one query, mutation or unknown procedure; a query ends with its client."""
        call = self.call(ready, 0)
        is_got = ready.request.method == "GET"
        outcome = await (unless_gone(self._dispatcher.deadlines, receive, call) if is_got else call)
        if outcome is None:
            return
        await send_json(send, outcome.status, envelope(outcome), answer_headers(ready.connection))

    async def batch(self, ready: Ready, receive: Receive, send: Send) -> None:
        """Run all calls at the same time and answer in request order; queries end with their client."""
        calls = self._all(ready)
        is_got = ready.request.method == "GET"
        outcomes = await (unless_gone(self._dispatcher.deadlines, receive, calls) if is_got else calls)
        if outcomes is None:
            return
        statuses = {outcome.status for outcome in outcomes}
        status = statuses.pop() if len(statuses) == 1 else 207
        body = b"[" + b",".join(map(envelope, outcomes)) + b"]"
        await send_json(send, status, body, answer_headers(ready.connection))

    async def _all(self, ready: Ready) -> list[Outcome]:
        count = len(ready.request.paths)
        if count == 1:
            return [await self.call(ready, 0)]
        return await asyncio.gather(*(self.call(ready, index) for index in range(count)))

    async def call(self, ready: Ready, index: int) -> Outcome:
        """Answer the call at one position."""
        procedure = self.admitted(ready, index)
        if isinstance(procedure, Outcome):
            return procedure
        return await self._dispatcher.answer(procedure, ready.ctx, ready.connection, self.raw_input(ready, index))

    def admitted(self, ready: Ready, index: int) -> Procedure | Outcome:
        """Return a call's procedure, or the answer of a call that cannot be carried out.

        In this order: unknown path, wrong method, subscription in a batch, no context.
        """
        path = ready.request.paths[index]
        try:
            return self._admit(ready, index)
        except TrpcError as error:
            return self._dispatcher.refuse(error, ready.connection, path)
        except Exception as error:  # Of the context.
            return self._dispatcher.failure(error, ready.connection, path)

    def _admit(self, ready: Ready, index: int) -> Procedure:
        request = ready.request
        path, procedure = request.paths[index], request.procedures[index]
        if procedure is None:
            raise TrpcError("NOT_FOUND", f'No procedure found on path "{path}"')
        methods = (_METHODS_OVERRIDDEN if self._method_override else _METHODS)[procedure.type]
        if request.method not in methods:
            allow = (b"allow", ", ".join(methods).encode())
            if allow not in ready.connection.response_headers:
                ready.connection.response_headers.append(allow)
            raise TrpcError(
                "METHOD_NOT_SUPPORTED",
                f'Unsupported {request.method}-request to {procedure.type} procedure at path "{path}"',
            )
        if procedure.type == "subscription" and request.is_batch:
            raise TrpcError("BAD_REQUEST", "Cannot batch subscription calls")
        if ready.ctx_error is not None:
            raise ready.ctx_error
        return procedure

    def raw_input(self, ready: Ready, index: int) -> RawInput:
        """Return one call's input, or where to read it from."""
        request = ready.request
        if request.media_type == "application/octet-stream":
            return OctetBody(request.body, self._dispatcher.limits.upload_bytes_max)
        if request.media_type == "multipart/form-data":
            content_type = request.headers[b"content-type"]
            return FormBody(request.body, content_type, self._dispatcher.limits)
        if request.is_batch:
            if request.inputs is None:
                in_url = request.method == "GET"
                request.inputs = BatchInputs(request.query.get(b"input"), None if in_url else request.body)
            return BatchInput(request.inputs, index)
        if request.method == "GET":
            return request.query.get(b"input") or MISSING
        return SingleBody(request.body)

    def _look_up(self, request: Request, path: str) -> None:
        request.is_batch = request.query.is_batch and request.media_type == "application/json"
        request.paths = path.split(",") if request.is_batch else [path]
        if len(request.paths) > self._dispatcher.limits.batch_max:
            raise TrpcError("BAD_REQUEST", "Batch call exceeds maximum size")
        request.procedures = [self._table.get(path) for path in request.paths]
        if request.is_batch:
            types = list(dict.fromkeys(p.type for p in request.procedures if p is not None))
            if len(types) > 1:
                raise TrpcError("BAD_REQUEST", f"Cannot mix procedure types in call: {', '.join(types)}")


def procedure_path(scope: Scope) -> str:
    """Return the dotted path of a request below the mount point, percent-decoded once.

    Raises:
        TrpcError: BAD_REQUEST for a malformed escape.
    """
    raw: bytes | None = scope.get("raw_path")
    path: str = scope["path"]
    if raw is not None and b"%" in raw:
        raw = raw.partition(b"?")[0]
        try:
            if BAD_ESCAPE.search(raw):
                raise ValueError
            path = unquote_to_bytes(raw).decode()
        except ValueError:
            shown = _below_mount(raw.decode("latin-1"), scope)
            raise TrpcError("BAD_REQUEST", f'Invalid URL-encoding in path "{shown}"') from None
    return _below_mount(path, scope)


def _below_mount(path: str, scope: Scope) -> str:
    mount: str = scope.get("root_path", "")
    return path.removeprefix(mount).strip("/") if mount else path.strip("/")


def media_type(request: Request) -> str:
    """Return how the input comes, ``application/json`` for any GET of no other known type.

    Raises:
        TrpcError: UNSUPPORTED_MEDIA_TYPE, or METHOD_NOT_SUPPORTED for bytes or a form that are not posted.
    """
    header = request.headers.get(b"content-type")
    if header is None:
        if request.method == "GET":
            return "application/json"
        raise TrpcError("UNSUPPORTED_MEDIA_TYPE", "Missing content-type header")
    name = header.partition(b";")[0].strip().lower()
    if name == b"application/json":
        return "application/json"
    if name in (b"application/octet-stream", b"multipart/form-data"):
        if request.method != "POST":
            raise TrpcError("METHOD_NOT_SUPPORTED", f"Only POST requests are supported for {name.decode()} requests")
        return name.decode()
    if request.method == "GET":
        return "application/json"
    shown = header.decode("latin-1")[:100]
    raise TrpcError("UNSUPPORTED_MEDIA_TYPE", f'Unsupported content-type "{shown}')


def envelope(outcome: Outcome) -> bytes:
    """Return the body of one call's answer."""
    if outcome.error:
        return b'{"error":%b}' % outcome.error
    return b'{"result":{}}' if outcome.data is None else b'{"result":{"data":%b}}' % outcome.data


def answer_headers(connection: ConnectionInfo) -> list[tuple[bytes, bytes]]:
    """Return the headers that procedures, context and faults added to an answer."""
    correlation_id = connection.known_correlation_id
    if correlation_id is None:
        return connection.response_headers
    return [*connection.response_headers, (CORRELATION_HEADER, correlation_id.encode())]


async def send_json(send: Send, status: int, body: bytes, extra: list[tuple[bytes, bytes]]) -> None:
    """Send one complete JSON answer."""
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [JSON_TYPE, VARY, (b"content-length", b"%d" % len(body)), *extra],
        }
    )
    await send({"type": "http.response.body", "body": body})
