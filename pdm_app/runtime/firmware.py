"""Plugs releases of firmware together: the store of artifacts, the readers of images, keys and releases."""

from pathlib import Path
from typing import TypedDict

from pdm_app.documents.firmware_bundles import bundle_of, firmware_format
from pdm_app.domain.access import Permission
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.uploads import UploadKind
from pdm_app.services.artifacts import FOLDER, ArtifactStore
from pdm_app.services.director import DirectorService
from pdm_app.services.expiries import ExpiryService
from pdm_app.services.releases import KIND, ReleaseService
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.signing_keys import SigningKeyService
from pdm_app.services.uploads import UploadService

FIRMWARE_UPLOAD = UploadKind(KIND, Permission.FIRMWARE_UPLOAD, firmware_format, "an image or bundle that is whole")


class FirmwareServices(TypedDict):
    """By their names among the services."""

    director: DirectorService
    releases: ReleaseService
    signing_keys: SigningKeyService


async def firmware_services(
    data_dir: Path,
    work: UnitOfWork,
    clock: Clock,
    uploads: UploadService,
    expiries: ExpiryService,
    secrets: SecretStore,
) -> FirmwareServices:
    """Make the services; files that a process left over which died while it took one in are cleared away first."""
    releases = ReleaseService(work, clock, uploads, ArtifactStore(data_dir / FOLDER, bundle_of))
    await releases.clear()
    signing_keys = SigningKeyService(work, clock)
    expiries.add("signing keys", signing_keys.expiries)
    director = DirectorService(work, clock, secrets)
    return {"director": director, "releases": releases, "signing_keys": signing_keys}
