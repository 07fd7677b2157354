"""A campaign whose release nobody vouches for any more does not begin, and stops with the reason while it runs."""

from collections.abc import AsyncIterator

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.campaigns import Campaign, CampaignState, Phase
from pdm_app.domain.errors import ConflictError, UnavailableError
from pdm_app.domain.firmware_actions import ActionState
from pdm_app.domain.releases import ReleaseState
from pdm_app.services.campaigns import CampaignService
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import stored_plant
from tests.engine.rollout_plant import ADA, ERIN, KEY, RolloutPlant

S = ActionState
ALL = Phase(name="All")
VOUCHED = "cannot be vouched for"


@pytest.fixture
async def plant(sqlite_url: str) -> AsyncIterator[RolloutPlant]:
    async with stored_plant(sqlite_url) as work:
        yield await RolloutPlant.made(work, HandClock())


async def end_key(plant: RolloutPlant, **changes: object) -> None:
    """Revoke the key, have it expire, or, without a change, put it back as it was."""
    async with plant.work(EVERY_SITE) as w:
        await w.releases.put_key(KEY.model_copy(update=changes))
        await w.commit()


async def release_is(plant: RolloutPlant, release_id: str, **changes: object) -> None:
    async with plant.work(EVERY_SITE) as w:
        found = await w.releases.get(release_id)
        assert found is not None
        await w.releases.put(found.model_copy(update={**changes, "revision": found.revision + 1}))
        await w.commit()


async def approved(plant: RolloutPlant) -> Campaign:
    draft = await plant.campaigns.create(ADA, plant.facts(ALL))
    return await plant.campaigns.approve(ERIN, draft.id)


async def seen(plant: RolloutPlant, campaign: Campaign) -> tuple[CampaignState, str]:
    """Return what the page of a campaign says of it after the next look."""
    await plant.rollout.look()
    found = (await plant.campaigns.get(ADA, campaign.id)).campaign
    return found.state, found.why


@pytest.mark.parametrize(
    ("key", "release", "why"),
    [
        ({"revoked_at": 5, "revoke_reason": "laptop stolen"}, {}, r"was revoked \(laptop stolen\)"),
        ({"expires_at": 5}, {}, "has expired"),
        ({"public_key": "A" * 43 + "="}, {}, "its signature does not hold"),
        ({}, {"security_version": 4}, "somebody has changed the database"),
        ({}, {"signature": None}, "it is not signed"),
        ({}, {"state": ReleaseState.DEPRECATED}, "only published"),
    ],
)
async def test_a_campaign_does_not_begin_with_what_nobody_vouches_for_and_its_plan_says_so(
    plant: RolloutPlant, key: dict[str, object], release: dict[str, object], why: str
) -> None:
    campaign = await approved(plant)
    await end_key(plant, **key)
    await release_is(plant, "release-2.4.1", **release)
    planned = await plant.campaigns.simulate(ADA, campaign.id)
    assert (planned.eligible, planned.bytes) == (0, 0)
    assert all(each.why_not for each in planned.devices)
    with pytest.raises(ConflictError, match=why):
        await plant.campaigns.start(ADA, campaign.id)
    assert (await plant.campaigns.get(ADA, campaign.id)).actions == ()


async def test_a_campaign_does_not_begin_without_the_file_of_its_release(plant: RolloutPlant) -> None:
    campaign = await approved(plant)
    bare = CampaignService(plant.work, plant.clock, has_file=lambda _artifact: False)
    with pytest.raises(UnavailableError, match="is not in the store"):
        await bare.start(ADA, campaign.id)


async def test_a_key_that_is_revoked_pauses_the_campaign_until_the_release_is_vouched_for_again(
    plant: RolloutPlant,
) -> None:
    campaign = await plant.started(ALL, concurrent_max=1)
    await plant.downloads("gw-1")
    await end_key(plant, revoked_at=5, revoke_reason="laptop stolen")
    state, why = await seen(plant, campaign)
    assert state is CampaignState.PAUSED
    assert VOUCHED in why
    assert "laptop stolen" in why
    assert (await plant.states(campaign))["gw-1"] == "downloaded", "it may go on once somebody vouches for it again"
    assert not (await plant.updates.poll(plant.device("gw-1"))).is_offered
    for step in (plant.campaigns.resume, plant.campaigns.retry):
        with pytest.raises(ConflictError, match=VOUCHED):
            await step(ADA, campaign.id)
    await end_key(plant)
    await plant.campaigns.resume(ADA, campaign.id)
    assert (await seen(plant, campaign))[0] is CampaignState.RUNNING
    assert (await plant.updates.poll(plant.device("gw-1"))).is_offered


@pytest.mark.parametrize("is_paused", [False, True])
async def test_a_release_that_is_revoked_ends_its_campaign_and_what_installs_finishes(
    plant: RolloutPlant, is_paused: bool
) -> None:
    campaign = await plant.started(ALL, concurrent_max=3)
    await plant.installs("gw-1")
    await plant.downloads("gw-2")
    if is_paused:
        await plant.campaigns.pause(ADA, campaign.id)
    await release_is(plant, "release-2.4.1", state=ReleaseState.REVOKED)
    state, why = await seen(plant, campaign)
    assert state is CampaignState.ABORTED
    assert "is revoked and may not be given to devices" in why
    assert await plant.states(campaign) == {
        "gw-1": "installed", "gw-2": "canceling", "gw-3": "canceled", "gw-4": "canceled",
    }  # fmt: skip
    story = await plant.campaigns.story(ADA, (await plant.action("gw-3")).id)
    assert "is revoked" in story[0].detail


async def test_a_way_back_leaves_out_the_devices_alone_whose_earlier_release_was_revoked(plant: RolloutPlant) -> None:
    campaign = await plant.started(ALL)
    await plant.succeeds("gw-1", "gw-2")
    twin = await plant.twin("gw-2")
    async with plant.work(EVERY_SITE) as w:
        old = await w.releases.get("release-2.3.8")
        assert old is not None
        changed = {"id": "release-2.3.7", "version": "2.3.7", "state": ReleaseState.DEPRECATED, "revision": 0}
        await w.releases.put(old.model_copy(update=changed))
        await w.twins.put([twin.model_copy(update={"good_release_id": "release-2.3.7"})])
        await w.commit()
    back = await plant.campaigns.roll_back(ADA, campaign.id)
    planned = {each.code: each.why_not for each in (await plant.campaigns.simulate(ADA, back.id)).devices}
    assert planned["gw-1"] == ""
    assert "its signature does not hold" in planned["gw-2"], "another version was signed"
    await plant.campaigns.approve(ERIN, back.id)
    await plant.campaigns.start(ADA, back.id)
    await plant.rollout.look()
    assert (await plant.states(back))["gw-1"] == "pending"
    await release_is(plant, "release-2.3.8", state=ReleaseState.REVOKED)
    await plant.rollout.look()
    assert (await plant.states(back))["gw-1"] == "canceled"
