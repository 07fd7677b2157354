"""Devices of one site that can be updated, a release for them, and the rollout that does it, over a real database."""

from dataclasses import dataclass, field
from hashlib import sha256

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, Actor, Role, Scope
from pdm_app.domain.assets import Device
from pdm_app.domain.campaigns import Campaign, CampaignFacts, Phase
from pdm_app.domain.device_groups import DeviceGroup
from pdm_app.domain.firmware_actions import Action
from pdm_app.domain.firmware_keys import SigningKey, key_id
from pdm_app.domain.firmware_twins import ClientKind, FirmwareTwin
from pdm_app.domain.ports import Fence
from pdm_app.domain.releases import Release, ReleaseSignature, ReleaseState, manifest
from pdm_app.engine.rollout import Rollout
from pdm_app.services.campaigns import CampaignService
from pdm_app.services.device_confirmations import DeviceConfirmationService
from pdm_app.services.device_updates import DeviceUpdateService, Report
from pdm_app.services.firmware_signatures import public_key_of, signature_of
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.counterparts.releases import SIGNER
from tests.domain.releases import artifact, facts

SITE = "pune"
MODEL = "GW-100"
SIZE = 3_000_000
KEY = SigningKey(
    id=key_id(public_key_of(SIGNER)), name="release desk", public_key=public_key_of(SIGNER), added_by="ada", added_at=1
)
CANARY = Phase(name="Canary", devices=1)
REST = Phase(name="The rest", error_percent=20, success_percent=50)
ADA, ERIN = (
    Actor(id=name, name=name, role=Role.ADMIN, scope=EVERY_SITE, permissions=ROLE_PERMISSIONS[Role.ADMIN])
    for name in ("ada", "erin")
)


def release(version: str = "2.4.1", **changes: object) -> Release:
    said = facts(version=version, min_from_version=None, security_version=3)
    content = {
        **said.model_dump(), "id": f"release-{version}", "state": ReleaseState.PUBLISHED,
        "artifact": artifact(filename=f"gw-{version}.swu", bytes=SIZE, sha256=sha256(version.encode()).hexdigest()),
        "manifest_sha256": "00" * 32, "uploaded_by_id": "ada", "uploaded_by": "ada", "uploaded_at": 1,
    }  # fmt: skip
    one = Release.model_validate(content | changes)
    signed = manifest(one, one.artifact)
    signature = ReleaseSignature(key_id=KEY.id, signature=signature_of(SIGNER, signed), by="ada", at=1)
    return one.model_copy(update={"signature": signature, "manifest_sha256": sha256(signed).hexdigest()})


@dataclass
class RolloutPlant:
    """Gateways ``gw-1`` … ``gw-N`` at one site, which do what a test says."""

    work: SqlUnitOfWork
    clock: HandClock
    fence: Fence
    idle: dict[int, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rollout = Rollout(self.work, self.clock, self._held)
        self.campaigns = CampaignService(self.work, self.clock)
        self.updates = DeviceUpdateService(self.work, self.clock, self.idle.get)
        self.confirmations = DeviceConfirmationService(self.work, self.clock, self.idle.get)

    async def _held(self) -> Fence:
        return self.fence

    @classmethod
    async def made(cls, work: SqlUnitOfWork, clock: HandClock, devices: int = 4) -> "RolloutPlant":
        """Store the devices, two releases and a group of all the gateways."""
        fence = await SqlLease(work._database, clock).acquire("tests", 86_400_000)
        assert fence is not None
        async with work(EVERY_SITE) as w:
            for number in range(1, devices + 1):
                code = f"gw-{number}"
                await w.devices.put(Device(id=code, site_id=SITE, code=code, name=code, model=MODEL))
                await w.twins.put([
                    FirmwareTwin(
                        id=code, site_id=SITE, client=ClientKind.RAUC, hardware=MODEL, hardware_revision="A",
                        version="2.3.8", version_at=int(clock.now()), release_id="release-2.3.8", security_floor=3,
                        polled_at=int(clock.now()), wants_attributes=False,
                    )
                ])  # fmt: skip
            await w.releases.put_key(KEY)
            for version in ("2.3.8", "2.4.1"):
                await w.releases.put(release(version))
            await w.device_groups.put(DeviceGroup(id="gateways", site_id=SITE, name="Gateways", filter="code ~ gw-*"))
            await w.commit()
        return cls(work, clock, fence)

    @classmethod
    async def made_again(cls, before: "RolloutPlant") -> "RolloutPlant":
        """Return what a process that starts on the same database makes of it."""
        return cls(before.work, before.clock, before.fence)

    def device(self, code: str) -> Actor:
        """Return the device as the endpoint knows it."""
        return Actor(
            id=f"key-{code}", name=code, role=Role.SERVICE, scope=Scope(sites=frozenset({SITE})),
            permissions=ROLE_PERMISSIONS[Role.SERVICE], device_id=code, address="192.0.2.7",
        )  # fmt: skip

    def facts(self, *phases: Phase, **more: object) -> CampaignFacts:
        said = {"site_id": SITE, "name": "2.4.1 to gateways", "release_id": "release-2.4.1", "group_id": "gateways",
                "phases": phases or (CANARY, REST), "soak_s": 600}  # fmt: skip
        return CampaignFacts.model_validate(said | more)

    async def started(self, *phases: Phase, **more: object) -> Campaign:
        """Return a campaign of the gateways that has begun, after the first look."""
        draft = await self.campaigns.create(ADA, self.facts(*phases, **more))
        await self.campaigns.approve(ERIN, draft.id)
        campaign = await self.campaigns.start(ADA, draft.id)
        await self.rollout.look()
        return campaign

    async def action(self, code: str) -> Action:
        """Return the newest action of a device."""
        async with self.work(EVERY_SITE) as w:
            return (await w.firmware_actions.of_device(code))[0]

    async def states(self, campaign: Campaign) -> dict[str, str]:
        """Return by device the state that counts."""
        detail = await self.campaigns.get(ADA, campaign.id)
        return {action.device_id: str(action.state) for action in sorted(detail.actions, key=lambda each: each.number)}

    async def twin(self, code: str) -> FirmwareTwin:
        async with self.work(EVERY_SITE) as w:
            found = await w.twins.get(code)
        assert found is not None
        return found

    async def downloads(self, code: str) -> Action:
        """Have a device ask and load the whole image."""
        polled = await self.updates.poll(self.device(code))
        assert polled.is_offered
        assert polled.assigned is not None
        await self.updates.deployment(self.device(code), polled.assigned.action.number)
        await self.updates.served(self.device(code), polled.assigned.action.id, 0, SIZE)
        return polled.assigned.action

    async def installs(self, code: str) -> Action:
        """Have a device load and write the image."""
        action = await self.downloads(code)
        await self.updates.report(self.device(code), action.number, Report("proceeding", "none", "Writing."))
        await self.updates.report(self.device(code), action.number, Report("closed", "success"))
        return await self.action(code)

    async def boots(self, code: str, version: str = "2.4.1") -> None:
        """Have a device report what it runs."""
        self.clock.at += 1_000_000
        await self.updates.put_attributes(self.device(code), "merge", {"fw_version": version})
        await self.rollout.look()

    async def soaks(self, *codes: str, seconds: float = 601) -> None:
        """Let time pass in which devices go on asking."""
        self.clock.at += int(seconds * 1_000_000)
        for code in codes:
            await self.updates.poll(self.device(code))
        await self.rollout.look()

    async def succeeds(self, *codes: str) -> None:
        """Have devices do all of it."""
        for code in codes:
            await self.installs(code)
            await self.boots(code)
        await self.soaks(*codes)
