"""A plant that is stored anew at every start keeps what people have changed, and mixes with no other plant."""

import pytest

from pdm_app.domain.access import EVERY_SITE, Role, User
from pdm_app.domain.assets import Site
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import ConflictError
from pdm_app.domain.plant import Listing
from pdm_app.domain.samples import Micros
from pdm_app.services.provisioning import provision, refuse_to_mix
from pdm_app.simulation.plant import PlantPorts, northfield
from pdm_app.storage.database import Database
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import ADA
from tests.counterparts.clocks import HandClock
from tests.counterparts.templates import begin_migrated
from tests.services.plant_desk import PlantDesk

AT = Micros(1_800_000_000_000_000)
PLANT = northfield(PlantPorts(opcua=4840, modbus=502, mqtt=1883))


async def empty(url: str) -> Database:
    database = Database(url)
    await begin_migrated(database)
    return database


async def test_what_people_have_changed_stays_and_the_rest_is_brought_up_to_date(database_url: str) -> None:
    database = await empty(database_url)
    work = SqlUnitOfWork(database)
    await provision(work, PLANT, AT)
    paused, rule = PLANT.connections[0], PLANT.rules[0]
    async with work(EVERY_SITE) as transaction:
        await transaction.connections.put(paused.model_copy(update={"enabled": False}))
        await transaction.alarms.put_rule(rule.model_copy(update={"name": "As the engineer wants it"}))
        await transaction.commit()

    moved = northfield(PlantPorts(opcua=4841, modbus=1502, mqtt=11883))
    await provision(work, moved, AT)
    async with work(EVERY_SITE) as transaction:
        connections = {connection.id: connection for connection in await transaction.connections.all()}
        rules = {rule.id: rule for rule in await transaction.alarms.rules()}
        signals = await transaction.signals.all()
    await database.close()
    assert not connections[paused.id].enabled
    assert connections == {
        connection.id: connection.model_copy(update={"enabled": connection.id != paused.id})
        for connection in moved.connections
    }
    assert rules[rule.id].name == "As the engineer wants it"
    assert len(rules) == len(PLANT.rules)
    assert sorted(signal.id for signal in signals) == sorted(signal.id for signal in PLANT.signals)


async def test_what_people_have_changed_or_deleted_stays_so_at_the_next_start(database_url: str) -> None:
    database = await empty(database_url)
    work = SqlUnitOfWork(database)
    await provision(work, PLANT, AT)
    desk = PlantDesk(work, HandClock())
    signal = next(signal for signal in PLANT.signals if signal.id not in {rule.signal_id for rule in PLANT.rules})
    site, device, connection = PLANT.sites[0], PLANT.devices[0], PLANT.connections[0]
    rule = PLANT.rules[0]
    await desk.sites.change(ADA, site.id, {"name": "Graz works"})
    await desk.signals.change(ADA, signal.id, {"label": "As the engineer calls it"})
    await desk.connections.change(ADA, connection.id, {"name": "As the engineer calls it"})
    await desk.devices.delete(ADA, device.id)
    await desk.rules.delete(ADA, rule.id)

    await provision(work, northfield(PlantPorts(opcua=4841, modbus=1502, mqtt=11883)), AT)
    assert (await desk.sites.get(ADA, site.id)).name == "Graz works"
    assert (await desk.signals.get(ADA, signal.id)).label == "As the engineer calls it"
    kept = await desk.connections.get(ADA, connection.id)
    assert (kept.name, kept.endpoint.rpartition(":")[2]) == ("As the engineer calls it", "4841")
    assert [one.id for one in (await desk.devices.page(ADA, Listing(deleted=True))).items] == [device.id]
    assert [one.id for one in (await desk.rules.page(ADA, Listing(deleted=True))).items] == [rule.id]
    assert len(await desk.signals.all(ADA)) == len(PLANT.signals)
    await database.close()


async def test_the_demo_moves_into_an_empty_database_and_back_into_its_own(sqlite_url: str) -> None:
    database = await empty(sqlite_url)
    work = SqlUnitOfWork(database)
    for _ in range(2):
        await refuse_to_mix(work, PLANT)
        await provision(work, PLANT, AT)
    async with work(EVERY_SITE) as transaction:
        trail = await transaction.audit.page(AuditQuery())
    assert sorted(entry.site_id for entry in trail if entry.site_id) == sorted(site.id for site in PLANT.sites)
    assert {entry.action for entry in trail} == {"plant.provisioned"}, "once: the second time nothing was new"
    async with work(EVERY_SITE) as transaction:
        await transaction.users.put(User(id="u", username="u", display_name="U", role=Role.ADMIN), "no hash")
        await transaction.commit()
    await refuse_to_mix(work, PLANT)
    await database.close()


async def test_the_demo_refuses_a_plant_that_is_somebodys_own(sqlite_url: str) -> None:
    database = await empty(sqlite_url)
    work = SqlUnitOfWork(database)
    async with work(EVERY_SITE) as transaction:
        await transaction.users.put(User(id="u", username="u", display_name="U", role=Role.ADMIN), "no hash")
        await transaction.commit()
    with pytest.raises(ConflictError, match="the people of a plant"):
        await refuse_to_mix(work, PLANT)
    async with work(EVERY_SITE) as transaction:
        await transaction.sites.put(Site(id="linz", code="LNZ", name="Linz", time_zone="Europe/Vienna", currency="EUR"))
        await transaction.commit()
    with pytest.raises(ConflictError, match="the plant Linz already"):
        await refuse_to_mix(work, PLANT)
    await database.close()
