"""A small installation for tests: two sites, a pump, a compressor and a gateway in a real database, and an intake."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.assets import Area, Asset, Device, Line, Site
from pdm_app.domain.errors import BufferFullError
from pdm_app.domain.ports import Ticket
from pdm_app.domain.pumps import PUMP_KEYS
from pdm_app.domain.samples import Batch
from pdm_app.domain.signals import DataType, Signal
from pdm_app.services.passwords import PasswordHasher
from pdm_app.storage.database import Database
from pdm_app.storage.migrations import migrate
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.templates import begin_with

GRAZ = Site(id="graz", code="GRZ", name="Graz", time_zone="Europe/Vienna", currency="EUR")
PUNE = Site(id="pune", code="PNQ", name="Pune", time_zone="Asia/Kolkata", currency="INR")
SITES = (GRAZ, PUNE)


def _asset(site: Site, code: str) -> Asset:
    return Asset(
        id=code.lower(), site_id=site.id, line_id=f"{site.id}-line", code=code, name=code, asset_class="Machine"
    )


def _signal(number: int, asset: Asset, name: str, data_type: DataType = DataType.NUMBER) -> Signal:
    return Signal(id=number, site_id=asset.site_id, asset_id=asset.id, name=name, label=name, data_type=data_type)


P_501, G_1, C_201 = _asset(PUNE, "P-501"), _asset(PUNE, "G-1"), _asset(GRAZ, "C-201")
SIGNALS = (
    *(_signal(41 + place, P_501, name) for place, name in enumerate(PUMP_KEYS)),
    _signal(61, G_1, "rssi_dbm"),
    _signal(62, G_1, "uptime_s", DataType.INTEGER),
    _signal(63, G_1, "door_open", DataType.BOOLEAN),
    _signal(64, G_1, "firmware", DataType.TEXT),
    _signal(21, C_201, "Header_Pressure_bar"),
)
PUMP = Device(id="dev-p-501", site_id="pune", code="P-501", name="Pump controller", asset_id="p-501")
GATEWAY = Device(id="dev-g-1", site_id="pune", code="G-1", name="Gateway 1", asset_id="g-1")
PLC = Device(id="dev-c-201", site_id="graz", code="C-201", name="Compressor PLC", asset_id="c-201")
LOOSE = Device(id="dev-loose", site_id="pune", code="L-1", name="Not on any machine yet")
DEVICES = (PUMP, GATEWAY, PLC, LOOSE)


@asynccontextmanager
async def stored_plant(url: str) -> AsyncIterator[SqlUnitOfWork]:
    """A migrated database with the plant in it; ``url`` is of an empty one."""
    database = Database(url)
    try:
        await begin_with(database, fill_with_plant)
        yield SqlUnitOfWork(database)
    finally:
        await database.close()


@asynccontextmanager
async def opened_plant(url: str) -> AsyncIterator[SqlUnitOfWork]:
    """The plant that was stored in a database before, with what has happened to it since."""
    database = Database(url)
    try:
        yield SqlUnitOfWork(database)
    finally:
        await database.close()


async def fill_with_plant(database: Database) -> None:
    """Make the tables and put the plant into them."""
    await migrate(database)
    async with SqlUnitOfWork(database)(EVERY_SITE) as transaction:
        for site in SITES:
            await transaction.sites.put(site)
            await transaction.assets.put_area(Area(id=f"{site.id}-area", site_id=site.id, name="Utilities"))
            await transaction.assets.put_line(
                Line(id=f"{site.id}-line", site_id=site.id, area_id=f"{site.id}-area", name="Line")
            )
        for asset in (P_501, G_1, C_201):
            await transaction.assets.put(asset)
        await transaction.signals.put(SIGNALS)
        for device in DEVICES:
            await transaction.devices.put(device)
        await transaction.commit()


def quick_hasher() -> PasswordHasher:
    """argon2id as in production, with as little work as it allows."""
    return PasswordHasher(memory_kib=8, passes=1)


class NotedIntake:
    """Takes batches and keeps them; commits at once unless told to wait, to fail or to be full."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.is_full = False
        self.commits = True
        self.failure: Exception | None = None
        self.waiting: list[asyncio.Future[None]] = []

    def accept(self, batch: Batch) -> Ticket:
        if self.is_full:
            raise BufferFullError("The durable buffer is full: 100 of 100 bytes.")
        self.batches.append(batch)
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(durable)
        if self.failure is not None:
            durable.set_exception(self.failure)
        elif self.commits:
            durable.set_result(None)
        return Ticket(len(self.batches), durable)

    @property
    def samples(self) -> list[tuple[int, float | str | None]]:
        """What was taken, as (signal, value)."""
        return [(int(sample.signal), sample.value) for batch in self.batches for sample in batch.samples()]
