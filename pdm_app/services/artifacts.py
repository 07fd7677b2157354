"""The store of artifacts: files that devices download, each under the SHA-256 of its content, never changed.

What is in the store is whole and on the disk: a file is hashed while it is copied to a name of its own, and takes its
place by a rename. The same content is there once, however many releases name it.
"""

import asyncio
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

import structlog

from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, UnavailableError
from pdm_app.domain.firmware_bundles import Bundle
from pdm_app.domain.releases import Artifact
from pdm_app.domain.uploads import UnusableFileError
from pdm_app.services.uploads import FREE_BYTES_MIN, free_bytes

log = structlog.get_logger(__name__)

FOLDER = "artifacts"
PART = ".part"
PIECE_BYTES = 1_048_576
STORE_BYTES_MAX = 50_000_000_000
"""All artifacts together; a plant keeps some dozens of releases of some hundred megabytes."""
FILENAME_MAX = 120
HASH = re.compile(r"[0-9a-f]{64}")


class ArtifactStore:
    """The files of releases.

    Args:
        folder: Where they lie.
        look: Tells what a file is; blocks.
        bytes_max: All of them together.
    """

    def __init__(self, folder: Path, look: Callable[[Path], Bundle], bytes_max: int = STORE_BYTES_MAX) -> None:
        self.folder = folder
        self._look = look
        self._bytes_max = bytes_max
        self._taking = asyncio.Lock()

    async def take(self, source: Path, name: str) -> Artifact:
        """Copy a file into the store; one with the same content is there already, and stays.

        Args:
            source: It stays where it is. When cancelled the store is as it was, but for a part that goes at the start.
            name: As devices will see it; what no address carries is replaced.

        Raises:
            InvalidInputError: It is no firmware.
            ConflictError: The store is full.
            UnavailableError: The disk is full, or fails.
        """
        async with self._taking:
            try:
                return await asyncio.to_thread(self._take, source, name)
            except UnusableFileError as error:
                raise InvalidInputError(
                    f"{name} {error}.", [FieldIssue("file", str(error), "build it again")]
                ) from None
            except OSError as error:
                raise UnavailableError(
                    f"The file {name} could not be put into the store of artifacts: {error.strerror or error}. "
                    "Make room in the data directory and try again; the upload is kept."
                ) from error

    def path(self, sha256: str, size: int) -> Path | None:
        """Return where an artifact lies; None where it is not there, or not of its size."""
        found = self._place(sha256)
        try:
            return found if found.stat().st_size == size else None
        except OSError:
            return None

    async def remove_unused(self, used: Collection[str]) -> None:
        """Delete the artifacts that no release names, and what was left over by a process that died.

        Args:
            used: The SHA-256 of those that are kept.
        """
        async with self._taking:
            await asyncio.to_thread(self._remove_unused, frozenset(used))

    def _take(self, source: Path, name: str) -> Artifact:
        size = source.stat().st_size
        bundle = self._look(source)
        taken = sum(path.stat().st_size for path in self._files())
        if taken + size > self._bytes_max:
            raise ConflictError(
                f"The artifacts of all releases take {taken:,} of the {self._bytes_max:,} bytes that they may. "
                "Delete drafts that are not needed any more."
            )
        if free_bytes(self.folder) - size < FREE_BYTES_MIN:
            raise UnavailableError(f"There is too little room on the disk of the data directory for {name}. Make room.")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self.folder / f"{secrets.token_hex(16)}{PART}"
        try:
            sha256, sha1, md5 = _copied(source, part)
            target = self._place(sha256)
            if target.is_file() and target.stat().st_size == size:
                part.unlink()
            else:
                target.parent.mkdir(mode=0o700, exist_ok=True)
                part.replace(target)
                for folder in (target.parent, self.folder):
                    _settle(folder)
        finally:
            part.unlink(missing_ok=True)
        return Artifact(filename=file_name(name), bytes=size, sha256=sha256, sha1=sha1, md5=md5, bundle=bundle)

    def _remove_unused(self, used: frozenset[str]) -> None:
        for path in self._files():
            if path.name not in used:
                with suppress(OSError):
                    path.unlink()
                    log.info("an artifact was removed", sha256=path.name)

    def _files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()] if self.folder.is_dir() else []

    def _place(self, sha256: str) -> Path:
        if not HASH.fullmatch(sha256):
            raise ValueError("an artifact is named by its SHA-256")
        return self.folder / sha256[:2] / sha256


def file_name(name: str) -> str:
    """Return a name of letters, digits and ``. _ + -`` alone, as it stands in the address of a download."""
    plain = re.sub(r"[^A-Za-z0-9._+-]+", "_", name).lstrip("._+-")[-FILENAME_MAX:].lstrip("._+-")
    return plain or "firmware.bin"


def _copied(source: Path, target: Path) -> tuple[str, str, str]:
    """Copy a file onto the disk; return its SHA-256, SHA-1 and MD5.

    Devices of hawkBit compare SHA-1 and MD5 to find broken downloads; what may run is decided by SHA-256 alone.
    """
    safe, *weak = hashlib.sha256(), hashlib.sha1(usedforsecurity=False), hashlib.md5(usedforsecurity=False)
    with source.open("rb") as file, target.open("xb") as copy:
        while piece := file.read(PIECE_BYTES):
            for one in (safe, *weak):
                one.update(piece)
            copy.write(piece)
        copy.flush()
        os.fsync(copy.fileno())
    return safe.hexdigest(), weak[0].hexdigest(), weak[1].hexdigest()


def _settle(folder: Path) -> None:
    """Have the names in a folder on the disk, where the system lets folders be opened."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
