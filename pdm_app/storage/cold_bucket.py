"""Cold files in a bucket, with copies here of what was put there or read lately, each compared with the catalogue.

The prefix in the bucket is one installation's alone: an object says whose, and who is not meant changes nothing there.
"""

import asyncio
import hashlib
import os
import secrets
import shutil
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from pdm_app.domain.cold import ColdFile, ColdPlaceFacts
from pdm_app.domain.cold_bucket import BucketKey, BucketSettings
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.ports import Clock
from pdm_app.domain.samples import Micros
from pdm_app.storage.cold_files import PART, ColdFileError, Written, sha256_of
from pdm_app.storage.cold_places import FOLDER, ColdFolder, ColdPlace, names_in
from pdm_app.storage.s3_bucket import BucketError, NoObjectError, S3Bucket

COPIES = "cold_copies"
COPYING = ".copying"
OWNER = "owner"
"""The object, and the file here, that say whose the prefix is."""
PROBE_S = 5.0


class ColdBucket:
    """A bucket, and a folder with what is not there yet because it was made before there was a bucket.

    Args:
        bucket: Where files are kept.
        before: The folder of files that were kept here before; they are read there until they are moved.
        copies: The folder of copies.
        clock: Says since when there has been trouble.
    """

    def __init__(self, bucket: S3Bucket, before: Path, copies: Path, clock: Clock) -> None:
        self.bucket = bucket
        self.before = before
        self.folder = copies
        self._clock = clock
        self._bytes_max = bucket.options.cache_bytes_max
        self._kept: OrderedDict[str, int] | None = None
        self._lent: Counter[str] = Counter()
        self._turns: dict[str, asyncio.Lock] = {}
        self._is_ours = False
        self.trouble = ""
        self.trouble_since: Micros | None = None

    async def close(self) -> None:
        await self.bucket.close()

    @asynccontextmanager
    async def lent(self, file: ColdFile) -> AsyncIterator[Path]:
        """See `ColdPlace.lent`."""
        self._lent[file.name] += 1  # First of all: nobody moves what is lent.
        try:
            here = self.before / file.name
            yield here if await asyncio.to_thread(here.exists) else await self._copied(file)
        finally:
            self._lent[file.name] -= 1
            if not self._lent[file.name]:
                del self._lent[file.name]

    async def distrusts(self, name: str) -> bool:
        if await asyncio.to_thread((self.before / name).exists):
            return False
        kept = await self._copies()
        had = kept.pop(name, None) is not None
        await asyncio.to_thread((self.folder / name).unlink, missing_ok=True)
        return had

    async def keep(self, name: str, written: Written) -> None:
        """See `ColdPlace.keep`: the object is read back, and what was sent stays as a copy."""
        path = self.folder / name
        try:
            await self.upload(name, path, written.sha256, written.size)
        except BaseException:
            await asyncio.to_thread(path.unlink, missing_ok=True)
            raise
        (await self._copies())[name] = written.size
        await self._make_room(0)

    async def upload(self, name: str, path: Path, sha256: str, size: int) -> None:
        """Put a file into the bucket and read it back.

        Raises:
            BucketError: It is not there, or not known to be whole; the file here is as it was.
        """
        with self._watched():
            await self._own()
            await self.bucket.put(name, path, sha256)
            found = await self.bucket.digest(name)
            if found != (sha256, size):
                raise BucketError(
                    f"{self.bucket.place} reads {name} back as something else than was sent. It was not taken over; "
                    "look after that server's disks."
                )

    async def move(self, file: ColdFile) -> bool:
        """Have a file that was kept here before go into the bucket; False where it is being read, or gone already.

        Raises:
            ColdFileError: It is damaged; it stays.
            BucketError: It could not be moved; it stays.
        """
        path = self.before / file.name
        if not await asyncio.to_thread(path.exists):
            return False
        found = await asyncio.to_thread(sha256_of, path)
        if found != file.sha256:
            raise ColdFileError(f"{path} is not what was written: it has another checksum. It was not moved.")
        await self.upload(file.name, path, file.sha256, file.bytes)
        if file.name in self._lent:
            return False
        path.unlink()  # At once: whoever borrows it from here on fetches it.
        return True

    async def bring_back(self, file: ColdFile) -> bool:
        """Have a file be in the folder of before; False where it was there. Raises as `lent` does."""
        path = self.before / file.name
        if await asyncio.to_thread(path.exists):
            return False
        async with self.lent(file) as copy:
            await asyncio.to_thread(_copied_to, copy, path)
        return True

    async def remove(self, name: str) -> None:
        with suppress(UnavailableError), self._watched():
            if self._is_ours:
                await self.bucket.remove(name)
        kept = await self._copies()
        kept.pop(name, None)
        for folder in (self.before, self.folder):
            await asyncio.to_thread((folder / name).unlink, missing_ok=True)

    async def names(self) -> list[str]:
        with self._watched():
            await self._own()
            await self.bucket.remove_unfinished()
            there = [name for name in await self.bucket.names() if name != OWNER and "/" not in name]
        here = await asyncio.to_thread(lambda: [*names_in(self.before), *names_in(self.folder)])
        return sorted({*there, *here})

    async def facts(self) -> ColdPlaceFacts:
        """See `ColdPlace.facts`: the bucket is asked, for a few seconds at most."""
        with suppress(UnavailableError), self._watched():
            try:
                async with asyncio.timeout(PROBE_S):
                    await self._own(anew=True)
            except TimeoutError:
                said = f"{self.bucket.place} did not answer within {PROBE_S:g} s. "
                raise BucketError(f"{said}Closed days stay in the database until it does.") from None
        waiting = await asyncio.to_thread(names_in, self.before)
        return ColdPlaceFacts(
            kind="bucket", place=self.bucket.options.place, is_secured=self.bucket.options.is_secured,
            trouble=self.trouble, trouble_since=self.trouble_since, waiting=len(waiting),
            cache_bytes=sum((await self._copies()).values()), cache_bytes_max=self._bytes_max,
        )  # fmt: skip

    # --- copies ---------------------------------------------------------------------------------------------------

    async def _copied(self, file: ColdFile) -> Path:
        """Return a copy of a file, fetched and compared with the catalogue unless it is there."""
        path = self.folder / file.name
        turn = self._turns.setdefault(file.name, asyncio.Lock())
        try:
            async with turn:  # Whoever comes second finds what the first has fetched.
                kept = await self._copies()
                if kept.get(file.name) == file.bytes and await asyncio.to_thread(path.exists):
                    kept.move_to_end(file.name)
                    return path
                kept.pop(file.name, None)
                await self._make_room(file.bytes)
                with self._watched():
                    await self._fetched(file, path)
                kept[file.name] = file.bytes
                return path
        finally:
            if not turn.locked():
                self._turns.pop(file.name, None)

    async def _fetched(self, file: ColdFile, path: Path) -> None:
        unfinished = path.with_name(path.name + COPYING)
        try:
            for left in (1, 0):
                found = await self._read_into(unfinished, file)
                if found == (file.sha256, file.bytes):
                    await asyncio.to_thread(unfinished.rename, path)
                    return
                if not left:  # Once may be the way; twice it is the object.
                    raise ColdFileError(
                        f"{file.name} cannot be read: in {self.bucket.options.place} it is not what was written, "
                        f"{found[1]} bytes of {file.bytes} with another checksum. Put it back from a copy."
                    )
        except NoObjectError as error:
            await self._own(anew=True)  # Another bucket, or an empty one, has none of them.
            raise ColdFileError(f"{error.message} Put it back from a copy.") from error
        except OSError as error:
            raise UnavailableError(
                f"{file.name} cannot be copied to {self.folder}: {error}. Give that disk room; nothing is lost."
            ) from error
        finally:
            with suppress(OSError):
                await asyncio.to_thread(unfinished.unlink, missing_ok=True)

    async def _read_into(self, path: Path, file: ColdFile) -> tuple[str, int]:
        """Fetch an object, or as much of it as shows that it is too long; return its checksum and its size."""
        digest, size = hashlib.sha256(), 0
        await asyncio.to_thread(self.folder.mkdir, mode=0o700, parents=True, exist_ok=True)
        with await asyncio.to_thread(path.open, "wb") as copy:

            def take(piece: bytes) -> None:
                nonlocal size
                size += len(piece)
                digest.update(piece)
                copy.write(piece)

            await self.bucket.read(file.name, take, size_max=file.bytes)
        return digest.hexdigest(), size

    async def _copies(self) -> "OrderedDict[str, int]":
        """Return the copies by name, those used the longest ago first; what is unfinished goes."""
        if self._kept is None:
            found = await asyncio.to_thread(_sizes_in, self.folder)
            if self._kept is None:
                self._kept = OrderedDict(found)
        return self._kept

    async def _make_room(self, coming: int) -> None:
        kept = await self._copies()
        for name in list(kept):
            if sum(kept.values()) + coming <= self._bytes_max:
                return
            if name not in self._lent:
                del kept[name]
                await asyncio.to_thread((self.folder / name).unlink, missing_ok=True)

    # --- whose it is ----------------------------------------------------------------------------------------------

    async def _own(self, *, anew: bool = False) -> None:
        """Make sure that the prefix is this installation's, and take it where it is nobody's.

        Raises:
            BucketError: It is another's, or the bucket lost what it had.
        """
        if self._is_ours and not anew:
            return
        mine = await asyncio.to_thread(self._owner)
        try:
            found = await self.bucket.text(OWNER)
        except NoObjectError:
            if await asyncio.to_thread((self.folder / OWNER).exists) and self._was_taken():
                raise BucketError(
                    f"{self.bucket.place} is empty, and it was not. Correct the name of the bucket or its prefix, or "
                    "put back what was in it."
                ) from None
            await self.bucket.put_text(OWNER, mine)
            await asyncio.to_thread(self._note_taken)
            found = mine
        if found.strip() != mine:
            raise BucketError(
                f"{self.bucket.place} belongs to another installation. Choose another prefix; if this one is meant, "
                f"copy the object {OWNER!r} to {self.folder / OWNER}."
            )
        await asyncio.to_thread(self._note_taken)
        self._is_ours = True

    def _owner(self) -> str:
        path = self.folder / OWNER
        with suppress(FileNotFoundError):
            return path.read_text().strip()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f"{OWNER}{PART}")
        fresh.write_text(secrets.token_hex(16))
        fresh.replace(path)
        return path.read_text()

    def _was_taken(self) -> bool:
        path = self.folder / f"{OWNER}.of"
        return path.exists() and path.read_text() == self.bucket.options.place

    def _note_taken(self) -> None:
        if not self._was_taken():
            (self.folder / f"{OWNER}.of").write_text(self.bucket.options.place)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Note how what is done in the block ended: the state of the bucket is what was last seen of it."""
        try:
            yield
        except BucketError as error:
            self.noticed(error.message)
            raise
        self.noticed("")

    def noticed(self, trouble: str) -> None:
        """Keep what is wrong with the bucket, or that nothing is any more."""
        if not trouble:
            self.trouble_since = None
        elif not self.trouble:
            self.trouble_since = self._clock.now()
        if trouble:
            self._is_ours = False
        self.trouble = trouble


def place_of(
    options: BucketSettings, data_dir: Path, key: Callable[[], Awaitable[BucketKey | None]], clock: Clock
) -> ColdPlace:
    """Return the bucket that is set up, else the folder in the data directory; nothing is reached yet."""
    if not options.name:
        return ColdFolder(data_dir / FOLDER)
    return ColdBucket(S3Bucket(options, key, clock), data_dir / FOLDER, data_dir / COPIES, clock)


def _copied_to(copy: Path, path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + COPYING)
    shutil.copyfile(copy, unfinished)
    with unfinished.open("rb") as written:
        os.fsync(written.fileno())
    unfinished.rename(path)


def _sizes_in(folder: Path) -> list[tuple[str, int]]:
    for path in folder.glob(f"*{COPYING}"):
        path.unlink(missing_ok=True)
    found = [(path, path.stat()) for path in folder.glob("*.parquet")]
    return [(path.name, facts.st_size) for path, facts in sorted(found, key=lambda one: one[1].st_mtime)]
