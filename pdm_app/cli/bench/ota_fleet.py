"""The fleet of `bench ota` in the product's database: devices with keys, a signed release, and a campaign under way."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pdm_app.documents.firmware_bundles import bundle_of
from pdm_app.domain.access import EVERY_SITE, DeviceKey
from pdm_app.domain.assets import Device
from pdm_app.domain.campaigns import Campaign, CampaignFacts, CampaignState, Phase
from pdm_app.domain.device_groups import DeviceGroup
from pdm_app.domain.firmware_actions import Action, ActionState
from pdm_app.domain.firmware_keys import SigningKey, key_id
from pdm_app.domain.firmware_twins import ClientKind, FirmwareTwin
from pdm_app.domain.ports import Clock
from pdm_app.domain.releases import (
    Artifact,
    Hardware,
    Release,
    ReleaseFacts,
    ReleaseSignature,
    ReleaseState,
    manifest_sha256,
)
from pdm_app.domain.releases import manifest as manifest_of
from pdm_app.domain.repositories import Work
from pdm_app.domain.samples import Micros
from pdm_app.services.artifacts import FOLDER, ArtifactStore
from pdm_app.services.devices import HINT_CHARACTERS, SECRET_CHARACTERS, key_hash
from pdm_app.services.firmware_signatures import public_key_of, signature_of
from pdm_app.storage.database import Database
from pdm_app.storage.unit_of_work import SqlUnitOfWork

BY, MODEL, GROUP, CAMPAIGN, RELEASE, FILE = (
    "bench",
    "OTA-1",
    "ota-group",
    "ota-campaign",
    "ota-release",
    "ota-2.0.0.bin",
)
IMAGE = f"softwaremodules/{RELEASE}/artifacts/{FILE}"
"""Where a device finds it, below its own address."""
SILENT_S = 604_800

Keys = Sequence[tuple[str, str]]


async def install_fleet(
    devices: int, loads: int, image_bytes: int, data_dir: Path, database_url: str, site_id: str, clock: Clock
) -> Keys:
    """Store ``devices`` devices, of which the first ``loads`` have an update; return their codes and keys."""
    now, random, path = clock.now(), Random(11), data_dir / "image.bin"
    await asyncio.to_thread(path.write_bytes, random.randbytes(image_bytes))
    artifact = await ArtifactStore(data_dir / FOLDER, bundle_of).take(path, FILE)
    keys = [(f"ota-{number}", _key(random)) for number in range(devices)]
    database = Database(database_url)
    try:
        async with SqlUnitOfWork(database)(EVERY_SITE) as work:
            await _put_release(work, artifact, now)
            await _put_devices(work, keys, site_id, now)
            await _put_campaign(work, [code for code, _ in keys[:loads]], site_id, now)
            await work.commit()
    finally:
        await database.close()
    return keys


def _key(random: Random) -> str:
    """Return a key of the form that devices have."""
    secret = random.randbytes(SECRET_CHARACTERS).hex()[:SECRET_CHARACTERS]
    return f"pdm_{random.randbytes(HINT_CHARACTERS // 2).hex()}_{secret}"


async def _put_release(work: Work, artifact: Artifact, now: Micros) -> None:
    private = Ed25519PrivateKey.generate()
    public = public_key_of(private)
    key = SigningKey(id=key_id(public), name=BY, public_key=public, added_by=BY, added_at=now)
    facts = ReleaseFacts(name="ota", version="2.0.0", hardware=(Hardware(model=MODEL),))
    made = signature_of(private, manifest_of(facts, artifact))
    await work.releases.put_key(key)
    await work.releases.put(
        Release(
            **dict(facts), id=RELEASE, state=ReleaseState.PUBLISHED, artifact=artifact, uploaded_by_id=BY,
            uploaded_by=BY, uploaded_at=now, manifest_sha256=manifest_sha256(facts, artifact),
            signature=ReleaseSignature(key_id=key.id, signature=made, by=BY, at=now),
        )
    )  # fmt: skip


async def _put_devices(work: Work, keys: Keys, site_id: str, now: Micros) -> None:
    for code, secret in keys:
        await work.devices.put(Device(id=code, site_id=site_id, code=code, name=code, model=MODEL))
        key = DeviceKey(
            id=f"key-{code}", site_id=site_id, device_id=code, hint=secret[:10], created_at=now, created_by=BY
        )
        await work.devices.add_key(key, key_hash(secret))
    await work.twins.put([
        FirmwareTwin(
            id=code, site_id=site_id, client=ClientKind.AGENT, hardware=MODEL, version="1.0.0", version_at=now,
            polled_at=now, wants_attributes=False,
        )
        for code, _ in keys
    ])  # fmt: skip


async def _put_campaign(work: Work, codes: Sequence[str], site_id: str, now: Micros) -> None:
    group = DeviceGroup(id=GROUP, site_id=site_id, name=GROUP, filter=f'model = "{MODEL}"', changed_at=now)
    await work.device_groups.put(group)
    facts = CampaignFacts(
        site_id=site_id, name=CAMPAIGN, release_id=RELEASE, group_id=GROUP, phases=(Phase(name="All"),),
        concurrent_max=len(codes), silent_s=SILENT_S,
    )  # fmt: skip
    await work.campaigns.put(
        Campaign(
            **facts.model_dump(), id=CAMPAIGN, state=CampaignState.RUNNING, created_at=now, created_by=BY,
            creator_id=BY, started_at=now, revision=1,
        )
    )  # fmt: skip
    await work.firmware_actions.put([
        Action(
            id=f"action-{code}", number=number, site_id=site_id, campaign_id=CAMPAIGN, device_id=code,
            release_id=RELEASE, phase=0, state_at=now, created_at=now, to_version="2.0.0",
        ).at(ActionState.RETRIEVED, now)
        for number, code in enumerate(codes, 1)
    ])  # fmt: skip
