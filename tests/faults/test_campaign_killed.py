"""kill -9 of the server, and power cuts of devices, at random moments of a campaign: it comes to its end."""

import asyncio
import os
import random
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from pdm_agent.agent import Agent, Rebooting
from pdm_agent.ddi import DdiServer
from pdm_agent.trust import Trust

from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.campaigns import Campaign, CampaignState, Phase
from pdm_app.domain.firmware_actions import ENDED, FINALLY_FAILED, Action, ActionState, RetryPolicy, latest
from pdm_app.services.devices import DeviceService
from pdm_app.services.director import DirectorService
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.secrets import key_ring
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock, WallClock
from tests.counterparts.installation import opened_plant, stored_plant
from tests.engine.rollout_plant import ADA, CANARY, ERIN, KEY, MODEL, RolloutPlant, release
from tests.faults.campaign_server import store_of
from tests.faults.waiting import eventually
from tests.firmware.failing_disk import FailingDisk, PowerCutError

ROOT = Path(__file__).resolve().parents[2]
DEVICES, AT_ONCE, ILL = 8, 3, 6
IMAGE = random.Random(7).randbytes(60_000)
ERROR_PERCENT = 15.0
CUT_WITHIN = 120
"""Operations of a disk; an update has about as many."""
PAUSE_S = 0.2
WITHIN_S = 120
KILLS, KILLS_EACH, CAMPAIGNS_MAX = 10, 5, 6
"""In the quick gate: so many, as many at most in each campaign, which costs more to set up than to be killed."""


@dataclass
class Gateway:
    """A device in a thread of its own, whose power is cut now and then."""

    code: str
    token: str
    port: int
    trust: Trust
    is_ill: bool
    random: random.Random
    disk: FailingDisk = field(default_factory=FailingDisk)
    version: str = ""
    slot: str = ""
    cuts: int = 0

    def live(self, is_over: threading.Event) -> None:
        while not is_over.is_set():
            self.disk.cut_at = self.disk.operations + self.random.randint(1, CUT_WITHIN) if self.cuts < 2 else 0
            try:
                self._on(is_over)
            except Rebooting:
                self.disk.cut_at = 0
            except PowerCutError:
                self.disk.cut()
                self.cuts += 1

    def _on(self, is_over: threading.Event) -> None:
        server = DdiServer(f"http://127.0.0.1:{self.port}/DEFAULT/controller/v1/{self.code}", self.token, 20_000)
        now = WallClock().now
        agent = Agent(self.disk, self.trust, server, lambda v: v == "2.3.8" or not self.is_ill, now, "2.3.8")
        self.version, self.slot = agent.boot(), agent.slot
        while not is_over.wait(PAUSE_S):
            try:
                agent.turn()
            except OSError:  # Nobody answers: the server is dead just now.
                is_over.wait(PAUSE_S)

    @property
    def runs_what_is_whole(self) -> bool:
        return self.version == "2.3.8" or self.disk.read(f"slot_{self.slot}.bin") == IMAGE


@dataclass
class Server:
    """The process that is killed, and started again on the same port."""

    starter: asyncio.subprocess.Process
    url: str
    folder: Path
    pid: int = 0

    async def listen(self) -> int:
        return await self._ask("listen")

    async def start(self) -> None:
        self.pid = await self._ask(f"{self.url} {self.folder}")

    async def _ask(self, line: str) -> int:
        assert self.starter.stdin is not None
        assert self.starter.stdout is not None
        self.starter.stdin.write(f"{line}\n".encode())
        async with asyncio.timeout(WITHIN_S):
            return int(await self.starter.stdout.readline())

    def kill(self) -> None:
        if self.pid:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self.pid = 0


@asynccontextmanager
async def starting() -> AsyncIterator[asyncio.subprocess.Process]:
    """The process that starts servers, for as long as the block lasts."""
    starter = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.campaign_server", cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield starter
    finally:
        starter.kill()
        await starter.wait()


async def prepared(work: SqlUnitOfWork, folder: Path, port: int, seed: int) -> tuple[Campaign, list[Gateway]]:
    """Store a campaign that has been started, of gateways some of which do not become healthy with the release."""
    clock = cast("HandClock", WallClock())
    plant = await RolloutPlant.made(work, clock, DEVICES)
    (folder / "image.bin").write_bytes(IMAGE)
    artifact = await store_of(folder).take(folder / "image.bin", "gw-2.4.1.bin")
    async with work(EVERY_SITE) as w:
        await w.releases.put(release("2.4.1", artifact=artifact, revision=1))
        await w.commit()
    director = (await DirectorService(work, clock, SecretStore(work, clock, key_ring(folder))).show(ADA)).public_key
    devices, dice = DeviceService(work, clock), random.Random(seed)
    ill = dice.sample(range(2, DEVICES + 1), ILL)
    gateways = [
        Gateway(
            f"gw-{number}", (await devices.create_key(SYSTEM, f"gw-{number}")).secret, port,
            Trust(f"gw-{number}", MODEL, "A", (KEY.public_key,), director), number in ill, random.Random(dice.random()),
        )
        for number in range(1, DEVICES + 1)
    ]  # fmt: skip
    rest = Phase(name="The rest", success_percent=0, error_percent=ERROR_PERCENT)
    facts = plant.facts(CANARY, rest, soak_s=0, concurrent_max=AT_ONCE, retry=RetryPolicy(wait_s=1, attempts_max=9))
    draft = await plant.campaigns.create(ADA, facts)
    await plant.campaigns.approve(ERIN, draft.id)
    return await plant.campaigns.start(ADA, draft.id), gateways


