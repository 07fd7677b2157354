"""Connections as people meet them: stored in a real database, read by a real collector, over scripted devices."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

import pytest

from pdm_app.domain.access import EVERY_SITE, Role
from pdm_app.domain.connections import Connection, ConnectionState
from pdm_app.domain.errors import NotFoundError, PermissionDeniedError
from pdm_app.domain.samples import MICROS_PER_S, Batch
from pdm_app.engine.collector import Collector
from pdm_app.engine.intake import Intake
from pdm_app.engine.supervisor import Supervisor
from pdm_app.services.connections import REREAD_S, ConnectionService, ConnectionView
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.bus import Bus
from pdm_app.stream.latest import Latest
from tests.counterparts.alarms import ADA, ANNA, GRETA, SwitchedWork, person
from tests.counterparts.clocks import HandClock, until
from tests.counterparts.installation import SIGNALS
from tests.counterparts.scripted_driver import ScriptedDevice
from tests.engine.memory import MemoryBuffer

ERIN = person("erin", Role.ENGINEER)
PUMP_LINK = Connection(id="pump", site_id="pune", name="Pump controller", driver="scripted", endpoint="pump:502")
GATE_LINK = Connection(id="gate", site_id="pune", name="Gateways", driver="scripted", endpoint="gate:1883")
GRAZ_LINK = Connection(id="graz", site_id="graz", name="Compressor", driver="scripted", endpoint="plc:4840")


@dataclass
class Office:
    """The service with everything behind it, and the devices in front of which tests stand."""

    service: ConnectionService
    collector: Collector
    work: SwitchedWork
    clock: HandClock
    device: ScriptedDevice

    def state(self, connection_id: str) -> ConnectionState:
        return self.collector.status(connection_id).state


@pytest.fixture
async def office(work: SqlUnitOfWork, clock: HandClock) -> AsyncIterator[Office]:
    async with work(EVERY_SITE) as transaction:
        for connection in (PUMP_LINK, GATE_LINK, GRAZ_LINK):
            await transaction.connections.put(connection)
        on_pump = [signal.model_copy(update={"connection_id": "pump"}) for signal in SIGNALS[:2]]
        await transaction.signals.put(on_pump)
        await transaction.commit()
    faults: list[BaseException] = []
    device, supervisor = ScriptedDevice(), Supervisor(clock, lambda _, error: faults.append(error))
    intake = Intake([], Bus[Batch](), Latest(), MemoryBuffer(), clock)
    collector = Collector(work, intake, supervisor, {"scripted": device.driver}, clock)
    await collector.start()
    await until(lambda: len(device.drivers) == 3 and all(driver.is_open for driver in device.drivers))
    switched = SwitchedWork(work)
    yield Office(ConnectionService(switched, collector, clock), collector, switched, clock, device)
    await supervisor.stop()
    assert faults == []


def told(views: tuple[ConnectionView, ...]) -> dict[str, ConnectionState]:
    return {view.connection.id: view.status.state for view in views}


ONLINE, PAUSED, LOST = ConnectionState.ONLINE, ConnectionState.PAUSED, ConnectionState.DISCONNECTED


async def test_everybody_sees_the_connections_of_their_sites_by_name_with_their_state(office: Office) -> None:
    views = await office.service.all(ADA)
    assert [view.connection.name for view in views] == ["Compressor", "Gateways", "Pump controller"]
    assert [view.status.signals for view in views] == [0, 0, 2]
    assert told(await office.service.all(ANNA)) == {"gate": ONLINE, "pump": ONLINE}
    assert told(await office.service.all(GRETA)) == {"graz": ONLINE}


async def test_a_foreign_connection_is_answered_like_one_that_does_not_exist(office: Office) -> None:
    texts = []
    for connection_id in ("graz", "none"):
        for ask in (office.service.by_id, office.service.pause, office.service.resume):
            with pytest.raises(NotFoundError) as refused:
                await ask(ERIN, connection_id)
            texts.append(refused.value.message.replace(connection_id, "ID"))
    assert set(texts) == {"There is no connection 'ID'."}
    assert office.state("graz") is ONLINE


async def test_pausing_stops_one_connection_until_somebody_resumes_it(office: Office) -> None:
    view = await office.service.pause(ERIN, "pump")
    assert (view.connection.enabled, view.status.state) == (False, PAUSED)
    assert told(await office.service.all(ERIN)) == {"gate": ONLINE, "pump": PAUSED}
    again = await office.service.pause(ERIN, "pump")
    assert again.status.state is PAUSED, "twice is once"
    await office.service.resume(ERIN, "pump")
    await until(lambda: office.state("pump") is ONLINE)
    assert (await office.service.by_id(ERIN, "pump")).connection.enabled


async def test_who_may_only_look_pauses_nothing(office: Office) -> None:
    for ask in (office.service.pause, office.service.resume):
        with pytest.raises(PermissionDeniedError, match=r"connections\.configure"):
            await ask(ANNA, "pump")
    assert office.state("pump") is ONLINE


async def test_a_watcher_hears_of_a_lost_link_and_of_a_pause_of_its_own_sites(office: Office) -> None:
    async with aclosing(office.service.watch(ANNA)) as views:
        assert told(await anext(views)) == {"gate": ONLINE, "pump": ONLINE}
        office.device.drivers[1].cut("The cable was pulled.")
        async for seen in views:
            if LOST in told(seen).values():
                break
        await office.service.pause(ERIN, "pump")
        async for seen in views:
            paused = next(view for view in seen if view.connection.id == "pump")
            if paused.status.state is PAUSED:
                break
        assert not paused.connection.enabled, "the record and the state are of one time"
        assert "graz" not in told(seen)


async def test_a_watched_page_asks_the_database_seldom_and_goes_on_without_it(office: Office) -> None:
    async with aclosing(office.service.watch(ANNA)) as views:
        await anext(views)
        office.work.is_on = False
        for _ in range(3):
            office.collector.status_changes.publish(office.collector.status("pump"))
            assert set(told(await anext(views))) == {"gate", "pump"}
        office.clock.at += (REREAD_S + 1) * MICROS_PER_S
        office.collector.status_changes.publish(office.collector.status("pump"))
        assert set(told(await anext(views))) == {"gate", "pump"}, "as it was read before the outage"

        office.work.is_on = True
        async with office.work(EVERY_SITE) as transaction:
            await transaction.connections.put(PUMP_LINK.model_copy(update={"name": "Pump, new name"}))
            await transaction.commit()
        office.clock.at += (REREAD_S + 1) * MICROS_PER_S
        office.collector.status_changes.publish(office.collector.status("pump"))
        assert "Pump, new name" in {view.connection.name for view in await anext(views)}
