"""The reference agent and this server, over HTTP: a release arrives, is proven, or is gone back from."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pdm_agent.agent import Agent, Rebooting
from pdm_agent.ddi import DdiServer
from pdm_agent.disk import FolderDisk
from pdm_agent.trust import Trust

from pdm_app.domain.firmware_actions import ActionState, FailureClass
from pdm_app.domain.firmware_twins import ClientKind
from pdm_app.services.director import DirectorService
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.secrets import key_ring
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import stored_plant
from tests.endpoints.ddi_plant import IMAGE, DdiPlant, ddi_plant
from tests.engine.rollout_plant import ADA, KEY, MODEL, RolloutPlant

S = ActionState
TURNS_MAX = 60


class LineBrokeError(OSError):
    """What a test has done to a download."""


@dataclass
class Gateway:
    """A device with the agent; a restart of it is a new agent on the same disk."""

    folder: Path
    trust: Trust
    base: str
    token: str
    now_us: Callable[[], int]
    is_healthy: Callable[[str], bool] = lambda _version: True
    ranges: list[int] = field(default_factory=list)
    breaks_at: int = 0
    agent: Agent | None = None

    def turn(self) -> None:
        """Take one turn, after a boot where there has to be one."""
        server = _Broken(self.base, self.token, self)
        if self.agent is None:
            self.agent = Agent(FolderDisk(self.folder), self.trust, server, self.is_healthy, self.now_us, "2.3.8")
            self.agent.boot()
            server.attributes(self.agent.said())
        try:
            self.agent.turn()
        except Rebooting:
            self.agent = None
        except LineBrokeError:
            pass

    @property
    def version(self) -> str:
        return "" if self.agent is None else self.agent.version


class _Broken(DdiServer):
    """Notes from where a download goes on, and breaks the line once where the device says so."""

    def __init__(self, base: str, token: str, gateway: Gateway) -> None:
        super().__init__(base, token)
        self._gateway = gateway

    def download(self, action_id: str, at: int) -> Any:
        self._gateway.ranges.append(at)
        for piece in super().download(action_id, at):
            yield piece
            at += len(piece)
            if 0 < self._gateway.breaks_at <= at:
                self._gateway.breaks_at = 0
                raise LineBrokeError


@dataclass
class Site:
    """The server's side and a gateway of it."""

    ddi: DdiPlant
    gateway: Gateway

    async def comes_to(self, *states: ActionState) -> None:
        """Let the device take turns, the rollout looking on and the clock going, until its action is there."""
        for _ in range(TURNS_MAX):
            await asyncio.to_thread(self.gateway.turn)
            self.ddi.plant.clock.at += 10_000_000
            await self.ddi.plant.rollout.look()
            if (await self.ddi.plant.action("gw-1")).state in states:
                return
        raise AssertionError(f"it is {(await self.ddi.plant.action('gw-1'))!r}")


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    clock = HandClock()
    async with stored_plant(sqlite_url) as work, ddi_plant(work, clock, tmp_path) as ddi:
        director = DirectorService(work, clock, SecretStore(work, clock, key_ring(tmp_path)))
        trust = Trust("gw-1", MODEL, "A", (KEY.public_key,), (await director.show(ADA)).public_key)
        yield Site(ddi, Gateway(tmp_path / "gateway", trust, ddi.base(), ddi.keys["gw-1"], lambda: int(clock.now())))


async def test_a_release_is_loaded_in_parts_booted_and_counted_only_when_it_has_proven_itself(site: Site) -> None:
    await site.ddi.plant.started(soak_s=60)
    site.gateway.breaks_at = len(IMAGE) // 2
    await site.comes_to(S.INSTALLING)
    assert (site.gateway.ranges[0], len(site.gateway.ranges)) == (0, 2)
    assert len(IMAGE) // 2 <= site.gateway.ranges[1] < len(IMAGE), "what came before the line broke is not sent again"
    await site.comes_to(S.VERIFYING)
    assert site.gateway.version == "2.4.1"
    verified_from = (await site.ddi.plant.action("gw-1")).verified_from
    await site.comes_to(S.SUCCEEDED)
    assert verified_from is not None
    assert site.ddi.plant.clock.at - verified_from >= 60_000_000
    twin = await site.ddi.plant.twin("gw-1")
    assert (twin.version, twin.release_id, twin.client) == ("2.4.1", "release-2.4.1", ClientKind.AGENT)
    slot = (site.gateway.folder / "slot_b.bin").read_bytes()
    assert hashlib.sha256(slot).digest() == hashlib.sha256(IMAGE).digest()


async def test_a_release_that_is_not_healthy_is_gone_back_from_and_not_offered_to_the_device_again(site: Site) -> None:
    campaign = await site.ddi.plant.started(soak_s=60)
    site.gateway.is_healthy = lambda version: version == "2.3.8"
    await site.comes_to(S.ROLLED_BACK)
    action, twin = await site.ddi.plant.action("gw-1"), await site.ddi.plant.twin("gw-1")
    assert action.failure is FailureClass.HEALTH
    assert "2.4.1 was given up" in action.detail
    assert (twin.version, twin.quarantined) == ("2.3.8", ("release-2.4.1",))
    assert site.gateway.version == "2.3.8"
    (ended,) = [each for each in await site.ddi.plant.campaigns.all(ADA) if each.campaign.id == campaign.id]
    assert ended.campaign.state == "paused"
    assert "failed" in ended.campaign.why


async def test_what_a_process_before_this_one_has_sent_is_not_held_against_a_device_that_goes_on_from_there(
    site: Site,
) -> None:
    plant = site.ddi.plant
    await plant.started()
    polled = await plant.updates.poll(plant.device("gw-1"))
    assert polled.assigned is not None
    action = polled.assigned.action
    await plant.updates.deployment(plant.device("gw-1"), action.number)
    await plant.updates.served(plant.device("gw-1"), action.id, 500, len(IMAGE))
    assert (await plant.action("gw-1")).state is S.RETRIEVED, "what lies before it was not sent"
    plant.clock.at += 1
    after_a_restart = await RolloutPlant.made_again(plant)
    await after_a_restart.updates.served(plant.device("gw-1"), action.id, 500, len(IMAGE))
    assert (await plant.action("gw-1")).state is S.DOWNLOADED
