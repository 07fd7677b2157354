"""Samples into files that grow under another name and get their own once they are whole and known to be.

A part, ``….part``, is written; ended when it is large, old, or the day is over; and named when the place of the sink
that vouches for it is stored. A crash at any point therefore leaves neither a half file under its name nor a sample in
two files: what a stored checkpoint does not vouch for is cut off or deleted when the sink is opened again, and sent
anew.
"""

import asyncio
import os
import shutil
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import orjson
from pydantic import Field, ValidationError

from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.sinks import CannotEraseError, FileOptions, SentSamples, SentSpan, SinkError

PART = ".part"
FREE_BYTES_MIN = 500_000_000
"""Files are not written on a disk with less room: the durable buffer and the database may stand on the same one."""
MEGABYTE = 1_000_000
MINUTE_US = 60 * MICROS_PER_S

T = TypeVar("T")


class Checkpoint(Record):
    """What of the folder is safe."""

    number: int = 0
    open: str = Field(default="", description="The part that grows; empty where there is none.")
    begun_at: int = 0
    bytes: int = 0
    ready: tuple[str, ...] = Field(default=(), description="Parts that are whole and have not got their names yet.")


class OpenFile(ABC):
    """A part while it grows."""

    is_safe_at_once: bool
    """Whether samples survive when `write` returns, or only when the file has ended."""

    @abstractmethod
    def write(self, samples: SentSamples) -> None: ...

    @abstractmethod
    def size(self) -> int:
        """Bytes that are on disk for good."""

    @abstractmethod
    def end(self) -> None:
        """Make the file whole; it is on disk when this returns."""

    @abstractmethod
    def leave(self) -> None:
        """Give everything back; never raises."""


Begin = Callable[[Path, int], OpenFile]
"""Begins a file, or goes on with one behind so many bytes."""


