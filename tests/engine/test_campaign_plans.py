"""What a plan says of the time and the bytes before a campaign begins."""

from collections.abc import AsyncIterator

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.campaigns import Phase
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import stored_plant
from tests.engine.rollout_plant import ADA, SIZE, RolloutPlant


@pytest.fixture
async def plant(sqlite_url: str) -> AsyncIterator[RolloutPlant]:
    async with stored_plant(sqlite_url) as work:
        yield await RolloutPlant.made(work, HandClock())


async def test_a_limit_of_the_line_makes_its_plan_longer_and_is_said_in_it(plant: RolloutPlant) -> None:
    facts = plant.facts(Phase(name="All"), concurrent_max=2, bytes_per_s_max=20_000, soak_s=0)
    planned = await plant.campaigns.simulate(ADA, (await plant.campaigns.create(ADA, facts)).id)
    # Two turns of two devices: 300 s until they ask, 6 MB at 20 kB/s, 120 s of writing, 300 s until they ask.
    assert (planned.bytes, planned.phases[0].end_s) == (4 * SIZE, 2 * (300 + 300 + 120 + 300))
    assert "2 at once, which share 20 kB/s" in planned.assumptions


async def test_a_device_of_which_only_a_sheet_has_told_is_left_out_until_it_asks(plant: RolloutPlant) -> None:
    never = {"polled_at": None, "version": "", "version_at": None, "release_id": None}
    twin = await plant.twin("gw-1")
    async with plant.work(EVERY_SITE) as w:
        await w.twins.put([twin.model_copy(update=never)])
        await w.commit()
    campaign = await plant.campaigns.create(ADA, plant.facts(Phase(name="All")))
    planned = {each.code: each.why_not for each in (await plant.campaigns.simulate(ADA, campaign.id)).devices}
    assert planned["gw-1"].startswith("It has never asked for firmware")
    await plant.updates.poll(plant.device("gw-1"))
    planned = {each.code: each.why_not for each in (await plant.campaigns.simulate(ADA, campaign.id)).devices}
    assert planned["gw-1"] == ""
