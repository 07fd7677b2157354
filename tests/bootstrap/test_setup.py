"""One command makes a bare checkout run, however the last attempt ended."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bootstrap.conftest import BASE_PYTHON, MiniCheckout

WaitUntil = Callable[[Callable[[], bool]], None]


@pytest.fixture
def silent_index() -> Iterator[dict[str, str]]:
    """Settings for an index that takes the connection and never answers: a set-up that uses it hangs half-way."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        yield {
            "PIP_NO_INDEX": "0",
            "PIP_FIND_LINKS": "",
            "PIP_INDEX_URL": f"http://127.0.0.1:{server.getsockname()[1]}/simple",
        }


def begun(checkout: MiniCheckout) -> bool:
    return (checkout.venv / "pdm-setup.begun").exists() and (checkout.venv / "pyvenv.cfg").exists()


def test_the_first_command_sets_up_and_runs_inside_the_environment(checkout: MiniCheckout) -> None:
    first = checkout.run("demo", "--port", "9")
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout) == {
        "words": ["demo", "--port", "9"],
        "cwd": str(checkout.root),
        "prefix": str(checkout.venv),
        "tiny": "1.0",
    }
    assert "Installing 1 Python packages: done in" in first.stderr


def test_the_second_command_finds_everything_in_place_and_says_nothing(checkout: MiniCheckout) -> None:
    checkout.run("demo")
    made = (checkout.venv / "pyvenv.cfg").stat().st_mtime_ns
    second = checkout.run("demo", settings={"PIP_FIND_LINKS": "/nowhere"})
    assert (second.returncode, second.stderr) == (0, "")
    assert (checkout.venv / "pyvenv.cfg").stat().st_mtime_ns == made


def test_the_folder_can_be_started_from_anywhere_and_keeps_the_working_directory(
    checkout: MiniCheckout, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    started = checkout.run("demo", by_path=True, cwd=elsewhere)
    assert started.returncode == 0, started.stderr
    assert json.loads(started.stdout)["cwd"] == str(elsewhere)


def test_the_exit_code_of_the_command_is_passed_on(checkout: MiniCheckout) -> None:
    assert checkout.run("fail").returncode == 7


def test_asking_for_help_on_a_bare_machine_sets_nothing_up(checkout: MiniCheckout) -> None:
    asked = checkout.run("--help")
    assert asked.returncode == 0
    assert "python3 -m pdm_app demo" in asked.stdout
    assert not checkout.venv.exists()


def test_a_setup_killed_half_way_is_repaired_by_the_next_start(
    checkout: MiniCheckout, silent_index: dict[str, str], wait_until: WaitUntil
) -> None:
    hanging = checkout.start("demo", settings=silent_index)
    wait_until(lambda: begun(checkout))
    (checkout.venv / "half-installed").touch()
    os.killpg(hanging.pid, signal.SIGKILL)
    hanging.communicate()
    repaired = checkout.run("demo")
    assert repaired.returncode == 0, repaired.stderr
    assert not (checkout.venv / "half-installed").exists()


def test_a_second_setup_waits_for_the_first_and_says_for_whom(
    checkout: MiniCheckout, silent_index: dict[str, str], wait_until: WaitUntil
) -> None:
    hanging = checkout.start("demo", settings=silent_index)
    wait_until(lambda: begun(checkout))
    second = checkout.start("demo")
    assert second.stderr is not None
    notice = second.stderr.readline()
    assert f"another set-up (process {hanging.pid}) is at work in this checkout" in notice
    os.killpg(hanging.pid, signal.SIGKILL)
    hanging.communicate()
    output, _ = second.communicate(timeout=60)
    assert json.loads(output)["tiny"] == "1.0"


def test_one_that_waited_does_not_set_up_again(checkout: MiniCheckout) -> None:
    both = [checkout.start("demo"), checkout.start("demo")]
    errors = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    assert sum(error.count("done in") for error in errors) == 1


def test_a_new_lock_brings_the_environment_up_to_date(checkout: MiniCheckout) -> None:
    checkout.run("demo")
    checkout.offer("2.0")
    assert json.loads(checkout.run("demo").stdout)["tiny"] == "2.0"


def test_an_environment_somebody_made_is_completed_and_never_cleared(checkout: MiniCheckout) -> None:
    subprocess.run([BASE_PYTHON, "-m", "venv", "--without-pip", checkout.venv], check=True)
    (checkout.venv / "mine").touch()
    for version in ("1.0", "2.0"):
        checkout.offer(version)
        assert json.loads(checkout.run("demo").stdout)["tiny"] == version
    assert (checkout.venv / "mine").exists()


def test_an_environment_somebody_made_with_a_python_that_is_gone_is_left_alone(checkout: MiniCheckout) -> None:
    subprocess.run([BASE_PYTHON, "-m", "venv", "--without-pip", checkout.venv], check=True)
    (checkout.venv / "bin" / "python").unlink()
    refused = checkout.run("demo")
    assert refused.returncode == 1
    assert f"{checkout.venv} was made by somebody else with another Python" in refused.stderr
    assert "Move it away" in refused.stderr


def test_the_environment_can_be_started_directly(checkout: MiniCheckout) -> None:
    checkout.run("demo")
    checkout.python = checkout.venv / "bin" / "python"
    inside = checkout.run("demo")
    assert json.loads(inside.stdout)["prefix"] == str(checkout.venv)


def test_a_damaged_environment_is_named_instead_of_being_started_for_ever(checkout: MiniCheckout) -> None:
    checkout.run("demo")
    (checkout.venv / "pyvenv.cfg").unlink()
    refused = checkout.run("demo")
    assert refused.returncode == 1
    assert "the environment is damaged" in refused.stderr
    assert "Delete the folder" in refused.stderr
