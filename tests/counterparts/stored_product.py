"""The records of the demo plant, and people of one of its sites, in the database of a product about to be served."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pdm_app.services.provisioning import provision
from pdm_app.simulation.fleet import Fleet
from pdm_app.simulation.labels import Labels
from pdm_app.simulation.plant import PlantDefinition, PlantPorts, northfield
from pdm_app.storage.database import Database
from pdm_app.storage.migrations import migrate
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import WallClock
from tests.counterparts.ports import free_port
from tests.counterparts.whole_product import OURS, THEIRS, Belongings, _belongings, _store_people

WORD_MIN = 5
NAMING = re.compile(r"[^A-Za-z]")  # A word of letters alone, such as a unit or a state, may stand anywhere.


@dataclass(frozen=True, slots=True)
class StoredProduct:
    """What stands in the two sites; the people of `whole_product` belong to the first."""

    plant: PlantDefinition
    ours: Belongings
    theirs: Belongings

    def words(self, site_id: str) -> set[str]:
        """All words that stand in the records of one site and nowhere in those of others."""
        here, elsewhere = set[str](), set[str]()
        for records in (
            self.plant.sites, self.plant.areas, self.plant.lines, self.plant.assets, self.plant.devices,
            self.plant.connections, self.plant.signals, self.plant.rules,
        ):  # fmt: skip
            for record in records:
                is_here = site_id in (getattr(record, "site_id", None), record.id)
                (here if is_here else elsewhere).update(_words(record))
        return {word for word in here - elsewhere if len(word) >= WORD_MIN and NAMING.search(word)}


def _words(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value}
    if isinstance(value, BaseModel):
        return _words([getattr(value, name) for name in type(value).model_fields])
    if isinstance(value, dict):
        return _words([*value.values()])
    if isinstance(value, list | tuple):
        return {word for part in value for word in _words(part)}
    return set()


async def stored_product(data_dir: Path) -> StoredProduct:
    """Store everything where ``serve`` looks for it; nothing listens where the connections point."""
    clock = WallClock()
    ports = PlantPorts(opcua=free_port(), modbus=free_port(), mqtt=free_port())
    plant = northfield(ports)
    database = Database(f"sqlite+aiosqlite:///{(data_dir / 'pdm.sqlite').as_posix()}")
    work = SqlUnitOfWork(database)
    try:
        await migrate(database)
        await provision(work, plant, clock.now())
        await _store_people(work, clock.now())
        fleet = Fleet(data_dir / "plant", clock, ports, Labels(since=clock.now()))  # Its processes do not run.
        return StoredProduct(
            plant,
            await _belongings(work, fleet, OURS, clock.now()),
            await _belongings(work, fleet, THEIRS, clock.now()),
        )
    finally:
        await database.close()
