"""Releases from an uploaded file to devices: who may do what, and what is verified when."""

import asyncio
import base64
import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pdm_app.documents.firmware_bundles import bundle_of, firmware_format
from pdm_app.domain.access import EVERY_SITE, SYSTEM, Actor, Permission, Role, Scope
from pdm_app.domain.campaigns import Campaign, Phase
from pdm_app.domain.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from pdm_app.domain.firmware_keys import SigningKeyFacts
from pdm_app.domain.firmware_twins import FirmwareTwin
from pdm_app.domain.releases import Release, ReleaseState, ReleaseStep
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.uploads import UploadKind
from pdm_app.services.artifacts import ArtifactStore
from pdm_app.services.campaign_releases import require_release
from pdm_app.services.firmware_signatures import public_key_of, signature_of
from pdm_app.services.release_rules import found, require_assignable
from pdm_app.services.releases import KIND, ReleaseService
from pdm_app.services.signing_keys import SigningKeyService
from pdm_app.services.uploads import UploadService
from pdm_app.settings import UploadSettings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.domain.releases import facts

IMAGE = b"an image" * 5_000
KEY, OTHER_KEY = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
DAY_S = 86_400


def person(name: str, *permissions: Permission) -> Actor:
    allowed = frozenset(permissions or (each for each in Permission if each.value.startswith("firmware.")))
    return Actor(id=name, name=name, role=Role.ENGINEER, scope=EVERY_SITE, permissions=allowed)


UPLOADER, APPROVER, ADMIN = person("uwe"), person("anna"), person("adam")


def campaign_of(release_id: str) -> Campaign:
    return Campaign(
        id="c-1", site_id="graz", name="To gateways", release_id=release_id, group_id="g", phases=(Phase(name="All"),),
        created_at=1, created_by="ada", creator_id="ada",
    )  # fmt: skip


class Desk:
    """The services of releases over one data directory."""

    def __init__(self, work: UnitOfWork, clock: HandClock, folder: Path) -> None:
        kind = UploadKind(KIND, Permission.FIRMWARE_UPLOAD, firmware_format, "an image")
        self.work, self.clock, self.folder = work, clock, folder
        self.uploads = UploadService(work, clock, folder / "uploads", [kind], UploadSettings())
        self.store = ArtifactStore(folder / "artifacts", bundle_of)
        self.releases = ReleaseService(work, clock, self.uploads, self.store)
        self.keys = SigningKeyService(work, clock)

    async def upload(self, content: bytes = IMAGE, actor: Actor = UPLOADER) -> str:
        async with self.uploads.receiving(actor, KIND, "gateway.swu", len(content)) as reception:
            await reception.write(content)
            return (await self.uploads.complete(reception, actor)).id

    async def draft(self, version: str = "2.0.0", **changes: object) -> Release:
        return await self.releases.create(UPLOADER, await self.upload(), facts(version=version, **changes))

    async def add_key(self, private: Ed25519PrivateKey = KEY, **changes: object) -> str:
        said = {"name": "release desk", "public_key": public_key_of(private), **changes}
        return (await self.keys.add(ADMIN, SigningKeyFacts.model_validate(said))).id

    async def signature(self, release: Release, private: Ed25519PrivateKey = KEY) -> str:
        """Sign as the command does, on another machine."""
        return signature_of(private, (await self.releases.manifest(UPLOADER, release.id)).manifest.encode())

    async def signed(self, version: str = "2.0.0", private: Ed25519PrivateKey = KEY) -> Release:
        release = await self.draft(version)
        return await self.releases.sign(UPLOADER, release.id, await self.signature(release, private))

    async def published(self, version: str = "2.0.0") -> Release:
        release = await self.releases.approve(APPROVER, (await self.signed(version)).id)
        return await self.releases.publish(ADMIN, release.id)

    async def assignable(self, release: Release, *, back: bool = False) -> str:
        """Ask as a campaign does before it begins, or as a way back does for each device; what devices verify."""
        async with self.work(EVERY_SITE) as work:
            if back:
                require_assignable(
                    await found(work, release.id), await work.releases.keys(), self.clock.now(), back=True
                )
            else:
                await require_release(work, campaign_of(release.id), self.clock.now(), self.releases.has_file)
        return (await self.releases.manifest(UPLOADER, release.id)).manifest

    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file() and path.suffix != ".sqlite"]

    async def actions(self) -> list[str]:
        async with self.work(EVERY_SITE) as work:
            return [
                entry.action for entry in await work.audit.after(None, 100) if entry.action.startswith(("rel", "sig"))
            ]


