"""Starts that cannot succeed: the person at the terminal reads why and what to do, and nothing is left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from pdm_app.cli.serving import LOCK_FILE, base_url_of
from pdm_app.domain.access import EVERY_SITE, Role, User
from pdm_app.domain.assets import Site
from pdm_app.services.demo_accounts import FILE_NAME
from pdm_app.storage.database import Database
from pdm_app.storage.migrations import migrate
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.ports import free_port
from tests.counterparts.product import ROOT, RunningProduct

START_S_MAX = 60.0
NO_SERVER = "mysql+asyncmy://plant:s3cret@127.0.0.1:9/plant"


@dataclass(frozen=True)
class Ended:
    """How a start ended: the exit code and everything it printed."""

    exit_code: int
    said: str


def started(command: str, data_dir: Path, variables: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
    words = [command, "--port", str(free_port()), "--data", str(data_dir)]
    return subprocess.Popen(
        [sys.executable, "-m", "pdm_app", *words, *(["--no-browser", "--plant", "small"] if command == "demo" else [])],
        cwd=ROOT, env={**os.environ, **(variables or {})}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def ended(process: "subprocess.Popen[str]") -> Ended:
    """Wait for the end and make sure that no child lives on."""
    said, _ = process.communicate(timeout=START_S_MAX)
    deadline = time.monotonic() + 120
    while [one for one in psutil.process_iter() if _group_of(one.pid) == process.pid]:
        assert time.monotonic() < deadline, "a child lives on"
        time.sleep(0.05)
    return Ended(process.returncode, said)


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def one_plain_message(start: Ended) -> str:
    """The end of what was said: a message for a person, not a traceback."""
    assert start.exit_code == 1, start.said
    assert "Traceback" not in start.said
    assert start.said.count("pdm_app: ") == 1
    return start.said.partition("pdm_app: ")[2]


def test_a_database_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    start = ended(started("serve", tmp_path / "data", {"PDM_DATABASE_URL": NO_SERVER}))
    message = one_plain_message(start)
    assert message.startswith("Database 'plant' on MySQL server 127.0.0.1:9 could not migrate its tables")
    assert "Check that the server runs" in message
    assert "s3cret" not in start.said


def test_a_database_url_of_another_kind_says_which_kinds_there_are(tmp_path: Path) -> None:
    start = ended(
        started("serve", tmp_path / "data", {"PDM_DATABASE_URL": "postgresql://plant:s3cret@127.0.0.1/plant"})
    )
    assert "Use sqlite+aiosqlite:///path/to/pdm.sqlite or mysql+asyncmy://" in one_plain_message(start)
    assert "s3cret" not in start.said


def test_a_demo_whose_database_is_damaged_says_so_at_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "pdm.sqlite").write_bytes(b"This is no database. " * 500)
    message = one_plain_message(ended(started("demo", tmp_path)))
    assert str(tmp_path / "pdm.sqlite") in message
    assert "The file is no database: move it away, or correct the path" in message


def test_a_data_directory_that_cannot_be_made_says_how_to_choose_another(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    message = one_plain_message(ended(started("serve", tmp_path / "file")))
    assert "Claiming the data directory failed" in message
    assert "--data DIR" in message


def test_the_demo_is_never_served_to_other_machines(tmp_path: Path) -> None:
    start = ended(started("serve", tmp_path / "data", {"PDM_DEMO": "true", "PDM_HOST": "0.0.0.0"}))
    assert "it listens on 127.0.0.1 only, not 0.0.0.0" in one_plain_message(start)


def test_the_demos_open_accounts_are_never_served_as_a_plant(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("{}")
    message = one_plain_message(ended(started("serve", tmp_path)))
    assert "is the demo's: anybody may use its accounts" in message


@pytest.mark.parametrize("holds", ["a site", "a person"])
async def test_the_demo_does_not_move_into_a_plant_that_is_somebodys_own(tmp_path: Path, holds: str) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'pdm.sqlite'}")
    await migrate(database)
    async with SqlUnitOfWork(database)(EVERY_SITE) as work:
        if holds == "a site":
            await work.sites.put(Site(id="linz", code="LNZ", name="Linz", time_zone="Europe/Vienna", currency="EUR"))
        else:
            await work.users.put(User(id="one", username="one", display_name="One", role=Role.ADMIN), "no hash")
        await work.commit()
    await database.close()
    message = one_plain_message(ended(started("demo", tmp_path)))
    assert "the demo would mix its machines and its open accounts with it" in message
    assert not (tmp_path / FILE_NAME).exists()


def test_a_start_that_is_interrupted_leaves_nothing_and_the_next_one_serves(tmp_path: Path) -> None:
    process = started("demo", tmp_path)
    deadline = time.monotonic() + START_S_MAX
    while not (tmp_path / "buffer.sqlite").exists():
        assert time.monotonic() < deadline, "it never came this far"
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert ended(process).exit_code in {0, 130}
    product = RunningProduct(tmp_path)
    product.start()
    assert product.stop() == 0


def test_a_data_directory_is_its_owners_only(tmp_path: Path) -> None:
    product = RunningProduct(tmp_path / "new", "serve", {"PDM_HOST": "0.0.0.0"})
    product.start()
    try:
        assert (tmp_path / "new" / LOCK_FILE).is_file()
        assert (tmp_path / "new").stat().st_mode & 0o077 == 0
        assert httpx.get(f"{product.url}/health/live", timeout=90).status_code == 200
        assert "From another machine, write the name or address of this one" in product.output
    finally:
        assert product.stop() == 0


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("plant.example", "http://plant.example:8000"),
    ],
)
def test_the_address_that_is_printed_can_be_opened(host: str, url: str) -> None:
    assert base_url_of(host, 8000) == url
