"""Trying a connection before it is kept: what is said, what is stored, and to whom a stored password goes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Role, User, actor_of
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.connections import Connection, ConnectionFacts, ConnectionTest, Login
from pdm_app.domain.errors import InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.drivers.connection_rules import Rules
from pdm_app.drivers.registry import DRIVERS
from pdm_app.engine.collector import Collector
from pdm_app.engine.intake import Intake
from pdm_app.engine.supervisor import Supervisor
from pdm_app.services.application_identity import ApplicationIdentity
from pdm_app.services.connection_tests import ConnectionTestService
from pdm_app.services.link_materials import LinkMaterials
from pdm_app.services.logins import LoginService
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.secrets import key_ring
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.bus import Bus
from pdm_app.stream.latest import Latest
from tests.counterparts.clocks import WallClock
from tests.counterparts.device_certificates import made
from tests.counterparts.mosquitto import Mosquitto, Tls, find_mosquitto
from tests.counterparts.ports import free_port
from tests.engine.memory import MemoryBuffer

ERIN = actor_of(User(id="erin", username="erin", display_name="Erin", role=Role.ENGINEER, site_ids=("graz",)))
VIC = actor_of(User(id="vic", username="vic", display_name="Vic", role=Role.VIEWER, site_ids=("graz",)))
LOGIN = Login("collector", "copper-lantern-4711")
PATIENT = {"connect_timeout_s": 20.0}


def typed(endpoint: str, **changes: object) -> ConnectionFacts:
    facts = {"site_id": "graz", "name": "Line 9", "driver": "mqtt", "endpoint": endpoint, "options": PATIENT}
    return ConnectionFacts.model_validate({**facts, **changes})


class Attempts:
    """Notes with what each attempt would be made, and makes none."""

    def __init__(self) -> None:
        self.made: list[tuple[str, Login | None, dict[str, object]]] = []

    async def try_out(self, connection: Connection, login: Login | None) -> ConnectionTest:
        self.made.append((connection.id, login, connection.options))
        return ConnectionTest(reached=True, took_ms=1.0)


async def kept(work: SqlUnitOfWork) -> list[str]:
    async with work(EVERY_SITE) as transaction:
        return [connection.id for connection in await transaction.connections.all()]


@pytest.fixture
def logins(sqlite_work: SqlUnitOfWork, tmp_path: Path) -> LoginService:
    return LoginService(sqlite_work, WallClock(), SecretStore(sqlite_work, WallClock(), key_ring(tmp_path)))


@pytest.fixture
def attempts() -> Attempts:
    return Attempts()


@pytest.fixture
def tests_of_typed(sqlite_work: SqlUnitOfWork, logins: LoginService, attempts: Attempts) -> ConnectionTestService:
    return ConnectionTestService(sqlite_work, WallClock(), Rules(), logins, attempts)


@pytest.fixture
def tests_for_real(sqlite_work: SqlUnitOfWork, logins: LoginService, tmp_path: Path) -> ConnectionTestService:
    clock = WallClock()
    store = SecretStore(sqlite_work, clock, key_ring(tmp_path))
    materials = LinkMaterials(sqlite_work, clock, store, ApplicationIdentity(tmp_path, clock))
    intake = Intake([], Bus(), Latest(), MemoryBuffer(), clock)
    supervisor = Supervisor(clock, lambda *_: None)
    collector = Collector(sqlite_work, intake, supervisor, DRIVERS, clock, vouching=materials)
    return ConnectionTestService(sqlite_work, clock, Rules(), logins, collector)


async def test_what_is_typed_is_tried_once_said_and_not_kept(
    tests_for_real: ConnectionTestService,
    sqlite_work: SqlUnitOfWork,
    need: Callable[[str, object], None],
    tmp_path: Path,
) -> None:
    need("mosquitto", find_mosquitto())
    shown = made("broker")
    broker = Mosquitto(tmp_path / "broker", login=(LOGIN.username, LOGIN.password))
    protected = Mosquitto(tmp_path / "protected", tls=Tls(shown))
    before = await kept(sqlite_work)
    try:
        broker.start()
        protected.start()
        good = await tests_for_real.run(ERIN, typed(f"mqtt://127.0.0.1:{broker.port}"), login=LOGIN)
        assert (good.reached, good.message) == (True, "")
        assert good.security is not None
        assert (good.security.encrypted, good.security.user) == (False, "password")
        wrong = await tests_for_real.run(ERIN, typed(f"mqtt://127.0.0.1:{broker.port}"), login=Login("collector", "x"))
        assert not wrong.reached
        assert "could not be reached" in wrong.message
        unknown = await tests_for_real.run(ERIN, typed(f"mqtts://127.0.0.1:{protected.port}"))
        assert (unknown.reached, unknown.refused) == (False, shown.fingerprint)
        nobody = await tests_for_real.run(ERIN, typed(f"127.0.0.1:{free_port()}", driver="modbus", options={}))
        assert "nothing listens there" in nobody.message
    finally:
        broker.stop()
        protected.stop()
    assert await kept(sqlite_work) == before
    async with sqlite_work(EVERY_SITE) as work:
        entries = await work.audit.page(AuditQuery())
        assert await work.trust.all() == [], "a test decides nothing and leaves nothing to decide"
    assert [(entry.action, entry.actor) for entry in entries] == [("connections.tested", "erin")] * 4
    assert LOGIN.password not in str(entries)


async def test_a_stored_password_goes_to_its_own_endpoint_alone(
    tests_of_typed: ConnectionTestService, attempts: Attempts, logins: LoginService, sqlite_work: SqlUnitOfWork
) -> None:
    facts = typed("mqtt://10.0.0.7", options={**PATIENT, "client_id": "collector-1"})
    async with sqlite_work(EVERY_SITE) as work:
        await work.connections.put(Connection(**facts.model_dump(), id="line-9"))
        await work.commit()
    await logins.put(SYSTEM, "line-9", LOGIN.username, LOGIN.password)

    await tests_of_typed.run(ERIN, facts, "line-9")
    assert attempts.made.pop() == ("line-9", LOGIN, PATIENT), "without the id of the session that runs"
    for elsewhere in (
        facts.model_copy(update={"endpoint": "mqtt://10.6.6.6"}),
        facts.model_copy(update={"driver": "opcua", "endpoint": "opc.tcp://10.0.0.7", "options": {}}),
        facts.model_copy(update={"options": {**PATIENT, "qos": 0}}),
    ):
        await tests_of_typed.run(ERIN, elsewhere, "line-9")
        used, login, _ = attempts.made.pop()
        assert (used != "line-9", login) == (True, None)
    await tests_of_typed.run(ERIN, facts, "line-9", Login("other", "typed"))
    assert attempts.made.pop()[1] == Login("other", "typed")


async def test_who_may_not_configure_here_tries_nothing(
    tests_of_typed: ConnectionTestService, attempts: Attempts, sqlite_work: SqlUnitOfWork
) -> None:
    facts = typed("mqtt://10.0.0.7")
    async with sqlite_work(EVERY_SITE) as work:
        await work.connections.put(Connection(**facts.model_copy(update={"site_id": "pune"}).model_dump(), id="theirs"))
        await work.commit()
    with pytest.raises(PermissionDeniedError):
        await tests_of_typed.run(VIC, facts)
    with pytest.raises(PermissionDeniedError):
        tests_of_typed.drivers(VIC)
    with pytest.raises(NotFoundError):
        await tests_of_typed.run(ERIN, facts.model_copy(update={"site_id": "pune"}))
    with pytest.raises(NotFoundError):
        await tests_of_typed.run(ERIN, facts, "theirs")
    assert attempts.made == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"driver": "fax"}, "driver"), ({"driver": "opcua"}, "endpoint"),
     ({"options": {"qos": 7}}, "options.qos"), ({"options": {"pin": "AB"}}, "options.pin")],
)  # fmt: skip
async def test_what_cannot_be_tried_names_its_field(
    tests_of_typed: ConnectionTestService, attempts: Attempts, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await tests_of_typed.run(ERIN, typed("mqtt://10.0.0.7", **changes))
    assert field in [issue.field for issue in refused.value.issues]
    assert attempts.made == []


def test_every_driver_describes_itself(tests_of_typed: ConnectionTestService) -> None:
    described = {driver.name: driver for driver in tests_of_typed.drivers(ERIN)}
    assert set(described) == set(DRIVERS)
    assert described["mqtt"].example == "mqtt://192.168.0.10:1883"
    assert described["opcua"].options["properties"]["security"]["default"] == "best"
