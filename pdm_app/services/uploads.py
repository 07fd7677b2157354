"""The store of uploads: files that people hand in, each seen by its owner alone, kept until used or too old.

A file is written piece by piece under an id of ours while it arrives, and stands in the store only once it is whole,
on the disk, and by its content one of those that its kind takes. Whatever goes wrong before that leaves nothing. Room
is taken from the quotas piece by piece before it is written, so that two uploads at once cannot share the same room.
A broken one is sent again from its beginning; `pdm_app.services.unfinished_uploads` takes large files in several turns.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog
from pydantic import ValidationError

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import (
    ConflictError,
    FieldIssue,
    InvalidInputError,
    NotFoundError,
    PdmError,
    PermissionDeniedError,
    UnavailableError,
)
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.uploads import NAME_MAX, UnusableFileError, Upload, UploadKind
from pdm_app.services.auditing import audit
from pdm_app.services.private_files import write_private
from pdm_app.services.receptions import Reception
from pdm_app.settings import UploadSettings

log = structlog.get_logger(__name__)

FOLDER = "uploads"
FILE, NOTE, PART = ".bin", ".note", ".part"
FILES_MAX = 50
"""Of one person; more are nobody's intention."""
ARRIVING_MAX = 3
"""Of one person at once."""
FREE_BYTES_MIN = 500_000_000
"""So much of the disk is left to the buffer and the database, whatever the quotas say."""
SWEEP_EVERY_S = 600.0
HOUR_US = 3600 * MICROS_PER_S


class TooLargeError(PdmError):
    """A file is larger than one may be."""


