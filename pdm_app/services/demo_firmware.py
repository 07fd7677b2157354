"""The demo's firmware: releases that were really signed, gateways with keys of their own, and two campaigns.

Everything is done by the services that people use, by the people of the demo, once in the life of a data directory:
what is there already is not done again, so that a start that was cut short is gone on with. The first campaign brings
2.4.1 to the gateways of Pune, on one of which it does not run; when it is over, a pilot of 2.5.0 fails on half of its
gateways, and its phase asks for all of it to be taken back.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pdm_app.domain.access import EVERY_SITE, Actor, actor_of
from pdm_app.domain.assets import Device
from pdm_app.domain.campaigns import OVER, Campaign, CampaignFacts, CampaignState, Phase
from pdm_app.domain.device_groups import DeviceGroupFacts
from pdm_app.domain.firmware_actions import RetryPolicy
from pdm_app.domain.firmware_keys import SigningKeyFacts
from pdm_app.domain.firmware_twins import ClientKind, FirmwareTwin
from pdm_app.domain.ports import Clock
from pdm_app.domain.releases import Hardware, Release, ReleaseFacts, ReleaseState
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services.campaigns import CampaignService
from pdm_app.services.device_groups import DeviceGroupService
from pdm_app.services.devices import DeviceService
from pdm_app.services.director import DirectorService
from pdm_app.services.firmware_signatures import public_key_of, signature_of
from pdm_app.services.private_files import write_private
from pdm_app.services.releases import KIND, ReleaseService
from pdm_app.services.signing_keys import SigningKeyService
from pdm_app.services.uploads import UploadService

log = structlog.get_logger(__name__)

FILE_NAME = "demo_gateways.json"
NAME, MODEL, REVISION, SITE_ID = "edge-gw", "EG-24", "B", "pune"
RUNNING, WANTED, PILOT = "2.4.0", "2.4.1", "2.5.0"
NOTES = {
    RUNNING: "What the gateways of Pune left the factory with.",
    WANTED: "Repairs the reconnection after a lost radio link.",
    PILOT: "New radio stack, for a pilot on four gateways.",
}
IMAGE_BYTES = 480_000
PILOTS = ("G-21", "G-22", "G-23", "G-24")
SICK: Mapping[str, tuple[str, ...]] = {"G-17": (WANTED,), "G-22": (PILOT,), "G-23": (PILOT,)}
"""Releases that do not run on a gateway: its health check fails, and it goes back by itself."""
SPOILED: Mapping[str, int] = {"G-4": 2}
"""Downloads that a bad line spoils; two make an attempt fail, and the next one succeeds."""
LOOK_EVERY_S = 5.0
TO_BE_NAMED = "group"
RETRY = RetryPolicy(attempts_max=3, wait_s=30)


@dataclass(frozen=True, slots=True)
class GatewaySetup:
    """What a gateway's agent is set up with, and what goes wrong with it."""

    code: str
    token: str
    model: str
    revision: str
    ill_with: tuple[str, ...]
    spoils: int


@dataclass(frozen=True, slots=True)
class GatewaysSetup:
    """The gateways, whom they trust, and what they left the factory with."""

    gateways: tuple[GatewaySetup, ...]
    keys: tuple[str, ...]
    director: str
    factory: str = RUNNING


@dataclass(frozen=True, slots=True)
class _People:
    """Who builds, who looks a second time, and who decides."""

    erin: Actor
    max: Actor
    ada: Actor


