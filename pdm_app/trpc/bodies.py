"""The body of an HTTP request: read once at the first need, whole, as bytes in a stream, or as inputs of a batch."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson

from pdm_app.trpc.asgi import Receive
from pdm_app.trpc.dispatch import BodySource
from pdm_app.trpc.errors import TrpcError
from pdm_app.trpc.limits import Limits
from pdm_app.trpc.uploads import Form, read_form
from pdm_app.trpc.values import MISSING, Missing


class Body:
    """The body of a request, read once at the first need and never beyond its limit."""

    __slots__ = ("_bytes_max", "_content", "_error", "_headers", "_lock", "_receive")

    def __init__(self, receive: Receive, headers: dict[bytes, bytes], bytes_max: int) -> None:
        self._receive = receive
        self._headers = headers
        self._bytes_max = bytes_max
        self._content: bytes | None = None
        self._error: TrpcError | None = None
        self._lock: asyncio.Lock | None = None

    async def read(self) -> bytes:
        """Return the whole body; calls of one batch share it."""
        if self._content is not None:
            return self._content
        if self._lock is None:
            self._lock = asyncio.Lock()
        async with self._lock:
            if self._error is not None:
                raise self._error
            if self._content is None:
                try:
                    self._content = b"".join([chunk async for chunk in self.chunks(self._bytes_max)])
                except TrpcError as error:
                    self._error = error
                    raise
        return self._content

    async def chunks(self, bytes_max: int) -> AsyncIterator[bytes]:
        """Yield the body as it arrives.

        Raises:
            TrpcError: PAYLOAD_TOO_LARGE once it is longer than ``bytes_max``; CLIENT_CLOSED_REQUEST if cut short.
        """
        announced = self._headers.get(b"content-length", b"")
        if announced.isdigit() and int(announced) > bytes_max:
            raise too_large(bytes_max)
        received = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise TrpcError("CLIENT_CLOSED_REQUEST")
            chunk = message.get("body", b"")
            received += len(chunk)
            if received > bytes_max:
                raise too_large(bytes_max)
            if chunk:
                yield chunk
            if not message.get("more_body", False):
                return


class SingleBody(BodySource):
    """The body is the bare JSON input of one call; empty means no input."""

    def __init__(self, body: Body) -> None:
        self._body = body

    async def read(self) -> bytes | Missing:
        """Return the body."""
        return await self._body.read() or MISSING

    def stream(self) -> AsyncIterator[bytes]:
        """Refuse: the procedure wants bytes."""
        raise TrpcError("UNSUPPORTED_MEDIA_TYPE", "This procedure takes a body of application/octet-stream")


class OctetBody(BodySource):
    """The body is the input, as a stream of bytes."""

    def __init__(self, body: Body, bytes_max: int) -> None:
        self._body = body
        self._bytes_max = bytes_max

    async def read(self) -> bytes | Missing:
        """Refuse: the procedure wants JSON."""
        raise TrpcError("UNSUPPORTED_MEDIA_TYPE", "This procedure takes a body of application/json")

    def stream(self) -> AsyncIterator[bytes]:
        """Return the chunks of the body."""
        return self._body.chunks(self._bytes_max)


class FormBody(BodySource):
    """The body is a form."""

    def __init__(self, body: Body, content_type: bytes, limits: Limits) -> None:
        self._body = body
        self._content_type = content_type
        self._limits = limits

    async def read(self) -> bytes | Missing:
        """Refuse: the procedure wants JSON."""
        raise TrpcError("UNSUPPORTED_MEDIA_TYPE", "This procedure takes a body of application/json")

    def stream(self) -> AsyncIterator[bytes]:
        """Refuse: the procedure wants bytes."""
        raise TrpcError("UNSUPPORTED_MEDIA_TYPE", "This procedure takes a body of application/octet-stream")

    async def form(self) -> Form:
        """Read the form."""
        limits = self._limits
        return await read_form(
            self._body.chunks(limits.upload_bytes_max),
            self._content_type,
            parts_max=limits.form_parts_max,
            text_bytes_max=limits.body_bytes_max,
            memory_bytes=limits.upload_memory_bytes,
        )


class BatchInputs:
    """The inputs of a batch: one JSON object whose keys are the calls' positions, parsed once when first needed."""

    __slots__ = ("_body", "_encoded", "_parsed")

    def __init__(self, encoded: bytes | None, body: Body | None) -> None:
        self._encoded = encoded
        self._body = body
        self._parsed: dict[str, Any] | TrpcError | None = None

    async def of(self, index: int) -> bytes | Missing:
        """Return the JSON of one call's input."""
        encoded = self._encoded if self._body is None else await self._body.read()
        if self._parsed is None:
            self._parsed = self._parse(encoded)
        if isinstance(self._parsed, TrpcError):
            raise self._parsed
        position = str(index)
        if position not in self._parsed:
            return MISSING
        try:
            return orjson.dumps(self._parsed[position])
        except orjson.JSONEncodeError:
            raise TrpcError("BAD_REQUEST", "The input is nested too deep") from None

    @staticmethod
    def _parse(encoded: bytes | None) -> dict[str, Any] | TrpcError:
        if not encoded:
            return {}
        try:
            parsed = orjson.loads(encoded)
        except orjson.JSONDecodeError as error:
            return TrpcError("BAD_REQUEST", f"Invalid JSON: {error}")
        if not isinstance(parsed, dict):
            return TrpcError("BAD_REQUEST", '"input" needs to be an object when doing a batch call')
        return parsed


class BatchInput(BodySource):
    """One call's share of a batch."""

    def __init__(self, inputs: BatchInputs, index: int) -> None:
        self._inputs = inputs
        self._index = index

    async def read(self) -> bytes | Missing:
        """Return the JSON under the call's position."""
        return await self._inputs.of(self._index)

    def stream(self) -> AsyncIterator[bytes]:
        """Refuse: a batch is JSON."""
        raise TrpcError("UNSUPPORTED_MEDIA_TYPE", "This procedure takes a body of application/octet-stream, unbatched")


def too_large(bytes_max: int) -> TrpcError:
    return TrpcError("PAYLOAD_TOO_LARGE", f"The body is longer than {bytes_max} bytes")
