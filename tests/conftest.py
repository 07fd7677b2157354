"""Fixtures shared by every folder: free ports, a database of either kind, a broker.

Servers are real. Where one is not installed, its tests are skipped and named at the end; under CI=true they fail.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.counterparts.mariadb import MariadbServer, database_on, execute, find_mariadbd
from tests.counterparts.mosquitto import Mosquitto, find_mosquitto
from tests.counterparts.ports import free_port as find_free_port

MARIADB_WITHOUT_WAITING = (
    "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--innodb-file-per-table=0", "--sync-frm=0",
)  # fmt: skip
LONGEST_FIRST = (
    "faults", "journeys", "trpc/test_described_calls.py", "rpc/test_described_calls.py", "cli/test_bench_live.py",
    "cli/test_bench_rpc.py", "simulation", "engine/test_recovery.py", "services/test_plant_sequences.py",
    "engine/test_alarm_watch_killed.py", "bootstrap", "cli", "rpc",
)  # fmt: skip
"""Begun first, so that at the end no process is left alone with a file that takes a minute."""
MISSING = pytest.StashKey[dict[str, int]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[MISSING] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        name = item.path.relative_to(here).as_posix() if item.path.is_relative_to(here) else ""
        return next((number for number, first in enumerate(LONGEST_FIRST) if name.startswith(first)), 99)

    items.sort(key=place)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """End with the list of what was not run and how to have it run."""
    missing = config.stash[MISSING]
    if missing:
        terminalreporter.section("not run on this machine")
        for component, tests in sorted(missing.items()):
            terminalreporter.line(f"{tests:4d} tests need {component}, which is not installed.")


@pytest.fixture(scope="session")
def need(request: pytest.FixtureRequest) -> Callable[[str, object], None]:
    """``need("mariadbd", path)`` leaves the test out, and on record, where the component was not found."""

    def check(component: str, found: object) -> None:
        if found:
            return
        missing = request.config.stash[MISSING]
        missing[component] = missing.get(component, 0) + 1
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"{component} is not installed, and under CI=true nothing may be left out.")
        pytest.skip(f"{component} is not installed")

    return check


@pytest.fixture(params=["soon", pytest.param("in time", marks=[pytest.mark.long, pytest.mark.alone])])
def within(request: pytest.FixtureRequest) -> Callable[[float], float]:
    """``within(5.0)``: how many seconds to wait for what the product promises within 5 s.

    The long gate holds it to its word, one test at a time. The quick gate shares whatever machine there is with itself
    and others: it shows that the promised comes at all, and waits for it as long as a slow machine may need.
    """
    return {"soon": lambda promised_s: max(90.0, 4 * promised_s), "in time": lambda promised_s: promised_s}[
        request.param
    ]


@pytest.fixture
def free_port() -> int:
    return find_free_port()


@pytest.fixture
def free_ports() -> Callable[[int], list[int]]:
    """``free_ports(3)`` gives three different ports on loopback."""

    def some(count: int) -> list[int]:
        ports: set[int] = set()
        while len(ports) < count:
            ports.add(find_free_port())
        return sorted(ports)

    return some


@pytest.fixture(scope="session")
def mariadb_server(
    need: Callable[[str, object], None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MariadbServer]:
    """A running server shared by the session. Tests that stop it use ``own_mariadb_server``.

    Nothing of it outlives the session, so it waits for no disk: hundreds of tests begin with tables of their own.
    """
    need("mariadb-server", find_mariadbd())
    server = MariadbServer(tmp_path_factory.mktemp("mariadb"), MARIADB_WITHOUT_WAITING)
    server.create()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_mariadb_server(need: Callable[[str, object], None], tmp_path: Path) -> Iterator[MariadbServer]:
    """A running server that the test may stop, kill and start again."""
    need("mariadb-server", find_mariadbd())
    server = MariadbServer(tmp_path / "mariadb")
    (tmp_path / "mariadb").mkdir()
    server.create()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def mysql_server_url(request: pytest.FixtureRequest) -> str:
    """URL of a server on which databases may be created: ``PDM_TEST_MYSQL_URL``, else the tests' own MariaDB."""
    given = os.environ.get("PDM_TEST_MYSQL_URL")
    if given:
        return given
    server: MariadbServer = request.getfixturevalue("mariadb_server")
    return server.url


@pytest.fixture
def mariadb_url(mysql_server_url: str) -> Iterator[str]:
    """URL of a fresh, empty database on the server, dropped after the test."""
    name = f"pdm_{uuid.uuid4().hex[:12]}"
    execute(mysql_server_url, f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    yield database_on(mysql_server_url, name)
    execute(mysql_server_url, f"DROP DATABASE {name}")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """URL of an SQLite file that does not exist yet."""
    return f"sqlite+aiosqlite:///{tmp_path / 'pdm.sqlite'}"


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, empty database; the test runs once on SQLite and once on MariaDB."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def mosquitto(need: Callable[[str, object], None], tmp_path: Path) -> Iterator[Mosquitto]:
    """A running MQTT broker without login, fresh for each test; it may be stopped, killed and started again."""
    need("mosquitto", find_mosquitto())
    broker = Mosquitto(tmp_path / "mosquitto")
    broker.start()
    yield broker
    broker.stop()