class UploadService:
    """The uploads of everybody.

    Args:
        work: For the audit trail.
        clock: Injected time.
        folder: Where the files lie.
        kinds: What may be handed in.
        limits: How large, how much and how long; may be put in place of while running.
    """

    def __init__(
        self, work: UnitOfWork, clock: Clock, folder: Path, kinds: Sequence[UploadKind], limits: UploadSettings
    ) -> None:
        self._work = work
        self._clock = clock
        self.folder = folder
        self._kinds = {kind.name: kind for kind in kinds}
        self.limits = limits
        self._uploads: dict[str, Upload] = {}
        self._arriving: set[Reception] = set()
        self._loaded = False
        self.reserved: Callable[[], Iterable[tuple[str, int]]] = tuple
        """Room that is promised elsewhere: to whom, and how many bytes."""

    # --- handing in -----------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def receiving(self, actor: Actor, kind: str, name: str, announced: int | None) -> AsyncIterator[Reception]:
        """Begin to take a file; what is not completed inside the block leaves nothing.

        Args:
            actor: Its owner.
            kind: What it is for.
            name: What its owner calls it; shown, and used for nothing else.
            announced: Its size as the caller says, to refuse early what cannot be taken; not believed otherwise.

        Raises:
            InvalidInputError: There is no such kind.
            PermissionDeniedError: The actor lacks the permission of the kind.
            TooLargeError, ConflictError, UnavailableError: As `Reception.write`, for the announced size.
        """
        found = await self.kind(actor, kind)
        own = [one for one in self._arriving if one.actor.id == actor.id]
        if len(own) >= ARRIVING_MAX:
            raise ConflictError(f"{ARRIVING_MAX} of your files are arriving at this moment. Wait for one of them.")
        if sum(upload.owner_id == actor.id for upload in self._uploads.values()) + len(own) >= FILES_MAX:
            raise ConflictError(f"{FILES_MAX} of your files are kept already. Delete some you do not need any more.")
        upload_id = new_id(self._clock.now())
        reception = Reception(self.take_room, actor, found, plain_name(name), self.folder / f"{upload_id}{PART}")
        self.refuse_without_room(actor, reception.name, announced or 0)
        self._arriving.add(reception)
        try:
            yield reception
        finally:
            self._arriving.discard(reception)
            await asyncio.to_thread(reception.drop)

    async def complete(self, reception: Reception, actor: Actor) -> Upload:
        """Put a file that has arrived whole into the store.

        Args:
            reception: All of it was written.
            actor: Who sends, asked anew: whoever signed out meanwhile hands nothing in.

        Raises:
            InvalidInputError: It is not what its kind takes; says what it is.
            PermissionDeniedError: Somebody else sends now, or without the permission.
        """
        if actor.id != reception.actor.id:
            raise PermissionDeniedError("Somebody else is signed in now than when the file began to arrive.")
        upload = await self.keep(actor, reception.kind, reception.name, reception.path, await reception.whole())
        self._arriving.discard(reception)  # At once: its room is counted as that of an upload from now on.
        return upload

    async def kind(self, actor: Actor, name: str) -> UploadKind:
        """Return what may be handed in under a name.

        Raises:
            InvalidInputError: There is no such kind.
            PermissionDeniedError: The actor lacks its permission.
        """
        found = self._kinds.get(name)
        if found is None:
            allowed = ", ".join(self._kinds)
            raise InvalidInputError(
                f"There is nothing to hand in as {name[:40]!r}.", [FieldIssue("kind", "is unknown", f"use {allowed}")]
            )
        actor.require(found.permission)
        await self._load()
        return found

    async def keep(self, actor: Actor, kind: UploadKind, name: str, path: Path, sha256: str) -> Upload:
        """Put a whole file into the store, under the id that its path has for a name.

        Raises:
            InvalidInputError: It is not what its kind takes; says what it is.
            PermissionDeniedError: The actor lacks the permission of the kind.
            UnavailableError: The disk or the database fails.
        """
        actor.require(kind.permission)
        try:
            form = await asyncio.to_thread(kind.sniff, path)
            size = (await asyncio.to_thread(path.stat)).st_size
        except UnusableFileError as error:
            raise InvalidInputError(
                f"{name} {error}.", [FieldIssue("file", str(error), f"send {kind.takes}")]
            ) from None
        now = self._clock.now()
        upload = Upload(
            id=path.stem, kind=kind.name, owner_id=actor.id, owner=actor.name, name=name, format=form,
            bytes=size, sha256=sha256, uploaded_at=now,
            expires_at=now + round(self.limits.keep_hours * HOUR_US),
        )  # fmt: skip
        async with self._work(actor.scope) as work:
            await audit(
                work, actor, now, "uploads.taken", subject="upload", subject_id=upload.id, name=upload.name,
                after={"kind": upload.kind, "format": form, "bytes": upload.bytes, "sha256": upload.sha256},
            )  # fmt: skip
            await work.commit()
        try:
            await asyncio.to_thread(path.rename, self._path(upload))
            await self._put(upload)
        except BaseException as error:
            self._path(upload).unlink(missing_ok=True)
            if not isinstance(error, OSError):
                raise
            raise UnavailableError(
                f"The file {upload.name} could not be kept: {error.strerror or error}. Send it again."
            ) from error
        return upload

    def take_room(self, reception: Reception, size: int) -> None:
        """Count bytes before they are written.

        Raises:
            TooLargeError, ConflictError, UnavailableError: There is no room for them.
        """
        self.refuse_without_room(reception.actor, reception.name, size, reception.bytes)
        reception.bytes += size

    def refuse_without_room(self, actor: Actor, name: str, size: int, has: int = 0) -> None:
        """Refuse ``size`` further bytes of a file that has some already.

        Raises:
            TooLargeError, ConflictError, UnavailableError: There is no room for them.
        """
        limits = self.limits
        if has + size > limits.bytes_max:
            raise TooLargeError(
                f"The file {name} is larger than {limits.bytes_max:,} bytes, the most that one may have. "
                "Cut it into several, or have an admin raise uploads.bytes_max."
            )
        own, all_ = self._room_taken(actor.id)
        if own + size > limits.person_bytes_max:
            raise ConflictError(
                f"Your files take {own:,} of the {limits.person_bytes_max:,} bytes that they may. Delete some."
            )
        if all_ + size > limits.total_bytes_max:
            raise ConflictError(
                f"The uploads of all people take {all_:,} of the {limits.total_bytes_max:,} bytes that they may. "
                "Delete some, or wait until old ones are removed."
            )
        if free_bytes(self.folder) - size < FREE_BYTES_MIN:
            raise UnavailableError("There is too little room on the disk of the data directory for a file. Make room.")

    def _room_taken(self, owner_id: str) -> tuple[int, int]:
        sizes = [(upload.owner_id, upload.bytes) for upload in self._uploads.values()]
        sizes += [*((one.actor.id, one.bytes) for one in self._arriving), *self.reserved()]
        return sum(size for owner, size in sizes if owner == owner_id), sum(size for _, size in sizes)

    # --- what is there --------------------------------------------------------------------------------------------

    async def all(self, actor: Actor) -> tuple[Upload, ...]:
        """Return the actor's uploads, the newest first."""
        actor.require(Permission.HISTORY_IMPORT)
        await self._load()
        return tuple(upload for upload in reversed(self._uploads.values()) if upload.owner_id == actor.id)

    async def delete(self, actor: Actor, upload_id: str) -> Upload:
        """Remove an upload.

        Raises:
            NotFoundError: The actor has no such upload.
            ConflictError: Something needs it still.
        """
        actor.require(Permission.HISTORY_IMPORT)
        upload, _ = await self.file(actor, upload_id)
        if upload.used_by:
            raise ConflictError(f"{upload.name} is needed by {upload.used_by}. Cancel that first.")
        async with self._work(actor.scope) as work:
            await audit(
                work, actor, self._clock.now(), "uploads.deleted", subject="upload", subject_id=upload.id,
                name=upload.name, before={"kind": upload.kind, "bytes": upload.bytes},
            )  # fmt: skip
            await work.commit()
        self._forget(upload)
        return upload

    async def file(self, actor: Actor, upload_id: str, kind: str | None = None) -> tuple[Upload, Path]:
        """Return an upload of the actor and where its file lies.

        Raises:
            NotFoundError: The actor has no such upload, or its file is gone.
        """
        await self._load()
        upload = self._uploads.get(upload_id)
        if upload is None or upload.owner_id != actor.id or kind not in (None, upload.kind):
            raise NotFoundError(f"There is no upload {upload_id!r}.", upload_id=upload_id)
        return upload, self._path(upload)

    async def lent(self, upload_id: str) -> Path | None:
        """Return where the file of an upload lies that something was promised; None where it is gone."""
        await self._load()
        upload = self._uploads.get(upload_id)
        path = self._path(upload) if upload is not None else None
        return path if path is not None and path.is_file() else None

    async def discard(self, upload: Upload) -> None:
        """Remove an upload that something has taken over; nobody's change, so nobody's permission."""
        await self._load()
        self._forget(upload)

    async def use(self, upload_id: str, by: str) -> None:
        """Keep an upload for something, named ``by``; an empty name lets it go, and it is kept as if it were new."""
        await self._load()
        upload = self._uploads.get(upload_id)
        if upload is not None and upload.used_by != by:
            expires_at = self._clock.now() + round(self.limits.keep_hours * HOUR_US)
            await self._put(upload.model_copy(update={"used_by": by, "expires_at": expires_at}))

    # --- keeping order --------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Remove what is too old, until cancelled."""
        await self._load()
        while True:
            now = self._clock.now()
            for upload in list(self._uploads.values()):
                if not upload.used_by and upload.expires_at <= now:
                    log.info("an upload was removed", file=upload.name, owner=upload.owner)
                    self._forget(upload)
            await self._clock.sleep(SWEEP_EVERY_S)

    async def _put(self, upload: Upload) -> None:
        note = self._path(upload).with_suffix(NOTE)
        await asyncio.to_thread(write_private, note, upload.model_dump_json())
        self._uploads[upload.id] = upload

    def _forget(self, upload: Upload) -> None:
        self._uploads.pop(upload.id, None)
        for path in (self._path(upload).with_suffix(NOTE), self._path(upload)):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _path(self, upload: Upload) -> Path:
        return self.folder / f"{upload.id}{FILE}"

    async def _load(self) -> None:
        if not self._loaded:
            found = await asyncio.to_thread(self._read_folder)
            if not self._loaded:
                self._uploads, self._loaded = found | self._uploads, True

    def _read_folder(self) -> dict[str, Upload]:
        """Take up what an earlier process kept; what did not arrive whole is removed."""
        found: dict[str, Upload] = {}
        if not self.folder.is_dir():
            return found
        for path in sorted(self.folder.glob(f"*{NOTE}")):
            with suppress(ValidationError, OSError):
                upload = Upload.model_validate_json(path.read_bytes())
                if upload.id == path.stem and self._path(upload).is_file() and upload.kind in self._kinds:
                    found[upload.id] = upload
        for path in self.folder.iterdir():
            if path.is_file() and path.stem not in found:
                path.unlink(missing_ok=True)
        return found


def free_bytes(folder: Path) -> int:
    """Return how much room the disk of a folder has, which may not be there yet."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(there).free


def plain_name(name: str) -> str:
    """Return the last part of a file's name, with nothing that cannot be read or would turn the text around."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(letter for letter in last if letter.isprintable()).strip(" .")
    return plain[:NAME_MAX].strip() or "file"
