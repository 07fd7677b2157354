"""What a device is given of an update, and what of its word is believed."""

from collections.abc import AsyncIterator

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.campaigns import Phase
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.firmware_actions import ActionState, FailureClass
from pdm_app.services.device_updates import Report
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import stored_plant
from tests.engine.rollout_plant import KEY, SIZE, RolloutPlant

S = ActionState


@pytest.fixture
async def plant(sqlite_url: str) -> AsyncIterator[RolloutPlant]:
    async with stored_plant(sqlite_url) as work:
        yield await RolloutPlant.made(work, HandClock())


async def test_success_without_a_download_is_not_believed(plant: RolloutPlant) -> None:
    await plant.started()
    number = (await plant.action("gw-1")).number
    await plant.updates.deployment(plant.device("gw-1"), number)
    await plant.updates.report(plant.device("gw-1"), number, Report("closed", "success", "Skipped Update."))
    action = await plant.action("gw-1")
    assert (action.state, action.failure) == (S.RETRY_WAIT, FailureClass.NOT_DOWNLOADED)


async def test_bytes_count_only_without_a_gap(plant: RolloutPlant) -> None:
    await plant.started()
    device, action = plant.device("gw-1"), await plant.action("gw-1")
    await plant.updates.deployment(device, action.number)
    await plant.updates.served(device, action.id, 0, 1_000)
    await plant.updates.served(device, action.id, 2_000, SIZE)
    assert (await plant.action("gw-1")).served_to == 1_000
    await plant.updates.served(device, action.id, 500, SIZE)
    assert (await plant.action("gw-1")).state is S.DOWNLOADED


async def test_nobody_speaks_for_another_device(plant: RolloutPlant) -> None:
    await plant.started()
    number = (await plant.action("gw-1")).number
    for ask in (
        plant.updates.deployment(plant.device("gw-2"), number),
        plant.updates.report(plant.device("gw-2"), number, Report("closed", "success")),
        plant.updates.canceling(plant.device("gw-2"), number),
        plant.updates.artifact_release(plant.device("gw-2"), "release-2.4.1"),
    ):
        with pytest.raises(NotFoundError):
            await ask


async def test_a_key_that_is_revoked_on_the_way_takes_the_release_from_every_device(plant: RolloutPlant) -> None:
    await plant.started(Phase(name="All", percent=100))
    device, waiting = plant.device("gw-1"), plant.device("gw-2")
    begun, pending = (await plant.action("gw-1")).number, (await plant.action("gw-2")).number
    await plant.updates.deployment(device, begun)
    assert (await plant.updates.poll(waiting)).is_offered
    async with plant.work(EVERY_SITE) as w:
        await w.releases.put_key(KEY.model_copy(update={"revoked_at": int(plant.clock.now()), "revoke_reason": "lost"}))
        await w.commit()
    for one, number in ((device, begun), (waiting, pending)):
        assert not (await plant.updates.poll(one)).is_offered
        with pytest.raises(NotFoundError, match=r"'release desk' was revoked \(lost\)"):
            await plant.updates.deployment(one, number)
        with pytest.raises(NotFoundError, match="was revoked"):
            await plant.updates.artifact_release(one, "release-2.4.1")


async def test_of_many_devices_that_ask_within_a_second_all_are_put_on_record_together(plant: RolloutPlant) -> None:
    plant.clock.at += 60_000_000
    asked_at = plant.clock.at
    for code in ("gw-1", "gw-2", "gw-3"):
        await plant.updates.poll(plant.device(code))
    assert [(await plant.twin(code)).polled_at == asked_at for code in ("gw-1", "gw-2", "gw-3")] == [True, False, False]
    await plant.updates.note_polls()
    for code in ("gw-2", "gw-3"):
        twin = await plant.twin(code)
        assert (twin.polled_at, twin.address) == (asked_at, "192.0.2.7")


async def test_a_device_that_proves_a_release_is_put_on_record_at_once(plant: RolloutPlant) -> None:
    await plant.started()
    await plant.installs("gw-1")
    await plant.boots("gw-1")
    plant.clock.at += 10_000_000
    for code in ("gw-2", "gw-1"):
        await plant.updates.poll(plant.device(code))
    assert (await plant.twin("gw-1")).polled_at == plant.clock.at
