"""A bucket: what is put there is read back the same, by others too, and every way to fail says what to do."""

import asyncio
import hashlib
import logging
import ssl
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pyarrow.fs
import pytest

from pdm_app.domain.cold_bucket import BucketKey, BucketSettings
from pdm_app.domain.samples import Micros
from pdm_app.services.certificate_files import make_authority, make_server
from pdm_app.storage import s3_bucket
from pdm_app.storage.s3_bucket import BucketError, NoObjectError, S3Bucket
from tests.counterparts.clocks import WallClock
from tests.counterparts.cutting_proxy import cutting_proxy
from tests.counterparts.s3_server import BUCKET, KEY, S3Server, own_s3_server, s3_server

__all__ = ["own_s3_server", "s3_server"]

CONTENT = bytes(range(256)) * 4099


async def the_key() -> BucketKey:
    return KEY


def bucket_at(options: BucketSettings) -> S3Bucket:
    return S3Bucket(options, the_key, WallClock())


@pytest.fixture
async def bucket(s3_server: S3Server) -> AsyncIterator[S3Bucket]:
    bucket = bucket_at(s3_server.options(prefix=f"plant/{uuid.uuid4().hex}"))
    yield bucket
    await bucket.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "one.parquet"
    path.write_bytes(CONTENT)
    return path


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def whole(bucket: S3Bucket, name: str, span: tuple[int, int] | None = None) -> bytes:
    found = bytearray()
    await bucket.read(name, found.extend, span)
    return bytes(found)


async def test_an_object_is_put_listed_read_in_parts_and_removed(bucket: S3Bucket, file: Path) -> None:
    await bucket.put("one.parquet", file, sha256(CONTENT))
    await bucket.put_text("owner", "me")
    assert sorted(await bucket.names()) == ["one.parquet", "owner"]
    assert await bucket.digest("one.parquet") == (sha256(CONTENT), len(CONTENT))
    assert await whole(bucket, "one.parquet", (1000, 3000)) == CONTENT[1000:3000]
    assert await bucket.text("owner") == "me"
    await bucket.remove("one.parquet")
    await bucket.remove("one.parquet")
    assert await bucket.names() == ["owner"]
    with pytest.raises(NoObjectError, match=r"has no one\.parquet"):
        await whole(bucket, "one.parquet")


async def test_a_reader_of_others_finds_what_was_put(bucket: S3Bucket, s3_server: S3Server, file: Path) -> None:
    await bucket.put("one.parquet", file, sha256(CONTENT))
    theirs = pyarrow.fs.S3FileSystem(
        access_key=KEY.id, secret_key=KEY.secret, endpoint_override=s3_server.endpoint, region="us-east-1"
    )
    path = f"{BUCKET}/{bucket.options.prefix}/one.parquet"
    with await asyncio.to_thread(theirs.open_input_stream, path) as stream:
        assert await asyncio.to_thread(stream.read) == CONTENT


async def test_what_is_large_goes_in_parts_and_is_one_object(
    bucket: S3Bucket, s3_server: S3Server, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_bucket, "PART_BYTES", 300_000)
    await bucket.put("large.parquet", file, sha256(CONTENT))
    assert await bucket.digest("large.parquet") == (sha256(CONTENT), len(CONTENT))
    assert sum("partNumber" in line and bucket.options.prefix in line for line in s3_server.asked()) == 4


async def test_a_list_of_several_pages_is_read_to_its_end() -> None:
    """From a socket: the server of the other tests cannot make the mark of a next page on Node 24."""
    pages = [
        "<Key>pdm/a.parquet</Key><NextContinuationToken>1/a&amp;b=</NextContinuationToken>",
        "<Key>pdm/b&amp;c.parquet</Key>",
    ]
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode().split()[1])
        body = pages[len(asked) - 1]
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        bucket = bucket_at(BucketSettings(endpoint=f"http://127.0.0.1:{port}", name=BUCKET))
        assert await bucket.names() == ["a.parquet", "b&c.parquet"]
        await bucket.close()
    assert "continuation-token=1%2Fa%26b%3D" in asked[1]


async def test_a_wrong_secret_is_refused_in_words_that_do_not_hold_it(
    s3_server: S3Server, caplog: pytest.LogCaptureFixture
) -> None:
    keys = [BucketKey(KEY.id, "not-the-secret"), KEY]

    async def next_key() -> BucketKey:
        return keys.pop(0)

    bucket = S3Bucket(s3_server.options(prefix="refused"), next_key, WallClock())
    caplog.set_level(logging.DEBUG)
    with pytest.raises(BucketError, match=r"403 SignatureDoesNotMatch.*bucket-key") as refused:
        await bucket.names()
    assert "not-the-secret" not in f"{refused.value!r}{refused.value}{caplog.text}{KEY!r}"
    assert await bucket.names() == [], "a key that was entered meanwhile is taken without a restart"
    await bucket.close()


