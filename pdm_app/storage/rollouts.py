"""What devices run, groups of devices, campaigns, actions and their stories, by site."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import bindparam, delete, func, select, update

from pdm_app.domain.campaigns import Campaign
from pdm_app.domain.device_groups import DeviceGroup
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.firmware_actions import CLOSED_FOR_DEVICE, EVENTS_PER_ACTION_MAX, Action, ActionEvent, ActionState
from pdm_app.domain.firmware_twins import FirmwareTwin, Poll
from pdm_app.storage import dialect
from pdm_app.storage.repository import KEYS_PER_QUERY, Repository, chunks
from pdm_app.storage.rollout_tables import (
    CampaignRow,
    DeviceGroupRow,
    FirmwareActionEventRow,
    FirmwareActionRow,
    FirmwareTwinRow,
)
from pdm_app.storage.tables import table_of

TWINS = table_of(FirmwareTwinRow)
GROUPS = table_of(DeviceGroupRow)
CAMPAIGNS = table_of(CampaignRow)
ACTIONS = table_of(FirmwareActionRow)
EVENTS = table_of(FirmwareActionEventRow)
WRITTEN = sorted(CLOSED_FOR_DEVICE - {ActionState.SKIPPED, ActionState.SUPERSEDED})


class SqlFirmwareTwins(Repository):
    """Each belongs to the device whose id it has."""

    async def all(self) -> Sequence[FirmwareTwin]:
        return await self._find(FirmwareTwin, FirmwareTwinRow)

    async def get(self, device_id: str) -> FirmwareTwin | None:
        return await self._find_one(FirmwareTwin, FirmwareTwinRow, TWINS.c.id == device_id)

    async def put(self, twins: Sequence[FirmwareTwin]) -> None:
        await self._put(FirmwareTwinRow, twins)

    async def of(self, device_ids: Collection[str]) -> Sequence[FirmwareTwin]:
        found: list[FirmwareTwin] = []
        for some in chunks(sorted(device_ids), KEYS_PER_QUERY):
            found += await self._find(FirmwareTwin, FirmwareTwinRow, TWINS.c.id.in_(some))
        return found

    async def polled(self, polls: Mapping[str, Poll]) -> None:
        statement = (
            update(TWINS)
            .where(TWINS.c.id == bindparam("device_id"), self._transaction.covers(TWINS.c.site_id))
            .values(polled_at=bindparam("asked_at"), address=bindparam("asked_from"))
        )
        rows = [{"device_id": one, "asked_at": poll.at, "asked_from": poll.address} for one, poll in polls.items()]
        if rows:
            await self._transaction.write(statement, "note that devices asked", rows)


class SqlDeviceGroups(Repository):
    """Each belongs to its site."""

    async def all(self) -> Sequence[DeviceGroup]:
        return await self._find(DeviceGroup, DeviceGroupRow, order=("name", "id"))

    async def get(self, group_id: str) -> DeviceGroup | None:
        return await self._find_one(DeviceGroup, DeviceGroupRow, GROUPS.c.id == group_id)

    async def put(self, group: DeviceGroup) -> None:
        await self._put(DeviceGroupRow, [group])

    async def remove(self, group_id: str) -> bool:
        statement = delete(GROUPS).where(GROUPS.c.id == group_id, self._transaction.covers(GROUPS.c.site_id))
        return await self._transaction.write(statement, "delete a group of devices") > 0


class SqlCampaigns(Repository):
    """Each belongs to its site."""

    async def all(self) -> Sequence[Campaign]:
        return await self._find(Campaign, CampaignRow, order=("created_at", "id"))

    async def get(self, campaign_id: str) -> Campaign | None:
        return await self._find_one(Campaign, CampaignRow, CAMPAIGNS.c.id == campaign_id)

    async def put(self, campaign: Campaign) -> None:
        await self._put(CampaignRow, [campaign])


class SqlFirmwareActions(Repository):
    """Each belongs to the site of its device."""

    async def get(self, action_id: str) -> Action | None:
        return await self._find_one(Action, FirmwareActionRow, ACTIONS.c.id == action_id)

    async def by_number(self, number: int) -> Action | None:
        return await self._find_one(Action, FirmwareActionRow, ACTIONS.c.number == number)

    async def active_of(self, device_id: str) -> Action | None:
        return await self._find_one(Action, FirmwareActionRow, ACTIONS.c.active_device_id == device_id)

    async def last_of(self, device_id: str) -> Action | None:
        newest = (
            select(func.max(ACTIONS.c.number))
            .where(ACTIONS.c.device_id == device_id, ACTIONS.c.state.in_(WRITTEN))
            .scalar_subquery()
        )
        return await self._find_one(Action, FirmwareActionRow, ACTIONS.c.number == newest)

    async def of_campaign(self, campaign_id: str) -> Sequence[Action]:
        return await self._find(
            Action, FirmwareActionRow, ACTIONS.c.campaign_id == campaign_id, order=("phase", "number")
        )

    async def of_device(self, device_id: str, rows_max: int = 100) -> Sequence[Action]:
        newest = (
            select(ACTIONS.c.number)
            .where(ACTIONS.c.device_id == device_id)
            .order_by(ACTIONS.c.number.desc())
            .limit(rows_max)
        )
        numbers = [row["number"] for row in await self._transaction.rows(newest, "read the actions of a device")]
        found = await self._find(Action, FirmwareActionRow, ACTIONS.c.number.in_(numbers), order=("number",))
        return found[::-1]

    async def active(self) -> Sequence[Action]:
        return await self._find(Action, FirmwareActionRow, ACTIONS.c.active_device_id.is_not(None), order=("number",))

    async def active_devices(self) -> Collection[str]:
        statement = select(ACTIONS.c.active_device_id).where(
            ACTIONS.c.active_device_id.is_not(None), self._transaction.covers(ACTIONS.c.site_id)
        )
        rows = await self._transaction.rows(statement, "read which devices have an action")
        return frozenset(row["active_device_id"] for row in rows)

    async def next_number(self) -> int:
        rows = await self._transaction.rows(select(func.max(ACTIONS.c.number).label("newest")), "number an action")
        return int(rows[0]["newest"] or 0) + 1

    async def put(self, actions: Sequence[Action]) -> None:
        # Those that give back their device's place first: the next action may take it in the same breath.
        ordered: list[Action] = sorted(actions, key=lambda each: each.active_device_id is not None)
        await self._put(FirmwareActionRow, ordered)

    async def heard(self, action_id: str, at: int) -> bool:
        statement = (
            update(ACTIONS)
            .where(ACTIONS.c.id == action_id, self._transaction.covers(ACTIONS.c.site_id))
            .values(heard_at=at)
        )
        return await self._transaction.write(statement, "note that a device spoke") > 0

    async def note(self, events: Sequence[ActionEvent]) -> None:
        kept: list[dict[str, object]] = []
        lines: dict[str, int] = {}
        for event in events:
            if not self._transaction.scope.covers(event.site_id):
                raise NotFoundError(f"There is no site {event.site_id!r}.")
            if event.action_id not in lines:
                lines[event.action_id] = await self._count(event.action_id)
            if event.is_a_move or lines[event.action_id] < EVENTS_PER_ACTION_MAX:
                lines[event.action_id] += 1
                kept.append(event.model_dump(mode="json"))
        if kept:
            statement = dialect.insert_new(EVENTS, is_sqlite=self._transaction.is_sqlite)
            await self._transaction.write(statement, "note what happened to an action", kept)

    async def _count(self, action_id: str) -> int:
        statement = select(func.count().label("lines")).select_from(EVENTS).where(EVENTS.c.action_id == action_id)
        return int((await self._transaction.rows(statement, "count the lines of a story"))[0]["lines"])

    async def events(self, action_id: str, rows_max: int = 100) -> Sequence[ActionEvent]:
        newest = (
            select(EVENTS.c.id)
            .where(EVENTS.c.action_id == action_id)
            .order_by(EVENTS.c.at.desc(), EVENTS.c.revision.desc(), EVENTS.c.id.desc())
            .limit(rows_max)
        )
        ids = [row["id"] for row in await self._transaction.rows(newest, "read the story of an action")]
        found: list[ActionEvent] = []
        for some in chunks(ids, KEYS_PER_QUERY):
            found += await self._find(ActionEvent, FirmwareActionEventRow, EVENTS.c.id.in_(some))
        return sorted(found, key=lambda event: (event.at, event.revision, event.id), reverse=True)