@pytest.fixture
def desk(sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path) -> Desk:
    return Desk(sqlite_work, clock, tmp_path / "data")


async def test_a_release_goes_from_an_upload_to_devices_by_three_hands(desk: Desk) -> None:
    key_id = await desk.add_key()
    release = await desk.published()
    assert (release.state, release.uploaded_by, release.approved_by, release.published_by) == (
        ReleaseState.PUBLISHED, "uwe", "anna", "adam",
    )  # fmt: skip
    assert release.artifact.sha256 == hashlib.sha256(IMAGE).hexdigest()
    given = await desk.assignable(release)
    assert hashlib.sha256(given.encode()).hexdigest() == release.manifest_sha256
    assert release.signature is not None
    assert (release.signature.key_id, (await desk.releases.get(ADMIN, release.id)).release) == (key_id, release)
    KEY.public_key().verify(base64.b64decode(release.signature.signature), given.encode())
    steps = ["created", "signed", "approved", "published"]
    assert await desk.actions() == ["signing_keys.added", *(f"releases.{step}" for step in steps)]
    path = desk.store.path(release.artifact.sha256, release.artifact.bytes)
    assert desk.files() == [path], "the upload is gone, the artifact is there once"


async def test_whoever_uploaded_a_release_cannot_approve_it(desk: Desk) -> None:
    await desk.add_key()
    release = await desk.signed()
    with pytest.raises(PermissionDeniedError, match="uwe has uploaded"):
        await desk.releases.approve(UPLOADER, release.id)
    assert (await desk.releases.get(UPLOADER, release.id)).release.state is ReleaseState.SIGNED


async def test_each_step_needs_its_permission(desk: Desk) -> None:
    reader = person("rita", Permission.FIRMWARE_READ)
    release = await desk.draft()
    for call in (
        desk.releases.create(reader, "any", facts()), desk.releases.change(reader, release.id, {}),
        desk.releases.delete(reader, release.id), desk.releases.sign(reader, release.id, "x"),
        desk.releases.approve(reader, release.id), desk.releases.publish(reader, release.id),
        desk.releases.deprecate(reader, release.id, "why"), desk.releases.revoke(reader, release.id, "why"),
        desk.keys.add(reader, SigningKeyFacts(name="x", public_key=public_key_of(KEY))),
        desk.keys.revoke(reader, "x", "why"), desk.releases.all(person("nina", Permission.ASSETS_READ)),
    ):  # fmt: skip
        with pytest.raises(PermissionDeniedError):
            await call


async def test_steps_cannot_be_left_out(desk: Desk) -> None:
    await desk.add_key()
    release = await desk.draft()
    for step in (desk.releases.approve(APPROVER, release.id), desk.releases.publish(ADMIN, release.id)):
        with pytest.raises(ConflictError, match="only sign"):
            await step
    with pytest.raises(ConflictError, match="is draft and may not be given"):
        await desk.assignable(release)
    assert (await desk.releases.get(ADMIN, release.id)).steps == (ReleaseStep.SIGN,)


async def test_a_signature_holds_for_this_release_and_a_known_key_alone(desk: Desk) -> None:
    release, other = await desk.draft(), await desk.draft("2.0.1")
    good = await desk.signature(release)
    with pytest.raises(InvalidInputError, match="none of the keys"):
        await desk.releases.sign(UPLOADER, release.id, good)
    await desk.add_key()
    foreign, of_other = await desk.signature(release, OTHER_KEY), await desk.signature(other)
    for wrong in (foreign, of_other, good[:-4] + "AAA=", "no base64 é", "", "A" * 88):
        with pytest.raises(InvalidInputError, match="none of the keys"):
            await desk.releases.sign(UPLOADER, release.id, wrong)
    assert (await desk.releases.sign(UPLOADER, release.id, f" {good}\n")).state is ReleaseState.SIGNED


