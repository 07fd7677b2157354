"""What is told of one device: its update, its line, and what happened to its machine meanwhile."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pdm_app.domain.access import EVERY_SITE, Actor, Permission, Role, Scope
from pdm_app.domain.alarms import AlarmState, JournalEntry, JournalKind
from pdm_app.domain.errors import NotFoundError, UnavailableError
from pdm_app.domain.history import AggregateAnswer, AggregateQuery
from pdm_app.services.device_stories import STRETCH_S, DeviceStoryService, silences
from pdm_app.services.history import HistoryService
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import P_501, stored_plant
from tests.engine.rollout_plant import ADA, RolloutPlant

STRETCH_US = STRETCH_S * 1_000_000


class Counted:
    """A history that knows how many samples came in each stretch of the last day."""

    def __init__(self) -> None:
        self.silent: set[int] = set()
        self.is_away = False

    async def aggregate(self, _actor: Actor, query: AggregateQuery) -> AggregateAnswer:
        if self.is_away:
            raise UnavailableError("It is busy.")
        at = list(range(query.start_at, query.end_at, query.every_us or 1))
        counts = [0 if place in self.silent else 60 for place in range(len(at))]
        return answer(at, counts)


def answer(at: list[int], *counts: list[int]) -> AggregateAnswer:
    series: Any = [SimpleNamespace(at=at, count=one) for one in counts]
    return cast(AggregateAnswer, SimpleNamespace(series=series))


@pytest.fixture
async def plant(sqlite_url: str, tmp_path: Path) -> AsyncIterator[RolloutPlant]:
    async with stored_plant(sqlite_url) as work:
        plant = await RolloutPlant.made(work, HandClock())
        async with work(EVERY_SITE) as w:
            device = await w.devices.get("gw-1")
            assert device is not None
            await w.devices.put(device.model_copy(update={"asset_id": P_501.id}))
            await w.commit()
        yield plant


@pytest.fixture
def history() -> Counted:
    return Counted()


@pytest.fixture
def stories(plant: RolloutPlant, history: Counted) -> DeviceStoryService:
    return DeviceStoryService(plant.work, plant.clock, cast(HistoryService, history))


async def test_what_is_wanted_stands_beside_what_is_reported(plant: RolloutPlant, stories: DeviceStoryService) -> None:
    before = await stories.firmware(ADA, "gw-1")
    assert (before.wanted, before.runs, before.twin and before.twin.version) == (None, "gateway-os 2.3.8", "2.3.8")
    campaign = await plant.started()
    told = await stories.firmware(ADA, "gw-1")
    assert told.wanted is not None
    assert (told.wanted.version, told.wanted.state, told.wanted.campaign_id) == ("2.4.1", "pending", campaign.id)
    await plant.installs("gw-1")
    await plant.boots("gw-1")
    plant.clock.at += 3_600_000_000
    await plant.updates.poll(plant.device("gw-1"))
    await plant.rollout.look()
    after = await stories.firmware(ADA, "gw-1")
    assert (after.wanted, after.runs, after.way_back) == (None, "gateway-os 2.4.1", "gateway-os 2.3.8")


async def test_the_story_joins_updates_alarms_and_samples_in_the_order_of_time(
    plant: RolloutPlant, stories: DeviceStoryService, history: Counted
) -> None:
    await plant.started()
    await plant.installs("gw-1")
    now = int(plant.clock.now())
    async with plant.work(EVERY_SITE) as w:
        await w.alarms.append([
            JournalEntry(
                id=f"entry-{kind}", alarm_id="alarm", rule_id="rule", site_id=P_501.site_id, asset_id=P_501.id,
                at=now - 1_000_000, recorded_at=now, kind=kind, state=AlarmState.UNACKNOWLEDGED,
                priority=1, name="Bearing hot",
            )
            for kind in (JournalKind.RAISED, JournalKind.SHELVED)
        ])  # fmt: skip
        await w.commit()
    history.silent = {100, 101}
    told = (await stories.firmware(ADA, "gw-1")).moments
    assert [one.at for one in told] == sorted((one.at for one in told), reverse=True)
    assert {(one.kind, one.what) for one in told} >= {
        ("firmware", "fetched"), ("firmware", "closed_well"), ("alarm", "raised"), ("telemetry", "silent"),
        ("telemetry", "back"),
    }  # fmt: skip
    assert ("alarm", "shelved") not in {(one.kind, one.what) for one in told}
    fetched = next(one for one in told if one.what == "fetched")
    assert (fetched.name, fetched.state) == ("gateway-os 2.4.1", "retrieved")


async def test_missing_questions_are_counted_by_how_often_a_device_should_ask(
    plant: RolloutPlant, stories: DeviceStoryService
) -> None:
    plant.clock.at += 899_000_000
    assert (await stories.firmware(ADA, "gw-1")).line.missed == 2


async def test_who_may_see_neither_alarms_nor_samples_is_told_of_neither(
    plant: RolloutPlant, stories: DeviceStoryService, history: Counted
) -> None:
    history.silent = {100}
    of_devices = Actor(
        id="x", name="x", role=Role.SERVICE, scope=EVERY_SITE, permissions=frozenset({Permission.DEVICES_READ})
    )
    await plant.started()
    assert {one.kind for one in (await stories.firmware(of_devices, "gw-1")).moments} == {"firmware"}


async def test_a_history_that_is_busy_takes_nothing_else_from_the_story(
    plant: RolloutPlant, stories: DeviceStoryService, history: Counted
) -> None:
    history.is_away = True
    await plant.started()
    assert {one.kind for one in (await stories.firmware(ADA, "gw-1")).moments} == {"firmware"}


async def test_a_device_of_another_site_does_not_exist(stories: DeviceStoryService) -> None:
    elsewhere = ADA.model_copy(update={"scope": Scope(sites=frozenset({"graz"}))})
    for device_id in ("gw-1", "never-made"):
        with pytest.raises(NotFoundError, match=device_id):
            await stories.firmware(elsewhere, device_id)


def test_silence_is_when_no_signal_at_all_comes_and_not_before_the_first_sample() -> None:
    at = [number * STRETCH_US for number in range(8)]
    found = answer(at, [0, 5, 0, 0, 0, 3, 3, 0], [0, 5, 4, 0, 0, 0, 3, 0])
    told = [(one.at // STRETCH_US, one.what, one.name) for one in silences(found, "P-501")]
    assert told == [(3, "silent", "P-501"), (5, "back", "P-501"), (7, "silent", "P-501")]
