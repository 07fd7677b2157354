"""The demo's firmware is signed, approved and published by three people, once, and its gateways have keys."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pdm_app.documents.firmware_bundles import bundle_of
from pdm_app.domain.access import EVERY_SITE, Role, User
from pdm_app.domain.assets import Device
from pdm_app.domain.campaigns import CampaignState
from pdm_app.domain.releases import ReleaseState
from pdm_app.runtime.firmware import FIRMWARE_UPLOAD
from pdm_app.services.artifacts import ArtifactStore
from pdm_app.services.campaigns import CampaignService
from pdm_app.services.demo_firmware import FILE_NAME, MODEL, SITE_ID, DemoFirmware, image
from pdm_app.services.device_groups import DeviceGroupService
from pdm_app.services.devices import DeviceService
from pdm_app.services.director import DirectorService
from pdm_app.services.releases import ReleaseService
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.secrets import key_ring
from pdm_app.services.signing_keys import SigningKeyService
from pdm_app.services.uploads import UploadService
from pdm_app.settings import UploadSettings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import stored_plant
from tests.engine.rollout_plant import ADA

PEOPLE = {"erin.engineer": Role.ENGINEER, "max.manager": Role.MANAGER, "ada.admin": Role.ADMIN}
CODES = ("G-2", "G-3", "G-17", "G-21", "G-22")


class StoppedError(Exception):
    """The process ends while it waits."""


class EndingClock(HandClock):
    """Whoever waits has waited until the end."""

    async def sleep(self, seconds: float) -> None:
        raise StoppedError(seconds)


class Scene:
    """A plant with gateways and people, and what a start of the demo does with them."""

    def __init__(self, work: SqlUnitOfWork, folder: Path) -> None:
        self.work, self.clock, self.folder = work, EndingClock(), folder
        self.campaigns = CampaignService(work, self.clock)

    async def filled(self, *missing: str) -> "Scene":
        async with self.work(EVERY_SITE) as w:
            for code in CODES:
                device = Device(id=code.lower(), site_id=SITE_ID, code=code, name=code, model=MODEL, simulated=True)
                await w.devices.put(device)
            for name, role in PEOPLE.items():
                if name not in missing:
                    user = User(
                        id=name, username=name, display_name=name, role=role, site_ids=(SITE_ID, "graz"), created_at=1
                    )
                    await w.users.put(user, "no password")
            await w.commit()
        return self

    def started(self) -> DemoFirmware:
        """Return what a process makes of it."""
        uploads = UploadService(self.work, self.clock, self.folder / "uploads", [FIRMWARE_UPLOAD], UploadSettings())
        store = ArtifactStore(self.folder / "artifacts", bundle_of)
        return DemoFirmware(
            self.work, self.clock, self.folder, uploads=uploads,
            releases=ReleaseService(self.work, self.clock, uploads, store),
            signing_keys=SigningKeyService(self.work, self.clock), campaigns=self.campaigns,
            director=DirectorService(self.work, self.clock, SecretStore(self.work, self.clock, key_ring(self.folder))),
            devices=DeviceService(self.work, self.clock), groups=DeviceGroupService(self.work, self.clock),
        )  # fmt: skip


@pytest.fixture
async def scene(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    async with stored_plant(sqlite_url) as work:
        yield Scene(work, tmp_path)


async def test_releases_are_signed_approved_and_published_and_each_gateway_has_its_key(scene: Scene) -> None:
    setup = await (await scene.filled()).started().ensure()
    assert setup is not None
    async with scene.work(EVERY_SITE) as w:
        releases = {release.version: release for release in await w.releases.all()}
        twins = await w.twins.all()
    assert {release.state for release in releases.values()} == {ReleaseState.PUBLISHED}
    assert {(each.uploaded_by, each.approved_by, each.published_by) for each in releases.values()} == {tuple(PEOPLE)}
    assert {each.code: each.ill_with for each in setup.gateways if each.ill_with} == {
        "G-17": ("2.4.1",), "G-22": ("2.5.0",),
    }  # fmt: skip
    assert len({each.token for each in setup.gateways}) == len(CODES)
    assert {twin.release_id for twin in twins} == {releases["2.4.0"].id}
    assert (scene.folder / FILE_NAME).stat().st_mode & 0o077 == 0
    assert image("2.4.1") != image("2.5.0")
    assert image("2.4.1") == image("2.4.1")


async def test_another_start_makes_nothing_anew(scene: Scene) -> None:
    first = await (await scene.filled()).started().ensure()
    assert await scene.started().ensure() == first
    async with scene.work(EVERY_SITE) as w:
        assert (len(await w.releases.all()), len(await w.releases.keys())) == (3, 1)


async def test_a_campaign_is_under_way_once_and_the_pilot_waits_for_its_end(scene: Scene) -> None:
    await (await scene.filled()).started().ensure()
    for _ in range(2):  # The second start goes on with what the first has begun.
        with pytest.raises(StoppedError):
            await scene.started().run()
    (first,) = await scene.campaigns.all(ADA)
    assert (first.campaign.state, first.counts) == (CampaignState.RUNNING, {"scheduled": 5})
    assert (first.campaign.approved_by, first.campaign.created_by) == ("max.manager", "ada.admin")
    await scene.campaigns.abort(ADA, first.campaign.id)
    await scene.started().run()
    [pilot] = [each for each in await scene.campaigns.all(ADA) if each.campaign.id != first.campaign.id]
    assert (pilot.campaign.state, pilot.counts) == (CampaignState.RUNNING, {"scheduled": 2})


async def test_where_somebody_is_gone_who_would_do_it_nothing_is_done(scene: Scene) -> None:
    assert await (await scene.filled("max.manager")).started().ensure() is None
    await scene.started().run()
    assert await scene.campaigns.all(ADA) == ()
