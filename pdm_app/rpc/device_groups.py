"""Procedures about groups of devices, and what devices run."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.device_groups import MEMBERS_MAX, DeviceGroup, DeviceGroupFacts, Told
from pdm_app.domain.firmware_twins import ClientKind, FirmwareTwin
from pdm_app.domain.record import Id, Revision
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.device_groups import DeviceResult, GroupView

device_groups = procedures()

DeviceIds = Annotated[tuple[Id, ...], Field(max_length=MEMBERS_MAX)]


@device_groups.query("list", permission="devices.read", rest="GET /device-groups")
async def list_(ctx: Ctx, *, site_id: Id | None = None) -> tuple[GroupView, ...]:
    """Return groups by name, with how many devices each has and which versions those run."""
    return await ctx.services.device_groups.all(ctx.actor, site_id)


@device_groups.query(permission="devices.read", rest="GET /device-groups/{device_group_id}/members")
async def members(ctx: Ctx, *, device_group_id: Id) -> tuple[Told, ...]:
    """Say of each device of the site whether it is in a group, and why."""
    return await ctx.services.device_groups.members(ctx.actor, device_group_id)


@device_groups.query(permission="devices.read")
async def preview(ctx: Ctx, *, facts: DeviceGroupFacts) -> tuple[Told, ...]:
    """Say of each device of the site whether it would be in such a group, and why; nothing is kept."""
    return await ctx.services.device_groups.preview(ctx.actor, facts)


@device_groups.query(permission="devices.read", rest="GET /device-firmware")
async def firmware(ctx: Ctx, *, site_id: Id | None = None) -> tuple[FirmwareTwin, ...]:
    """Return what devices run, as far as they have said so."""
    return await ctx.services.device_groups.twins(ctx.actor, site_id)


@device_groups.mutation(permission="devices.configure", rest="POST /device-groups 201", rate="60/minute")
async def create(ctx: Ctx, *, facts: DeviceGroupFacts) -> DeviceGroup:
    """Keep a new group: members by name, or by a filter."""
    return await ctx.services.device_groups.create(ctx.actor, facts)


@device_groups.mutation(permission="devices.configure", rest="PUT /device-groups/{device_group_id}", rate="60/minute")
async def change(ctx: Ctx, *, device_group_id: Id, facts: DeviceGroupFacts, revision: Revision) -> DeviceGroup:
    """Put other facts in the place of a group's; ``revision`` is the one that was looked at."""
    return await ctx.services.device_groups.change(ctx.actor, device_group_id, facts, revision)


@device_groups.mutation(
    permission="devices.configure", rest="DELETE /device-groups/{device_group_id}", rate="60/minute"
)
async def remove(ctx: Ctx, *, device_group_id: Id) -> DeviceGroup:
    """Forget a group that no campaign needs; its devices stay."""
    return await ctx.services.device_groups.remove(ctx.actor, device_group_id)


@device_groups.mutation(
    permission="devices.configure", rest="POST /device-groups/{device_group_id}/client", rate="60/minute"
)
async def set_client(
    ctx: Ctx, *, device_group_id: Id, client: ClientKind, device_ids: DeviceIds = ()
) -> tuple[DeviceResult, ...]:
    """Say which update client the members have, all or those named; answers for each of them."""
    return await ctx.services.device_groups.set_client(ctx.actor, device_group_id, client, device_ids)
