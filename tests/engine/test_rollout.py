"""The rollout: phases follow proof, failures stop it, and what devices claim is checked against what is known."""

from collections.abc import AsyncIterator

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.alarms import Alarm, AlarmState
from pdm_app.domain.campaigns import CampaignState, Phase, Window
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.firmware_actions import ActionState, FailureClass
from pdm_app.domain.firmware_twins import ClientKind, FirmwareTwin
from pdm_app.services.device_assignments import GoneError
from pdm_app.services.device_updates import Report
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import P_501, stored_plant
from tests.engine.rollout_plant import ADA, CANARY, ERIN, REST, SITE, SIZE, RolloutPlant, release

S = ActionState
FAILED = Report("closed", "failure", "could not write to slot B")


@pytest.fixture
async def plant(sqlite_url: str) -> AsyncIterator[RolloutPlant]:
    async with stored_plant(sqlite_url) as work:
        yield await RolloutPlant.made(work, HandClock())


@pytest.fixture
async def each_plant(database_url: str) -> AsyncIterator[RolloutPlant]:
    async with stored_plant(database_url) as work:
        yield await RolloutPlant.made(work, HandClock())


async def state_of(plant: RolloutPlant, campaign_id: str) -> CampaignState:
    return (await plant.campaigns.get(ADA, campaign_id)).campaign.state


async def test_the_canary_must_prove_the_release_before_others_get_it(each_plant: RolloutPlant) -> None:
    plant = each_plant
    campaign = await plant.started()
    assert await plant.states(campaign) == {
        "gw-1": "pending", "gw-2": "scheduled", "gw-3": "scheduled", "gw-4": "scheduled",
    }  # fmt: skip
    await plant.installs("gw-1")
    await plant.boots("gw-1")
    assert (await plant.action("gw-1")).state is S.VERIFYING
    await plant.soaks("gw-1", seconds=500)
    assert (await plant.states(campaign))["gw-2"] == "scheduled", "not yet: it has to be well for 600 s"
    await plant.soaks("gw-1", seconds=101)
    assert await plant.states(campaign) == {
        "gw-1": "succeeded", "gw-2": "pending", "gw-3": "pending", "gw-4": "pending",
    }  # fmt: skip
    await plant.succeeds("gw-2", "gw-3", "gw-4")
    assert await state_of(plant, campaign.id) is CampaignState.FINISHED
    twin = await plant.twin("gw-4")
    assert (twin.release_id, twin.good_release_id, twin.version) == ("release-2.4.1", "release-2.3.8", "2.4.1")
    story = await plant.campaigns.story(ADA, (await plant.action("gw-4")).id)
    assert [event.state for event in story if event.is_a_move][::-1] == [
        S.PENDING, S.RETRIEVED, S.DOWNLOADING, S.DOWNLOADED, S.INSTALLING, S.INSTALLED, S.VERIFYING, S.SUCCEEDED,
    ]  # fmt: skip


async def test_a_written_image_is_no_success_and_a_device_that_stays_with_the_old_one_has_failed(
    plant: RolloutPlant,
) -> None:
    campaign = await plant.started()
    action = await plant.installs("gw-1")
    assert action.state is S.INSTALLED
    await plant.boots("gw-1", "2.3.8")
    assert (await plant.action("gw-1")).state is S.INSTALLED, "it may not have restarted yet"
    assert (await plant.twin("gw-1")).wants_attributes, "so it is asked once more"
    await plant.soaks("gw-1")
    failed = await plant.action("gw-1")
    assert (failed.state, failed.failure) == (S.ROLLED_BACK, FailureClass.OLD_VERSION)
    assert await state_of(plant, campaign.id) is CampaignState.PAUSED
    assert (await plant.twin("gw-1")).quarantined == ("release-2.4.1",)
    assert "scheduled" in (await plant.states(campaign)).values()


