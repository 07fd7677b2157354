"""Objects of one bucket: put, read, listed and removed over HTTP, each request bounded in time and memory.

An object is there whole or not at all: the server takes a body over once it has all of it, and refuses one whose
SHA-256 is not the one that was signed.
"""

import asyncio
import hashlib
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from html import unescape
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from pdm_app.domain.cold_bucket import BucketKey, BucketSettings
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.ports import Clock
from pdm_app.domain.samples import moment
from pdm_app.storage.s3_signing import NOTHING, query_of, signed

CHUNK = 1024 * 1024
PART_BYTES = 64 * CHUNK
"""What is larger goes in parts of so much; ten thousand of them make 640 GB."""
SLOWEST_BYTES_PER_S = 100_000
"""Who sends or takes less than this, on the whole, is as good as away."""
TRIES = 2
SAID_BYTES_MAX = 8 * CHUNK
"""An answer that is no object, such as a list of a thousand keys."""
CODE = re.compile(r"<Code>([A-Za-z0-9]{1,80})</Code>")
KEYS = re.compile(r"<Key>([^<]*)</Key>")
UPLOADS = re.compile(r"<Upload>.*?<Key>([^<]*)</Key>.*?<UploadId>([^<]*)</UploadId>.*?</Upload>", re.DOTALL)
NEXT = re.compile(r"<NextContinuationToken>([^<]*)</NextContinuationToken>")
UPLOAD = re.compile(r"<UploadId>([^<]*)</UploadId>")
NO_OBJECT = ("NoSuchKey", "")
WHAT_TO_DO = {
    "NoSuchBucket": "Make the bucket, or correct its name.",
    "InvalidAccessKeyId": "Enter the key anew: python3 -m pdm_app history bucket-key.",
    "SignatureDoesNotMatch": "Enter the key anew: python3 -m pdm_app history bucket-key.",
    "RequestTimeTooSkewed": "Set this machine's clock; the server's differs by many minutes.",
    "AccessDenied": "Give the key the right to read, write, list and delete there.",
    "AuthorizationHeaderMalformed": "Correct the region of the bucket.",
    "PermanentRedirect": "Correct endpoint and region: the bucket lies elsewhere.",
}


class BucketError(UnavailableError):
    """The server does not answer, or refuses; nothing was lost."""


class NoObjectError(BucketError):
    """There is no object of this key."""