class FileTarget:
    """The folder of one sink.

    Args:
        root: Below it every sink has its folder.
        options: The folder's name, and when a file ends.
        clock: Says how old a file is.
        begin: Of the format.
        free_bytes_min: Room that is left alone.
    """

    def __init__(
        self, root: Path, options: FileOptions, clock: Clock, begin: Begin, free_bytes_min: int = FREE_BYTES_MIN
    ) -> None:
        self._folder = root / options.folder
        self._options = options
        self._clock = clock
        self._begin = begin
        self._free_bytes_min = free_bytes_min
        self._file: OpenFile | None = None
        self._now = Checkpoint()
        self._turn = threading.Lock()  # A call that was cancelled goes on in its thread; the next one waits for it.
        self.refused = 0

    async def open(self, checkpoint: str) -> None:
        """See `Target.open`; puts the folder into the state that the checkpoint vouches for."""
        await self._told("opened", lambda: self._open(checkpoint))

    async def write(self, samples: SentSamples) -> str | None:
        """See `Target.write`."""
        return await self._told("written", lambda: self._write(samples))

    async def erase(self, spans: Sequence[SentSpan]) -> str | None:  # noqa: ARG002 - whichever they are
        """See `Target.erase`; a file that somebody may have fetched is never written anew."""
        raise CannotEraseError(
            "Files keep what was written: of two lines of a signal and time the later one counts, and a line whose "
            "sample is gone is told only by history."
        )

    async def settle(self, *, at_once: bool) -> str | None:
        """See `Target.settle`."""
        return await self._told("ended", lambda: self._settle(at_once=at_once))

    async def confirm(self, checkpoint: str) -> None:
        """See `Target.confirm`; whole parts get their names."""
        await self._told("named", lambda: self._confirm(checkpoint))

    async def probe(self) -> str:
        """See `Target.probe`."""
        return await self._told("written", self._probe)

    async def close(self) -> None:
        """See `Target.close`."""
        await asyncio.to_thread(self._close)

    async def _told(self, what: str, do: Callable[[], T]) -> T:
        def alone() -> T:
            with self._turn:
                return do()

        try:
            return await asyncio.to_thread(alone)
        except OSError as error:
            raise SinkError(
                f"The files in {self._folder} cannot be {what}: {error.strerror or error}. Make room or give the "
                "product the rights to the folder; it tries again by itself."
            ) from error

    # --- in a thread ------------------------------------------------------------------------------------------------

    def _close(self) -> None:
        with self._turn:
            if self._file is not None:
                self._file.leave()
                self._file = None

    def _open(self, checkpoint: str) -> None:
        self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        try:
            known = Checkpoint.model_validate_json(checkpoint) if checkpoint else Checkpoint()
        except ValidationError as error:
            raise SinkError(
                f"It is not known how far the files in {self._folder} are whole. Have the sink go on from a time."
            ) from error
        self._named(known.ready)
        for part in self._folder.glob(f"*{PART}"):
            if part.name != known.open:
                part.unlink()
        self._now = known.model_copy(update={"ready": ()})
        path = self._folder / known.open
        if not known.open or not path.exists() or path.stat().st_size < known.bytes or not known.bytes:
            # There is none, somebody has taken it away, or none of it is safe: a new one is begun.
            if known.open:
                path.unlink(missing_ok=True)
            self._now = self._now.model_copy(update={"open": "", "bytes": 0})
            return
        with path.open("r+b") as part_file:
            part_file.truncate(known.bytes)
            os.fsync(part_file.fileno())
        self._file = self._begin(path, known.bytes)

    def _write(self, samples: SentSamples) -> str | None:
        self._require_room()
        if self._file is not None and self._is_over():
            self._end()
        if self._file is None:
            self._begin_part()
        file = self._file
        assert file is not None  # noqa: S101 - begun above.
        file.write(samples)
        if file.size() >= self._options.megabytes_max * MEGABYTE:
            self._end()
        elif not file.is_safe_at_once:
            return None
        else:
            self._now = self._now.model_copy(update={"bytes": file.size()})
        return self._now.model_dump_json()

    def _settle(self, *, at_once: bool) -> str | None:
        if self._file is None or not (at_once or self._is_over()):
            return None
        self._end()
        return self._now.model_dump_json()

    def _begin_part(self) -> None:
        number, at = self._now.number + 1, self._clock.now()
        stamp = datetime.fromtimestamp(at // MICROS_PER_S, UTC).strftime("%Y%m%dT%H%M%SZ")
        name = f"{self._options.folder}-{stamp}-{number:06d}.{self._options.kind}{PART}"
        path = self._folder / name
        path.unlink(missing_ok=True)
        self._file = self._begin(path, 0)
        self._now = self._now.model_copy(update={"number": number, "open": name, "begun_at": int(at), "bytes": 0})

    def _is_over(self) -> bool:
        now, begun_at = self._clock.now(), self._now.begun_at
        is_old = now - begun_at >= self._options.minutes_max * MINUTE_US or now < begun_at - MINUTE_US
        return is_old or _day(now) != _day(begun_at)

    def _end(self) -> None:
        if self._file is None:
            return
        self._file.end()
        self._file = None
        _sync(self._folder)
        ready = (*self._now.ready, self._now.open)
        self._now = self._now.model_copy(update={"open": "", "bytes": 0, "ready": ready})

    def _confirm(self, checkpoint: str) -> None:
        known = Checkpoint.model_validate(orjson.loads(checkpoint)) if checkpoint else Checkpoint()
        self._named(known.ready)
        left = tuple(name for name in self._now.ready if name not in known.ready)
        self._now = self._now.model_copy(update={"ready": left})

    def _named(self, parts: tuple[str, ...]) -> None:
        for name in parts:
            with suppress(FileNotFoundError):  # It has got its name already, before a crash.
                (self._folder / name).rename(self._folder / name.removesuffix(PART))
        if parts:
            _sync(self._folder)

    def _require_room(self) -> None:
        free = shutil.disk_usage(self._folder).free
        if free < self._free_bytes_min:
            raise SinkError(
                f"The disk of {self._folder} has {free / MEGABYTE:,.0f} MB left; the last "
                f"{self._free_bytes_min / MEGABYTE:,.0f} MB are kept for the product itself. Take files away that were "
                "fetched; it goes on by itself."
            )

    def _probe(self) -> str:
        self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        trial = self._folder / f".trial{PART}"
        trial.write_bytes(b"trial")
        trial.unlink()
        self._require_room()
        free = shutil.disk_usage(self._folder).free
        return f"{self._folder} can be written, {free / MEGABYTE:,.0f} MB are free"


def _day(at: int) -> int:
    return at // (86_400 * MICROS_PER_S)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