async def test_a_device_that_goes_back_while_it_is_watched_is_rolled_back(plant: RolloutPlant) -> None:
    await plant.started()
    await plant.installs("gw-1")
    await plant.boots("gw-1")
    await plant.boots("gw-1", "2.3.8")
    assert (await plant.action("gw-1")).state is S.ROLLED_BACK


async def test_an_alarm_of_a_machine_fails_every_device_of_it_that_is_watched(plant: RolloutPlant) -> None:
    async with plant.work(EVERY_SITE) as w:
        for code in ("gw-1", "gw-2"):
            device = await w.devices.get(code)
            assert device is not None
            await w.devices.put(device.model_copy(update={"asset_id": P_501.id}))
        await w.commit()
    await plant.started(Phase(name="All", percent=100, error_percent=100, success_percent=0))
    for code in ("gw-1", "gw-2", "gw-3"):
        await plant.installs(code)
        await plant.boots(code)
    alarm = Alarm(
        id="hot", rule_id="rule", site_id=SITE, asset_id=P_501.id, signal_id=1, name="Too hot", priority=2, value=91.0,
        state=AlarmState.UNACKNOWLEDGED, raised_at=plant.clock.now(), limit=90.0,
    )  # fmt: skip
    async with plant.work(EVERY_SITE) as w:
        await w.alarms.put([alarm])
        await w.commit()
    await plant.rollout.look()
    found = [await plant.action(code) for code in ("gw-1", "gw-2", "gw-3")]
    assert [(one.state, one.failure) for one in found] == [
        (S.FAILED, FailureClass.HEALTH), (S.FAILED, FailureClass.HEALTH), (S.VERIFYING, None),
    ]  # fmt: skip
    assert "Too hot" in found[0].detail
    assert (await plant.twin("gw-2")).quarantined == ("release-2.4.1",)


async def test_a_phase_that_pauses_once_it_has_succeeded_is_left_by_whoever_resumes_it(plant: RolloutPlant) -> None:
    campaign = await plant.started(Phase(name="Canary", devices=1, on_success="pause"), REST)
    await plant.succeeds("gw-1")
    assert await state_of(plant, campaign.id) is CampaignState.PAUSED
    assert (await plant.states(campaign))["gw-2"] == "scheduled"
    await plant.campaigns.resume(ADA, campaign.id)
    await plant.rollout.look()
    assert (await plant.states(campaign))["gw-2"] == "pending"


async def test_a_silent_device_counts_as_failed(plant: RolloutPlant) -> None:
    campaign = await plant.started(silent_s=3_600)
    await plant.soaks(seconds=3_500)
    assert (await plant.action("gw-1")).state is S.PENDING
    await plant.soaks(seconds=101)
    action = await plant.action("gw-1")
    assert (action.state, action.failure) == (S.EXPIRED, FailureClass.SILENCE)
    assert await state_of(plant, campaign.id) is CampaignState.PAUSED


async def test_a_failure_is_tried_again_and_counts_when_its_tries_are_spent(plant: RolloutPlant) -> None:
    campaign = await plant.started(retry={"attempts_max": 2, "wait_s": 60})
    for wanted in (S.RETRY_WAIT, S.FAILED):
        action = await plant.downloads("gw-1")
        await plant.updates.report(plant.device("gw-1"), action.number, FAILED)
        assert (await plant.action("gw-1")).state is wanted
        await plant.soaks(seconds=61)
    assert await state_of(plant, campaign.id) is CampaignState.PAUSED
    (group,) = (await plant.campaigns.get(ADA, campaign.id)).failures
    assert (group.failure, group.details) == ("install", ("could not write to slot B",))
    again = await plant.campaigns.retry(ADA, campaign.id)
    await plant.rollout.look()
    assert again.state is CampaignState.RUNNING
    assert (await plant.states(campaign))["gw-1"] == "pending"
    await plant.succeeds("gw-1")
    assert (await plant.states(campaign))["gw-2"] == "pending"


