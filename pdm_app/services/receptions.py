"""One file on its way into the store of uploads, over one connection."""

import asyncio
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

from pdm_app.domain.access import Actor
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.uploads import UploadKind

PIECE_BYTES = 1_048_576
TakeRoom = Callable[["Reception", int], None]
"""Counts bytes before they are written, and raises where there is no room for them."""


class Reception:
    """One file on its way in. `UploadService.receiving` makes it and takes it away again unless it is completed."""

    def __init__(self, take_room: TakeRoom, actor: Actor, kind: UploadKind, name: str, path: Path) -> None:
        self._take_room = take_room
        self.actor = actor
        self.kind = kind
        self.name = name
        self.path = path
        self.bytes = 0
        self._hash = hashlib.sha256()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._file: IO[bytes] | None = None

    async def write(self, piece: bytes) -> None:
        """Take a piece.

        Raises:
            TooLargeError: The file is larger than one may be.
            ConflictError: The quota of its owner, or of all, is used up.
            UnavailableError: The disk is full, or fails.
        """
        self._take_room(self, len(piece))
        self._waiting.append(piece)
        self._waiting_bytes += len(piece)
        if self._waiting_bytes >= PIECE_BYTES:
            await asyncio.to_thread(self._flush)

    async def whole(self) -> str:
        """Have everything on the disk, and return its SHA-256."""
        await asyncio.to_thread(self._flush, last=True)
        return self._hash.hexdigest()

    def _flush(self, *, last: bool = False) -> None:
        try:
            if self._file is None:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._file = self.path.open("xb")
            for piece in self._waiting:
                self._hash.update(piece)
                self._file.write(piece)
            self._waiting, self._waiting_bytes = [], 0
            if last:
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()
        except OSError as error:
            raise UnavailableError(
                f"The file {self.name} could not be written: {error.strerror or error}. Make room in the data "
                "directory and send it again."
            ) from error

    def drop(self) -> None:
        """Leave nothing behind."""
        if self._file is not None:
            self._file.close()
        self.path.unlink(missing_ok=True)