class DemoFirmware:
    """Does what the scene needs.

    Args:
        work: Where people, devices and releases are.
        clock: Injected time.
        data_dir: Where the tokens of the gateways are kept, readable by the program's user alone.
        uploads: Takes the images.
        releases: Makes releases of them.
        signing_keys: Has the key that is made for them.
        director: Whose tickets the gateways believe.
        devices: Gives the gateways their keys.
        groups: Has their groups.
        campaigns: Updates them.
    """

    def __init__(
        self,
        work: UnitOfWork,
        clock: Clock,
        data_dir: Path,
        *,
        uploads: UploadService,
        releases: ReleaseService,
        signing_keys: SigningKeyService,
        director: DirectorService,
        devices: DeviceService,
        groups: DeviceGroupService,
        campaigns: CampaignService,
    ) -> None:
        self._work = work
        self._clock = clock
        self._path = data_dir / FILE_NAME
        self._uploads = uploads
        self._releases = releases
        self._signing_keys = signing_keys
        self._director = director
        self._devices = devices
        self._groups = groups
        self._campaigns = campaigns

    async def ensure(self) -> GatewaysSetup | None:
        """Return what the gateways are set up with; None where a person is gone who would do this."""
        people = await self._people()
        if people is None:
            return None
        signer = Ed25519PrivateKey.generate()  # Never stored: who wants another release signs with a key of their own.
        for version in (RUNNING, WANTED, PILOT):
            await self._ensure_release(people, version, signer)
        gateways = await self._gateways()
        await self._ensure_past(gateways)
        tokens = await self._ensure_tokens(people, gateways)
        keys = [key for key in await self._signing_keys.all(people.ada) if not key.fault(self._clock.now())]
        return GatewaysSetup(
            gateways=tuple(
                GatewaySetup(
                    device.code, tokens[device.code], MODEL, REVISION, SICK.get(device.code, ()),
                    SPOILED.get(device.code, 0),
                )
                for device in gateways
            ),
            keys=tuple(key.public_key for key in keys),
            director=(await self._director.show(people.ada)).public_key,
        )  # fmt: skip

    async def run(self) -> None:
        """Start the first campaign, and when that is over the second; return when both are under way or over."""
        people = await self._people()
        if people is None:
            return
        everybody = DeviceGroupFacts(site_id=SITE_ID, name="Pune gateways", filter=f'model = "{MODEL}"')
        first = await self._ensure_campaign(people, _to_pune(await self._release_id(WANTED)), everybody)
        while first.state not in OVER:
            await self._clock.sleep(LOOK_EVERY_S)
            first = (await self._campaigns.get(people.ada, first.id)).campaign
        ids = tuple(device.id for device in await self._gateways() if device.code in PILOTS)
        pilots = DeviceGroupFacts(site_id=SITE_ID, name="Pilot gateways", device_ids=ids)
        await self._ensure_campaign(people, _pilot(await self._release_id(PILOT)), pilots)

    # --- releases ---------------------------------------------------------------------------------------------------

    async def _ensure_release(self, people: _People, version: str, signer: Ed25519PrivateKey) -> None:
        release = await self._release(version)
        if release is None:
            content = await asyncio.to_thread(image, version)
            async with self._uploads.receiving(people.erin, KIND, f"{NAME}-{version}.bin", len(content)) as reception:
                await reception.write(content)
                upload = await self._uploads.complete(reception, people.erin)
            facts = ReleaseFacts(
                name=NAME, version=version, security_version=1, rollback_safe=True, notes=NOTES[version],
                hardware=(Hardware(model=MODEL, revisions=(REVISION,)),),
            )  # fmt: skip
            release = await self._releases.create(people.erin, upload.id, facts)
        if release.state is ReleaseState.DRAFT:
            public = public_key_of(signer)
            if public not in {key.public_key for key in await self._signing_keys.all(people.ada)}:
                await self._signing_keys.add(people.ada, SigningKeyFacts(name="Demo release desk", public_key=public))
            told = await self._releases.manifest(people.erin, release.id)
            release = await self._releases.sign(
                people.erin, release.id, signature_of(signer, told.manifest.encode()), release.revision
            )
        if release.state is ReleaseState.SIGNED:
            release = await self._releases.approve(people.max, release.id, release.revision)
        if release.state is ReleaseState.APPROVED:
            await self._releases.publish(people.ada, release.id, release.revision)

    async def _release(self, version: str) -> Release | None:
        async with self._work(EVERY_SITE) as work:
            found = (one for one in await work.releases.all() if (one.name, one.version) == (NAME, version))
            return next(found, None)

    async def _release_id(self, version: str) -> str:
        release = await self._release(version)
        return release.id if release is not None else ""

    # --- gateways ---------------------------------------------------------------------------------------------------

    async def _gateways(self) -> Sequence[Device]:
        async with self._work(EVERY_SITE) as work:
            return [device for device in await work.devices.all() if device.model == MODEL and device.simulated]

    async def _ensure_past(self, gateways: Sequence[Device]) -> None:
        """Say what the gateways have proven to run in the month behind the plant."""
        release = await self._release(RUNNING)
        async with self._work(EVERY_SITE) as work:
            known = {twin.id for twin in await work.twins.all()}
            await work.twins.put([
                FirmwareTwin(
                    id=device.id, site_id=device.site_id, client=ClientKind.AGENT, hardware=MODEL,
                    hardware_revision=REVISION, version=RUNNING, version_at=int(self._clock.now()), security_floor=1,
                    release_id=release.id if release is not None else None,
                )
                for device in gateways if device.id not in known
            ])  # fmt: skip
            await work.commit()

    async def _ensure_tokens(self, people: _People, gateways: Sequence[Device]) -> dict[str, str]:
        tokens = self._kept()
        missing = [device for device in gateways if device.code not in tokens]
        for device in missing:
            tokens[device.code] = (await self._devices.create_key(people.ada, device.id)).secret
        if missing:
            await asyncio.to_thread(write_private, self._path, json.dumps(tokens, indent=2))
        return tokens

    def _kept(self) -> dict[str, str]:
        try:
            read = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return {code: token for code, token in read.items() if isinstance(token, str)} if isinstance(read, dict) else {}

    # --- campaigns --------------------------------------------------------------------------------------------------

    async def _ensure_campaign(self, people: _People, facts: CampaignFacts, group: DeviceGroupFacts) -> Campaign:
        """Start a campaign to a group, or go on with the one that was started before; return it."""
        views = await self._campaigns.all(people.ada, SITE_ID)
        campaign = next((view.campaign for view in views if view.campaign.name == facts.name), None)
        if campaign is None:
            group_id = await self._group_id(people, group)
            campaign = await self._campaigns.create(people.ada, facts.model_copy(update={"group_id": group_id}))
        if campaign.state is CampaignState.DRAFT:
            campaign = await self._campaigns.approve(people.max, campaign.id)
        if campaign.state is CampaignState.APPROVED:
            campaign = await self._campaigns.start(people.ada, campaign.id)
            log.info("demo campaign has begun", campaign=campaign.name)
        return campaign

    async def _group_id(self, people: _People, facts: DeviceGroupFacts) -> str:
        for view in await self._groups.all(people.ada, SITE_ID):
            if view.group.name == facts.name:
                return view.group.id
        return (await self._groups.create(people.ada, facts)).id

    async def _people(self) -> _People | None:
        async with self._work(EVERY_SITE) as work:
            users = [await work.users.by_username(name) for name in ("erin.engineer", "max.manager", "ada.admin")]
        actors = [actor_of(user) for user in users if user is not None and user.deleted_at is None]
        return _People(*actors) if len(actors) == len(users) else None


