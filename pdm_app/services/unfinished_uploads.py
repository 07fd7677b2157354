"""Uploads that arrive in several turns: what has come stays, and the next connection goes on from there.

The length of the file on the disk is how much has arrived, so that a process that dies loses nothing that it has
written. The room of the whole file is promised from the beginning. The newest connection is the one that writes: an
older one to the same file, whose sender gave it up and whose server has not noticed yet, writes nothing any more.

Source: the ways of the tus resumable upload protocol 1.0, core: an offset that is asked for, and bytes sent from it on.
"""

import asyncio
import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import structlog
from pydantic import ValidationError

from pdm_app.domain.access import Actor
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError, UnavailableError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.uploads import FINGERPRINT_MAX, Unfinished, Upload
from pdm_app.services.private_files import write_private
from pdm_app.services.receptions import PIECE_BYTES
from pdm_app.services.record_changes import whole
from pdm_app.services.uploads import HOUR_US, NOTE, PART, SWEEP_EVERY_S, TooLargeError, UploadService, plain_name

log = structlog.get_logger(__name__)

FOLDER = "unfinished"
UNFINISHED_MAX = 5
"""Of one person; each has the room of its whole file promised."""


class OffsetError(ConflictError):
    """Bytes were sent for another place than the one at which the file ends; ``offset`` is that."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message, offset=offset)
        self.offset = offset


class _Arrival:
    """A file on the disk, and who writes to it now."""

    def __init__(self, said: Unfinished, path: Path) -> None:
        self.said = said
        self.path = path
        self.turn = 0
        self.lock = asyncio.Lock()

    @property
    def now(self) -> Unfinished:
        return self.said.model_copy(update={"offset": self.offset})

    @property
    def offset(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0


class Turn:
    """The bytes that one connection brings. `UnfinishedUploadService.turn` begins one."""

    def __init__(self, arrival: _Arrival, number: int) -> None:
        self._arrival = arrival
        self._number = number
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._to = arrival.offset
        self.bytes = 0
        """That it has brought."""

    async def write(self, piece: bytes) -> None:
        """Take a piece.

        Raises:
            TooLargeError: It has more than the file was said to have; what belongs to it is kept.
            ConflictError: Another connection goes on with this file.
            UnavailableError: The disk is full, or fails.
        """
        room = self._arrival.said.bytes - self._to
        self._waiting.append(piece[:room])
        self._waiting_bytes += len(self._waiting[-1])
        self._to += len(self._waiting[-1])
        self.bytes += len(piece)
        if self._waiting_bytes >= PIECE_BYTES or len(piece) > room:
            await self.flush()
        if len(piece) > room:
            raise TooLargeError(
                f"{self._arrival.said.name} was to have {self._arrival.said.bytes:,} bytes, and there are more. "
                "It changed while it was sent: send it again from the beginning."
            )

    async def flush(self) -> None:
        """Have what came so far on the disk.

        Raises:
            ConflictError: Another connection goes on with this file.
            UnavailableError: The disk is full, or fails.
        """
        async with self._arrival.lock:
            if self._arrival.turn != self._number:
                raise ConflictError(f"Another connection goes on with {self._arrival.said.name}.")
            waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
            await asyncio.to_thread(self._append, waiting)

    def _append(self, pieces: Iterable[bytes]) -> None:
        arrival = self._arrival
        try:
            with arrival.path.open("ab") as file:
                for piece in pieces:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UnavailableError(
                f"The file {arrival.said.name} could not be written: {error.strerror or error}. Make room in the data "
                "directory and go on; what has arrived is kept."
            ) from error


class UnfinishedUploadService:
    """Large files on their way into the store of uploads.

    Args:
        uploads: The store, whose quotas and kinds count here too.
        clock: Injected time.
    """

    def __init__(self, uploads: UploadService, clock: Clock) -> None:
        self._uploads = uploads
        self._clock = clock
        self._folder = uploads.folder / FOLDER
        self._arrivals: dict[str, _Arrival] = {}
        self._is_loaded = False
        uploads.reserved = lambda: [(one.said.owner_id, one.said.bytes) for one in self._arrivals.values()]

    # --- asking -----------------------------------------------------------------------------------------------------

    async def all(self, actor: Actor) -> tuple[Unfinished, ...]:
        """Return what of the actor's files has not arrived whole, the newest first."""
        await self._load()
        return tuple(one.now for one in reversed(self._arrivals.values()) if one.said.owner_id == actor.id)

    async def get(self, actor: Actor, upload_id: str) -> Unfinished | Upload:
        """Return how far a file is, or the upload that it has become.

        Raises:
            NotFoundError: The actor sends no such file.
        """
        found = await self._own(actor, upload_id)
        return found.now if isinstance(found, _Arrival) else found

    # --- handing in -------------------------------------------------------------------------------------------------

    async def begin(
        self, actor: Actor, kind: str, name: str, size: int, *, fingerprint: str = "", sha256: str = ""
    ) -> Unfinished:
        """Promise room to a file, or find the one that is on its way already: of the same name, size and fingerprint.

        Raises:
            InvalidInputError: There is no such kind, or nothing can be so large, or the hash is none.
            PermissionDeniedError: The actor lacks the permission of the kind.
            TooLargeError, ConflictError, UnavailableError: There is no room for it.
        """
        found = await self._uploads.kind(actor, kind)
        await self._load()
        now = self._clock.now()
        said = whole(
            Unfinished,
            "upload",
            {
                "id": new_id(now), "kind": found.name, "owner_id": actor.id, "name": plain_name(name), "bytes": size,
                "fingerprint": fingerprint[:FINGERPRINT_MAX], "sha256": sha256.lower(), "begun_at": now,
                "expires_at": self._expires_at(),
            },
        )  # fmt: skip
        own = [one for one in self._arrivals.values() if one.said.owner_id == actor.id]
        for one in own:
            if _marks(one.said) == _marks(said):
                return one.now
        if len(own) >= UNFINISHED_MAX:
            raise ConflictError(
                f"{UNFINISHED_MAX} of your files have not arrived whole. Go on with one, or discard it."
            )
        self._uploads.refuse_without_room(actor, said.name, size)
        arrival = self._arrivals[said.id] = _Arrival(said, self._folder / f"{said.id}{PART}")
        try:
            await asyncio.to_thread(write_private, arrival.path.with_suffix(NOTE), said.model_dump_json())
        except OSError as error:
            self._forget(arrival)
            raise UnavailableError(
                f"The file {said.name} cannot be taken: {error.strerror or error}. Make room in the data directory."
            ) from error
        return arrival.now

    async def turn(self, actor: Actor, upload_id: str, offset: int) -> Turn:
        """Begin to take the bytes from ``offset`` on; an older connection to the same file takes none any more.

        Raises:
            NotFoundError: The actor sends no such file.
            OffsetError: The file ends at another place.
        """
        arrival = await self._own(actor, upload_id)
        if isinstance(arrival, Upload):
            raise OffsetError(f"{arrival.name} has arrived whole.", arrival.bytes)
        async with arrival.lock:
            at = arrival.offset
            if offset != at:
                raise OffsetError(f"{at:,} bytes of {arrival.said.name} have arrived: send it from there on.", at)
            arrival.turn += 1
            arrival.said = arrival.said.model_copy(update={"expires_at": self._expires_at()})
            return Turn(arrival, arrival.turn)

    async def finish(self, actor: Actor, upload_id: str) -> Upload | None:
        """Put a file that has arrived whole into the store; None where more of it is to come.

        Raises:
            NotFoundError: The actor sends no such file.
            InvalidInputError: It is not what its kind takes, or not what was sent; nothing of it is left.
            UnavailableError: The disk or the database fails; it is kept, and the end may be asked for once more.
        """
        arrival = await self._own(actor, upload_id)
        if isinstance(arrival, Upload):
            return arrival
        async with arrival.lock:
            said = arrival.said
            if self._arrivals.get(said.id) is not arrival:
                return await self.finish(actor, upload_id)  # Another connection was there first.
            if arrival.offset < said.bytes:
                return None
            kind = await self._uploads.kind(actor, said.kind)
            try:
                sha256 = await asyncio.to_thread(_sha256_of, arrival.path)
                if said.sha256 and sha256 != said.sha256:
                    problem = "is not what its sender has: it was damaged on the way, or two files were mixed"
                    raise InvalidInputError(
                        f"{said.name} {problem}. Send it again from the beginning.", [FieldIssue("file", problem)]
                    )
                upload = await self._uploads.keep(actor, kind, said.name, arrival.path, sha256)
            except InvalidInputError:
                self._forget(arrival)
                raise
            except OSError as error:
                raise UnavailableError(
                    f"The file {said.name} cannot be read: {error.strerror or error}. Try again."
                ) from error
            self._forget(arrival)
        return upload

    async def discard(self, actor: Actor, upload_id: str) -> Unfinished:
        """Give up a file that has not arrived whole.

        Raises:
            NotFoundError: The actor sends no such file.
            ConflictError: It has arrived whole.
        """
        arrival = await self._own(actor, upload_id)
        if isinstance(arrival, Upload):
            raise ConflictError(f"{arrival.name} has arrived whole.")
        async with arrival.lock:
            arrival.turn += 1
            told = arrival.now
            self._forget(arrival)
        return told

    # --- keeping order ----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Remove what nobody goes on with, until cancelled."""
        await self._load()
        while True:
            now = self._clock.now()
            for one in list(self._arrivals.values()):
                if one.said.expires_at <= now:
                    log.info("an unfinished upload was removed", file=one.said.name)
                    one.turn += 1
                    self._forget(one)
            await self._clock.sleep(SWEEP_EVERY_S)

    async def _own(self, actor: Actor, upload_id: str) -> "_Arrival | Upload":
        await self._load()
        found = self._arrivals.get(upload_id)
        if found is None:
            upload, _ = await self._uploads.file(actor, upload_id)
            return upload
        if found.said.owner_id != actor.id:
            raise NotFoundError(f"There is no upload {upload_id!r}.", upload_id=upload_id)
        await self._uploads.kind(actor, found.said.kind)
        return found

    def _expires_at(self) -> int:
        return int(self._clock.now()) + round(self._uploads.limits.keep_hours * HOUR_US)

    def _forget(self, arrival: _Arrival) -> None:
        self._arrivals.pop(arrival.said.id, None)
        for path in (arrival.path.with_suffix(NOTE), arrival.path):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    async def _load(self) -> None:
        if not self._is_loaded:
            found = await asyncio.to_thread(self._read_folder)
            if not self._is_loaded:
                self._arrivals, self._is_loaded = found | self._arrivals, True

    def _read_folder(self) -> dict[str, _Arrival]:
        """Take up what an earlier process has taken so far; what nobody can go on with is removed."""
        found: dict[str, _Arrival] = {}
        if not self._folder.is_dir():
            return found
        for note in sorted(self._folder.glob(f"*{NOTE}")):
            with suppress(ValidationError, OSError):
                said = Unfinished.model_validate_json(note.read_bytes())
                if said.id == note.stem:
                    found[said.id] = _Arrival(
                        said.model_copy(update={"expires_at": self._expires_at()}), note.with_suffix(PART)
                    )
        for path in self._folder.iterdir():
            if path.stem not in found:
                path.unlink(missing_ok=True)
        return found


def _marks(said: Unfinished) -> tuple[str, str, int, str, str]:
    return said.kind, said.name, said.bytes, said.fingerprint, said.sha256


def _sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()
