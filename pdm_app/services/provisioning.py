"""Store a plant that is defined elsewhere: the demo's, later one that is imported."""

from collections.abc import Sequence
from typing import Protocol

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.assets import Area, Asset, Device, Line, Site
from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import ConflictError
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.signals import Signal


class Plant(Protocol):
    """All records of a plant."""

    @property
    def sites(self) -> Sequence[Site]: ...
    @property
    def areas(self) -> Sequence[Area]: ...
    @property
    def lines(self) -> Sequence[Line]: ...
    @property
    def assets(self) -> Sequence[Asset]: ...
    @property
    def devices(self) -> Sequence[Device]: ...
    @property
    def connections(self) -> Sequence[Connection]: ...
    @property
    def signals(self) -> Sequence[Signal]: ...
    @property
    def rules(self) -> Sequence[AlarmRule]: ...


async def refuse_to_mix(work: UnitOfWork, plant: Plant) -> None:
    """Refuse to put a plant of the demo, and the accounts anybody may use, beside one that is somebody's own.

    Raises:
        ConflictError: There are other sites, or people but no site yet.
    """
    own = {site.id for site in plant.sites}
    async with work(EVERY_SITE) as transaction:
        stored = await transaction.sites.all()
        is_begun = bool(stored or await transaction.users.all())
    others = sorted(site.name for site in stored if site.id not in own)
    if others or (is_begun and not stored):
        held = f"the plant {', '.join(others[:3])}" if others else "the people of a plant"
        raise ConflictError(
            f"The database holds {held} already, and the demo would mix its machines and its open accounts with it. "
            "Give the demo a data directory and a database of its own."
        )


async def provision(work: UnitOfWork, plant: Plant) -> None:
    """Store all records in one transaction; what was there is brought up to date.

    What people changed stays: alarm rules that exist are not overwritten, a paused connection stays paused.
    """
    async with work(EVERY_SITE) as transaction:
        for site in plant.sites:
            await transaction.sites.put(site)
        for area in plant.areas:
            await transaction.assets.put_area(area)
        for line in plant.lines:
            await transaction.assets.put_line(line)
        for asset in plant.assets:
            await transaction.assets.put(asset)
        paused = {connection.id for connection in await transaction.connections.all() if not connection.enabled}
        for connection in plant.connections:
            await transaction.connections.put(connection.model_copy(update={"enabled": connection.id not in paused}))
        for device in plant.devices:
            await transaction.devices.put(device)
        await transaction.signals.put(plant.signals)
        known = {rule.id for rule in await transaction.alarms.rules()}
        for rule in plant.rules:
            if rule.id not in known:
                await transaction.alarms.put_rule(rule)
        await transaction.commit()
