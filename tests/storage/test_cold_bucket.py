"""Closed days in a bucket: read as from a folder, fetched once, moved there, and never lost while it fails."""

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from pdm_app.domain.cold import ColdFile
from pdm_app.domain.errors import UnavailableError
from pdm_app.storage.cold_bucket import ColdBucket
from pdm_app.storage.cold_files import ColdFileError, Written
from pdm_app.storage.s3_bucket import BucketError, S3Bucket
from tests.counterparts.clocks import WallClock
from tests.counterparts.s3_server import S3Server, own_s3_server, s3_server
from tests.storage.test_s3_bucket import the_key

__all__ = ["own_s3_server", "s3_server"]

CONTENT = b"a whole day " * 5000


def file_of(name: str, content: bytes = CONTENT) -> ColdFile:
    sha256 = hashlib.sha256(content).hexdigest()
    return ColdFile(start_at=0, end_at=1, name=name, samples=1, signals=1, bytes=len(content), sha256=sha256, made_at=0,
                    trouble=None)  # fmt: skip


Made = Callable[..., ColdBucket]


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Made]:
    """Make places on a server: each call is another process of one installation, or of another one."""
    places: list[ColdBucket] = []

    def make(server: S3Server, prefix: str, installation: str = "one", **facts: object) -> ColdBucket:
        bucket = S3Bucket(server.options(prefix=prefix, **facts), the_key, WallClock())
        folder = tmp_path / installation
        places.append(ColdBucket(bucket, folder / "cold", folder / "copies", WallClock()))
        return places[-1]

    yield make
    for place in places:
        await place.close()


@pytest.fixture
def prefix() -> str:
    return uuid.uuid4().hex


async def kept(place: ColdBucket, name: str, content: bytes = CONTENT) -> ColdFile:
    place.folder.mkdir(parents=True, exist_ok=True)
    (place.folder / name).write_bytes(content)
    file = file_of(name, content)
    await place.keep(name, Written(1, 1, file.bytes, file.sha256))
    return file


async def content_of(place: ColdBucket, file: ColdFile) -> bytes:
    async with place.lent(file) as path:
        return path.read_bytes()


def gets(server: S3Server, name: str) -> int:
    return sum(line.startswith("GET") and name in line for line in server.asked())


async def test_a_file_is_read_back_before_it_counts_and_fetched_once_by_many(
    s3_server: S3Server, made: Made, prefix: str
) -> None:
    first = made(s3_server, prefix)
    file = await kept(first, "2026-01-01.1.parquet")
    assert gets(s3_server, f"{prefix}/{file.name}") == 1, "to read it back"
    assert await content_of(first, file) == CONTENT
    assert gets(s3_server, f"{prefix}/{file.name}") == 1, "what was sent is a copy"
    (first.folder / file.name).unlink()
    later = made(s3_server, prefix)
    assert await asyncio.gather(*(content_of(later, file) for _ in range(5))) == [CONTENT] * 5
    assert gets(s3_server, f"{prefix}/{file.name}") == 2
    assert sorted(await later.names()) == [file.name]


async def test_copies_take_no_more_room_than_they_may_and_what_is_read_stays(
    s3_server: S3Server, made: Made, prefix: str
) -> None:
    place = made(s3_server, prefix, cache_bytes_max=1_000_000)
    names = [f"2026-01-0{day}.1.parquet" for day in range(1, 5)]
    files = [await kept(place, name, bytes([number]) * 400_000) for number, name in enumerate(names)]
    assert sum(path.stat().st_size for path in place.folder.glob("*.parquet")) <= 1_000_000
    async with place.lent(files[0]) as path:
        for file in files[1:]:
            await content_of(place, file)
        assert path.read_bytes() == bytes(400_000)
    assert (await place.facts()).cache_bytes <= 1_000_000


@pytest.mark.parametrize("fault", [{"status": 503, "code": "SlowDown"}, {"status": 403, "code": "AccessDenied"},
                                   {"half": True}, {"status": 503, "code": "SlowDown", "method": "PUT"}])  # fmt: skip
async def test_what_cannot_be_proven_to_be_there_is_not_kept_and_leaves_nothing(
    own_s3_server: S3Server, made: Made, fault: dict[str, object]
) -> None:
    place = made(own_s3_server, "pdm")
    file = await kept(place, "2026-01-01.1.parquet")
    own_s3_server.fails(**fault)
    with pytest.raises(BucketError):
        await kept(place, "2026-01-02.1.parquet")
    assert not (place.folder / "2026-01-02.1.parquet").exists()
    facts = await place.facts()
    assert (place.trouble != "") == (facts.trouble_since is not None)
    own_s3_server.fails()
    assert (await place.facts()).trouble == ""
    assert await content_of(place, file) == CONTENT
    await kept(place, "2026-01-02.1.parquet")
    assert (place.folder / "2026-01-02.1.parquet").exists()