class S3Bucket:
    """One bucket and prefix of it.

    Args:
        options: Where it is.
        key: Returns the key to it; asked anew after a refusal.
        clock: The wall clock: servers refuse requests of another time.
    """

    def __init__(self, options: BucketSettings, key: Callable[[], Awaitable[BucketKey | None]], clock: Clock) -> None:
        self.options = options
        self.place = f"The bucket {options.place}"
        self._key_of = key
        self._key: BucketKey | None = None
        self._clock = clock
        self._host = urlsplit(options.endpoint).netloc
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Close its connections; it may be used again."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def put(self, name: str, path: Path, sha256: str) -> None:
        """Upload a file; the object is there once all of it has come.

        Raises:
            BucketError: It was refused, or nobody answered; the object may be there all the same.
        """
        size = (await asyncio.to_thread(path.stat)).st_size
        if size <= PART_BYTES:
            await self._sent("PUT", name, path=path, part=(0, size), sha256=sha256)
        else:
            await self._put_parts(name, path, size)

    async def put_text(self, name: str, text: str) -> None:
        """Upload a short text; raises as `put` does."""
        await self._sent("PUT", name, body=text.encode())

    async def text(self, name: str) -> str:
        """Return a short text.

        Raises:
            NoObjectError: There is none.
            BucketError: As `put`.
        """
        return await self._sent("GET", name)

    async def read(
        self,
        name: str,
        take: Callable[[bytes], object],
        span: tuple[int, int] | None = None,
        size_max: int | None = None,
    ) -> None:
        """Hand an object over, or its bytes from one up to, not including, another, piece by piece.

        What is larger than ``size_max`` is read until that shows.

        Raises:
            NoObjectError: There is none.
            BucketError: As `put`; also where the answer ends too early. Some pieces may have been handed over.
        """
        asked = {} if span is None else {"range": f"bytes={span[0]}-{span[1] - 1}"}
        wanted = None if span is None else span[1] - span[0]
        most = wanted if wanted is not None else size_max
        async with self._answer("GET", name, headers=asked, bytes_max=most) as answer:
            if span is not None and answer.status_code != HTTPStatus.PARTIAL_CONTENT:
                raise BucketError(f"{self.place} answers {name} whole where a part was asked for. Use another server.")
            count = 0
            async for piece in answer.aiter_raw(CHUNK):
                count += len(piece)
                await asyncio.to_thread(take, piece)
                if most is not None and count > most:
                    break
        if wanted is not None and count != wanted:
            raise BucketError(f"{self.place} sent {count} bytes of {name} where {wanted} were asked for.")

    async def digest(self, name: str) -> tuple[str, int]:
        """Read an object back; return its SHA-256 and its size. Raises as `read` does."""
        found, size = hashlib.sha256(), 0

        def take(piece: bytes) -> None:
            nonlocal size
            size += len(piece)
            found.update(piece)

        await self.read(name, take)
        return found.hexdigest(), size

    async def names(self) -> list[str]:
        """Return the names of all objects below the prefix; raises as `put` does."""
        found: list[str] = []
        start = f"{self.options.prefix}/"
        more: dict[str, str] = {}
        while True:
            said = await self._sent("GET", None, query={"list-type": "2", "prefix": start, **more})
            found += [unescape(key).removeprefix(start) for key in KEYS.findall(said)]
            token = NEXT.search(said)
            if token is None:
                return found
            more = {"continuation-token": unescape(token[1])}

    async def remove(self, name: str) -> None:
        """Remove an object if it is there; raises as `put` does."""
        with suppress(NoObjectError):
            await self._sent("DELETE", name)

    async def remove_unfinished(self) -> None:
        """Give up uploads in parts that somebody died in, where the server can name them; raises as `put` does."""
        start = f"{self.options.prefix}/"
        try:
            said = await self._sent("GET", None, query={"uploads": "", "prefix": start})
        except BucketError as error:
            if error.facts.get("status") in (HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.METHOD_NOT_ALLOWED):
                return
            raise
        for key, upload in UPLOADS.findall(said):
            if unescape(key).startswith(start):
                await self._give_up(unescape(key).removeprefix(start), unescape(upload))

    # --- parts ----------------------------------------------------------------------------------------------------

    async def _put_parts(self, name: str, path: Path, size: int) -> None:
        begun = UPLOAD.search(await self._sent("POST", name, query={"uploads": ""}))
        if begun is None:
            raise BucketError(f"{self.place} does not take {name} in parts. Use a server that does.")
        upload = unescape(begun[1])
        try:
            tags: list[str] = []
            for start in range(0, size, PART_BYTES):
                part = (start, min(start + PART_BYTES, size))
                sha256 = await asyncio.to_thread(_sha256_of, path, part)
                query = {"partNumber": str(len(tags) + 1), "uploadId": upload}
                tags.append(await self._tag_of(name, query, path, part, sha256))
            named = "".join(
                f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"
                for number, tag in enumerate(tags, 1)
            )
            whole = f"<CompleteMultipartUpload>{named}</CompleteMultipartUpload>".encode()
            said = await self._sent("POST", name, query={"uploadId": upload}, body=whole)
        except BaseException:
            with suppress(BucketError):
                await self._give_up(name, upload)
            raise
        if "<Error>" in said:  # It may fail after its answer has begun with 200.
            raise self._refusal(name, HTTPStatus.OK, said)

    async def _tag_of(self, name: str, query: Mapping[str, str], path: Path, part: tuple[int, int], sha256: str) -> str:
        for left in reversed(range(TRIES)):
            try:
                async with self._answer("PUT", name, query=query, path=path, part=part, sha256=sha256) as answer:
                    return str(answer.headers.get("etag", ""))
            except BucketError as error:
                if not left or not error.facts.get("again"):
                    raise
        raise AssertionError("the last try returns or raises")

    async def _give_up(self, name: str, upload: str) -> None:
        with suppress(NoObjectError):
            await self._sent("DELETE", name, query={"uploadId": upload})

    # --- requests -------------------------------------------------------------------------------------------------

    async def _sent(
        self,
        method: str,
        name: str | None,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
        path: Path | None = None,
        part: tuple[int, int] = (0, 0),
        sha256: str = "",
    ) -> str:
        """Ask, once more where nobody answered or the server was busy, and return what it said."""
        for left in reversed(range(TRIES)):
            try:
                async with self._answer(
                    method, name, query=query or {}, body=body, path=path, part=part, sha256=sha256
                ) as answer:
                    return await _said(answer, SAID_BYTES_MAX)
            except BucketError as error:
                if not left or not error.facts.get("again"):
                    raise
        raise AssertionError("the last try returns or raises")

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        name: str | None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        path: Path | None = None,
        part: tuple[int, int] = (0, 0),
        sha256: str = "",
        bytes_max: int | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """Lend a good answer whose body has not been read; the file, or a part of it, is the body of the request."""
        size = part[1] - part[0] if path is not None else len(body)
        digest = sha256 if path is not None else hashlib.sha256(body).hexdigest() if body else NOTHING
        target = f"/{self.options.name}" + (f"/{self.options.prefix}/{name}" if name is not None else "")
        asked = query_of(query or {})
        given = signed(
            method, self._host, target, asked, headers or {}, digest, await self._known_key(), self.options.region,
            moment(self._clock.now()),
        )  # fmt: skip
        given |= {"content-length": str(size), "accept-encoding": "identity"}
        content = _pieces(path, part) if path is not None else body
        url = f"{self.options.endpoint.rstrip('/')}{target}" + (f"?{asked}" if asked else "")
        try:
            client = await self._opened()
            request = client.build_request(method, url, headers=given, content=content)
            async with asyncio.timeout(None) as limit:
                limit.reschedule(_later(2 * self.options.timeout_s + size / SLOWEST_BYTES_PER_S))
                answer = await client.send(request, stream=True)
                try:
                    if answer.status_code >= HTTPStatus.MULTIPLE_CHOICES:
                        raise self._refusal(name or "", answer.status_code, await _said(answer, SAID_BYTES_MAX))
                    coming = bytes_max if bytes_max is not None else int(answer.headers.get("content-length") or 0)
                    limit.reschedule(_later(2 * self.options.timeout_s + coming / SLOWEST_BYTES_PER_S))
                    yield answer
                finally:
                    await answer.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ssl.SSLError) as error:
            raise BucketError(
                f"{self.place} does not answer: {_words(error)}. Closed days stay in the database until it does.",
                again=not isinstance(error, TimeoutError | httpx.TimeoutException),
            ) from error

    async def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            verify = await asyncio.to_thread(_trust, self.options)
            client = httpx.AsyncClient(timeout=self.options.timeout_s, follow_redirects=False, verify=verify)
            self._client, unused = client, self._client  # Of two at once the later one stays.
            if unused is not None:
                await unused.aclose()
        return self._client

    async def _known_key(self) -> BucketKey:
        if self._key is None:
            self._key = await self._key_of()
        if self._key is None:
            raise BucketError(
                f"{self.place} needs a key, and none was entered. Enter it: python3 -m pdm_app history bucket-key."
            )
        return self._key

    def _refusal(self, name: str, status: int, said: str) -> BucketError:
        code = found[1] if (found := CODE.search(said)) else ""
        if status == HTTPStatus.NOT_FOUND and code in NO_OBJECT:
            return NoObjectError(f"{self.place} has no {name}.", status=status)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            self._key = None  # It may have been changed meanwhile.
        is_busy = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS
        advice = WHAT_TO_DO.get(code) or (
            "It is tried again." if is_busy else "Look into its log, and correct what is set for the bucket."
        )
        return BucketError(
            f"{self.place} refuses: {status} {code}".rstrip() + f". {advice}", status=status, again=is_busy
        )


