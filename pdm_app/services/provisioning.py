"""Store a plant that is defined elsewhere: the demo's, later one that is imported."""

from collections.abc import Sequence
from typing import Protocol

from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.assets import Area, Asset, Device, Line, Site
from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import ConflictError
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros
from pdm_app.domain.signals import Signal
from pdm_app.services.auditing import audit


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


async def provision(work: UnitOfWork, plant: Plant, at: Micros) -> None:
    """Store all records in one transaction; what was there is brought up to date.

    What people changed stays: alarm rules that exist are not overwritten, a paused connection stays paused. The audit
    trail gets one entry per site in which anything is new or different.
    """
    async with work(EVERY_SITE) as transaction:
        paused = {connection.id for connection in await transaction.connections.all() if not connection.enabled}
        connections = [
            connection.model_copy(update={"enabled": connection.id not in paused}) for connection in plant.connections
        ]
        known = {rule.id for rule in await transaction.alarms.rules()}
        rules = [rule for rule in plant.rules if rule.id not in known]
        changes = await _changes(transaction, plant, connections, rules)
        for site in plant.sites:
            await transaction.sites.put(site)
        for area in plant.areas:
            await transaction.assets.put_area(area)
        for line in plant.lines:
            await transaction.assets.put_line(line)
        for asset in plant.assets:
            await transaction.assets.put(asset)
        for connection in connections:
            await transaction.connections.put(connection)
        for device in plant.devices:
            await transaction.devices.put(device)
        await transaction.signals.put(plant.signals)
        for rule in rules:
            await transaction.alarms.put_rule(rule)
        for site in plant.sites:
            if changed := changes.get(site.id):
                await audit(
                    transaction,
                    SYSTEM,
                    at,
                    "plant.provisioned",
                    subject="site",
                    subject_id=site.id,
                    name=site.name,
                    site_id=site.id,
                    after=changed,
                )
        await transaction.commit()


async def _changes(
    work: Work, plant: Plant, connections: Sequence[Connection], rules: Sequence[AlarmRule]
) -> dict[str, dict[str, list[str]]]:
    """Return by site and noun the ids of the records that are new or differ from what is stored."""
    pairs: dict[str, tuple[Sequence[Record], Sequence[Record]]] = {
        "sites": (plant.sites, await work.sites.all()),
        "areas": (plant.areas, await work.assets.areas()),
        "lines": (plant.lines, await work.assets.lines()),
        "assets": (plant.assets, await work.assets.all()),
        "connections": (connections, await work.connections.all()),
        "devices": (plant.devices, await work.devices.all()),
        "signals": (plant.signals, await work.signals.all()),
        "alarm_rules": (rules, ()),
    }
    changes: dict[str, dict[str, list[str]]] = {}
    for noun, (wanted, stored) in pairs.items():
        as_it_is = {_id(record): record for record in stored}
        for record in wanted:
            if as_it_is.get(_id(record)) != record:
                site_id = str(getattr(record, "site_id", _id(record)))
                changes.setdefault(site_id, {}).setdefault(noun, []).append(_id(record))
    return changes


def _id(record: Record) -> str:
    return str(getattr(record, "id"))  # noqa: B009 - every record of a plant has one; their base does not say so
