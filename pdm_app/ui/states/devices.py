"""State of the device pages: which devices there are, and the keys with which one sends samples."""

import reflex as rx

from pdm_app.domain.access import DeviceKey
from pdm_app.domain.assets import Device
from pdm_app.domain.signals import DataType, Signal
from pdm_app.ui.states.session import Act, Follow, Session


class Devices(Session):
    """All devices of the site shown."""

    devices: list[Device] = []
    hardware: dict[str, str] = {}
    versions: dict[str, str] = {}

    @rx.event
    async def load(self) -> Follow:
        """Read the devices of the site shown."""

        async def work(act: Act) -> None:
            devices = await act.services.devices.all(act.actor)
            self.devices = [device for device in devices if not self.site_id or device.site_id == self.site_id]
            twins = await act.services.device_groups.twins(act.actor, self.site_id or None)
            self.hardware = {twin.id: f"{twin.hardware} {twin.hardware_revision}".strip() for twin in twins}
            self.versions = {twin.id: twin.version for twin in twins}
            self.is_loaded = True

        return await self._act(work)


class DevicePage(Session):
    """The device that the address names, with its keys. A new key is shown once and kept nowhere."""

    device: Device | None = None
    keys: list[DeviceKey] = []
    signals: list[Signal] = []
    new_key: str = ""
    is_missing: bool = False

    @rx.var
    def may_configure(self) -> bool:
        """Whether the buttons make sense for this person; the service checks again."""
        return "devices.configure" in self.permissions

    @rx.var
    def example(self) -> str:
        """A command that sends one sample of this device, measured now; with the key as long as that is shown."""
        name = next((signal.name for signal in self.signals if signal.data_type is DataType.NUMBER), "Signal")
        sample = f'{{"signal":"{name}","value":1.5,"source_at":"\'$(date -u +%FT%TZ)\'"}}'
        return (
            f"curl -H 'Content-Type: application/json' -H 'X-Device-Key: {self.new_key or 'KEY'}' \\\n"
            f"  -d '{{\"samples\":[{sample}]}}' \\\n  {self.router.url.origin}/api/ingest"
        )

    @rx.event
    async def load(self) -> Follow:
        """Read the device that the address names."""

        async def work(act: Act) -> None:
            self.device, self.keys, self.is_missing, self.new_key = None, [], True, ""
            device = await act.services.devices.by_id(act.actor, self._wanted())
            self.is_missing = False
            self.site_id = device.site_id
            self.signals = []
            if device.asset_id is not None:
                self.signals = list(await act.services.signals.all(act.actor, device.asset_id))
            self.device = device
            await self._read_keys(act)
            self.is_loaded = True

        return await self._act(work)

    @rx.event
    async def create_key(self) -> Follow:
        """Make a key and show it once."""

        async def work(act: Act) -> None:
            created = await act.services.devices.create_key(act.actor, self._wanted())
            self.new_key = created.secret
            await self._read_keys(act)

        return await self._act(work)

    @rx.event
    async def rotate_key(self, key_id: str) -> Follow:
        """Make the successor of a key and show it once; the old one works on for a while."""

        async def work(act: Act) -> None:
            made = await act.services.devices.rotate_key(act.actor, key_id)
            self.new_key = made.secret
            await self._read_keys(act)

        return await self._act(work)

    @rx.event
    async def revoke_key(self, key_id: str) -> Follow:
        """End a key at once."""

        async def work(act: Act) -> None:
            await act.services.devices.revoke_key(act.actor, key_id)
            await self._read_keys(act)

        return await self._act(work)

    @rx.event
    def hide_key(self) -> None:
        """Forget the key that was shown."""
        self.new_key = ""

    def _wanted(self) -> str:
        """Return the device that the address names; a page left alone for an hour has lost everything else."""
        return self.router.url.path.rstrip("/").rpartition("/")[2]

    async def _read_keys(self, act: Act) -> None:
        self.keys = []
        if self.may_configure:
            self.keys = list(await act.services.devices.keys(act.actor, self._wanted()))
