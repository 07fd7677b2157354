"""Logins of connections reach the driver and nobody else."""

import io
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asyncua import ua
from asyncua.crypto.permission_rules import User as OpcuaUser
from asyncua.crypto.permission_rules import UserRole
from asyncua.server.internal_server import InternalServer
from asyncua.server.server import Server
from asyncua.server.user_managers import UserManager

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Role, User, actor_of
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.connections import Connection, Login
from pdm_app.domain.errors import ConnectionFailedError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.ports import SignsIn
from pdm_app.drivers.registry import DRIVERS
from pdm_app.services.logins import DRIVERS_THAT_SIGN_IN, LoginService
from pdm_app.services.logs import set_up_logging
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.secrets import key_ring
from pdm_app.settings import LogSettings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock, WallClock
from tests.counterparts.mosquitto import Mosquitto, find_mosquitto
from tests.counterparts.ports import free_port

PLANTED = "copper-lantern-4711"
LOGIN = Login("collector", PLANTED)
ERIN = actor_of(User(id="erin", username="erin", display_name="Erin", role=Role.ENGINEER, site_ids=("pune",)))


class Collector:
    """Notes which connections it was told to make anew."""

    def __init__(self) -> None:
        self.reloaded: list[str] = []

    async def reload(self, connection_id: str) -> None:
        self.reloaded.append(connection_id)


@pytest.fixture
def collector() -> Collector:
    return Collector()


