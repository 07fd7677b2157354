"""Releases of firmware: from an uploaded file to what devices may have, and back.

A signature is verified three times: when it is handed in, when the release is published, and whenever it is assigned.
So a key that is revoked, or has expired, keeps everything it vouched for from devices at once, and a row that was
changed in the database by hand never reaches one.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from pydantic import Field

from pdm_app.domain.access import EVERY_SITE, Actor, Permission
from pdm_app.domain.errors import (
    ConflictError,
    PermissionDeniedError,
    UnavailableError,
)
from pdm_app.domain.firmware_keys import SigningKey
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.releases import (
    Artifact,
    Release,
    ReleaseFacts,
    ReleaseSignature,
    ReleaseState,
    ReleaseStep,
    manifest,
    manifest_sha256,
    steps_from,
)
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services.artifacts import ArtifactStore
from pdm_app.services.record_changes import whole
from pdm_app.services.release_rules import (
    WORD,
    after_step,
    fault,
    file_missing,
    found,
    next_of,
    note,
    refuse_twice,
    signer,
    vouched,
)
from pdm_app.services.uploads import UploadService

KIND = "firmware"
RELEASES_MAX = 2_000


class ReleaseView(Record):
    """A release as a page shows it."""

    release: Release
    steps: tuple[ReleaseStep, ...] = ()
    running: int = Field(default=0, description="Devices of your sites that have proved to run it.")
    key_name: str = ""
    fault: str = ""
    """Why its signature vouches for nothing now, as a sentence; empty where it does, or where there is none yet."""


class ReleaseManifest(Record):
    """What is to be signed, byte for byte, and the command that does it."""

    manifest: str
    file: str
    command: str


class ReleaseService:
    """What can be done with releases.

    Args:
        work: Where they are.
        clock: Injected time.
        uploads: Has the files that were handed in.
        artifacts: Has the files of releases.
    """

    def __init__(self, work: UnitOfWork, clock: Clock, uploads: UploadService, artifacts: ArtifactStore) -> None:
        self._work = work
        self._clock = clock
        self._uploads = uploads
        self.artifacts = artifacts
        self._files = asyncio.Lock()  # A file that was taken in has no release yet, and must not be cleared away.

    # --- looking ----------------------------------------------------------------------------------------------------

    async def all(self, actor: Actor) -> tuple[ReleaseView, ...]:
        """Return the releases, the newest upload first."""
        actor.require(Permission.FIRMWARE_READ)
        async with self._work(actor.scope) as work:
            releases, keys = await work.releases.all(), await work.releases.keys()
            running = Counter(twin.release_id for twin in await work.twins.all())
        return tuple(self._view(release, keys, running[release.id]) for release in releases)

    async def get(self, actor: Actor, release_id: str) -> ReleaseView:
        """Return one release.

        Raises:
            NotFoundError: There is none.
        """
        actor.require(Permission.FIRMWARE_READ)
        async with self._work(actor.scope) as work:
            running = Counter(twin.release_id for twin in await work.twins.all())
            return self._view(await found(work, release_id), await work.releases.keys(), running[release_id])

    async def manifest(self, actor: Actor, release_id: str) -> ReleaseManifest:
        """Return what is to be signed offline.

        Raises:
            NotFoundError: There is no such release.
        """
        release = (await self.get(actor, release_id)).release
        file = f"{release.name}-{release.version}.manifest.json".replace("/", "_")
        return ReleaseManifest(
            manifest=manifest(release, release.artifact).decode(),
            file=file,
            command=f"pdm-app firmware sign {file} {release.artifact.filename} --key release.key",
        )

    # --- changing ---------------------------------------------------------------------------------------------------

    async def create(self, actor: Actor, upload_id: str, facts: ReleaseFacts) -> Release:
        """Make a draft of a file that was handed in; the upload is not needed any more.

        Raises:
            NotFoundError: The actor has handed in no such file.
            ConflictError: There is this version already, or too many releases.
            InvalidInputError: The file is no firmware.
            UnavailableError: The disk is full.
        """
        actor.require(Permission.FIRMWARE_UPLOAD)
        upload, path = await self._uploads.file(actor, upload_id, KIND)
        async with self._files:
            artifact = await self.artifacts.take(path, upload.name)
            if artifact.sha256 != upload.sha256:
                raise UnavailableError(f"{upload.name} was damaged on the disk after it had arrived. Send it again.")
            now = self._clock.now()
            release = whole(
                Release,
                WORD,
                {
                    **facts.model_dump(), "id": new_id(now), "artifact": artifact.model_dump(),
                    "manifest_sha256": manifest_sha256(facts, artifact), "uploaded_by_id": actor.id,
                    "uploaded_by": actor.name, "uploaded_at": now,
                },
            )  # fmt: skip
            async with self._work(actor.scope) as work:
                others = await work.releases.all()
                if len(others) >= RELEASES_MAX:
                    raise ConflictError(f"There are {RELEASES_MAX} releases. Delete drafts that nobody needs.")
                refuse_twice(release, others)
                await work.releases.put(release)
                await note(work, actor, now, "releases.created", None, release)
                await work.commit()
        await self._uploads.discard(upload)
        return release

    async def change(
        self, actor: Actor, release_id: str, changes: Mapping[str, object], revision: int | None = None
    ) -> Release:
        """Change what is said of a draft.

        Raises:
            NotFoundError: There is no such release.
            ConflictError: It is signed, somebody has changed it meanwhile, or there is this version already.
            InvalidInputError: Names each field and its fault.
        """
        actor.require(Permission.FIRMWARE_UPLOAD)
        async with self._work(actor.scope) as work:
            before = await found(work, release_id, revision)
            if before.state is not ReleaseState.DRAFT:
                raise ConflictError(
                    f"{before.title} is {before.state.value}, and what is signed is not changed. Make a new release."
                )
            facts = whole(ReleaseFacts, WORD, {**before.model_dump(include=set(ReleaseFacts.model_fields)), **changes})
            hashed = manifest_sha256(facts, before.artifact)
            after = before.model_copy(
                update={**dict(facts), "manifest_sha256": hashed, "revision": before.revision + 1}
            )
            refuse_twice(after, await work.releases.all())
            await work.releases.put(after)
            await note(work, actor, self._clock.now(), "releases.changed", before, after)
            await work.commit()
        return after

    async def delete(self, actor: Actor, release_id: str, revision: int | None = None) -> Release:
        """Delete a draft and its file; what was signed once stays on record.

        Raises:
            NotFoundError: There is no such release.
            ConflictError: It is no draft, or somebody has changed it meanwhile.
        """
        actor.require(Permission.FIRMWARE_UPLOAD)
        async with self._files:
            async with self._work(actor.scope) as work:
                before = await found(work, release_id, revision)
                if before.state is not ReleaseState.DRAFT:
                    raise ConflictError(
                        f"{before.title} is {before.state.value} and stays on record. Revoke it instead."
                    )
                await work.releases.remove(release_id)
                await note(work, actor, self._clock.now(), "releases.deleted", before, None)
                await work.commit()
            await self._remove_unused_files()
        return before

    async def sign(self, actor: Actor, release_id: str, signature: str, revision: int | None = None) -> Release:
        """Take a signature that was made offline, if it holds; a new one takes the place of the old.

        Raises:
            NotFoundError: There is no such release.
            InvalidInputError: It holds with none of the keys, or with one that vouches for nothing now.
            ConflictError: The release is revoked, or somebody has changed it meanwhile.
        """
        actor.require(Permission.FIRMWARE_UPLOAD)
        made, now = signature.strip(), self._clock.now()
        async with self._work(actor.scope) as work:
            before = await found(work, release_id, revision)
            state = after_step(before, ReleaseStep.SIGN)
            key = signer(before, made, await work.releases.keys(), now)
            given = ReleaseSignature(key_id=key.id, signature=made, by=actor.name, at=now)
            after = next_of(before, state=state, signature=given)
            await work.releases.put(after)
            await note(work, actor, now, "releases.signed", before, after)
            await work.commit()
        return after

    async def approve(self, actor: Actor, release_id: str, revision: int | None = None) -> Release:
        """Say as a second person that a release may be published.

        Raises:
            NotFoundError: There is no such release.
            PermissionDeniedError: The actor has uploaded it.
            ConflictError: It is not signed, its signature does not hold any more, or somebody has changed it meanwhile.
        """
        actor.require(Permission.FIRMWARE_APPROVE)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await found(work, release_id, revision)
            state = after_step(before, ReleaseStep.APPROVE)
            if actor.id == before.uploaded_by_id:
                raise PermissionDeniedError(
                    f"{actor.name} has uploaded {before.title} and cannot approve it. Ask somebody else who may "
                    "approve firmware."
                )
            vouched(before, await work.releases.keys(), now)
            after = next_of(before, state=state, approved_by=actor.name, approved_at=now)
            await work.releases.put(after)
            await note(work, actor, now, "releases.approved", before, after)
            await work.commit()
        return after

    async def publish(self, actor: Actor, release_id: str, revision: int | None = None) -> Release:
        """Let devices have a release.

        Raises:
            NotFoundError: There is no such release.
            ConflictError: It is not approved, its signature does not hold any more, or somebody has changed it.
            UnavailableError: Its file is not in the store.
        """
        actor.require(Permission.FIRMWARE_PUBLISH)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await found(work, release_id, revision)
            state = after_step(before, ReleaseStep.PUBLISH)
            vouched(before, await work.releases.keys(), now)
            self._require_file(before)
            after = next_of(before, state=state, published_by=actor.name, published_at=now)
            await work.releases.put(after)
            await note(work, actor, now, "releases.published", before, after)
            await work.commit()
        return after

    async def deprecate(self, actor: Actor, release_id: str, reason: str, revision: int | None = None) -> Release:
        """Give a release to no more devices; those that have it keep it, and others may go back to it.

        Raises:
            NotFoundError: There is no such release.
            ConflictError: It is not published, or somebody has changed it meanwhile.
        """
        return await self._end(actor, release_id, ReleaseStep.DEPRECATE, "releases.deprecated", reason, revision)

    async def revoke(self, actor: Actor, release_id: str, reason: str, revision: int | None = None) -> Release:
        """Keep a release from every device for good.

        Raises:
            NotFoundError: There is no such release.
            ConflictError: It is a draft, revoked already, or somebody has changed it meanwhile.
        """
        return await self._end(actor, release_id, ReleaseStep.REVOKE, "releases.revoked", reason, revision)

    async def clear(self) -> None:
        """Delete the files that no release names: what a process left over that died while it took one in."""
        async with self._files:
            await self._remove_unused_files()

    async def _end(
        self, actor: Actor, release_id: str, step: ReleaseStep, action: str, reason: str, revision: int | None
    ) -> Release:
        actor.require(Permission.FIRMWARE_PUBLISH)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await found(work, release_id, revision)
            after = next_of(before, state=after_step(before, step), ended_by=actor.name, ended_at=now, reason=reason)
            await work.releases.put(after)
            await note(work, actor, now, action, before, after, reason)
            await work.commit()
        return after

    async def _remove_unused_files(self) -> None:
        async with self._work(EVERY_SITE) as work:
            used = {release.artifact.sha256 for release in await work.releases.all()}
        await self.artifacts.remove_unused(used)

    def _view(self, release: Release, keys: Sequence[SigningKey], running: int) -> ReleaseView:
        made = release.signature
        key = next((key for key in keys if made is not None and key.id == made.key_id), None)
        return ReleaseView(
            release=release,
            running=running,
            steps=tuple(step for step in ReleaseStep if step in steps_from(release.state)),
            key_name=key.name if key is not None else "",
            fault=fault(release, keys, self._clock.now()) if made is not None else "",
        )

    def has_file(self, artifact: Artifact) -> bool:
        """Say whether the file of a release is in the store, in its whole length."""
        return self.artifacts.path(artifact.sha256, artifact.bytes) is not None

    def _require_file(self, release: Release) -> None:
        if not self.has_file(release.artifact):
            raise file_missing(release)
