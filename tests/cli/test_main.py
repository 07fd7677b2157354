"""The command line shows errors as sentences and passes on what it does not know."""

import pytest
import typer

from pdm_app.bootstrap.problems import NoNetworkError
from pdm_app.cli import main as command_line
from pdm_app.cli import test as test_command
from pdm_app.domain.errors import ConflictError


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(command.__name__ in shown for command in command_line.COMMANDS)
    assert all(str(group.info.name) in shown for group in command_line.GROUPS)


def test_a_command_nobody_knows_is_a_mistake_of_the_caller(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["demmo"]) == 2
    assert "No such command 'demmo'" in capsys.readouterr().err


@pytest.mark.parametrize("error", [NoNetworkError("The index cannot be reached."), ConflictError("Somebody holds it.")])
def test_an_error_made_on_purpose_is_its_text_and_no_traceback(
    error: Exception, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(command_line, "COMMANDS", (fail,))
    assert command_line.main(["fail"]) == 1
    assert capsys.readouterr().err == f"\npdm_app: {error}\n"


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(command_line, "COMMANDS", (fail,))
    with pytest.raises(ZeroDivisionError):
        command_line.main(["fail"])


def test_the_exit_code_of_a_command_is_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise typer.Exit(3)

    monkeypatch.setattr(command_line, "COMMANDS", (refuse,))
    assert command_line.main(["refuse"]) == 3


def test_options_of_pytest_reach_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def note(checkout: object, arguments: list[str]) -> list[str]:
        asked.append(arguments)
        return []

    monkeypatch.setattr(test_command, "_bring_components", lambda checkout: [])
    monkeypatch.setattr(test_command, "_run_gates", note)
    assert command_line.main(["test", "-m", "long", "tests/domain", "-x"]) == 0
    assert asked == [["-m", "long", "tests/domain", "-x"]]
