"""Firmware of devices, on both databases: by site, one active action per device, stories that only grow."""

import inspect

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.campaigns import Campaign, Campaigns, Phase, Window
from pdm_app.domain.device_groups import DeviceGroup, DeviceGroups
from pdm_app.domain.errors import ConflictError
from pdm_app.domain.firmware_actions import (
    EVENTS_PER_ACTION_MAX,
    Action,
    ActionEvent,
    ActionState,
    FirmwareActions,
    Happening,
)
from pdm_app.domain.firmware_twins import ClientKind, FirmwareTwin, FirmwareTwins, Poll
from pdm_app.domain.repositories import UnitOfWork
from tests.contracts.crossings import Crossing, assert_nothing_crosses

TWIN = FirmwareTwin(
    id="device-linz", site_id="site-linz", client=ClientKind.SWUPDATE, version="2.3.8", polled_at=2**53,
    quarantined=("r-0",), attributes={"link": "LTE ☂"},
)  # fmt: skip
GROUP = DeviceGroup(id="g-1", site_id="site-linz", name="Gateways", filter="model = GW-4", changed_at=5)
CAMPAIGN = Campaign(
    id="c-1", site_id="site-linz", name="2.4.1", release_id="r-1", group_id="g-1", created_at=1, created_by="ada",
    creator_id="user-1", phases=(Phase(name="Canary", devices=1), Phase(name="The rest", error_percent=2.5)),
    windows=(Window(weekdays=(5, 6), begin="22:00", minutes=120),),
)  # fmt: skip
ACTION = Action(
    id="a-1", number=7, site_id="site-linz", campaign_id="c-1", device_id="device-linz", release_id="r-1", phase=0,
    state_at=1, created_at=1,
)  # fmt: skip
ACTIVE = ACTION.at(ActionState.PENDING, 2)
EVENT = ActionEvent(
    id="e-1", site_id="site-linz", action_id="a-1", at=2, happening=Happening.OFFERED, state=ActionState.PENDING,
    by="rollout",
)  # fmt: skip

READS: dict[str, Crossing] = {
    "twins.all": lambda w: w.twins.all(),
    "twins.get": lambda w: w.twins.get("device-linz"),
    "twins.polled": lambda w: w.twins.polled({"device-linz": Poll(9, "10.0.0.9")}),
    "twins.of": lambda w: w.twins.of(["device-linz"]),
    "device_groups.all": lambda w: w.device_groups.all(),
    "device_groups.get": lambda w: w.device_groups.get("g-1"),
    "device_groups.remove": lambda w: w.device_groups.remove("g-1"),
    "campaigns.all": lambda w: w.campaigns.all(),
    "campaigns.get": lambda w: w.campaigns.get("c-1"),
    "firmware_actions.get": lambda w: w.firmware_actions.get("a-1"),
    "firmware_actions.by_number": lambda w: w.firmware_actions.by_number(7),
    "firmware_actions.active_of": lambda w: w.firmware_actions.active_of("device-linz"),
    "firmware_actions.last_of": lambda w: w.firmware_actions.last_of("device-linz"),
    "firmware_actions.of_campaign": lambda w: w.firmware_actions.of_campaign("c-1"),
    "firmware_actions.of_device": lambda w: w.firmware_actions.of_device("device-linz"),
    "firmware_actions.active": lambda w: w.firmware_actions.active(),
    "firmware_actions.active_devices": lambda w: w.firmware_actions.active_devices(),
    "firmware_actions.events": lambda w: w.firmware_actions.events("a-1"),
    "firmware_actions.heard": lambda w: w.firmware_actions.heard("a-1", 9),
}
WRITES: dict[str, Crossing] = {
    "twins.put": lambda w: w.twins.put([TWIN.model_copy(update={"version": "9"})]),
    "device_groups.put": lambda w: w.device_groups.put(GROUP.model_copy(update={"name": "mine"})),
    "campaigns.put": lambda w: w.campaigns.put(CAMPAIGN.model_copy(update={"name": "mine"})),
    "firmware_actions.put": lambda w: w.firmware_actions.put([ACTIVE.model_copy(update={"progress": 9})]),
    "firmware_actions.note": lambda w: w.firmware_actions.note([EVENT.model_copy(update={"id": "e-9"})]),
}
THEFTS: tuple[Crossing, ...] = (
    lambda w: w.twins.put([TWIN.model_copy(update={"site_id": "site-graz"})]),
    lambda w: w.device_groups.put(GROUP.model_copy(update={"site_id": "site-graz"})),
    lambda w: w.campaigns.put(CAMPAIGN.model_copy(update={"site_id": "site-graz"})),
    lambda w: w.firmware_actions.put([ACTIVE.model_copy(update={"site_id": "site-graz"})]),
)
WITHOUT_A_SITE = {"firmware_actions.next_number"}  # Says how many there are, and nothing of any.