def _later(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


def _trust(options: BucketSettings) -> ssl.SSLContext | bool:
    if not options.is_secured:
        return False
    try:
        return ssl.create_default_context(cafile=str(options.ca_file) if options.ca_file else None)
    except OSError as error:
        raise BucketError(
            f"The authorities in {options.ca_file} cannot be read: {error}. Correct the setting."
        ) from error


def _words(error: Exception) -> str:
    return str(error) or ("it was silent for too long" if "imeout" in type(error).__name__ else type(error).__name__)


async def _said(answer: httpx.Response, bytes_max: int) -> str:
    body = bytearray()
    async for piece in answer.aiter_raw(CHUNK):
        body += piece
        if len(body) > bytes_max:
            raise BucketError("The server of the bucket says more than anybody reads. Check its address.")
    return body.decode(errors="replace")


async def _pieces(path: Path, part: tuple[int, int]) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(path.open, "rb")
    try:
        await asyncio.to_thread(file.seek, part[0])
        left = part[1] - part[0]
        while left:
            piece = await asyncio.to_thread(file.read, min(CHUNK, left))
            if not piece:
                return  # The server misses the rest and refuses it.
            left -= len(piece)
            yield piece
    finally:
        file.close()


def _sha256_of(path: Path, part: tuple[int, int]) -> str:
    found, left = hashlib.sha256(), part[1] - part[0]
    with path.open("rb") as file:
        file.seek(part[0])
        while left and (piece := file.read(min(CHUNK, left))):
            found.update(piece)
            left -= len(piece)
    return found.hexdigest()
