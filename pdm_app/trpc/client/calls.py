"""Queries and mutations over HTTP: one by one, several in one request, or with a body that is a stream of bytes."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal
from urllib.parse import quote

import httpx

from pdm_app.trpc.client.errors import CallError, RpcConnectionError, call_error
from pdm_app.trpc.client.settings import Settings
from pdm_app.trpc.wire_values import MISSING

JSON_BODY: Final = {"content-type": "application/json"}
BYTES_BODY: Final = {"content-type": "application/octet-stream"}
EMPTY_FORM: Final = b"--empty--\r\n"
EMPTY_FORM_BODY: Final = {"content-type": "multipart/form-data; boundary=empty"}
QUOTED_MAX: Final = 80  # Characters of a strange answer that an error shows.


Upload = bytes | BinaryIO | tuple[str, bytes | BinaryIO] | tuple[str, bytes | BinaryIO, str]
"""A file of a form: its content; or its name, content and, if it is known, content type."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call; ``input`` is JSON, or None for no input."""

    kind: Literal["query", "mutation"]
    path: str
    input: str | None


class HttpCalls:
    """Sends calls and reads their answers."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._http = http

    async def one(self, request: Request) -> Any:
        """Send one call and return its data, ``MISSING`` for undefined.

        Raises:
            CallError: The server's answer.
            RpcConnectionError: There was none.
        """
        if request.kind == "query":
            query = "" if request.input is None else f"?input={quote(request.input, safe='')}"
            response = await self._send("GET", request.path + query)
        else:
            response = await self._send("POST", request.path, request.input or "", JSON_BODY)
        answer = self._read(response)
        return self._data(response, answer)

    async def many(self, requests: Sequence[Request]) -> list[Any]:
        """Send calls of one kind in one request; return data or a ``CallError`` for each, in their order.

        Raises:
            CallError: The server refused them all.
            RpcConnectionError: There was no answer.
        """
        paths = ",".join(request.path for request in requests)
        inputs = ",".join(f'"{n}":{one.input}' for n, one in enumerate(requests) if one.input is not None)
        if requests[0].kind == "query":
            response = await self._send("GET", f"{paths}?batch=1&input={quote(f'{{{inputs}}}', safe='')}")
        else:
            response = await self._send("POST", f"{paths}?batch=1", f"{{{inputs}}}", JSON_BODY)
        answers = self._read(response)
        if not isinstance(answers, list):
            answers = [answers] * len(requests)
        if len(answers) != len(requests):
            raise no_trpc(response)
        found: list[Any] = []
        for answer in answers:
            try:
                found.append(self._data(response, answer))
            except CallError as error:
                found.append(error)
        return found

    async def upload(self, path: str, body: bytes | AsyncIterator[bytes]) -> Any:
        """Send bytes as the input of a mutation and return its data."""
        response = await self._send("POST", path, body, BYTES_BODY)
        return self._data(response, self._read(response))

    async def form(self, path: str, fields: Mapping[str, Any], files: Collection[str]) -> Any:
        """Send a form as the input of a mutation and return its data.

        Args:
            path: The procedure.
            fields: Values by their names; None is left out, a list is a field for each of its members.
            files: Which of the fields are files.
        """
        parts = []
        for name, value in fields.items():
            values = value if isinstance(value, list) else [] if value is None else [value]
            parts += [(name, _file(one, name) if name in files else (None, self._form_text(one))) for one in values]
        if not parts:  # httpx would send no form at all.
            response = await self._send("POST", path, EMPTY_FORM, EMPTY_FORM_BODY)
        else:
            response = await self._send("POST", path, parts=parts)
        return self._data(response, self._read(response))

    def _form_text(self, value: Any) -> str:
        return value if isinstance(value, str) else self._settings.encode(value)

    async def _send(
        self,
        method: str,
        path: str,
        body: str | bytes | AsyncIterator[bytes] | None = None,
        more: Mapping[str, str] | None = None,
        parts: Any = None,
    ) -> httpx.Response:
        url = f"{self._settings.url}/{path}"
        headers = {**await self._settings.current_headers(), **(more or {})}
        try:
            return await self._http.request(method, url, content=body, files=parts, headers=headers)
        except httpx.HTTPError as error:
            raise no_answer(url.partition("?")[0], error) from error

    def _read(self, response: httpx.Response) -> Any:
        try:
            return self._settings.decode(response.content)
        except ValueError:
            raise no_trpc(response) from None

    def _data(self, response: httpx.Response, answer: Any) -> Any:
        try:
            if "error" in answer:
                raise call_error(answer["error"], retry_after_s(response))
            return answer["result"].get("data", MISSING)
        except (KeyError, TypeError, AttributeError):
            raise no_trpc(response) from None


def _file(given: Upload, name: str) -> Any:
    """Return a file as httpx takes it, under the name of its field where it has none of its own."""
    if isinstance(given, tuple):
        return given
    return (Path(str(getattr(given, "name", name))).name, given)


def no_answer(url: str, error: httpx.HTTPError) -> RpcConnectionError:
    """Say that nothing, or not everything, came back."""
    cause = f"{type(error).__name__} {error}".strip()
    is_unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return RpcConnectionError(
        url, "did not answer", cause, "Check address, network and that it runs.", may_be_done=not is_unsent
    )


def no_trpc(response: httpx.Response) -> RpcConnectionError:
    """Say that what came back was not written by a tRPC server, such as a proxy's page."""
    return RpcConnectionError(
        str(response.url).partition("?")[0],
        f"answered HTTP {response.status_code} but not in tRPC",
        response.text[:QUOTED_MAX],
        "Check the path.",
        may_be_done=response.status_code >= 500,
    )


def retry_after_s(response: httpx.Response) -> float | None:
    """Return the seconds of ``Retry-After``; a date there is not understood."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None
