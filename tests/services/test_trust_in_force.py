"""Decisions about certificates on links that run: an unknown broker waits, and a link ends when its trust does."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.connections import Connection, ConnectionState
from pdm_app.domain.link_security import TrustedBy
from pdm_app.domain.trust import Standing
from pdm_app.drivers.registry import DRIVERS
from pdm_app.engine.collector import Collector
from pdm_app.engine.intake import Intake
from pdm_app.engine.supervisor import Supervisor
from pdm_app.services.application_identity import ApplicationIdentity
from pdm_app.services.client_certificates import ClientCertificateService
from pdm_app.services.link_materials import LinkMaterials
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.secrets import key_ring
from pdm_app.services.trust import TrustService
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.bus import Bus
from pdm_app.stream.latest import Latest
from tests.counterparts.clocks import WallClock, until
from tests.counterparts.device_certificates import authority, made
from tests.counterparts.mosquitto import Mosquitto, Tls, find_mosquitto
from tests.engine.memory import MemoryBuffer

PLANT = authority()
PATIENT = {"connect_timeout_s": 20.0, "keepalive_s": 60}


class Running:
    """A collector whose connections are stored, with the services that decide about them."""

    def __init__(self, work: SqlUnitOfWork, folder: Path) -> None:
        clock = WallClock()
        self.work = work
        self.fatal: list[BaseException] = []
        self.supervisor = Supervisor(clock, lambda _, error: self.fatal.append(error))
        store = SecretStore(work, clock, key_ring(folder))
        identity = ApplicationIdentity(folder, clock)
        materials = LinkMaterials(work, clock, store, identity)
        intake = Intake([], Bus(), Latest(), MemoryBuffer(), clock)
        self.collector = Collector(work, intake, self.supervisor, DRIVERS, clock, vouching=materials)
        self.trust = TrustService(work, clock, identity, self.collector)
        self.certificates = ClientCertificateService(work, clock, store, self.collector)

    async def add(self, name: str, endpoint: str) -> None:
        connection = Connection(
            id=name, site_id="graz", name=name, driver="mqtt", endpoint=endpoint, options=dict(PATIENT)
        )
        async with self.work(EVERY_SITE) as work:
            await work.connections.put(connection)
            await work.commit()
        await self.collector.reload(name)

    def is_online(self, name: str) -> bool:
        return self.collector.status(name).state is ConnectionState.ONLINE

    async def standing(self, fingerprint: str) -> Standing | None:
        for one in (await self.trust.all(SYSTEM)).certificates:
            if one.fingerprint == fingerprint:
                return one.standing
        return None

    async def noted(self, fingerprint: str) -> None:
        """Wait until a certificate waits for a decision."""
        async with asyncio.timeout(90):
            while await self.standing(fingerprint) is not Standing.WAITING:  # noqa: ASYNC110 - a question to the database.
                await asyncio.sleep(0.05)


@pytest.fixture
async def running(sqlite_work: SqlUnitOfWork, tmp_path: Path) -> AsyncIterator[Running]:
    run = Running(sqlite_work, tmp_path)
    yield run
    await run.supervisor.stop()
    assert not run.fatal


@pytest.fixture
def broker(need: Callable[[str, object], None], tmp_path: Path) -> Iterator[Mosquitto]:
    need("mosquitto", find_mosquitto())
    broker = Mosquitto(tmp_path / "broker", tls=Tls(made("broker")))
    broker.start()
    yield broker
    with suppress(Exception):
        broker.stop()


async def test_an_unknown_broker_waits_is_trusted_replaced_and_trusted_again(
    running: Running, broker: Mosquitto
) -> None:
    assert broker.tls is not None
    first, second = broker.tls.shown, made("broker", number=2)
    await running.add("line", f"mqtts://127.0.0.1:{broker.port}")
    await running.noted(first.fingerprint)
    await until(lambda: running.collector.status("line").refused == first.fingerprint)
    status = running.collector.status("line")
    assert "nobody has trusted yet" in status.last_error
    assert status.security is None

    await running.trust.trust(SYSTEM, first.fingerprint)
    await until(lambda: running.is_online("line"))
    status = running.collector.status("line")
    assert (status.refused, status.last_error) == ("", "")
    assert status.security is not None
    assert (status.security.peer, status.security.trusted_by) == (first.fingerprint, TrustedBy.CERTIFICATE)

    await asyncio.to_thread(broker.stop)
    broker.tls = Tls(second)
    await asyncio.to_thread(broker.start)
    await running.noted(second.fingerprint)
    assert not running.is_online("line")
    await running.trust.trust(SYSTEM, second.fingerprint)
    await until(lambda: running.is_online("line"))
    link = running.collector.status("line").security
    assert link is not None
    assert link.peer == second.fingerprint


async def test_a_link_ends_with_its_trust_and_its_neighbour_never_notices(running: Running, broker: Mosquitto) -> None:
    assert broker.tls is not None
    shown, signed = broker.tls.shown, made("other", signed_by=PLANT, number=3)
    other = Mosquitto(broker._folder / "other", tls=Tls(signed))
    other.start()
    try:
        await running.trust.add(SYSTEM, PLANT.pem)
        await running.trust.add(SYSTEM, shown.pem, as_authority=False)
        await running.add("line", f"mqtts://127.0.0.1:{broker.port}")
        await running.add("neighbour", f"mqtts://127.0.0.1:{other.port}")
        await until(lambda: running.is_online("line") and running.is_online("neighbour"))
        since = running.collector.status("neighbour").since

        await running.trust.reject(SYSTEM, shown.fingerprint)
        assert not running.is_online("line"), "ended before the answer"
        await until(lambda: "was rejected" in running.collector.status("line").last_error)
        assert await running.standing(shown.fingerprint) is Standing.REJECTED
        assert running.collector.status("line").refused == "", "there is nothing to decide"

        await running.trust.remove(SYSTEM, shown.fingerprint)
        await running.noted(shown.fingerprint)
        assert (running.is_online("neighbour"), running.collector.status("neighbour").since) == (True, since)

        await running.trust.remove(SYSTEM, PLANT.fingerprint)
        assert not running.is_online("neighbour"), "its authority vouches no more"
        await running.noted(signed.fingerprint)
    finally:
        other.stop()


async def test_a_connection_gets_its_own_certificate_at_once(running: Running, broker: Mosquitto) -> None:
    assert broker.tls is not None
    await asyncio.to_thread(broker.stop)
    shown = broker.tls.shown
    broker.tls = Tls(shown, clients_of=PLANT.pem)
    await asyncio.to_thread(broker.start)
    await running.trust.add(SYSTEM, shown.pem, as_authority=False)
    await running.add("line", f"mqtts://127.0.0.1:{broker.port}")
    own = made("collector", signed_by=PLANT, number=6, hosts=())
    view = await running.certificates.put(SYSTEM, "line", own.pem, own.key)
    assert view.certificate is not None
    assert view.certificate.subject == "collector"
    await until(lambda: running.is_online("line"))
    link = running.collector.status("line").security
    assert link is not None
    assert link.user == "certificate"
    assert [one.id for one in await running.certificates.expiries()] == ["line"]
    await running.certificates.forget(SYSTEM, "line")
    assert not running.is_online("line")
