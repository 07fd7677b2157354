"""Store a plant that is defined elsewhere: the demo's, later one that is imported."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.assets import Area, Asset, Device, Line, Site
from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import ConflictError
from pdm_app.domain.plant import R
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

    What people changed or deleted stays as they left it; of a connection they changed only the endpoint follows the
    plant. The audit trail gets one entry per site in which anything is new or different.
    """
    async with work(EVERY_SITE) as transaction:
        wanted = Wanted(
            sites=await _untouched(transaction, Site, plant.sites),
            areas=await _untouched(transaction, Area, plant.areas),
            lines=await _untouched(transaction, Line, plant.lines),
            assets=await _untouched(transaction, Asset, plant.assets),
            connections=await _connections(transaction, plant.connections),
            devices=await _untouched(transaction, Device, plant.devices),
            signals=await _untouched(transaction, Signal, plant.signals),
            rules=await _new_rules(transaction, plant.rules),
        )
        changes = await _changes(transaction, wanted)
        for site in wanted.sites:
            await transaction.sites.put(site)
        for area in wanted.areas:
            await transaction.assets.put_area(area)
        for line in wanted.lines:
            await transaction.assets.put_line(line)
        for asset in wanted.assets:
            await transaction.assets.put(asset)
        for connection in wanted.connections:
            await transaction.connections.put(connection)
        for device in wanted.devices:
            await transaction.devices.put(device)
        await transaction.signals.put(wanted.signals)
        for rule in wanted.rules:
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


@dataclass(frozen=True, slots=True)
class Wanted:
    """The records that are to be stored; a plant of its own."""

    sites: Sequence[Site]
    areas: Sequence[Area]
    lines: Sequence[Line]
    assets: Sequence[Asset]
    devices: Sequence[Device]
    connections: Sequence[Connection]
    signals: Sequence[Signal]
    rules: Sequence[AlarmRule]


async def _untouched(work: Work, kind: type[R], records: Sequence[R]) -> list[R]:
    """Return those that nobody has changed or deleted, or that are new."""
    marks = await work.plant.marks(kind)
    return [record for record in records if record.id not in marks or marks[record.id].revision == 0]


async def _connections(work: Work, connections: Sequence[Connection]) -> list[Connection]:
    """Return all that are not deleted; of those that people changed or paused, with another endpoint only."""
    stored = {connection.id: connection for connection in await work.connections.all()}
    kept = {connection.id for connection in await _untouched(work, Connection, connections)}
    wanted = []
    for connection in connections:
        known = stored.get(connection.id)
        if known is None or connection.id in kept:
            enabled = known is None or known.enabled
            wanted += [connection.model_copy(update={"enabled": enabled})] if connection.id in kept else []
        else:
            wanted.append(known.model_copy(update={"endpoint": connection.endpoint}))
    return wanted


async def _new_rules(work: Work, rules: Sequence[AlarmRule]) -> list[AlarmRule]:
    """Return those that never were there: rules are the engineers'."""
    known = await work.plant.marks(AlarmRule)
    return [rule for rule in rules if rule.id not in known]


async def _changes(work: Work, wanted: Wanted) -> dict[str, dict[str, list[str]]]:
    """Return by site and noun the ids of the records that are new or differ from what is stored."""
    pairs: dict[str, tuple[Sequence[Record], Sequence[Record]]] = {
        "sites": (wanted.sites, await work.sites.all()),
        "areas": (wanted.areas, await work.assets.areas()),
        "lines": (wanted.lines, await work.assets.lines()),
        "assets": (wanted.assets, await work.assets.all()),
        "connections": (wanted.connections, await work.connections.all()),
        "devices": (wanted.devices, await work.devices.all()),
        "signals": (wanted.signals, await work.signals.all()),
        "alarm_rules": (wanted.rules, ()),
    }
    changes: dict[str, dict[str, list[str]]] = {}
    for noun, (records, stored) in pairs.items():
        as_it_is = {_id(record): record for record in stored}
        for record in records:
            if as_it_is.get(_id(record)) != record:
                site_id = str(getattr(record, "site_id", _id(record)))
                changes.setdefault(site_id, {}).setdefault(noun, []).append(_id(record))
    return changes


def _id(record: Record) -> str:
    return str(getattr(record, "id"))  # noqa: B009 - every record of a plant has one; their base does not say so
