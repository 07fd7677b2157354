"""Where cold files are kept: in a folder, or elsewhere with copies here of what was read lately.

A file is made here under its name, and `keep` takes it where it belongs: only then may the catalogue name it. Whoever
reads one borrows it: ``async with place.lent(file) as path: …``.
"""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Protocol

from pdm_app.domain.cold import ColdFile, ColdPlaceFacts
from pdm_app.storage.cold_files import PART, Written

FOLDER = "cold"
ENDINGS = (".parquet", f".parquet{PART}")


class ColdPlace(Protocol):
    """Keeps files that never change once they have their name."""

    folder: Path
    """Where a file that belongs here is made, and all of them are where they are kept in a folder."""

    def lent(self, file: ColdFile) -> AbstractAsyncContextManager[Path]:
        """Lend a file, which is here for so long.

        Raises:
            ColdFileError: It is gone, or is not what was written.
            UnavailableError: It cannot be fetched now.
        """
        ...

    async def distrusts(self, name: str) -> bool:
        """Give up a copy that cannot be read; False where it is the file itself."""
        ...

    async def keep(self, name: str, written: Written) -> None:
        """Take a file that was made in `folder` where it belongs, and prove that it is there.

        Raises:
            UnavailableError: It cannot be kept; nothing of it is left.
        """
        ...

    async def remove(self, name: str) -> None:
        """Remove a file if it is there; where that cannot be done now, a later sweep does it."""
        ...

    async def names(self) -> list[str]:
        """Return the names of all files, unfinished ones too.

        Raises:
            UnavailableError: Nobody can say now.
        """
        ...

    async def facts(self) -> ColdPlaceFacts:
        """Look how it is now."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class ColdFolder:
    """A folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def lent(self, file: ColdFile) -> AbstractAsyncContextManager[Path]:
        return nullcontext(self.folder / file.name)

    async def distrusts(self, name: str) -> bool:  # noqa: ARG002 - there are no copies
        return False

    async def keep(self, name: str, written: Written) -> None:
        """See `ColdPlace.keep`: it is there already, read back."""

    async def remove(self, name: str) -> None:
        await asyncio.to_thread((self.folder / name).unlink, missing_ok=True)

    async def names(self) -> list[str]:
        return await asyncio.to_thread(names_in, self.folder)

    async def close(self) -> None:
        """There is nothing to close."""

    async def facts(self) -> ColdPlaceFacts:
        return ColdPlaceFacts(kind="folder", place=str(self.folder))


def names_in(folder: Path) -> list[str]:
    """Return the cold files of a folder, unfinished ones too."""
    return sorted(path.name for path in folder.glob("*") if path.name.endswith(ENDINGS))