async def test_a_device_that_is_left_out_counts_no_more(plant: RolloutPlant) -> None:
    campaign = await plant.started(retry={"attempts_max": 1})
    action = await plant.downloads("gw-1")
    await plant.updates.report(plant.device("gw-1"), action.number, FAILED)
    await plant.rollout.look()
    await plant.campaigns.exclude(ADA, campaign.id, [action.id])
    assert (await plant.states(campaign))["gw-1"] == "skipped"
    await plant.campaigns.resume(ADA, campaign.id)
    await plant.rollout.look()
    assert (await plant.states(campaign))["gw-2"] == "pending"


async def test_a_paused_campaign_gives_no_further_device_the_release_and_the_others_go_on(plant: RolloutPlant) -> None:
    campaign = await plant.started(Phase(name="All"), concurrent_max=1)
    await plant.campaigns.pause(ADA, campaign.id)
    await plant.succeeds("gw-1")
    assert await plant.states(campaign) == {
        "gw-1": "succeeded", "gw-2": "scheduled", "gw-3": "scheduled", "gw-4": "scheduled",
    }  # fmt: skip
    await plant.campaigns.resume(ADA, campaign.id)
    await plant.rollout.look()
    assert list((await plant.states(campaign)).values()) == ["succeeded", "pending", "scheduled", "scheduled"]


async def test_an_aborted_campaign_lets_installing_devices_finish_and_stops_the_others(plant: RolloutPlant) -> None:
    campaign = await plant.started(Phase(name="All"), concurrent_max=3)
    await plant.installs("gw-1")
    await plant.downloads("gw-2")
    await plant.campaigns.abort(ADA, campaign.id, "wrong release")
    assert await plant.states(campaign) == {
        "gw-1": "installed", "gw-2": "canceling", "gw-3": "canceled", "gw-4": "canceled",
    }  # fmt: skip
    number = (await plant.action("gw-2")).number
    assert (await plant.updates.canceling(plant.device("gw-2"), number)).number == number
    await plant.updates.report_cancel(plant.device("gw-2"), number, Report("closed", "success"))
    await plant.boots("gw-1")
    await plant.soaks("gw-1")
    assert list((await plant.states(campaign)).values()) == ["succeeded", "canceled", "canceled", "canceled"]


async def test_each_device_goes_back_to_its_own_last_good_release(plant: RolloutPlant) -> None:
    campaign = await plant.started(Phase(name="All"))
    await plant.succeeds("gw-1", "gw-2", "gw-3")
    back = await plant.campaigns.roll_back(ADA, campaign.id)
    planned = {each.code: each for each in (await plant.campaigns.simulate(ADA, back.id)).devices}
    assert (planned["gw-1"].to_version, planned["gw-1"].why_not) == ("2.3.8", "")
    assert planned["gw-4"].why_not == "It runs 2.3.8 already.", "it never came to what is undone"
    await plant.campaigns.approve(ERIN, back.id)
    await plant.campaigns.start(ADA, back.id)
    await plant.rollout.look()
    await plant.installs("gw-1")
    await plant.boots("gw-1", "2.3.8")
    await plant.soaks("gw-1")
    assert (await plant.states(back))["gw-1"] == "succeeded"
    assert (await plant.twin("gw-1")).release_id == "release-2.3.8"


async def test_a_phase_may_have_everything_rolled_back_by_itself(plant: RolloutPlant) -> None:
    phases = (CANARY, Phase(name="The rest", on_error="roll_back", error_percent=0))
    campaign = await plant.started(*phases, retry={"attempts_max": 1})
    await plant.succeeds("gw-1")
    action = await plant.downloads("gw-2")
    await plant.updates.report(plant.device("gw-2"), action.number, FAILED)
    await plant.rollout.look()
    assert await state_of(plant, campaign.id) is CampaignState.ABORTED
    back, _ = await plant.campaigns.all(ADA)
    assert (back.campaign.rolls_back, back.campaign.state) == (campaign.id, CampaignState.RUNNING)
    await plant.rollout.look()
    action = await plant.action("gw-1")
    assert (action.state, action.to_version) == (S.PENDING, "2.3.8")
    kept = {each.device_id: each.detail for each in (await plant.campaigns.get(ADA, back.campaign.id)).actions}
    assert kept["gw-2"] == "It runs 2.3.8 already.", "what never came to the new release stays where it is"


