"""The suites of the cold tier run on a folder and on a bucket: what both have, and what a test looks at or damages."""

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from pdm_app.domain.cold_bucket import BucketKey, BucketSettings
from pdm_app.storage.cold import ColdTier
from pdm_app.storage.cold_bucket import ColdBucket
from pdm_app.storage.cold_places import ColdPlace
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.s3_bucket import S3Bucket
from tests.counterparts.clocks import WallClock
from tests.counterparts.s3_server import BUCKET, KEY, S3Server

ENDPOINT = "PDM_TEST_S3_ENDPOINT"
_servers: list[S3Server] = []
_places: list[ColdBucket] = []


async def _use(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    if request.param == "folder":
        yield
        return
    server: S3Server = request.getfixturevalue("s3_server")
    _servers.append(server)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(ENDPOINT, server.endpoint)  # Processes that a test starts use it, too.
        yield
    _servers.clear()
    while _places:
        await _places.pop().close()


@pytest.fixture(params=["folder", "bucket"])
async def each_store(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Run a test on both kinds of store."""
    async for _ in _use(request):
        yield


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.long)])
async def each_store_in_time(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Run a test on both kinds of store, on a bucket in the long gate."""
    async for _ in _use(request):
        yield


async def _key() -> BucketKey:
    return KEY


def place_at(folder: Path) -> ColdPlace | Path:
    """Return where files are kept whose home is a folder: the folder, or a prefix of its own in the bucket."""
    endpoint = os.environ.get(ENDPOINT)
    if endpoint is None:
        return folder
    prefix = hashlib.sha256(str(folder).encode()).hexdigest()[:20]
    options = BucketSettings(endpoint=endpoint, name=BUCKET, prefix=prefix)
    bucket = S3Bucket(options, _key, WallClock())
    _places.append(ColdBucket(bucket, folder, folder.with_name(f"{folder.name}_copies"), WallClock()))
    return _places[-1]


def tier_of(historian: SqlHistorian) -> ColdTier:
    assert historian._cold is not None
    return historian._cold


async def names_kept(historian: SqlHistorian) -> list[str]:
    """Return the names of the files that are kept, and of whatever lies beside them."""
    place = tier_of(historian).place
    if isinstance(place, ColdBucket):
        return await place.names()
    return sorted(path.name for path in place.folder.glob("*"))


def file_at(historian: SqlHistorian, name: str = "") -> Path:
    """Return the file of this name, or the only one, as it lies in the store, of which nobody has a copy."""
    place = tier_of(historian).place
    if not isinstance(place, ColdBucket):
        [path] = place.folder.glob(name or "*.parquet")
        return path
    stored = {one: path for one, path in _servers[0].stored(place.bucket.options.prefix).items() if one != "owner"}
    for one in stored:
        with suppress(FileNotFoundError):
            (place.folder / one).unlink()
    return stored[name] if name else next(iter(stored.values()))
