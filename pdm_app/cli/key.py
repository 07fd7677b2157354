"""`key`: make, list and revoke the keys with which devices send samples. A running product notices within seconds."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from pdm_app.cli.installation import DataOption, print_table, with_installation
from pdm_app.domain.access import SYSTEM, DeviceKey
from pdm_app.domain.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from pdm_app.domain.assets import Device
    from pdm_app.domain.ports import Clock
    from pdm_app.domain.repositories import UnitOfWork
    from pdm_app.services.devices import DeviceService, NewKey

key = typer.Typer(name="key", no_args_is_help=True, help="Keys with which devices send samples.")

T = TypeVar("T")


@key.command()
def create(
    device: Annotated[str, typer.Argument(help="Code or id of the device, such as P-501.")], data: DataOption = None
) -> None:
    """Make a key and print it; it is shown this once."""

    async def make(devices: "DeviceService") -> "NewKey":
        return await devices.create_key(SYSTEM, (await _device(devices, device)).id)

    made = _with_devices(data, make)
    typer.echo(made.secret)
    typer.echo("Keep it now: only its hash is stored. Send it as 'Authorization: Bearer KEY'.", err=True)


@key.command("list")
def list_all(
    device: Annotated[str | None, typer.Argument(help="Code or id of one device; all without it.")] = None,
    data: DataOption = None,
) -> None:
    """List keys, revoked ones too; the secrets are stored nowhere."""

    async def read(devices: "DeviceService") -> "tuple[dict[str, Device], tuple[DeviceKey, ...]]":
        one = None if device is None else (await _device(devices, device)).id
        return {found.id: found for found in await devices.all(SYSTEM)}, await devices.keys(SYSTEM, one)

    devices, keys = _with_devices(data, read)
    rows = [
        (
            found.hint,
            devices[found.device_id].code,
            _day(found.created_at),
            found.created_by,
            _day(found.last_used_at),
            _day(found.revoked_at),
        )
        for found in keys
        if found.device_id in devices
    ]
    print_table(("KEY", "DEVICE", "MADE", "BY", "LAST USED", "REVOKED"), rows)


@key.command()
def revoke(
    which: Annotated[str, typer.Argument(metavar="KEY", help="Its start as listed, such as pdm_k3x9qa, or its id.")],
    data: DataOption = None,
) -> None:
    """End a key."""

    async def end(devices: "DeviceService") -> DeviceKey:
        found = [key for key in await devices.keys(SYSTEM) if which in (key.id, key.hint)]
        if not found:
            raise NotFoundError(f"There is no device key {which!r}. `pdm-app key list` shows all.")
        if len(found) > 1:
            ids = ", ".join(key.id for key in found)
            raise ConflictError(f"{len(found)} keys begin with {which!r}. Name one by its id: {ids}.")
        return await devices.revoke_key(SYSTEM, found[0].id)

    revoked = _with_devices(data, end)
    typer.echo(f"{revoked.hint} is revoked since {_day(revoked.revoked_at)}.")


async def _device(devices: "DeviceService", which: str) -> "Device":
    everything = await devices.all(SYSTEM)
    found = [device for device in everything if which in (device.id, device.code)]
    if not found:
        codes = ", ".join(device.code for device in everything[:20]) or "none yet"
        raise NotFoundError(f"There is no device {which!r}. Devices: {codes}.")
    if len(found) > 1:
        ids = ", ".join(f"{device.id} at {device.site_id}" for device in found)
        raise ConflictError(f"{len(found)} devices have the code {which!r}. Name one by its id: {ids}.")
    return found[0]


def _with_devices(data: Path | None, ask: "Callable[[DeviceService], Awaitable[T]]") -> T:
    from pdm_app.services.devices import DeviceService

    async def work(unit_of_work: "UnitOfWork", clock: "Clock") -> T:
        return await ask(DeviceService(unit_of_work, clock))

    return with_installation(data, work)


def _day(at: int | None) -> str:
    from pdm_app.domain.samples import moment

    return "–" if at is None else f"{moment(at):%Y-%m-%d %H:%M} UTC"