@pytest.fixture
async def logins(sqlite_work: SqlUnitOfWork, clock: HandClock, collector: Collector, tmp_path: Path) -> LoginService:
    async with sqlite_work(EVERY_SITE) as work:
        for name, site, driver in (("broker", "pune", "mqtt"), ("plc", "pune", "modbus"), ("ua", "graz", "opcua")):
            await work.connections.put(
                Connection(id=name, site_id=site, name=name, driver=driver, endpoint="127.0.0.1:9", options={})
            )
        await work.commit()
    return LoginService(sqlite_work, clock, SecretStore(sqlite_work, clock, key_ring(tmp_path)), collector)


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    set_up_logging(LogSettings(level="debug"), stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


async def test_a_login_is_set_seen_without_its_password_and_forgotten(
    logins: LoginService, collector: Collector
) -> None:
    assert (await logins.view(ERIN, "broker")).username is None
    assert (await logins.put(ERIN, "broker", "collector", PLANTED)).username == "collector"
    assert (await logins.view(ERIN, "broker")).username == "collector"
    assert await logins.of("broker") == LOGIN
    assert (await logins.forget(ERIN, "broker")).username is None
    assert await logins.of("broker") is None
    assert collector.reloaded == ["broker", "broker"]


def files_below(folder: Path) -> list[str]:
    return [file.read_bytes().decode("latin-1") for file in folder.rglob("*") if file.is_file()]


async def test_a_planted_password_is_nowhere_but_sealed(
    logins: LoginService, sqlite_work: SqlUnitOfWork, tmp_path: Path, logged: io.StringIO
) -> None:
    await logins.put(ERIN, "broker", "collector", PLANTED)
    await logins.put(ERIN, "broker", "collector", PLANTED + "-2")
    said = [repr(await logins.of("broker")), repr(await logins.view(ERIN, "broker")), logged.getvalue()]
    async with sqlite_work(EVERY_SITE) as work:
        said += [entry.model_dump_json() for entry in await work.audit.page(AuditQuery())]
        said += [fact.model_dump_json() for fact in await work.secrets.all()]
        connection = await work.connections.get("broker")
        assert connection is not None
        said.append(connection.model_dump_json())
    said += files_below(tmp_path)
    assert "connections.login_set" in "".join(said), "what was searched holds what was done"
    assert [text for text in said if PLANTED in text] == []


async def test_a_login_that_cannot_be_opened_any_more_can_be_replaced(
    logins: LoginService, sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path
) -> None:
    await logins.put(ERIN, "broker", "collector", PLANTED)
    other = LoginService(sqlite_work, clock, SecretStore(sqlite_work, clock, key_ring(tmp_path / "other")))
    await other.put(ERIN, "broker", "collector", "new")
    assert await other.of("broker") == Login("collector", "new")


@pytest.mark.parametrize(
    ("connection", "username", "password", "words"),
    [("broker", "", "b", "0 characters"), ("broker", "a", "", "0 characters"), ("broker", "a", "x" * 2000, "2000"),
     ("plc", "a", "b", "knows no users")],
)  # fmt: skip
async def test_what_cannot_be_a_login_is_refused(
    logins: LoginService, connection: str, username: str, password: str, words: str
) -> None:
    with pytest.raises(InvalidInputError, match=words) as refused:
        await logins.put(ERIN, connection, username, password)
    assert "xxx" not in refused.value.message


async def test_another_site_and_a_viewer_reach_no_login(logins: LoginService) -> None:
    viewer = actor_of(User(id="vic", username="vic", display_name="Vic", role=Role.VIEWER, site_ids=("pune",)))
    for attempt in (logins.put(ERIN, "ua", "a", "b"), logins.view(ERIN, "ua"), logins.forget(ERIN, "gone")):
        with pytest.raises(NotFoundError):
            await attempt
    for attempt in (logins.put(viewer, "broker", "a", "b"), logins.view(viewer, "broker")):
        with pytest.raises(PermissionDeniedError):
            await attempt
    assert (await logins.put(SYSTEM, "ua", "a", "b")).username == "a"


async def test_the_drivers_that_sign_in_are_those_that_say_so() -> None:
    found = []
    for name, make in DRIVERS.items():
        driver = make(_connection(name, "127.0.0.1:9"), WallClock())
        if isinstance(driver, SignsIn):
            found.append(name)
        await driver.close()
    assert sorted(found) == sorted(DRIVERS_THAT_SIGN_IN)


def _connection(driver: str, endpoint: str) -> Connection:
    options = {"security": "none", "plain_password": True} if driver == "opcua" else {}
    return Connection(id="c", site_id="pune", name="Line 7", driver=driver, endpoint=endpoint, options=options)


async def _refusal(driver_name: str, endpoint: str, login: Login | None) -> str:
    """Connect, and return why it could not; empty where it could."""
    driver = DRIVERS[driver_name](_connection(driver_name, endpoint), WallClock())
    assert isinstance(driver, SignsIn)
    if login is not None:
        driver.sign_in_as(login)
    try:
        await driver.connect()
    except ConnectionFailedError as error:
        return error.message
    finally:
        await driver.close()
    return ""


async def test_a_broker_lets_in_who_has_its_password(need: Callable[[str, object], None], tmp_path: Path) -> None:
    need("mosquitto", find_mosquitto())
    broker = Mosquitto(tmp_path / "broker", login=(LOGIN.username, LOGIN.password))
    broker.start()
    try:
        endpoint = f"mqtt://127.0.0.1:{broker.port}"
        assert await _refusal("mqtt", endpoint, LOGIN) == ""
        refused = await _refusal("mqtt", endpoint, Login("collector", PLANTED + "x"))
        assert refused
        assert PLANTED not in refused
        assert await _refusal("mqtt", endpoint, None)
    finally:
        broker.stop()


class _OneUser(UserManager):
    def get_user(
        self, iserver: InternalServer, username: str | None = None, password: str | None = None, certificate: Any = None
    ) -> OpcuaUser | None:
        return OpcuaUser(role=UserRole.User) if (username, password) == (LOGIN.username, LOGIN.password) else None


@pytest.fixture
async def opcua_endpoint() -> AsyncIterator[str]:
    server = Server(user_manager=_OneUser())
    await server.init()
    endpoint = f"opc.tcp://127.0.0.1:{free_port()}"
    server.set_endpoint(endpoint)
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    server.set_identity_tokens([ua.UserNameIdentityToken])
    async with server:
        yield endpoint


async def test_an_opcua_server_lets_in_who_has_its_password(opcua_endpoint: str) -> None:
    assert await _refusal("opcua", opcua_endpoint, LOGIN) == ""
    refused = await _refusal("opcua", opcua_endpoint, Login("collector", PLANTED + "x"))
    assert refused
    assert PLANTED not in refused
