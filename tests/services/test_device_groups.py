"""Groups of devices as people keep them: previewed with reasons, refused with reasons, and acted on together."""

import pytest

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, Actor, Role, Scope
from pdm_app.domain.device_groups import DeviceGroupFacts
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError
from pdm_app.domain.firmware_twins import ClientKind
from pdm_app.services.device_groups import DeviceGroupService
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.engine.rollout_plant import ADA, SITE, RolloutPlant

STRANGER = Actor(
    id="eve", name="eve", role=Role.ENGINEER, scope=Scope(sites=frozenset({"graz"})),
    permissions=ROLE_PERMISSIONS[Role.ENGINEER],
)  # fmt: skip


def facts(filter_text: str | None = "code ~ gw-*", **more: object) -> DeviceGroupFacts:
    return DeviceGroupFacts.model_validate({"site_id": SITE, "name": "All gateways", "filter": filter_text, **more})


async def test_a_group_is_kept_shown_with_its_versions_and_removed(work: SqlUnitOfWork, clock: HandClock) -> None:
    await RolloutPlant.made(work, clock)
    groups = DeviceGroupService(work, clock)
    group = await groups.create(ADA, facts())
    views = {view.group.id: view for view in await groups.all(ADA, SITE)}
    assert (views[group.id].members, views[group.id].versions) == (4, {"2.3.8": 4})
    changed = await groups.change(ADA, group.id, facts("version > 3"), group.revision)
    told = await groups.members(ADA, changed.id)
    assert {each.why for each in told if each.code == "gw-1"} == {"version is 2.3.8, not > 3"}
    with pytest.raises(ConflictError):
        await groups.change(ADA, group.id, facts(), group.revision)
    with pytest.raises(NotFoundError):
        await groups.members(STRANGER, group.id)
    await groups.remove(ADA, group.id)
    assert group.id not in {view.group.id for view in await groups.all(ADA)}


async def test_what_is_wrong_with_a_group_is_said(sqlite_work: SqlUnitOfWork, clock: HandClock) -> None:
    await RolloutPlant.made(sqlite_work, clock)
    groups = DeviceGroupService(sqlite_work, clock)
    with pytest.raises(InvalidInputError, match="asks for 'colour'"):
        await groups.preview(ADA, facts("colour = red"))
    with pytest.raises(ConflictError, match="called Gateways"):
        await groups.create(ADA, facts(name="GATEWAYS"))
    with pytest.raises(NotFoundError, match="no device 'nobody'"):
        await groups.create(ADA, facts(None, device_ids=("nobody",)))
    with pytest.raises(NotFoundError, match="no site"):
        await groups.create(STRANGER, facts())


async def test_a_group_that_a_campaign_needs_stays(sqlite_work: SqlUnitOfWork, clock: HandClock) -> None:
    plant = await RolloutPlant.made(sqlite_work, clock)
    campaign = await plant.started()
    groups = DeviceGroupService(sqlite_work, clock)
    with pytest.raises(ConflictError, match="Campaigns need"):
        await groups.remove(ADA, "gateways")
    await plant.campaigns.abort(ADA, campaign.id)
    await groups.remove(ADA, "gateways")


async def test_a_batch_answers_for_each_device(sqlite_work: SqlUnitOfWork, clock: HandClock) -> None:
    plant = await RolloutPlant.made(sqlite_work, clock)
    groups = DeviceGroupService(sqlite_work, clock)
    twin = await plant.twin("gw-2")
    async with sqlite_work(EVERY_SITE) as w:
        await w.twins.put([twin.model_copy(update={"client": ClientKind.SWUPDATE})])
        await w.commit()
    results = await groups.set_client(ADA, "gateways", ClientKind.SWUPDATE, ["gw-1", "gw-2", "plc-1"])
    assert [(each.device_id, each.is_done, each.detail) for each in results] == [
        ("gw-1", True, "It was rauc."),
        ("gw-2", False, "It has swupdate already."),
        ("plc-1", False, "It is no member of the group."),
    ]
    assert (await plant.twin("gw-1")).client is ClientKind.SWUPDATE
    assert (await plant.twin("gw-3")).client is ClientKind.RAUC
