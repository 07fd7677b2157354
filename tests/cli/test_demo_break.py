"""`demo break`, `mend` and `faults` where there is nothing to break: each says what is missing and what to do."""

import json
import socket
from pathlib import Path

import pytest

from pdm_app.cli.demo_break import ACCOUNTS, BREAKER
from pdm_app.cli.main import main
from pdm_app.services.demo_accounts import FILE_NAME, USERNAMES

BREAK = ("demo", "break", "cavitation", "--asset", "P-502")


@pytest.fixture
def accounts(tmp_path: Path) -> Path:
    (tmp_path / ACCOUNTS).write_text(json.dumps({BREAKER: "copper lantern drifts"}))
    return tmp_path


def test_the_breaker_is_one_of_the_demos_accounts() -> None:
    assert (ACCOUNTS, BREAKER in USERNAMES) == (FILE_NAME, True)


def test_a_directory_without_a_demo_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BREAK, "--data", str(tmp_path)]) == 1
    assert f"There is no demo in {tmp_path}" in capsys.readouterr().err


def test_a_demo_that_does_not_run_is_said_with_its_address(accounts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        for words in (BREAK, ("demo", "mend", "f-1"), ("demo", "faults")):
            assert main([*words, "--data", str(accounts), "--port", str(port)]) == 1
            assert f"No demo answers on http://127.0.0.1:{port}" in capsys.readouterr().err


def test_a_severity_beyond_its_curve_is_refused_before_anybody_is_asked(
    accounts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*BREAK, "--severity", "101", "--data", str(accounts)]) == 2
    assert "severity" in capsys.readouterr().err