async def test_a_key_that_expires_keeps_its_releases_from_devices_until_they_are_signed_anew(desk: Desk) -> None:
    await desk.add_key(expires_at=desk.clock.now() + DAY_S * 10**6)
    release, approved = await desk.published(), await desk.signed("2.0.1")
    await desk.releases.approve(APPROVER, approved.id)
    await desk.clock.advance(DAY_S)
    with pytest.raises(ConflictError, match="has expired"):
        await desk.assignable(release)
    with pytest.raises(ConflictError, match="has expired"):
        await desk.releases.publish(ADMIN, approved.id)
    with pytest.raises(InvalidInputError, match="has expired"):
        await desk.releases.sign(UPLOADER, release.id, await desk.signature(release))
    assert "has expired" in (await desk.releases.get(ADMIN, release.id)).fault
    await desk.add_key(OTHER_KEY)
    again = await desk.releases.sign(UPLOADER, release.id, await desk.signature(release, OTHER_KEY))
    assert again.state is ReleaseState.PUBLISHED
    assert await desk.assignable(release)


async def test_a_revoked_key_vouches_for_nothing_and_does_not_come_back(desk: Desk) -> None:
    key = await desk.add_key()
    release = await desk.published()
    await desk.keys.revoke(ADMIN, key, "the laptop was stolen")
    with pytest.raises(ConflictError, match="the laptop was stolen"):
        await desk.assignable(release)
    with pytest.raises(ConflictError, match="Make a new one"):
        await desk.add_key()
    with pytest.raises(ConflictError, match="already"):
        await desk.keys.revoke(ADMIN, key, "again")
    assert await desk.keys.expiries() == []


async def test_a_release_that_was_changed_in_the_database_reaches_no_device(desk: Desk) -> None:
    await desk.add_key()
    release = await desk.published()
    async with desk.work(EVERY_SITE) as work:
        await work.releases.put(release.model_copy(update={"security_version": 9, "revision": release.revision + 1}))
        await work.commit()
    with pytest.raises(ConflictError, match="changed the database"):
        await desk.assignable(release)


async def test_a_release_whose_file_is_gone_or_cut_off_is_not_assigned(desk: Desk) -> None:
    await desk.add_key()
    release = await desk.published()
    path = desk.store.path(release.artifact.sha256, release.artifact.bytes)
    assert path is not None
    path.write_bytes(IMAGE[:-1])
    with pytest.raises(UnavailableError, match="backup"):
        await desk.assignable(release)


async def test_deprecated_releases_are_there_for_the_way_back_and_revoked_ones_for_nobody(desk: Desk) -> None:
    await desk.add_key()
    release = await desk.published()
    await desk.releases.deprecate(ADMIN, release.id, "2.1 is out")
    with pytest.raises(ConflictError, match="is deprecated"):
        await desk.assignable(release)
    assert await desk.assignable(release, back=True)
    revoked = await desk.releases.revoke(ADMIN, release.id, "it floods the bus")
    assert (revoked.reason, revoked.ended_by) == ("it floods the bus", "adam")
    with pytest.raises(ConflictError, match="is revoked"):
        await desk.assignable(release, back=True)
    with pytest.raises(ConflictError, match="only nothing"):
        await desk.releases.sign(UPLOADER, release.id, "x")


async def test_a_draft_is_changed_and_deleted_and_what_is_signed_is_not(desk: Desk) -> None:
    await desk.add_key()
    release = await desk.draft()
    old = await desk.signature(release)
    changed = await desk.releases.change(UPLOADER, release.id, {"security_version": 4, "notes": "more"}, 0)
    assert (changed.security_version, changed.revision) == (4, 1)
    with pytest.raises(InvalidInputError, match="none of the keys"):
        await desk.releases.sign(UPLOADER, release.id, old)
    with pytest.raises(InvalidInputError, match="version"):
        await desk.releases.change(UPLOADER, release.id, {"version": "two"})
    await desk.releases.sign(UPLOADER, release.id, await desk.signature(changed))
    for late in (
        desk.releases.change(UPLOADER, release.id, {"notes": "x"}),
        desk.releases.delete(UPLOADER, release.id),
    ):
        with pytest.raises(ConflictError, match="is signed"):
            await late