def _to_pune(release_id: str) -> CampaignFacts:
    return CampaignFacts(
        site_id=SITE_ID, name=f"{NAME} {WANTED} to Pune gateways", release_id=release_id, group_id=TO_BE_NAMED,
        phases=(
            Phase(name="Canary", devices=1, sample_min=1),
            Phase(name="First six", devices=6, success_percent=80, error_percent=10),
            Phase(name="All others", success_percent=80, error_percent=10),
        ),
        soak_s=20, silent_s=900, concurrent_max=8, retry=RETRY, note=NOTES[WANTED],
    )  # fmt: skip


def _pilot(release_id: str) -> CampaignFacts:
    return CampaignFacts(
        site_id=SITE_ID, name=f"{NAME} {PILOT} pilot", release_id=release_id, group_id=TO_BE_NAMED,
        phases=(
            Phase(name="Canary", devices=1, sample_min=1),
            Phase(name="Pilot", success_percent=90, error_percent=30, on_error="roll_back"),
        ),
        soak_s=20, silent_s=900, retry=RETRY, note=NOTES[PILOT],
    )  # fmt: skip


def image(version: str) -> bytes:
    """Return the image of a version; the same one each time."""
    head = f"{NAME} {version}\n".encode()
    return head + Random(version).randbytes(IMAGE_BYTES - len(head))
