"""Devices and the hashes of their keys."""

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, func, select, update

from pdm_app.domain.access import DeviceKey
from pdm_app.domain.assets import Device
from pdm_app.domain.errors import ConflictError, NotFoundError
from pdm_app.domain.samples import Micros
from pdm_app.storage.repository import Repository, is_there
from pdm_app.storage.tables import DeviceKeyRow, DeviceRow, table_of

DEVICES = table_of(DeviceRow)
KEYS = table_of(DeviceKeyRow)
SUMMED = 1_000_000_007
"""Moments are summed by what is left of them: of thousands the sum of the whole would leave 64 bits."""


class SqlDevices(Repository):
    async def all(self) -> Sequence[Device]:
        return await self._find(Device, DeviceRow, order=("code",))

    async def get(self, device_id: str) -> Device | None:
        return await self._find_one(Device, DeviceRow, DEVICES.c.id == device_id)

    async def put(self, device: Device) -> None:
        await self._put(DeviceRow, [device])

    async def keys(self, device_id: str | None = None) -> Sequence[DeviceKey]:
        conditions = () if device_id is None else (KEYS.c.device_id == device_id,)
        return await self._find(DeviceKey, DeviceKeyRow, *conditions, order=("created_at", "id"))

    async def add_key(self, key: DeviceKey, key_hash: str) -> None:
        """Store a new key.

        Raises:
            NotFoundError: Its device does not exist at its site, or not in scope.
            ConflictError: A key with this id exists already; keys are added, never replaced.
        """
        device = await self.get(key.device_id)
        if device is None or device.site_id != key.site_id:
            raise NotFoundError(f"There is no device {key.device_id!r}.")
        if await self._find_one(DeviceKey, DeviceKeyRow, KEYS.c.id == key.id) is not None:
            raise ConflictError(f"A device key with the id {key.id!r} exists already. Create one with a new id.")
        await self._put(DeviceKeyRow, [key], key_hash=key_hash)

    async def key_by_hash(self, key_hash: str) -> DeviceKey | None:
        return await self._find_one(DeviceKey, DeviceKeyRow, KEYS.c.key_hash == key_hash)

    async def expire_key(self, key_id: str, at: Micros) -> bool:
        """Have a key end at ``at`` by itself; False for one that was revoked or does not exist."""
        statement = (
            update(KEYS)
            .where(KEYS.c.id == key_id, KEYS.c.revoked_at.is_(None), self._transaction.covers(KEYS.c.site_id))
            .values(expires_at=at)
        )
        return await self._transaction.write(statement, "end a device key") > 0

    async def revoke_key(self, key_id: str, at: Micros) -> bool:
        """Set ``revoked_at`` unless it is set already; False if nothing was changed."""
        statement = (
            update(KEYS)
            .where(KEYS.c.id == key_id, KEYS.c.revoked_at.is_(None), self._transaction.covers(KEYS.c.site_id))
            .values(revoked_at=at)
        )
        return await self._transaction.write(statement, "revoke a device key") > 0

    async def keys_used(self, uses: Mapping[str, Micros]) -> None:
        statement = (
            update(KEYS)
            .where(KEYS.c.id == bindparam("key_id"), self._transaction.covers(KEYS.c.site_id))
            .values(last_used_at=bindparam("used_at"))
        )
        rows = [{"key_id": key_id, "used_at": int(at)} for key_id, at in uses.items()]
        if rows:
            await self._transaction.write(statement, "note the use of device keys", rows)

    async def mark(self) -> str:
        """Return counts and sums of what decides about keys: 10,000 of them take some milliseconds."""
        of_keys = select(
            func.count().label("keys"),
            func.count(KEYS.c.revoked_at).label("revoked"),
            func.coalesce(func.sum(KEYS.c.expires_at % SUMMED), 0).label("ends"),
        ).where(self._transaction.covers(KEYS.c.site_id))
        of_devices = select(
            func.count().label("devices"), func.coalesce(func.sum(DEVICES.c.revision), 0).label("changes")
        ).where(is_there(DEVICES), self._transaction.covers(DEVICES.c.site_id))
        found: list[str] = []
        for statement in (of_keys, of_devices):
            for row in await self._transaction.rows(statement, "look for changed device keys"):
                found += [str(int(value)) for value in row.values()]
        return " ".join(found)