async def test_a_fault_is_told_since_when_and_until_it_ends(own_s3_server: S3Server, made: Made) -> None:
    place = made(own_s3_server, "pdm", timeout_s=0.5)
    await kept(place, "2026-01-01.1.parquet")
    own_s3_server.stop()
    first, second = await place.facts(), await place.facts()
    assert "does not answer" in first.trouble
    assert first.trouble_since is not None
    assert second.trouble_since == first.trouble_since
    own_s3_server.start()
    assert (await place.facts()).trouble == ""


async def test_a_damaged_or_missing_object_is_a_damaged_file_and_an_absent_server_is_not(
    own_s3_server: S3Server, made: Made
) -> None:
    place = made(own_s3_server, "pdm")
    file, other = await kept(place, "2026-01-01.1.parquet"), await kept(place, "2026-01-02.1.parquet")
    objects = own_s3_server.stored()
    objects[file.name].write_bytes(CONTENT[:-1] + b"?")
    objects[other.name].unlink()
    fresh = made(own_s3_server, "pdm")
    for name in (file.name, other.name):
        (place.folder / name).unlink()
    with pytest.raises(ColdFileError, match="it is not what was written"):
        await content_of(fresh, file)
    with pytest.raises(ColdFileError, match="Put it back from a copy"):
        await content_of(fresh, other)
    objects["owner"].unlink()
    with pytest.raises(BucketError, match="is empty, and it was not"):
        await content_of(made(own_s3_server, "pdm"), other)


async def test_a_copy_that_the_disk_has_damaged_is_fetched_again(s3_server: S3Server, made: Made, prefix: str) -> None:
    place = made(s3_server, prefix)
    file = await kept(place, "2026-01-01.1.parquet")
    (place.folder / file.name).write_bytes(b"?" * len(CONTENT))
    assert await place.distrusts(file.name)
    assert await content_of(place, file) == CONTENT


async def test_another_installation_changes_nothing_below_the_same_prefix(
    s3_server: S3Server, made: Made, prefix: str
) -> None:
    ours = made(s3_server, prefix)
    file = await kept(ours, "2026-01-01.1.parquet")
    theirs = made(s3_server, prefix, installation="another")
    with pytest.raises(BucketError, match="belongs to another installation"):
        await kept(theirs, file.name, b"something else")
    with pytest.raises(BucketError, match="belongs to another installation"):
        await theirs.names()
    await theirs.remove(file.name)
    assert "another installation" in (await theirs.facts()).trouble
    (ours.folder / file.name).unlink()
    assert await content_of(ours, file) == CONTENT


async def test_files_of_a_folder_are_moved_one_by_one_and_come_back(own_s3_server: S3Server, made: Made) -> None:
    place = made(own_s3_server, "pdm")
    place.before.mkdir(parents=True)
    files = [file_of(f"2026-01-0{day}.1.parquet", CONTENT + bytes([day])) for day in range(1, 4)]
    for day, file in enumerate(files, 1):
        (place.before / file.name).write_bytes(CONTENT + bytes([day]))
    (place.before / files[2].name).write_bytes(b"damaged")
    assert (await place.facts()).waiting == 3
    assert await place.move(files[0])
    assert not await place.move(files[0]), "it is there already"
    own_s3_server.fails(status=503, code="SlowDown", method="PUT")
    with pytest.raises(BucketError):
        await place.move(files[1])
    assert (place.before / files[1].name).exists()
    own_s3_server.fails()
    async with place.lent(files[1]) as path:
        assert not await place.move(files[1]), "nobody takes away what is being read"
        assert path.exists()
    assert await place.move(files[1])
    with pytest.raises(ColdFileError, match="was not moved"):
        await place.move(files[2])
    assert (await place.facts()).waiting == 1
    assert await content_of(place, files[0]) == CONTENT + b"\x01"
    assert await place.bring_back(files[0])
    assert (place.before / files[0].name).read_bytes() == CONTENT + b"\x01"


async def test_a_full_disk_under_the_copies_is_no_damaged_file(s3_server: S3Server, made: Made, prefix: str) -> None:
    place = made(s3_server, prefix)
    file = await kept(place, "2026-01-01.1.parquet")
    (place.folder / file.name).unlink()
    (place.folder / f"{file.name}.copying").mkdir()  # Stands for a disk that takes nothing.
    with pytest.raises(UnavailableError, match="cannot be copied") as refused:
        await content_of(place, file)
    assert not isinstance(refused.value, ColdFileError)
