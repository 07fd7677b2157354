"""The gateways' process: each is a device with the reference agent, and what is to go wrong with one does."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pdm_app.domain.firmware_actions import ActionState
from pdm_app.services.director import DirectorService
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.secrets import key_ring
from pdm_app.simulation.children.gateway_agents import agent_folder
from pdm_app.simulation.process import ChildProcess, Message
from tests.counterparts.clocks import HandClock, WallClock
from tests.counterparts.installation import stored_plant
from tests.endpoints.ddi_plant import DdiPlant, ddi_plant
from tests.engine.rollout_plant import ADA, KEY, MODEL
from tests.faults.waiting import eventually

DEADLINE_S = 60.0
ENDS = {ActionState.INSTALLED, ActionState.ROLLED_BACK, ActionState.FAILED}


@pytest.fixture
async def ddi(sqlite_url: str, tmp_path: Path) -> AsyncIterator[DdiPlant]:
    async with stored_plant(sqlite_url) as work, ddi_plant(work, HandClock(), tmp_path, b"image" * 20_000) as plant:
        yield plant


async def test_gateways_are_updated_and_one_goes_back_and_one_has_a_bad_line(ddi: DdiPlant, tmp_path: Path) -> None:
    work, clock = ddi.plant.work, ddi.plant.clock
    clock.at = int(WallClock().now())  # The gateways have the wall's, and tickets end.
    director = (await DirectorService(work, clock, SecretStore(work, clock, key_ring(tmp_path))).show(ADA)).public_key
    facts = {"model": MODEL, "revision": "A"}
    configuration: Message = {
        "server": ddi.address, "folder": str(tmp_path / "gateways"), "factory": "2.3.8", "keys": [KEY.public_key],
        "director": director, "pause_s": 0.0, "busy_s": 0.05, "idle_s": 0.05, "boot_s": 0.0,
        "gateways": [
            {"code": "gw-1", "token": ddi.keys["gw-1"], "ill_with": ["2.4.1"], "spoils": 0, **facts},
            {"code": "gw-2", "token": ddi.keys["gw-2"], "ill_with": [], "spoils": 1, **facts},
        ],
    }  # fmt: skip
    heard: list[Message] = []

    async def hear(_name: str, message: Message) -> None:
        heard.append(message)

    async def ended() -> bool:
        return {(await ddi.plant.action(code)).state for code in ("gw-1", "gw-2")} <= ENDS

    await ddi.plant.started(*ddi.plant.facts().phases[1:])  # All at once.
    child = ChildProcess(
        "gateways", "pdm_app.simulation.children.gateway_agents", lambda: configuration, hear, tmp_path, WallClock()
    )
    living = asyncio.create_task(child.keep())
    try:
        await eventually(ended, within_s=DEADLINE_S, what="the end of both")
    finally:
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
    ill, well = await ddi.plant.action("gw-1"), await ddi.plant.action("gw-2")
    assert (ill.state, well.state) == (ActionState.ROLLED_BACK, ActionState.INSTALLED), (ill.detail, well.detail)
    boots = [(each["gateway"], each["version"]) for each in heard if "gateway" in each]
    assert [version for code, version in boots if code == "gw-2"] == ["2.3.8", "2.4.1"]
    assert [version for code, version in boots if code == "gw-1"][-1] == "2.3.8"


def test_the_agent_is_found_beside_the_package() -> None:
    assert (agent_folder() / "pdm_agent" / "__main__.py").is_file()