async def everything(plants: UnitOfWork) -> list[object]:
    async with plants(EVERY_SITE) as w:
        return [
            list(await w.twins.all()), list(await w.device_groups.all()), list(await w.campaigns.all()),
            list(await w.firmware_actions.of_campaign("c-1")), list(await w.firmware_actions.events("a-1")),
        ]  # fmt: skip


async def keep(plants: UnitOfWork, *actions: Action) -> None:
    async with plants(EVERY_SITE) as w:
        await w.firmware_actions.put(actions)
        await w.commit()


def test_every_method_is_among_those_that_are_tried() -> None:
    protocols = {
        "twins": FirmwareTwins, "device_groups": DeviceGroups, "campaigns": Campaigns,
        "firmware_actions": FirmwareActions,
    }  # fmt: skip
    methods = {
        f"{noun}.{name}"
        for noun, protocol in protocols.items()
        for name, _ in inspect.getmembers(protocol, inspect.isfunction)
        if not name.startswith("_")
    }
    assert READS.keys() | WRITES.keys() | WITHOUT_A_SITE == methods


async def test_what_lies_elsewhere_is_neither_seen_nor_changed(plants: UnitOfWork) -> None:
    async with plants(EVERY_SITE) as w:
        await w.twins.put([TWIN])
        await w.device_groups.put(GROUP)
        await w.campaigns.put(CAMPAIGN)
        await w.firmware_actions.put([ACTIVE])
        await w.firmware_actions.note([EVENT])
        await w.commit()
    before = await everything(plants)
    assert before == [[TWIN], [GROUP], [CAMPAIGN], [ACTIVE], [EVENT]], "each comes back as it was given"
    await assert_nothing_crosses(plants, READS, (*WRITES.values(), *THEFTS), everything)


async def test_a_device_has_one_active_action_by_the_database(plants: UnitOfWork) -> None:
    await keep(plants, ACTIVE)
    second = ACTION.model_copy(update={"id": "a-2", "number": 8})
    await keep(plants, second)  # It waits, and waiting is no place.
    with pytest.raises(ConflictError):
        await keep(plants, second.at(ActionState.PENDING, 3))
    await keep(plants, second.at(ActionState.PENDING, 4), ACTIVE.at(ActionState.SUCCEEDED, 4))
    async with plants(EVERY_SITE) as w:
        active, last = (
            await w.firmware_actions.active_of("device-linz"),
            await w.firmware_actions.last_of("device-linz"),
        )
    assert active is not None
    assert last is not None
    assert (active.id, last.id) == ("a-2", "a-1")


async def test_two_actions_never_have_the_same_number(plants: UnitOfWork) -> None:
    await keep(plants, ACTION)
    async with plants(EVERY_SITE) as w:
        assert await w.firmware_actions.next_number() == 8
    with pytest.raises(ConflictError):
        await keep(plants, ACTION.model_copy(update={"id": "a-2"}))


async def test_a_story_only_grows_and_past_its_limit_only_by_moves(plants: UnitOfWork) -> None:
    chatter = [
        EVENT.model_copy(update={"id": f"e-{number}", "at": number, "is_a_move": False})
        for number in range(EVENTS_PER_ACTION_MAX)
    ]
    async with plants(EVERY_SITE) as w:
        for event in chatter[:1]:
            await w.firmware_actions.note([event])
            await w.firmware_actions.note([event.model_copy(update={"detail": "another story"})])
        await w.firmware_actions.note(chatter[1:])
        await w.firmware_actions.note([EVENT.model_copy(update={"id": "late", "at": 2_000, "is_a_move": False})])
        await w.firmware_actions.note([EVENT.model_copy(update={"id": "move", "at": 2_001})])
        await w.commit()
    async with plants(EVERY_SITE) as w:
        newest = await w.firmware_actions.events("a-1", EVENTS_PER_ACTION_MAX * 2)
    assert newest[0].id == "move"
    assert len(newest) == EVENTS_PER_ACTION_MAX + 1
    assert newest[-1] == chatter[0], "what is written stays as it is"


async def test_hearing_from_a_device_changes_nothing_else(plants: UnitOfWork) -> None:
    await keep(plants, ACTIVE)
    async with plants(EVERY_SITE) as w:
        await w.twins.put([TWIN])
        assert await w.firmware_actions.heard("a-1", 99)
        await w.twins.polled({"device-linz": Poll(98, "10.0.0.9"), "device-nowhere": Poll(99, "")})
        await w.commit()
    async with plants(EVERY_SITE) as w:
        assert await w.firmware_actions.get("a-1") == ACTIVE.model_copy(update={"heard_at": 99})
        assert await w.twins.get("device-linz") == TWIN.model_copy(update={"polled_at": 98, "address": "10.0.0.9"})
