"""A power cut for SQLite: what reached the disk is what was synced before it, and some of the rest, torn or not at all.

`recording_writes` puts itself between SQLite and its files: every write, truncation, deletion and sync of the database
files of a folder is noted on its way to the real ones. Afterwards `Disk.at(moment)` gives the files as a disk may have
them after a cut at that moment: everything up to a file's last sync, and of the later writes each one wholly, in part,
or not at all, in whatever order the disk had got to them.

SQLite's own layer for this (a "VFS") is reached through ctypes in the library that Python's sqlite3 module uses, so the
product runs unchanged in this very process.
"""

import _sqlite3
import ctypes
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import POINTER, byref, c_char_p, c_int, c_int64, c_void_p, cast, memmove, sizeof, string_at
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

SECTOR = 512
"""A disk writes sectors whole or not at all; longer writes are torn between them."""
METHODS = 19  # Pointers of sqlite3_io_methods after its version, up to xUnfetch.
WRITE, TRUNCATE, SYNC = 2, 3, 4  # Places of ours among them; xClose and xRead come first.
OPEN, DELETE = 0, 1  # Places of ours among those of sqlite3_vfs.

X_WRITE = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
X_TRUNCATE = ctypes.CFUNCTYPE(c_int, c_void_p, c_int64)
X_SYNC = ctypes.CFUNCTYPE(c_int, c_void_p, c_int)
X_OPEN = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, POINTER(c_int))
X_DELETE = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)


