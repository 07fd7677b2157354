"""Files that come with a form: ``multipart/form-data``, read as it arrives and never held in memory whole.

::

    @router.mutation(timeout_s=300)
    async def publish(ctx: Ctx, *, version: str, image: UploadedFile, notes: UploadedFile | None = None) -> Release:
        async for chunk in image:
            ...

From the browser: ``client.publish.mutate(formData)`` over ``httpLink``. The files are gone once the procedure has
ended.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from pdm_app.trpc.errors import TrpcError

CHUNK_BYTES: Final = 256 * 1024
NAME_CHARACTERS_MAX: Final = 255  # Of a file; what most file systems take.


class UploadedFile:
    """One file of a form.

    Iterating yields its bytes from the start, in chunks of up to ``CHUNK_BYTES``.

    Attributes:
        name: What the client calls it, without folders; not to be trusted, and perhaps empty.
        content_type: What the client says it is; not to be trusted either.
        size: In bytes.
    """

    def __init__(self, name: str, content_type: str, memory_bytes: int = CHUNK_BYTES) -> None:
        self.name = name
        self.content_type = content_type
        self.size = 0
        self._memory_bytes = memory_bytes
        self._file: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(max_size=memory_bytes)  # noqa: SIM115 - closed by `close`

    async def __aiter__(self) -> AsyncIterator[bytes]:
        position = 0
        while position < self.size:
            chunk = await self._do(partial(self._read, position))
            position += len(chunk)
            yield chunk

    async def read(self) -> bytes:
        """Return all of it, where it is known to be small; memory is the procedure's to watch."""
        return b"".join([chunk async for chunk in self])

    async def write(self, content: bytes) -> None:
        """Add to its end."""
        self.size += len(content)
        await self._do(partial(self._file.write, content))

    def close(self) -> None:
        """Forget the content."""
        with suppress(OSError):
            self._file.close()

    def __repr__(self) -> str:
        return f"UploadedFile({self.name!r}, {self.content_type!r}, {self.size} bytes)"

    def _read(self, position: int) -> bytes:
        self._file.seek(position)
        return self._file.read(CHUNK_BYTES)

    async def _do(self, work: Callable[[], Any]) -> Any:
        """Work on the disk, which may be slow, in a thread; in memory at once."""
        return await asyncio.to_thread(work) if self.size > self._memory_bytes else work()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.is_instance_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "format": "binary"}


class Form:
    """What a form holds, by the names of its fields. To be closed."""

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}
        self.files: dict[str, list[UploadedFile]] = {}

    def close(self) -> None:
        """Forget all files."""
        for files in self.files.values():
            for file in files:
                file.close()


async def read_form(
    chunks: AsyncIterator[bytes], content_type: bytes, *, parts_max: int, text_bytes_max: int, memory_bytes: int
) -> Form:
    """Read a form as it arrives.

    Args:
        chunks: The body, limited by whoever gives it.
        content_type: The header, with the boundary.
        parts_max: Fields and files together.
        text_bytes_max: All fields that are no files together.
        memory_bytes: What of one file stays in memory; more of it goes to a temporary file on disk.

    Raises:
        TrpcError: BAD_REQUEST for what is no form, PAYLOAD_TOO_LARGE for too much of it.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not boundary:
        raise TrpcError("BAD_REQUEST", "The content type of a form names its boundary")
    parts = _Parts(parts_max, text_bytes_max, memory_bytes)
    try:
        try:
            parser = MultipartParser(boundary, parts.callbacks())
            async for chunk in chunks:
                parser.write(chunk)
                await parts.store()
        except FormParserError as error:
            raise TrpcError("BAD_REQUEST", f"The form cannot be read: {error}") from None
        if not parts.is_complete:
            raise TrpcError("BAD_REQUEST", "The form ends before its last boundary")
        return parts.form()
    except BaseException:
        parts.close()
        raise


class _Part:
    """The part that is being read."""

    __slots__ = ("field", "file", "headers", "text")

    def __init__(self) -> None:
        self.headers: dict[bytes, bytes] = {}
        self.field = ""
        self.file: UploadedFile | None = None
        self.text = bytearray()


class _Parts:
    """Collects what the parser finds."""

    def __init__(self, parts_max: int, text_bytes_max: int, memory_bytes: int) -> None:
        self._parts_max = parts_max
        self._text_bytes_max = text_bytes_max
        self._memory_bytes = memory_bytes
        self._done: list[_Part] = []
        self._part = _Part()
        self._header = (bytearray(), bytearray())
        self._text_bytes = 0
        self._to_store: list[tuple[UploadedFile, bytes]] = []
        self.is_complete = False

    def callbacks(self) -> Any:
        """Return what the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._add,
            "on_end": self._complete,
        }

    async def store(self) -> None:
        """Write to the files what has arrived of them."""
        arrived, self._to_store = self._to_store, []
        for file, content in arrived:
            await file.write(content)

    def form(self) -> Form:
        """Return what was collected; a file without name and content is one that nobody chose."""
        form = Form()
        for part in self._done:
            if part.file is None:
                form.texts.setdefault(part.field, []).append(_text(part))
            elif part.file.name or part.file.size:
                form.files.setdefault(part.field, []).append(part.file)
            else:
                part.file.close()
        return form

    def close(self) -> None:
        """Forget all files."""
        for part in self._done:
            if part.file is not None:
                part.file.close()

    def _begin(self) -> None:
        if len(self._done) >= self._parts_max:
            raise TrpcError("PAYLOAD_TOO_LARGE", f"The form has more than {self._parts_max} parts")
        self._part = _Part()
        self._done.append(self._part)

    def _end_header(self) -> None:
        name, value = self._header
        self._part.headers[bytes(name).strip().lower()] = bytes(value).strip()
        self._header = (bytearray(), bytearray())

    def _end_headers(self) -> None:
        part = self._part
        kind, options = parse_options_header(part.headers.get(b"content-disposition", b""))
        if kind != b"form-data" or b"name" not in options:
            raise TrpcError("BAD_REQUEST", "A part of the form has no name")
        part.field = options[b"name"].decode("utf-8", "replace")
        if b"filename" in options:
            name = options[b"filename"].decode("utf-8", "replace").replace("\\", "/").rpartition("/")[2]
            shown = "".join(character for character in name if character.isprintable())
            content_type = part.headers.get(b"content-type", b"application/octet-stream").decode("latin-1")
            part.file = UploadedFile(shown[:NAME_CHARACTERS_MAX], content_type, self._memory_bytes)

    def _add(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        if part.file is not None:
            self._to_store.append((part.file, data[start:end]))
            return
        self._text_bytes += end - start
        if self._text_bytes > self._text_bytes_max:
            raise TrpcError("PAYLOAD_TOO_LARGE", f"The form's fields are longer than {self._text_bytes_max} bytes")
        part.text += data[start:end]

    def _complete(self) -> None:
        self.is_complete = True


def _text(part: _Part) -> str:
    try:
        return part.text.decode()
    except UnicodeDecodeError:
        raise TrpcError("BAD_REQUEST", f"The field {part.field[:100]!r} is no UTF-8") from None
