"""The same procedures as plain REST, for clients and tools that know nothing of tRPC.

A procedure with ``rest="PATCH /assets/{asset_id}"`` is also there, behind the same context, authorisation, middleware
and validation. The order of checks: 404, 405, 415, context, authorisation, middleware, input, procedure, output.

* Fields in the path and the query are written as text, lists as a repeated key (see ``rest_input``); POST, PUT and
  PATCH take the other fields as a JSON object.
* A result is the bare JSON. What creates answers 201, what returns nothing answers 204.
* An error is ``application/problem+json`` (RFC 9457): ``type``, ``title``, ``status``, ``detail`` for people, ``code``
  for programs, and what the error formatter adds, such as ``issues`` per field.
* GET answers with an ``ETag``; ``If-None-Match`` with it gets 304 and no body. Nothing is kept by shared caches.
* Subscriptions are not REST.
"""

from collections.abc import AsyncIterator, Mapping
from hashlib import blake2b
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, unquote_to_bytes

import orjson

from pdm_app.trpc.asgi import Receive, Scope, Send
from pdm_app.trpc.bodies import Body, FormBody, OctetBody
from pdm_app.trpc.connection import ConnectionInfo
from pdm_app.trpc.dispatch import BodySource, Dispatcher, Outcome, RawInput
from pdm_app.trpc.errors import Issue, TrpcError, issues_error
from pdm_app.trpc.hang_up import unless_gone
from pdm_app.trpc.http import BAD_ESCAPE, answer_headers
from pdm_app.trpc.procedures import Procedure
from pdm_app.trpc.rest_input import TextFields
from pdm_app.trpc.rest_routes import Address, Addresses, Placed
from pdm_app.trpc.uploads import Form
from pdm_app.trpc.values import MISSING, Missing

JSON: Final = b"application/json"
PROBLEM: Final = b"application/problem+json"
_PRIVATE: Final = (b"cache-control", b"private, no-cache")
_VARY: Final = (b"vary", b"authorization, cookie")
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})

_KINDS: Final = {"stream": b"application/octet-stream", "form": b"multipart/form-data"}

Given = dict[str, list[str]]