async def test_the_file_of_a_deleted_draft_goes_unless_another_release_has_it(desk: Desk) -> None:
    one, two = await desk.draft(), await desk.draft("2.0.1")
    await desk.releases.delete(UPLOADER, one.id)
    assert len(desk.files()) == 1
    await desk.releases.delete(UPLOADER, two.id)
    assert desk.files() == []
    with pytest.raises(NotFoundError):
        await desk.releases.get(UPLOADER, two.id)


async def test_a_version_is_released_once_however_it_is_spelled(desk: Desk) -> None:
    await desk.draft("2.0")
    for spelled in ("2.0", "2.0.0", "2.0.0.0+build.7"):
        with pytest.raises(ConflictError, match=r"gateway-os 2\.0 already"):
            await desk.draft(spelled)
    await desk.draft("2.0.0-rc.1")
    await desk.draft("2.0", name="other-os")


async def test_of_two_who_decide_at_once_one_is_refused(work: SqlUnitOfWork, clock: HandClock, tmp_path: Path) -> None:
    desk = Desk(work, clock, tmp_path / "data")  # On both databases: each has its own way to refuse the second one.
    await desk.add_key()
    release = await desk.signed()
    done = await asyncio.gather(
        desk.releases.approve(APPROVER, release.id, release.revision),
        desk.releases.revoke(ADMIN, release.id, "broken", release.revision),
        return_exceptions=True,
    )
    assert sum(isinstance(each, ConflictError) for each in done) == 1
    with pytest.raises(ConflictError, match="meanwhile"):
        await desk.releases.approve(APPROVER, release.id, release.revision)


async def test_somebody_elses_upload_makes_no_release(desk: Desk) -> None:
    upload = await desk.upload()
    with pytest.raises(NotFoundError):
        await desk.releases.create(APPROVER, upload, facts())


async def test_a_damaged_upload_makes_no_release_and_stays(desk: Desk) -> None:
    upload = await desk.upload()
    _, path = await desk.uploads.file(UPLOADER, upload, KIND)
    path.write_bytes(IMAGE[:-1] + b"?")
    with pytest.raises(UnavailableError, match="Send it again"):
        await desk.releases.create(UPLOADER, upload, facts())
    assert path.exists()
    await desk.releases.clear()
    assert [file.name for file in desk.files() if "artifacts" in file.parts] == []


async def test_who_is_in_no_site_sees_no_firmware(desk: Desk) -> None:
    await desk.add_key()
    release = await desk.draft()
    nobody = ADMIN.model_copy(update={"scope": Scope(sites=frozenset())})
    assert await desk.releases.all(nobody) == ()
    assert await desk.keys.all(nobody) == ()
    for call in (desk.releases.get(nobody, release.id), desk.keys.revoke(nobody, "x", "why")):
        with pytest.raises(NotFoundError):
            await call
    one_site = ADMIN.model_copy(update={"scope": Scope(sites=frozenset({"site-graz"}))})
    assert len(await desk.releases.all(one_site)) == 1


@pytest.mark.parametrize(
    "key",
    ["A" * 43 + "=", "7P///////////////////////////////////////38=", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA="],
)
async def test_a_key_for_which_anything_is_signed_is_refused(desk: Desk, key: str) -> None:
    with pytest.raises(InvalidInputError, match="no public key"):
        await desk.keys.add(SYSTEM, SigningKeyFacts(name="x", public_key=key))


async def test_a_key_that_has_ended_is_not_added(desk: Desk) -> None:
    with pytest.raises(InvalidInputError, match="over already"):
        await desk.add_key(expires_at=desk.clock.now())


async def test_a_release_says_how_many_devices_have_proved_to_run_it(desk: Desk) -> None:
    release = await desk.draft()
    async with desk.work(EVERY_SITE) as work:
        device = (await work.devices.all())[0]
        await work.twins.put([FirmwareTwin(id=device.id, site_id=device.site_id, release_id=release.id)])
        await work.commit()
    elsewhere = ADMIN.model_copy(update={"scope": Scope(sites=frozenset({"another-site"}))})
    assert (await desk.releases.get(ADMIN, release.id)).running == 1
    assert [view.running for view in await desk.releases.all(ADMIN)] == [1]
    assert [view.running for view in await desk.releases.all(elsewhere)] == [0]