async def test_a_device_with_another_action_waits_for_its_end(plant: RolloutPlant) -> None:
    await plant.started()
    async with plant.work(EVERY_SITE) as w:
        await w.releases.put(release("2.5.0"))
        await w.commit()
    second = await plant.started(Phase(name="All"), release_id="release-2.5.0")
    assert list((await plant.states(second)).values()) == ["scheduled", "pending", "pending", "pending"]
    first = await plant.downloads("gw-1")
    await plant.updates.report(plant.device("gw-1"), first.number, Report("canceled", "none"))
    await plant.rollout.look()
    assert (await plant.states(second))["gw-1"] == "pending"


async def test_outside_the_window_swupdate_is_offered_nothing_and_others_may_load(plant: RolloutPlant) -> None:
    never = Window(weekdays=(0,), begin="03:00", minutes=5)
    await plant.started(Phase(name="All"), windows=(never,))
    polled = await plant.updates.poll(plant.device("gw-1"))
    assert polled.is_offered
    assert polled.assigned is not None
    assert not polled.assigned.may_install
    twin = await plant.twin("gw-2")
    async with plant.work(EVERY_SITE) as w:
        await w.twins.put([twin.model_copy(update={"client": ClientKind.SWUPDATE})])
        await w.commit()
    assert not (await plant.updates.poll(plant.device("gw-2"))).is_offered
    with pytest.raises(NotFoundError, match="window"):
        await plant.updates.deployment(plant.device("gw-2"), (await plant.action("gw-2")).number)


async def test_a_machine_that_runs_is_not_updated(plant: RolloutPlant) -> None:
    async with plant.work(EVERY_SITE) as w:
        device = await w.devices.get("gw-1")
        assert device is not None
        await w.devices.put(device.model_copy(update={"asset_id": "p-501"}))
        asset = await w.assets.get("p-501")
        assert asset is not None
        await w.assets.put(asset.model_copy(update={"state_signal_id": 41}))
        await w.commit()
    await plant.started(only_when_idle=True)
    for idle in (False, True):
        plant.idle[41] = idle
        polled = await plant.updates.poll(plant.device("gw-1"))
        assert polled.assigned is not None
        assert polled.assigned.may_install is idle


async def test_somebody_at_the_device_has_the_last_word_where_it_is_asked_for(plant: RolloutPlant) -> None:
    await plant.started(ask_users=True)
    device, action = plant.device("gw-1"), await plant.action("gw-1")
    assert not (await plant.updates.poll(device)).is_offered
    with pytest.raises(NotFoundError):
        await plant.updates.deployment(device, action.number)
    await plant.confirmations.confirm(device, action.number, agreed=False, details="")
    assert (await plant.action("gw-1")).state is S.WAITING_CONFIRMATION
    await plant.confirmations.confirm(device, action.number, agreed=True, details="go")
    assert (await plant.updates.poll(device)).is_offered
    assert (await plant.confirmations.set_auto_confirm(device, active=True)).auto_confirm_by == "gw-1"
    with pytest.raises(ConflictError):
        await plant.confirmations.set_auto_confirm(device, active=True)


async def test_an_image_to_be_kept_is_done_once_it_is_loaded(plant: RolloutPlant) -> None:
    await plant.started(mode="download_only")
    await plant.downloads("gw-1")
    assert (await plant.action("gw-1")).state is S.SUCCEEDED
    assert (await plant.twin("gw-1")).release_id == "release-2.3.8"