class RestTransport:
    """Serves every procedure that has an address of its own.

    Raises:
        RestError: Two procedures claim one address.
    """

    def __init__(self, dispatcher: Dispatcher[Any], table: Mapping[str, Procedure]) -> None:
        self._dispatcher = dispatcher
        self._addresses = Addresses(table.values())
        self._fields = {
            path: TextFields(procedure.input.adapter, procedure.input.parameter)
            for path, procedure in table.items()
            if procedure.rest
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request; there are no WebSockets here."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        connection = ConnectionInfo("http", scope)
        try:
            placed, in_path = self._routed(scope, connection)
            raw = self._input(placed, in_path, scope, receive)
        except TrpcError as error:
            outcome = self._dispatcher.refuse(error, connection, None)
            await _send_problem(send, outcome, connection)
            return
        answering = self._outcome(placed.procedure, connection, raw)
        is_got = placed.route.method == "GET"
        answer = await (unless_gone(self._dispatcher.deadlines, receive, answering) if is_got else answering)
        if answer is not None and answer.error:
            await _send_problem(send, answer, connection)
        elif answer is not None:
            await _send_result(send, placed, answer, connection)

    async def _outcome(self, procedure: Procedure, connection: ConnectionInfo, raw: RawInput) -> Outcome:
        try:
            ctx = await self._dispatcher.context(connection)
        except Exception as error:
            return self._dispatcher.failure(error, connection, procedure.path)
        return await self._dispatcher.answer(procedure, ctx, connection, raw)

    def _routed(self, scope: Scope, connection: ConnectionInfo) -> tuple[Placed, Given]:
        """Return whose address it is, and the texts that the path holds."""
        parts, raw_length = _parts(scope)
        url_bytes_max = self._dispatcher.limits.url_bytes_max
        if raw_length + len(scope["query_string"]) > url_bytes_max:
            raise TrpcError("PAYLOAD_TOO_LARGE", f"The URL is longer than {url_bytes_max} bytes")
        found = self._addresses.find(parts)
        if found is None:
            raise TrpcError("NOT_FOUND", f"There is nothing at /{'/'.join(parts)[:200]}")
        address, values = found
        scope["path_format"] = address.path
        placed = _of_method(address, scope["method"], connection)
        return placed, {name: [value] for name, value in zip(placed.route.parameters, values, strict=True)}

    def _input(self, placed: Placed, in_path: Given, scope: Scope, receive: Receive) -> RawInput:
        """Return the input, or where to read it from; nothing is validated yet, since refusing comes first."""
        procedure, route = placed
        headers: dict[bytes, bytes] = dict(scope["headers"])
        has_body = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if route.method in _WITH_BODY and (has_body or kind or procedure.input.form == "form"):
            _check_kind(procedure, kind, headers)
        limits = self._dispatcher.limits
        body = Body(receive, headers, limits.body_bytes_max)
        if procedure.input.form == "stream":
            return OctetBody(body, limits.upload_bytes_max)
        if procedure.input.form == "form":
            return RestForm(FormBody(body, headers.get(b"content-type", b""), limits), in_path, scope["query_string"])
        fields = self._fields[procedure.path]
        if route.method in _WITH_BODY:
            return RestBody(body if has_body else None, fields, in_path, scope["query_string"])
        return RestBody(None, fields, in_path, scope["query_string"], takes_query=True, has_body=has_body)


class RestBody(BodySource):
    """An input from up to three places: path, query and body."""

    def __init__(
        self,
        body: Body | None,
        fields: TextFields,
        in_path: Given,
        query_string: bytes,
        *,
        takes_query: bool = False,
        has_body: bool = False,
    ) -> None:
        self._body = body
        self._fields = fields
        self._in_path = in_path
        self._query_string = query_string
        self._takes_query = takes_query
        self._has_body = has_body

    async def read(self) -> bytes | Missing:
        """Return the input as JSON.

        Raises:
            TrpcError: BAD_REQUEST with an issue per field that stands where it cannot, or twice.
        """
        issues: list[Issue] = []
        given = dict(self._in_path)
        for name, texts in _query(self._query_string).items():
            if name in self._in_path:
                issues.append(Issue(loc=[name], msg="Stands in the path already", type="multiple_values"))
            elif not self._takes_query:
                issues.append(Issue(loc=[name], msg="Belongs into the JSON body, not the query", type="misplaced"))
            else:
                given[name] = texts
        if self._has_body:
            issues.append(Issue(loc=[], msg="No body is read here; send fields in the query", type="misplaced"))
        encoded = self._fields.encode(given, issues)
        content = b"" if self._body is None else await self._body.read()
        raw = self._bare(encoded, content) if self._fields.is_bare else _merged(encoded, content, issues)
        if issues:
            raise issues_error(issues)
        return raw

    def stream(self) -> AsyncIterator[bytes]:
        """Refuse: procedures that want bytes have an input of their own."""
        raise TrpcError("UNSUPPORTED_MEDIA_TYPE", "This procedure takes a body of application/octet-stream")

    def _bare(self, encoded: Mapping[str, str], content: bytes) -> bytes | Missing:
        if content:
            return content
        value = next((text for name, text in encoded.items() if name in self._fields.names), None)
        return MISSING if value is None else value.encode()


class RestForm(BodySource):
    """A form, beside the fields that stand in the path."""

    def __init__(self, body: FormBody, in_path: Given, query_string: bytes) -> None:
        self._body = body
        self._in_path = in_path
        self._query_string = query_string

    async def form(self) -> Form:
        """Return the form with the fields of the path.

        Raises:
            TrpcError: BAD_REQUEST for a field in two places, or in the query.
        """
        misplaced = "Belongs into the form, not the query"
        issues = [Issue(loc=[name], msg=misplaced, type="misplaced") for name in _query(self._query_string)]
        if issues:
            raise issues_error(issues)
        form = await self._body.form()
        twice = self._in_path.keys() & form.texts.keys()
        if twice:
            form.close()
            raise issues_error(
                Issue(loc=[name], msg="Stands in the path already", type="multiple_values") for name in sorted(twice)
            )
        form.texts.update(self._in_path)
        return form


def _merged(encoded: Mapping[str, str], content: bytes, issues: list[Issue]) -> bytes | Missing:
    """Put the fields of the path beside those of a JSON object, whose own text stays as it came."""
    content = content.strip()
    if not content:
        members = ",".join(f"{orjson.dumps(name).decode()}:{text}" for name, text in encoded.items())
        return f"{{{members}}}".encode() if encoded else MISSING
    try:
        parsed = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise TrpcError("BAD_REQUEST", f"Invalid JSON: {error}") from None
    if not isinstance(parsed, dict):
        issues.append(Issue(loc=[], msg="The body is no JSON object", type="dict_type"))
        return MISSING
    for name, text in encoded.items():
        if name in parsed and parsed[name] != orjson.loads(text):
            issues.append(Issue(loc=[name], msg="Differs from the one in the path", type="multiple_values"))
    added = ",".join(f"{orjson.dumps(name).decode()}:{text}" for name, text in encoded.items() if name not in parsed)
    if not added:
        return content
    return b"{%b%b%b" % (added.encode(), b"," if parsed else b"", content[1:])


def _parts(scope: Scope) -> tuple[list[str], int]:
    """Return the parts of the path below the mount, each decoded by itself: an escaped slash is no separator.

    Raises:
        TrpcError: BAD_REQUEST for a malformed escape.
    """
    mount: str = scope.get("root_path", "")
    raw: bytes = (scope.get("raw_path") or b"").partition(b"?")[0]
    if not raw.startswith(mount.encode()):
        raw = quote(scope["path"]).encode()
    below = raw.removeprefix(mount.encode()).strip(b"/")
    try:
        if BAD_ESCAPE.search(below):
            raise ValueError
        return [unquote_to_bytes(part).decode() for part in below.split(b"/")], len(raw)
    except ValueError:
        shown = below.decode("latin-1")[:200]
        raise TrpcError("BAD_REQUEST", f'Invalid URL-encoding in path "{shown}"') from None


def _query(query_string: bytes) -> Given:
    """Return every text of every name, in order.

    Raises:
        TrpcError: BAD_REQUEST for text that is no UTF-8.
    """
    given: Given = {}
    for pair in query_string.split(b"&") if query_string else ():
        name, _, text = pair.replace(b"+", b" ").partition(b"=")
        if name:
            try:
                given.setdefault(unquote_to_bytes(name).decode(), []).append(unquote_to_bytes(text).decode())
            except UnicodeDecodeError:
                raise TrpcError("BAD_REQUEST", "The query is no UTF-8") from None
    return given


def _of_method(address: Address, method: str, connection: ConnectionInfo) -> Placed:
    placed = address.procedures.get("GET" if method == "HEAD" else method)
    if placed is None:
        connection.response_headers.append((b"allow", address.allowed.encode()))
        raise TrpcError("METHOD_NOT_SUPPORTED", f"{address.path} takes {address.allowed}, not {method[:20]}")
    return placed


def _check_kind(procedure: Procedure, kind: bytes, headers: Mapping[bytes, bytes]) -> None:
    wanted = _KINDS.get(procedure.input.form, JSON)
    if kind != wanted or headers.get(b"content-encoding", b"identity").lower() != b"identity":
        said = kind.decode("latin-1")[:80] or "no content type"
        raise TrpcError("UNSUPPORTED_MEDIA_TYPE", f"This takes {wanted.decode()}, uncompressed, not {said}")


async def _send_result(send: Send, placed: Placed, outcome: Outcome, connection: ConnectionInfo) -> None:
    procedure, route = placed
    body = outcome.data or b""
    headers = [_PRIVATE, _VARY, *answer_headers(connection)]
    if procedure.output.is_nothing or not body:
        await _send(send, 204, b"", headers)
        return
    headers.append((b"content-type", JSON))
    if route.method == "GET":
        tag = b'"%b"' % blake2b(body, digest_size=12).hexdigest().encode()
        headers.append((b"etag", tag))
        if tag in (connection.header("if-none-match") or "").encode():
            await _send(send, 304, b"", headers)
            return
    await _send(send, route.status, body, headers, is_head=connection.scope["method"] == "HEAD")


async def _send_problem(send: Send, outcome: Outcome, connection: ConnectionInfo) -> None:
    """Send an error shape of tRPC as a problem; facts of the application never hide the problem's own members."""
    shape = orjson.loads(outcome.error)
    data = {name: value for name, value in shape["data"].items() if name not in ("httpStatus", "path")}
    problem = {
        **data,
        "type": "about:blank",
        "title": HTTPStatus(outcome.status).phrase if outcome.status != 499 else "Client Closed Request",
        "status": outcome.status,
        "detail": shape["message"],
    }
    headers = [(b"content-type", PROBLEM), (b"cache-control", b"no-store"), *answer_headers(connection)]
    if outcome.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await _send(send, outcome.status, orjson.dumps(problem), headers, is_head=connection.scope["method"] == "HEAD")


async def _send(
    send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]], *, is_head: bool = False
) -> None:
    length = [] if status in (204, 304) else [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": b"" if is_head else body})
