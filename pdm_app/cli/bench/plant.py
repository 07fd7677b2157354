"""The plant of the live benchmark: the load server's signals, laid out as machines of one screen each, and a viewer."""

import asyncio
import secrets
from pathlib import Path

from pdm_app.domain.access import SYSTEM, Role
from pdm_app.domain.ports import Clock
from pdm_app.services.passwords import PasswordHasher
from pdm_app.services.people import PeopleService
from pdm_app.services.provisioning import provision
from pdm_app.simulation.plant import PlantDefinition
from pdm_app.storage.database import Database
from pdm_app.storage.migrations import migrate
from pdm_app.storage.unit_of_work import SqlUnitOfWork

USERNAME = "bench"


def in_machines(definition: PlantDefinition, signals_each: int) -> PlantDefinition:
    """Give each ``signals_each`` signals a machine of their own, so that a machine's page shows as many."""
    [first] = definition.assets
    count = -(-len(definition.signals) // signals_each)
    machines = [first.model_copy(update={"id": f"{first.id}-{n}", "code": f"{first.code}-{n}"}) for n in range(count)]
    signals = [
        signal.model_copy(update={"asset_id": machines[row // signals_each].id})
        for row, signal in enumerate(definition.signals)
    ]
    devices = [device.model_copy(update={"asset_id": machines[0].id}) for device in definition.devices]
    parts = {"assets": tuple(machines), "signals": tuple(signals), "devices": tuple(devices)}
    return definition.model_copy(update=parts)


async def install(data_dir: Path, database_url: str, definition: PlantDefinition, clock: Clock) -> str:
    """Store the plant and a person who may look at it; returns the password of ``USERNAME``."""
    await asyncio.to_thread(data_dir.mkdir, parents=True, exist_ok=True)
    password = secrets.token_urlsafe(18)
    database, hasher = Database(database_url), PasswordHasher()
    try:
        await migrate(database)
        work = SqlUnitOfWork(database)
        await provision(work, definition, clock.now())
        sites = [site.id for site in definition.sites]
        await PeopleService(work, clock, hasher).add(SYSTEM, USERNAME, password, Role.VIEWER, site_ids=sites)
    finally:
        hasher.close()
        await database.close()
    return password


def screens(definition: PlantDefinition, viewers: int, signals_each: int) -> list[list[int]]:
    """Return the signals of each viewer: neighbours on the plant, no two viewers the same as far as there are enough.

    Two viewers of the same signals would be served from one encoding; in a plant they seldom look at the same.
    """
    ids = [signal.id for signal in definition.signals]
    step = max(1, len(ids) // viewers)
    return [[ids[(n * step + row) % len(ids)] for row in range(min(signals_each, len(ids)))] for n in range(viewers)]