class Vfs(ctypes.Structure):
    """sqlite3_vfs, version 3."""

    _fields_ = (
        ("version", c_int),
        ("file_size", c_int),
        ("path_max", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("app_data", c_void_p),
        ("calls", c_void_p * 18),
    )


class Methods(ctypes.Structure):
    """sqlite3_io_methods, version 3."""

    _fields_ = (("version", c_int), ("calls", c_void_p * METHODS))


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done to a file."""

    kind: Literal["write", "truncate", "sync", "delete"]
    path: str
    at: int = 0
    content: bytes = b""


@dataclass
class Disk:
    """Everything that was done to the files of a folder, in order.

    While ``refusal`` is one of SQLite's error codes, every write is answered with it and does not happen.
    """

    folder: Path
    steps: list[Step] = field(default_factory=list)
    refusal: int = 0

    @property
    def now(self) -> int:
        """The moment after everything so far."""
        return len(self.steps)

    def at(self, moment: int, chance: random.Random, folder: Path) -> None:
        """Make the files in ``folder`` as a disk may have them after a cut at a moment."""
        steps = self.steps[:moment]
        synced = {step.path: number for number, step in enumerate(steps) if step.kind in ("sync", "delete")}
        files: dict[str, bytearray] = {}
        for number, step in enumerate(steps):
            if step.kind == "delete":
                files.pop(step.path, None)
                continue
            content = files.setdefault(step.path, bytearray())
            if number <= synced.get(step.path, -1):
                _apply(content, step)
            elif fate := chance.choice(("whole", "torn", "")):
                _apply(content, step if fate == "whole" else _torn(step, chance))
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            (folder / Path(path).name).write_bytes(content)


def _torn(step: Step, chance: random.Random) -> Step:
    """Return what is left of a write of which only the first sectors got to the disk."""
    sectors = chance.randint(0, len(step.content) // SECTOR)
    return Step(step.kind, step.path, step.at, step.content[: sectors * SECTOR])


def _apply(content: bytearray, step: Step) -> None:
    if step.kind == "truncate":
        del content[step.at :]
    elif step.kind == "write" and step.content:
        content.extend(bytes(max(0, step.at - len(content))))
        content[step.at : step.at + len(step.content)] = step.content


def find_library() -> ctypes.CDLL | None:
    """Return the library of Python's sqlite3 module, None where it is built in or has another layout."""
    try:
        library = ctypes.CDLL(_sqlite3.__file__)
        library.sqlite3_vfs_find.restype = POINTER(Vfs)
        library.sqlite3_libversion.restype = c_char_p
        found = library.sqlite3_vfs_find(None)
    except (AttributeError, OSError):
        return None
    is_ours = library.sqlite3_libversion().decode() == sqlite3.sqlite_version
    return library if is_ours and found and found.contents.version >= 3 else None


@contextmanager
def recording_writes(library: ctypes.CDLL, folder: Path) -> Iterator[Disk]:
    """Note what is done to the database files of a folder that are opened in the block."""
    disk = Disk(folder)
    original = library.sqlite3_vfs_find(None)
    shim = _Shim(disk, original.contents)
    if library.sqlite3_vfs_register(byref(shim.vfs), 1) != 0:
        raise RuntimeError("SQLite refused the recording layer.")
    try:
        yield disk
    finally:
        library.sqlite3_vfs_register(original, 1)
        library.sqlite3_vfs_unregister(byref(shim.vfs))


class _Shim:
    """The layer: SQLite's own with four calls noted on their way. It must outlive the files opened through it."""

    kept: list["_Shim"] = []  # noqa: RUF012 - SQLite holds pointers into them until its last file is closed.

    def __init__(self, disk: Disk, original: Vfs) -> None:
        self._disk = disk
        self._paths: dict[int, str] = {}
        self._methods: dict[int, Methods] = {}
        self._callbacks: list[Any] = []
        self._open = X_OPEN(original.calls[OPEN])
        self._delete = X_DELETE(original.calls[DELETE])
        self._original = original
        self.vfs = Vfs()
        memmove(byref(self.vfs), byref(original), sizeof(Vfs))
        self.vfs.name = b"power-cut"
        self.vfs.next = None
        self.vfs.calls[OPEN] = self._pointer(X_OPEN, self._on_open)
        self.vfs.calls[DELETE] = self._pointer(X_DELETE, self._on_delete)
        self.kept.append(self)

    def _pointer(self, kind: Any, call: Callable[..., int]) -> int:
        callback = kind(call)
        self._callbacks.append(callback)
        return cast(callback, c_void_p).value or 0

    def _on_open(self, _: int, name: int | None, file: int, flags: int, out_flags: Any) -> int:
        code = self._open(cast(byref(self._original), c_void_p), name, file, flags, out_flags)
        path = string_at(name).decode() if name else ""
        if code == 0 and path.startswith(str(self._disk.folder)):
            self._paths[file] = path
            table = c_void_p.from_address(file)  # A sqlite3_file begins with the pointer to its methods.
            table.value = ctypes.addressof(self._noting(table.value or 0))
        return int(code)

    def _noting(self, methods: int) -> Methods:
        """Return the methods of a kind of file with ours among them."""
        if methods not in self._methods:
            own = Methods()
            memmove(byref(own), methods, sizeof(Methods))
            write, truncate, sync = X_WRITE(own.calls[WRITE]), X_TRUNCATE(own.calls[TRUNCATE]), X_SYNC(own.calls[SYNC])

            def on_write(file: int, content: int, amount: int, at: int) -> int:
                if self._disk.refusal:
                    return self._disk.refusal
                self._note("write", file, at, string_at(content, amount))
                return int(write(file, content, amount, at))

            def on_truncate(file: int, size: int) -> int:
                self._note("truncate", file, size)
                return int(truncate(file, size))

            def on_sync(file: int, flags: int) -> int:
                code = int(sync(file, flags))
                if code == 0:
                    self._note("sync", file)
                return code

            own.calls[WRITE] = self._pointer(X_WRITE, on_write)
            own.calls[TRUNCATE] = self._pointer(X_TRUNCATE, on_truncate)
            own.calls[SYNC] = self._pointer(X_SYNC, on_sync)
            self._methods[methods] = own
        return self._methods[methods]

    def _on_delete(self, _: int, name: int, sync: int) -> int:
        path = string_at(name).decode()
        if path.startswith(str(self._disk.folder)):
            self._disk.steps.append(Step("delete", path))
        return int(self._delete(cast(byref(self._original), c_void_p), name, sync))

    def _note(self, kind: Literal["write", "truncate", "sync"], file: int, at: int = 0, content: bytes = b"") -> None:
        self._disk.steps.append(Step(kind, self._paths[file], at, content))
