"""The product's own troubles become alarms by what the health checks say, also while the database is out."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.alarms import Alarm, AlarmState, JournalKind, JournalQuery
from pdm_app.domain.connections import Connection, ConnectionState, ConnectionStatus
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.domain.self_alarms import CHECKS, SELF_ALARMS, SYSTEM_ID, self_batch, self_rules
from pdm_app.engine.self_watch import SelfWatch
from pdm_app.services.alarm_holds import AlarmHoldService
from pdm_app.services.system import Check, Health
from tests.counterparts.alarms import ADA, ANNA, GRETA, Running, SwitchedWork, running
from tests.counterparts.clocks import NOON, HandClock, until
from tests.counterparts.installation import stored_plant

LINE, PRESS = "connection-1", "connection-2"


def up(*connection_ids: str, **more: Any) -> list[ConnectionStatus]:
    state = {"state": ConnectionState.ONLINE, **more}
    return [ConnectionStatus(connection_id=each, since=NOON, **state) for each in connection_ids]


class Installation:
    """The alarm part on real storage, and checks that a test turns."""

    def __init__(self, product: Running) -> None:
        self.product = product
        self.sound = {"database": True, "sinks": True, "lease": True}
        self.statuses: list[ConnectionStatus] = []
        self.watch = SelfWatch(
            self._health, product.watch, product.book, product.clock, lambda: self.statuses or up(LINE, PRESS)
        )

    async def _health(self) -> Health:
        checks = tuple(
            Check(name=name, ok=ok, detail=f"{name} is {'fine' if ok else 'ill'}") for name, ok in self.sound.items()
        )
        return Health(ready=True, at=self.product.clock.now(), checks=checks)

    async def pass_s(self, seconds: int) -> None:
        """Let time pass, with a look every ten seconds as in production, and a tick after it."""
        for _ in range(0, seconds, 10):
            self.product.clock.at += 10 * MICROS_PER_S
            await self.watch.step()
            self.product.watch.tick()

    @property
    def of_connections(self) -> list[Alarm]:
        return [alarm for alarm in self.product.book.alarms if alarm.name.startswith("Connection ")]

    @property
    def standing(self) -> list[Alarm]:
        return [alarm for alarm in self.product.book.alarms if alarm.site_id == SYSTEM_ID]


@pytest.fixture
async def stored(sqlite_url: str) -> AsyncIterator[SwitchedWork]:
    async with stored_plant(sqlite_url) as work:
        yield SwitchedWork(work)


@pytest.fixture
async def installation(
    stored: SwitchedWork, clock: HandClock, sqlite_url: str, tmp_path: Path
) -> AsyncIterator[Installation]:
    async with running(stored, clock, sqlite_url, tmp_path, self_rules()) as product:
        yield Installation(product)


async def test_a_check_that_fails_for_its_delay_becomes_an_alarm_with_what_it_said_and_returns_by_itself(
    installation: Installation,
) -> None:
    await installation.pass_s(30)
    installation.sound["sinks"] = False
    await installation.pass_s(60)
    assert installation.standing == [], "a target that restarts calls nobody"
    await installation.pass_s(90)
    [alarm] = installation.standing
    assert (alarm.name, alarm.priority, alarm.state) == ("Copies of samples do not leave", 4, AlarmState.UNACKNOWLEDGED)
    await installation.pass_s(10)
    assert installation.standing[0].comment == "sinks is ill"
    installation.sound["sinks"] = True
    await installation.pass_s(60)
    assert installation.standing[0].state is AlarmState.RETURNED_UNACKNOWLEDGED
    await installation.product.service.acknowledge(ADA, alarm.id)
    assert installation.standing == []
    await until(lambda: installation.product.book.unsaved == 0)
    async with installation.product.work(EVERY_SITE) as work:
        journal = await work.alarms.journal(JournalQuery(site_id=SYSTEM_ID))
    kinds = [entry.kind for entry in reversed(journal)]
    assert kinds == [JournalKind.RAISED, JournalKind.COMMENTED, JournalKind.RETURNED, JournalKind.ACKNOWLEDGED]


async def test_the_alarm_about_the_database_is_there_while_the_database_is_not(installation: Installation) -> None:
    await installation.pass_s(10)
    installation.product.work.is_on = False
    installation.sound["database"] = False
    await installation.pass_s(40)
    [alarm] = installation.standing
    assert (alarm.name, alarm.priority) == ("Database does not answer", 1)
    product = installation.product
    await until(lambda: product.watch.status.storing_failed_since is not None)
    assert [each.id for each in await product.service.active(ADA)] == [alarm.id]
    product.work.is_on = True
    await product.clock.advance(10)  # Whatever waits to try again does so.
    await until(lambda: product.book.unsaved == 0)
    async with product.work(EVERY_SITE) as work:
        assert (await work.alarms.get(alarm.id)) is not None


async def test_only_those_who_see_every_site_see_it_and_it_can_be_shelved(installation: Installation) -> None:
    installation.sound["database"] = False
    await installation.pass_s(40)
    [alarm] = installation.standing
    assert await installation.product.service.active(ANNA) == ()
    product = installation.product
    holds = AlarmHoldService(product.service, product.work, product.book, product.clock)
    shelved = await holds.shelve(ADA, alarm.rule_id, 600, "The server is being moved")
    assert shelved.state is AlarmState.SHELVED


async def test_it_outlives_a_restart_and_is_not_told_twice(
    stored: SwitchedWork, clock: HandClock, sqlite_url: str, tmp_path: Path
) -> None:
    async with running(stored, clock, sqlite_url, tmp_path, self_rules()) as product:
        first = Installation(product)
        first.sound["database"] = False
        await first.pass_s(40)
        [alarm] = first.standing
        await until(lambda: product.book.unsaved == 0)
    async with running(stored, clock, sqlite_url, tmp_path, self_rules()) as product:
        again = Installation(product)
        again.sound["database"] = False
        await again.pass_s(60)
        assert [each.id for each in again.standing] == [alarm.id]
        again.sound["database"] = True
        await again.pass_s(60)
        assert again.standing[0].state is AlarmState.RETURNED_UNACKNOWLEDGED


async def keep(work: UnitOfWork, *connections: Connection) -> None:
    async with work(EVERY_SITE) as w:
        for connection in connections:
            await w.connections.put(connection)
        await w.commit()


def connection(id_: str, name: str, site_id: str) -> Connection:
    return Connection(id=id_, site_id=site_id, name=name, driver="opcua", endpoint="opc.tcp://127.0.0.1:4840")


async def test_each_connection_that_is_down_is_an_alarm_of_its_own_at_its_site(installation: Installation) -> None:
    work = installation.product.work
    await keep(work, connection(LINE, "Line PLC", "graz"), connection(PRESS, "Press PLC", "pune"))
    await installation.pass_s(30)
    assert installation.of_connections == [], "they were found while it ran, and stand"
    down = {"state": ConnectionState.DISCONNECTED, "last_error": "connection refused"}
    installation.statuses = [*up(LINE, **down), *up(PRESS)]
    await installation.pass_s(100)
    assert installation.of_connections == [], "a device that restarts calls nobody"
    await installation.pass_s(50)
    [alarm] = installation.of_connections
    assert (alarm.name, alarm.site_id, alarm.priority) == ("Connection Line PLC is down", "graz", 3)
    assert alarm.comment == "connection refused"
    installation.statuses = [*up(LINE, **down), *up(PRESS, **down)]
    await installation.pass_s(150)
    assert {each.site_id for each in installation.of_connections} == {"graz", "pune"}
    seen = await installation.product.service.active(GRETA)
    assert [each.name for each in seen] == ["Connection Line PLC is down"], "Greta sees Graz"
    installation.statuses = [*up(LINE), *up(PRESS, state=ConnectionState.PAUSED)]
    await installation.pass_s(60)
    assert {each.state for each in installation.of_connections} == {AlarmState.RETURNED_UNACKNOWLEDGED}
    acknowledged = await installation.product.service.acknowledge(GRETA, alarm.id)
    assert acknowledged.state is AlarmState.NORMAL


async def test_an_alarm_of_a_connection_outlives_a_restart_and_goes_with_the_connection(
    stored: SwitchedWork, clock: HandClock, sqlite_url: str, tmp_path: Path
) -> None:
    line = connection(LINE, "Line PLC", "graz")
    await keep(stored, line, connection(PRESS, "Press PLC", "graz"))
    for _ in range(2):
        async with running(stored, clock, sqlite_url, tmp_path, self_rules()) as product:
            again = Installation(product)
            again.statuses = [*up(LINE, state=ConnectionState.DISCONNECTED), *up(PRESS)]
            await again.pass_s(150)
            [alarm] = again.of_connections
            await until(lambda: product.book.unsaved == 0)
    async with running(stored, clock, sqlite_url, tmp_path, self_rules()) as product:
        again = Installation(product)
        assert [each.id for each in again.of_connections] == [alarm.id]
        async with stored(EVERY_SITE) as work:
            await work.plant.delete(Connection, LINE, "ada.admin", clock.now())
            await work.commit()
        again.statuses = up(PRESS)
        await again.pass_s(20)
        assert again.of_connections == []


async def test_nothing_is_judged_by_a_process_that_does_not_lead(installation: Installation) -> None:
    installation.product.book.is_open = False
    installation.sound["database"] = False
    await installation.pass_s(60)
    assert installation.standing == []


def test_every_rule_says_what_to_do_and_has_a_signal_of_its_own() -> None:
    rules = self_rules()
    assert len({rule.signal_id for rule in rules}) == len(rules) == len(SELF_ALARMS) == len(CHECKS)
    assert all(rule.cause and rule.consequence and rule.action for rule in rules)


def test_checks_without_a_rule_are_left_out_of_the_batch() -> None:
    batch = self_batch({"lease": False, "disk": False, "clock": True}, Micros(NOON))
    assert batch.value.tolist() == [0.0, 1.0]
