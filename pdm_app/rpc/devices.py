"""Procedures about devices and the keys with which they send samples."""

from pdm_app.domain.access import DeviceKey
from pdm_app.domain.assets import Device, DeviceFacts, ModelName
from pdm_app.domain.plant import Cursor, Listing, Page, PageSize, Words
from pdm_app.domain.record import Code, Id, Name, Record, Revision
from pdm_app.rpc.changes import given
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.device_sheet import DeviceSheet, DeviceSheetOutcome
from pdm_app.services.device_stories import DeviceFirmware
from pdm_app.trpc import MISSING, Missing

devices = procedures()


class NewDeviceKey(Record):
    """A key just made; ``secret`` is shown now and never again."""

    key: DeviceKey
    secret: str


@devices.query(permission="devices.read", rest="GET /devices")
async def page(
    ctx: Ctx,
    *,
    site_id: Id | None = None,
    asset_id: Id | None = None,
    connection_id: Id | None = None,
    text: Words = "",
    deleted: bool = False,
    cursor: Cursor | None = None,
    limit: PageSize = 100,
) -> Page[Device]:
    """Return a page of the devices in reach, by code."""
    listing = Listing(site_id=site_id, text=text, deleted=deleted, cursor=cursor, limit=limit)
    return await ctx.services.devices.page(ctx.actor, listing, asset_id=asset_id, connection_id=connection_id)


@devices.query(permission="devices.read", rest="GET /devices/{device_id}")
async def by_id(ctx: Ctx, *, device_id: Id) -> Device:
    """Return one device."""
    return await ctx.services.devices.get(ctx.actor, device_id)


@devices.mutation(permission="devices.configure", rest="POST /devices")
async def create(ctx: Ctx, facts: DeviceFacts) -> Device:
    """Create a device in a site."""
    return await ctx.services.devices.create(ctx.actor, facts)


@devices.mutation(permission="devices.configure", rest="PATCH /devices/{device_id}")
async def change(
    ctx: Ctx,
    *,
    device_id: Id,
    code: Code | Missing = MISSING,
    name: Name | Missing = MISSING,
    model: ModelName | Missing = MISSING,
    asset_id: Id | Missing | None = MISSING,
    connection_id: Id | Missing | None = MISSING,
    revision: Revision | None = None,
) -> Device:
    """Change the fields given. With a revision, only if nobody has changed the device since."""
    changes = given(
        code=code,
        name=name,
        model=model,
        asset_id=asset_id,
        connection_id=connection_id,
    )
    return await ctx.services.devices.change(ctx.actor, device_id, changes, revision)


@devices.mutation(permission="devices.configure", rest="DELETE /devices/{device_id}")
async def delete(ctx: Ctx, *, device_id: Id, revision: Revision | None = None) -> Device:
    """Delete a device; its keys are refused at once, and it can be restored."""
    return await ctx.services.devices.delete(ctx.actor, device_id, revision)


@devices.mutation(permission="devices.configure", rest="POST /devices/{device_id}/restore")
async def restore(ctx: Ctx, *, device_id: Id) -> Device:
    """Bring back a device that was deleted; its keys are good again."""
    return await ctx.services.devices.restore(ctx.actor, device_id)


@devices.mutation(permission="devices.configure", rest="POST /sites/{site_id}/device-sheet", rate="60/minute")
async def take_sheet(ctx: Ctx, *, site_id: Id, sheet: DeviceSheet, only_look: bool = False) -> DeviceSheetOutcome:
    """Make the devices of a CSV sheet, all rows or none; ``only_look`` says what it would make and what is wrong."""
    return await ctx.services.device_sheet.take(ctx.actor, site_id, sheet, only_look=only_look)


@devices.query(permission="devices.read", rest="GET /devices/{device_id}/firmware")
async def firmware(ctx: Ctx, *, device_id: Id) -> DeviceFirmware:
    """Return what a device is to run and runs, how its line is, and its story with its machine's alarms and samples."""
    return await ctx.services.device_stories.firmware(ctx.actor, device_id)


@devices.query(permission="devices.configure", rest="GET /devices/{device_id}/keys")
async def keys(ctx: Ctx, *, device_id: Id) -> tuple[DeviceKey, ...]:
    """Return the keys of a device, the newest first, revoked ones too; never a secret."""
    return await ctx.services.devices.keys(ctx.actor, device_id)


@devices.mutation(permission="devices.configure", rest="POST /devices/{device_id}/keys 201")
async def create_key(ctx: Ctx, *, device_id: Id) -> NewDeviceKey:
    """Make a key for a device. Its secret is in this answer and nowhere else."""
    made = await ctx.services.devices.create_key(ctx.actor, device_id)
    return NewDeviceKey(key=made.key, secret=made.secret)


@devices.mutation(permission="devices.configure", rest="POST /device-keys/{key_id}/rotation 201")
async def rotate_key(ctx: Ctx, *, key_id: Id) -> NewDeviceKey:
    """Make the successor of a key; the old one works on for the overlap that the settings say."""
    made = await ctx.services.devices.rotate_key(ctx.actor, key_id)
    return NewDeviceKey(key=made.key, secret=made.secret)


@devices.mutation(permission="devices.configure", rest="DELETE /device-keys/{key_id}")
async def revoke_key(ctx: Ctx, *, key_id: Id) -> DeviceKey:
    """End a key at once, and for good."""
    return await ctx.services.devices.revoke_key(ctx.actor, key_id)