async def test_the_last_word_once_more_changes_nothing_and_another_one_is_refused(plant: RolloutPlant) -> None:
    await plant.started()
    action = await plant.installs("gw-1")
    again = await plant.updates.report(plant.device("gw-1"), action.number, Report("closed", "success"))
    assert again.state is S.INSTALLED
    with pytest.raises(GoneError):
        await plant.updates.report(plant.device("gw-1"), action.number, Report("proceeding", "none"))


async def test_who_makes_a_campaign_does_not_approve_it(plant: RolloutPlant) -> None:
    draft = await plant.campaigns.create(ADA, plant.facts())
    with pytest.raises(ConflictError, match="must be approved"):
        await plant.campaigns.start(ADA, draft.id)
    with pytest.raises(PermissionDeniedError, match="second person"):
        await plant.campaigns.approve(ADA, draft.id)
    assert (await plant.campaigns.approve(ERIN, draft.id)).approved_by == "erin"


async def test_it_says_beforehand_who_is_left_out_and_why(plant: RolloutPlant) -> None:
    async with plant.work(EVERY_SITE) as w:
        said: dict[str, dict[str, object]] = {
            "gw-1": {"hardware": "GW-9"}, "gw-2": {"version": "2.4.1"}, "gw-3": {"security_floor": 9},
        }  # fmt: skip
        for code, changes in said.items():
            twin = await w.twins.get(code)
            assert twin is not None
            await w.twins.put([twin.model_copy(update=changes)])
        await w.commit()
    draft = await plant.campaigns.create(ADA, plant.facts())
    planned = await plant.campaigns.simulate(ADA, draft.id)
    assert [(each.code, each.why_not) for each in planned.devices] == [
        ("gw-1", "It is GW-9, and gateway-os 2.4.1 is for GW-100."),
        ("gw-2", "It runs 2.4.1 already."),
        ("gw-3", "Its security version is 9, and that of gateway-os 2.4.1 is 3: it never goes down."),
        ("gw-4", ""),
    ]
    assert (planned.eligible, planned.skipped, planned.bytes) == (1, 3, SIZE)
    # One device: 300 s until it asks, 6 s of loading, 120 s of writing, 300 s until it asks, 600 s of watching.
    assert [(phase.begin_s, phase.end_s) for phase in planned.phases] == [(0, 1_326), (1_326, 1_326)]


async def test_a_campaign_for_nobody_does_not_start(plant: RolloutPlant) -> None:
    async with plant.work(EVERY_SITE) as w:
        await w.twins.put([FirmwareTwin(id=f"gw-{number}", site_id="pune") for number in range(1, 5)])
        await w.commit()
    draft = await plant.campaigns.create(ADA, plant.facts())
    await plant.campaigns.approve(ERIN, draft.id)
    with pytest.raises(InvalidInputError, match="unknown hardware"):
        await plant.campaigns.start(ADA, draft.id)


async def test_a_rollout_that_starts_anew_goes_on_where_the_last_one_was(plant: RolloutPlant) -> None:
    campaign = await plant.started()
    await plant.installs("gw-1")
    heir = await RolloutPlant.made_again(plant)
    await heir.boots("gw-1")
    await heir.soaks("gw-1")
    assert (await heir.states(campaign))["gw-2"] == "pending"


async def test_new_members_join_a_campaign_that_takes_them(plant: RolloutPlant) -> None:
    campaign = await plant.started(REST, takes_new_members=True)
    async with plant.work(EVERY_SITE) as w:
        device, twin = await w.devices.get("gw-1"), await plant.twin("gw-1")
        assert device is not None
        await w.devices.put(device.model_copy(update={"id": "gw-9", "code": "gw-9"}))
        await w.twins.put([twin.model_copy(update={"id": "gw-9"})])
        await w.commit()
    await plant.rollout.look()
    assert (await plant.states(campaign))["gw-9"] == "pending"
