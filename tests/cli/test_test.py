"""The test command runs every gate to its end and never hides what it left out."""

from pathlib import Path

import pytest

from pdm_app.cli import test as test_command
from pdm_app.cli.main import main
from pdm_app.cli.test import Component

ABSENT = Component("no-such-program", ("no-such-package",), "the tests that need it")


@pytest.fixture(autouse=True)
def gates(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What the gates report; none of them runs, least of all this very suite."""
    outcome: dict[str, list[str]] = {"failed": []}
    monkeypatch.setattr(test_command, "_run_gates", lambda checkout, arguments: outcome["failed"])
    monkeypatch.setattr(test_command, "COMPONENTS", (ABSENT,))
    monkeypatch.setattr("shutil.which", lambda program, path=None: None)
    return outcome


def test_what_is_missing_is_listed_at_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    assert main(["test"]) == 0
    shown = capsys.readouterr().out
    assert "no-such-program" in shown
    assert "the tests that need it (Debian: no-such-package)" in shown
    assert "All passed" in shown.splitlines()[-1]


def test_on_a_build_machine_what_is_missing_is_a_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    assert main(["test"]) == 1
    assert "FAILED: components" in capsys.readouterr().out.splitlines()[-1]


def test_a_gate_that_failed_is_named_and_fails_the_command(
    gates: dict[str, list[str]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    gates["failed"] = ["types", "tests"]
    assert main(["test"]) == 1
    assert "FAILED: types, tests" in capsys.readouterr().out.splitlines()[-1]


def test_the_gates_run_to_the_end_though_one_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    from pdm_app.bootstrap.checkout import Checkout

    checkout = Checkout(tmp_path)
    scripts = checkout.venv / "bin"
    scripts.mkdir(parents=True)
    for name, code in {"ruff": 1, "mypy": 0, "lint-imports": 1, "python": 0}.items():
        (scripts / name).write_text(f'#!/bin/sh\necho "{name} $1 $2" >> "{tmp_path}/ran"\nexit {code}\n')
        (scripts / name).chmod(0o755)
    assert test_command._run_gates(checkout, []) == ["style", "format", "architecture"]
    ran = [line.strip() for line in (tmp_path / "ran").read_text().splitlines()]
    assert ran[:2] == ["ruff check .", "ruff format --check"]
    assert sorted(ran[2:]) == ["lint-imports --no-cache", "mypy", "python -m pytest"]


REPORT = """<testsuites><testsuite>
<testcase classname="tests.rpc.test_a" name="test_good"/>
<testcase classname="tests.rpc.test_a" name="test_bad"><failure message="assert 1 == 2&#10;more">it</failure></testcase>
<testcase classname="tests.rpc.test_b" name="test_broken"><error message="failed on setup">why</error></testcase>
</testsuite></testsuites>"""


def test_the_tests_that_failed_are_named_again_at_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.xml"
    test_command._name_failed_tests(report, "Failed tests")
    assert capsys.readouterr().out == ""
    report.write_text(REPORT)
    test_command._name_failed_tests(report, "Failed tests")
    shown = capsys.readouterr().out
    assert "Failed tests: 2" in shown
    assert "tests/rpc/test_a.py::test_bad\n      assert 1 == 2\n" in shown
    assert "tests/rpc/test_b.py::test_broken\n      failed on setup\n" in shown
    assert "test_good" not in shown


@pytest.mark.parametrize(
    ("fails_alone", "most", "failed", "runs"),
    [(0, 2, [], 3), (1, 2, ["tests"], 2), (2, 2, ["tests"], 3), (0, 1, ["tests"], 1)],
    ids=["passes alone twice", "fails alone", "fails alone the second time", "too many failed"],
)
def test_a_test_that_failed_beside_others_has_to_pass_alone_twice(
    fails_alone: int, most: int, failed: list[str], runs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    from pdm_app.bootstrap.checkout import Checkout

    checkout = Checkout(tmp_path)
    scripts = checkout.venv / "bin"
    scripts.mkdir(parents=True)
    (tmp_path / test_command.REPORT).parent.mkdir()
    (tmp_path / test_command.REPORT).write_text(REPORT)
    (scripts / "python").write_text(
        f'#!/bin/sh\necho "$@" >> "{tmp_path}/ran"\nset -- $(wc -l < "{tmp_path}/ran")\n'
        f"[ $1 -gt 1 ] && [ $1 -ne {fails_alone + 1} ]\n"
    )
    for name in ("ruff", "mypy", "lint-imports"):
        (scripts / name).write_text("#!/bin/sh\n")
    for script in scripts.iterdir():
        script.chmod(0o755)
    monkeypatch.setattr(test_command, "UNSTEADY_MAX", most)
    monkeypatch.setattr(test_command, "PARALLEL", ("--numprocesses=3",))
    assert test_command._run_gates(checkout, []) == failed
    ran = (tmp_path / "ran").read_text().splitlines()
    assert len(ran) == runs
    assert ran[1:] == ["-m pytest tests/rpc/test_a.py::test_bad tests/rpc/test_b.py::test_broken"] * (runs - 1)


@pytest.mark.parametrize(("code", "failed"), [(0, []), (5, []), (1, ["long rounds", "timed rounds"])])
def test_the_long_gate_runs_side_by_side_and_measures_time_alone_at_the_end(
    code: int, failed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pdm_app.bootstrap.checkout import Checkout

    checkout = Checkout(tmp_path)
    scripts = checkout.venv / "bin"
    scripts.mkdir(parents=True)
    (scripts / "python").write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/ran"\nexit {code}\n')
    (scripts / "python").chmod(0o755)
    monkeypatch.setattr(test_command, "ensure_frontend", lambda: None)
    assert test_command._run_long(checkout, ["tests/faults"]) == failed
    first, last = (tmp_path / "ran").read_text().splitlines()
    assert "long and not alone" in first
    assert "--numprocesses" in first
    assert "-m long and alone tests/faults" in last
