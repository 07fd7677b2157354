"""The agent's files, by the few operations whose order decides what a power cut leaves.

A write is safe after `sync`, a name after `rename`; in between a cut may leave any part of what was written. A file
that is read as a whole is replaced as a whole, so that it is the old one or the new one, never something between.
"""

import json
import os
from pathlib import Path
from typing import Any, Protocol


class Disk(Protocol):
    """What the agent does with files; names have no folders."""

    def read(self, name: str) -> bytes | None: ...
    def size(self, name: str) -> int: ...
    def write_at(self, name: str, at: int, content: bytes) -> None: ...
    def truncate(self, name: str, size: int) -> None: ...
    def sync(self, name: str) -> None: ...
    def rename(self, name: str, to: str) -> None: ...
    def remove(self, name: str) -> None: ...


class FolderDisk:
    """Files of one folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    def read(self, name: str) -> bytes | None:
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def size(self, name: str) -> int:
        try:
            return (self._folder / name).stat().st_size
        except FileNotFoundError:
            return 0

    def write_at(self, name: str, at: int, content: bytes) -> None:
        descriptor = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            while content:
                written = os.pwrite(descriptor, content, at)
                at, content = at + written, content[written:]
        finally:
            os.close(descriptor)

    def truncate(self, name: str, size: int) -> None:
        if self.size(name) > size:
            os.truncate(self._folder / name, size)

    def sync(self, name: str) -> None:
        _sync(self._folder / name)

    def rename(self, name: str, to: str) -> None:
        (self._folder / name).replace(self._folder / to)
        _sync(self._folder)

    def remove(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)
        _sync(self._folder)


def save(disk: Disk, name: str, said: dict[str, Any]) -> None:
    """Replace a small file as a whole."""
    draft, content = f"{name}.new", json.dumps(said, sort_keys=True).encode()
    disk.remove(draft)
    disk.write_at(draft, 0, content)
    disk.sync(draft)
    disk.rename(draft, name)


def load(disk: Disk, name: str) -> dict[str, Any]:
    """Return what was saved last; nothing where nothing was."""
    content = disk.read(name)
    found: dict[str, Any] = {} if content is None else json.loads(content)
    return found


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
