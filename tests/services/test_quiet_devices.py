"""What a fleet asks that has nothing to do: answered without the database, and never against what is there."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from pdm_app.domain.access import EVERY_SITE, Scope
from pdm_app.domain.firmware_actions import ActionState
from pdm_app.services.device_updates import DeviceUpdateService, Polled
from pdm_app.services.quiet_devices import KEPT_S
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import stored_plant
from tests.engine.rollout_plant import RolloutPlant

FRESH_S = 1.0


@pytest.fixture
async def plant(sqlite_url: str) -> AsyncIterator[RolloutPlant]:
    async with stored_plant(sqlite_url) as work:
        plant = await RolloutPlant.made(work, HandClock())
        plant.updates = DeviceUpdateService(work, plant.clock, fresh_s=FRESH_S)
        yield plant


@contextmanager
def opened(plant: RolloutPlant, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Scope]]:
    """Count the transactions that the service opens."""
    seen: list[Scope] = []
    work = plant.work

    def counting(scope: Scope) -> object:
        seen.append(scope)
        return work(scope)

    with monkeypatch.context() as patch:
        patch.setattr(plant.updates, "_work", counting)
        patch.setattr(plant.updates._quiet, "_work", counting)
        yield seen


async def asks(plant: RolloutPlant, code: str = "gw-1") -> Polled:
    return await plant.updates.poll(plant.device(code))


async def test_who_asks_again_with_nothing_to_do_needs_no_database(
    plant: RolloutPlant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for code in ("gw-1", "gw-2"):
        assert (await asks(plant, code)).assigned is None
    with opened(plant, monkeypatch) as seen:
        for code in ("gw-1", "gw-2", "gw-1"):
            assert (await asks(plant, code)).assigned is None
    assert seen == []


async def test_of_a_fleet_one_looks_for_all_whether_anything_has_changed(
    plant: RolloutPlant, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = [f"gw-{number}" for number in (1, 2, 3, 4)]
    for code in codes:
        await asks(plant, code)
    plant.clock.at += 5_000_000
    with opened(plant, monkeypatch) as seen:
        for code in codes:
            await asks(plant, code)
    assert len(seen) == 1


async def test_a_campaign_of_another_process_is_heard_of_within_a_second(plant: RolloutPlant) -> None:
    assert not (await asks(plant)).is_offered
    await plant.started()
    plant.clock.at += 1_000_000
    assert (await asks(plant)).is_offered
    assert not (await asks(plant, "gw-2")).is_offered, "the canary is the first one alone"
    assert not (await asks(plant, "gw-2")).is_offered


async def test_what_came_to_its_end_is_told_though_the_device_was_quiet_before(plant: RolloutPlant) -> None:
    await asks(plant)
    await plant.started()
    plant.clock.at += 1_000_000
    await plant.installs("gw-1")
    await plant.boots("gw-1")
    for _ in range(3):
        plant.clock.at += 3_600_000_000
        await asks(plant)
        await plant.rollout.look()
    assert (await plant.action("gw-1")).state is ActionState.SUCCEEDED
    plant.clock.at += 1_000_000
    installed = (await asks(plant)).installed
    assert installed is not None
    assert installed.number == (await plant.action("gw-1")).number


async def test_what_a_device_says_of_itself_is_known_at_its_next_question(plant: RolloutPlant) -> None:
    assert (await asks(plant)).twin.version == "2.3.8"
    await plant.updates.put_attributes(plant.device("gw-1"), "merge", {"fw_version": "2.3.9"})
    assert (await asks(plant)).twin.version == "2.3.9"


async def test_what_another_process_put_on_record_is_seen_in_the_end(plant: RolloutPlant) -> None:
    twin = (await asks(plant)).twin
    async with plant.work(EVERY_SITE) as w:
        await w.twins.put([twin.model_copy(update={"wants_attributes": True})])
        await w.commit()
    plant.clock.at += KEPT_S * 1_000_000
    assert (await asks(plant)).twin.wants_attributes


async def test_quiet_devices_are_on_record_as_having_asked(plant: RolloutPlant) -> None:
    await asks(plant)
    plant.clock.at += 60_000_000
    await asks(plant)
    await plant.updates.note_polls()
    assert (await plant.twin("gw-1")).polled_at == plant.clock.at