async def test_without_a_key_it_says_where_to_enter_it(s3_server: S3Server) -> None:
    async def none() -> None:
        return None

    with pytest.raises(BucketError, match=r"needs a key.*history bucket-key"):
        await S3Bucket(s3_server.options(), none, WallClock()).names()


async def test_a_bucket_that_is_not_there_is_told_from_an_object_that_is_not(s3_server: S3Server) -> None:
    bucket = bucket_at(s3_server.options(name="another-bucket"))
    with pytest.raises(BucketError, match=r"404 NoSuchBucket\. Make the bucket") as refused:
        await bucket.text("owner")
    assert not isinstance(refused.value, NoObjectError)
    await bucket.close()


@pytest.mark.parametrize(("status", "code", "asked"), [(503, "SlowDown", 2), (403, "AccessDenied", 1)])
async def test_a_server_that_is_busy_is_asked_once_more_and_one_that_refuses_is_not(
    own_s3_server: S3Server, status: int, code: str, asked: int
) -> None:
    bucket = bucket_at(own_s3_server.options())
    own_s3_server.fails(status=status, code=code)
    with pytest.raises(BucketError, match=f"refuses: {status} {code}"):
        await bucket.text("owner")
    assert len(own_s3_server.asked()) == asked
    own_s3_server.fails()
    await bucket.put_text("owner", "me")
    assert await bucket.text("owner") == "me"
    await bucket.close()


async def test_half_an_answer_is_none(own_s3_server: S3Server, file: Path) -> None:
    bucket = bucket_at(own_s3_server.options())
    await bucket.put("one.parquet", file, sha256(CONTENT))
    own_s3_server.fails(half=True)
    with pytest.raises(BucketError, match=r"does not answer"):
        await bucket.digest("one.parquet")
    await bucket.close()


async def test_a_silent_server_is_given_up_and_a_reader_can_be_cancelled(own_s3_server: S3Server, file: Path) -> None:
    bucket = bucket_at(own_s3_server.options(timeout_s=0.3))
    await bucket.put("one.parquet", file, sha256(CONTENT))
    async with cutting_proxy(own_s3_server.port) as proxy:
        frozen = bucket_at(own_s3_server.options(endpoint=f"http://127.0.0.1:{proxy.port}", timeout_s=0.3))
        proxy.freeze()
        began = time.monotonic()
        with pytest.raises(BucketError, match=r"does not answer"):
            await frozen.digest("one.parquet")
        assert time.monotonic() - began < 30
        patient = bucket_at(own_s3_server.options(endpoint=f"http://127.0.0.1:{proxy.port}", timeout_s=300))
        reading = asyncio.ensure_future(patient.digest("one.parquet"))
        await asyncio.sleep(0.05)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await frozen.close()
        await patient.close()
    await bucket.close()


async def test_a_server_that_nobody_runs_is_away(tmp_path: Path, s3_server: S3Server, free_port: int) -> None:
    bucket = bucket_at(s3_server.options(endpoint=f"http://127.0.0.1:{free_port}"))
    with pytest.raises(BucketError, match=r"does not answer.*Closed days stay in the database"):
        await bucket.names()
    await bucket.close()


async def test_https_is_taken_from_those_alone_whom_the_authority_vouches_for(
    s3_server: S3Server, tmp_path: Path
) -> None:
    now = Micros(time.time_ns() // 1000)
    authority, key = make_authority(now, "S3 test authority")
    (tmp_path / "ca.pem").write_text(authority)
    (tmp_path / "server.pem").write_text(make_server(now, authority, key, ["127.0.0.1"]))
    ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    server = S3Server(s3_server.packages, tmp_path / "secured", tmp_path / "server.pem")
    server.start()
    try:
        stranger, friend = bucket_at(server.options()), bucket_at(server.options(ca_file=tmp_path / "ca.pem"))
        with pytest.raises(BucketError, match=r"does not answer.*certificate"):
            await stranger.names()
        await friend.put_text("owner", "me")
        assert await friend.names() == ["owner"]
        await stranger.close()
        await friend.close()
    finally:
        server.stop()


def test_a_bucket_without_an_endpoint_is_refused() -> None:
    with pytest.raises(ValueError, match=r"belong together"):
        BucketSettings(name=BUCKET)