@asynccontextmanager
async def living(gateways: list[Gateway]) -> AsyncIterator[None]:
    is_over = threading.Event()
    threads = [threading.Thread(target=gateway.live, args=(is_over,)) for gateway in gateways]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            await asyncio.to_thread(thread.join)


@dataclass
class Watched:
    """A campaign as it is on record, looked at from outside."""

    work: SqlUnitOfWork
    campaign: Campaign
    actions: list[Action] = field(default_factory=list)

    async def is_at_rest(self) -> bool:
        """Whether nothing more comes: a campaign that has paused lets those under way come to their end."""
        async with self.work(EVERY_SITE) as w:
            found = await w.campaigns.get(self.campaign.id)
            assert found is not None
            self.campaign, self.actions = found, latest(await w.firmware_actions.of_campaign(found.id))
        is_quiet = all(action.state in ENDED | {ActionState.SCHEDULED} for action in self.actions)
        return found.state is not CampaignState.RUNNING and is_quiet

    async def comes_to_rest(self) -> None:
        async def is_over() -> bool:
            await asyncio.sleep(0.2)  # Each look takes from the server what it needs for the devices.
            return await self.is_at_rest()

        await eventually(is_over, within_s=WITHIN_S, what="the end of the campaign")


async def test_campaigns_come_to_their_end_however_often_the_server_dies_meanwhile(tmp_path: Path) -> None:
    struck, seed = 0, 0
    async with starting() as starter:
        while struck < KILLS:
            assert seed < CAMPAIGNS_MAX, f"only {struck} kills struck a campaign that was under way"
            struck += await one_round(starter, tmp_path, seed, KILLS - struck, KILLS_EACH)
            seed += 1


ROUNDS = [pytest.param(range(first, first + 5), marks=pytest.mark.long) for first in range(1, 51, 5)]


@pytest.mark.parametrize("rounds", ROUNDS, ids=str)
async def test_a_campaign_comes_to_its_end_whatever_dies_meanwhile(tmp_path: Path, rounds: range) -> None:
    async with starting() as starter:
        for number in rounds:
            await one_round(starter, tmp_path, number)


async def killed(dice: random.Random, server: Server, watched: Watched, kills: int) -> int:
    """Kill the server at random moments, as long as the campaign is under way; return how often that was."""
    for struck in range(kills):
        await asyncio.sleep(dice.uniform(0.1, 2.5 / kills))  # The moment is the point here, not a condition.
        if await watched.is_at_rest():
            return struck
        server.kill()
        await server.start()
    return kills


async def one_round(
    starter: asyncio.subprocess.Process, folder: Path, seed: int, kills: int = 1, kills_max: int = 1
) -> int:
    """Run a campaign, and compare what is on record of it with what its devices run; return how many kills struck."""
    folder = folder / str(seed)
    folder.mkdir()
    dice, url = random.Random(seed), f"sqlite+aiosqlite:///{folder / 'pdm.sqlite'}"
    server = Server(starter, url, folder)
    async with stored_plant(url) as work:
        campaign, gateways = await prepared(work, folder, await server.listen(), seed)
    try:
        await server.start()
        async with living(gateways), opened_plant(url) as work:
            watched = Watched(work, campaign)
            struck = await killed(dice, server, watched, min(kills, kills_max))
            await watched.comes_to_rest()
    finally:
        server.kill()
    ended, actions = watched.campaign, watched.actions
    failed = [action for action in actions if action.state in FINALLY_FAILED]
    assert ended.state is CampaignState.PAUSED, f"round {seed}: {ended.why}"
    assert all(action.state is ActionState.ROLLED_BACK for action in failed), f"round {seed}: {failed}"
    enough = int(DEVICES * ERROR_PERCENT / 100) + 1
    assert enough <= len(failed) <= enough + AT_ONCE - 1, f"round {seed}: {len(failed)} failed"
    assert all(gateway.runs_what_is_whole for gateway in gateways)
    succeeded = {action.device_id for action in actions if action.state is ActionState.SUCCEEDED}
    for gateway in gateways:
        assert (gateway.version == "2.4.1") == (gateway.code in succeeded), f"round {seed}: {gateway.code}"
    return struck
