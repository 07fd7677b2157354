"""A server that was restored from an older backup learns from its devices what it has forgotten."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.campaigns import CampaignState, Phase
from pdm_app.domain.firmware_actions import ActionState, FailureClass
from pdm_app.domain.releases import ReleaseState
from pdm_app.services.device_updates import Report
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import opened_plant, stored_plant
from tests.engine.rollout_plant import ADA, RolloutPlant, release

S = ActionState
ALL = Phase(name="All", error_percent=0)


@pytest.fixture
async def plant(sqlite_url: str) -> AsyncIterator[RolloutPlant]:
    async with stored_plant(sqlite_url) as work:
        yield await RolloutPlant.made(work, HandClock(), devices=2)


def backup(plant: RolloutPlant, to: Path) -> None:
    """Copy the database as it is at this moment."""
    with closing(sqlite3.connect(str(plant.work._database.url.database))) as now, closing(sqlite3.connect(to)) as copy:
        now.backup(copy)


@asynccontextmanager
async def restored(plant: RolloutPlant, backup_file: Path) -> AsyncIterator[RolloutPlant]:
    """A process that begins on the backup, later."""
    plant.clock.at += 60_000_000
    async with opened_plant(f"sqlite+aiosqlite:///{backup_file}") as work:
        yield RolloutPlant(work, plant.clock, plant.fence)


async def asked(plant: RolloutPlant, code: str, version: str) -> None:
    """Have a device ask, and say what it runs where it is asked for that."""
    plant.clock.at += 1_000_000
    assert (await plant.updates.poll(plant.device(code))).twin.wants_attributes, "nobody knows how old the records are"
    await plant.updates.put_attributes(plant.device(code), "merge", {"fw_version": version})
    assert not (await plant.updates.poll(plant.device(code))).twin.wants_attributes, "once is enough"
    await plant.rollout.look()


async def test_devices_that_were_done_before_the_restore_prove_it_once_more(
    plant: RolloutPlant, tmp_path: Path
) -> None:
    campaign = await plant.started(ALL)
    await plant.updates.deployment(plant.device("gw-1"), (await plant.action("gw-1")).number)
    backup(plant, tmp_path / "older.sqlite")
    await plant.succeeds("gw-1", "gw-2")
    async with restored(plant, tmp_path / "older.sqlite") as again:
        assert await again.states(campaign) == {"gw-1": "retrieved", "gw-2": "pending"}
        action = await again.action("gw-1")
        await again.updates.report(again.device("gw-1"), action.number, Report("closed", "success", "runs already"))
        assert (await again.action("gw-1")).failure is FailureClass.NOT_DOWNLOADED, "the word alone is no proof"
        for code in ("gw-1", "gw-2"):
            await asked(again, code, "2.4.1")
        assert set((await again.states(campaign)).values()) == {"verifying"}
        story = await again.campaigns.story(ADA, action.id)
        assert "nothing is on record here of its having been sent" in story[0].detail
        await again.soaks("gw-1", "gw-2")
        assert set((await again.states(campaign)).values()) == {"succeeded"}
        assert (await again.campaigns.get(ADA, campaign.id)).campaign.state is CampaignState.FINISHED
        twin = await again.twin("gw-1")
        assert (twin.release_id, twin.good_release_id) == ("release-2.4.1", "release-2.3.8")


async def test_a_whole_campaign_that_was_forgotten_is_read_from_the_devices(
    plant: RolloutPlant, tmp_path: Path
) -> None:
    backup(plant, tmp_path / "older.sqlite")
    await plant.started(ALL)
    await plant.succeeds("gw-1")
    async with restored(plant, tmp_path / "older.sqlite") as again:
        await asked(again, "gw-1", "2.4.1")
        await asked(again, "gw-2", "2.3.8")
        healed, other = await again.twin("gw-1"), await again.twin("gw-2")
        assert (healed.release_id, healed.good_release_id) == ("release-2.4.1", "release-2.3.8")
        assert (other.release_id, other.good_release_id) == ("release-2.3.8", None)
        campaign = await again.campaigns.create(ADA, again.facts(ALL))
        planned = {each.code: each.why_not for each in (await again.campaigns.simulate(ADA, campaign.id)).devices}
        assert planned == {"gw-1": "It runs 2.4.1 already.", "gw-2": ""}


async def test_a_security_version_that_was_forgotten_is_not_gone_below(plant: RolloutPlant, tmp_path: Path) -> None:
    async with plant.work(EVERY_SITE) as w:
        await w.releases.put(release("2.9.0", security_version=7))
        await w.commit()
    backup(plant, tmp_path / "older.sqlite")
    async with restored(plant, tmp_path / "older.sqlite") as again:
        await asked(again, "gw-1", "2.9.0")
        assert (await again.twin("gw-1")).security_floor == 7
        campaign = await again.campaigns.create(ADA, again.facts(ALL))
        planned = {each.code: each.why_not for each in (await again.campaigns.simulate(ADA, campaign.id)).devices}
        assert "it never goes down" in planned["gw-1"]


async def test_a_release_that_is_no_more_than_a_draft_or_failed_there_is_not_believed_to_be_good(
    plant: RolloutPlant,
) -> None:
    async with plant.work(EVERY_SITE) as w:
        await w.releases.put(release("3.0.0", state=ReleaseState.DRAFT))
        twin = await w.twins.get("gw-1")
        assert twin is not None
        await w.twins.put([twin.quarantine("release-2.4.1")])
        await w.commit()
    for code, version in (("gw-1", "2.4.1"), ("gw-2", "3.0.0")):
        await plant.boots(code, version)
        assert (await plant.twin(code)).release_id == "release-2.3.8", code


async def test_a_device_that_went_back_by_itself_has_nothing_good_to_go_back_to(plant: RolloutPlant) -> None:
    await plant.started(ALL)
    await plant.succeeds("gw-1")
    await plant.boots("gw-1", "2.3.8")
    twin = await plant.twin("gw-1")
    assert (twin.release_id, twin.good_release_id) == ("release-2.3.8", None)
