"""What was seen of thinned signals, in one small file that is replaced as a whole."""

import asyncio
import os
from pathlib import Path

from pdm_app.domain.errors import UnavailableError


class ThinningFile:
    """A file of the data directory; after a crash it holds what was saved last, whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def load(self) -> bytes:
        """Return what was saved last; nothing where nothing was.

        Raises:
            UnavailableError: The file cannot be read.
        """
        try:
            return await asyncio.to_thread(self._path.read_bytes)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise UnavailableError(
                f"The memory of storage rules {self._path} cannot be read: {error.strerror}. Check the disk and the "
                "rights of the data directory.",
                path=str(self._path),
            ) from error

    async def save(self, content: bytes) -> None:
        """Keep this instead; it is on disk when this returns.

        Raises:
            UnavailableError: The disk does not take it; what was saved before is still there.
        """
        try:
            await asyncio.to_thread(self._replace, content)
        except OSError as error:
            raise UnavailableError(
                f"The memory of storage rules {self._path} cannot be written: {error.strerror}. Samples wait in the "
                "buffer until it can. Check the disk of the data directory.",
                path=str(self._path),
            ) from error

    def _replace(self, content: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".new")
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
