"""The command `settings`, beside a product that is running on the same database."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pdm_app.cli.main import main
from pdm_app.services.settings_book import SettingsBook
from pdm_app.settings import Settings
from pdm_app.storage.database import Database
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """``run("list")`` gives the exit code and what was printed and said."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["settings", words[0], "--data", str(tmp_path), *words[1:]])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_settings_are_set_shown_compared_and_brought_back(run: Run) -> None:
    code, out, _ = run("set", "auth.idle_minutes", "15", "--reason", "shared screens")
    assert (code, out.splitlines()[0]) == (0, "auth.idle_minutes is set with revision 1.")
    assert run("set", "auth.mfa_required_roles", "admin", "manager")[0] == 0
    assert run("set", "log.requests", "yes")[0] == 0
    assert [line.split()[:3] for line in run("list", "--changed")[1].splitlines() if "stored" in line] == [
        ["auth.idle_minutes", "15", "stored"],
        ["auth.mfa_required_roles", '["admin",', '"manager"]'],
        ["log.requests", "true", "stored"],
    ]
    assert run("get", "auth.idle_minutes")[1].splitlines()[:4] == [
        "auth.idle_minutes = 15",
        "  meaning: A page nobody touches signs out after this; 0 is never.",
        "  from: stored",
        "  default: 60",
    ]
    newest, *_, oldest = run("history")[1].splitlines()[1:]
    assert newest.split()[0] == "3"
    assert oldest.endswith("auth.idle_minutes        shared screens")
    assert [line.split()[0] for line in run("diff", "1")[1].splitlines()[1:]] == [
        "auth.mfa_required_roles",
        "log.requests",
    ]
    code, out, _ = run("rollback", "1")
    assert (code, out.splitlines()[-2]) == (0, "revision 1 is set with revision 4.")
    assert run("diff", "1", "4")[1] == "Nothing differs.\n"
    assert run("reset", "auth.idle_minutes")[0] == 0
    found = json.loads(run("get", "auth.idle_minutes", "--json")[1])
    assert (found["value"], found["stored"], found["spec"]["unit"]) == (60, None, "min")


def test_a_file_goes_out_and_comes_in_with_a_dry_run_first(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    run("set", "auth.idle_minutes", "15")
    run("set", "auth.mfa_required_roles", "")
    assert run("export", "--out", str(file), "--bare")[1] == f"{file} is written.\n"
    assert file.read_text() == "[auth]\nidle_minutes = 15\nmfa_required_roles = []\n"
    file.write_text("[log]\nlevel = 'debug'\n")
    dry = run("import", str(file), "--replace", "--dry-run")[1].splitlines()
    assert [line.split()[0] for line in dry[1:4]] == ["auth.idle_minutes", "auth.mfa_required_roles", "log.level"]
    assert dry[-1] == "Nothing was changed: this was a dry run."
    assert json.loads(run("get", "log.level", "--json")[1])["value"] == "info"
    assert run("import", str(file))[0] == 0
    assert run("import", str(file)) == (0, "Nothing differs.\n", "")
    assert run("export", "--bare")[1] == file.read_text().replace("'", '"').replace(
        "[log]", "[auth]\nidle_minutes = 15\nmfa_required_roles = []\n\n[log]"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("set", "auth.idle_minute", "3"), "There is no setting 'auth.idle_minute'"),
        (("set", "auth.idle_minutes", "long"), "auth.idle_minutes is a number, not 'long'"),
        (("set", "auth.idle_minutes", "1", "2"), "auth.idle_minutes takes one value, not 2"),
        (("set", "auth.idle_minutes", "--", "-3"), "must be greater than or equal to 0"),
        (("set", "log.requests", "perhaps"), "log.requests is yes or no, not 'perhaps'"),
        (("set", "port", "1"), "is set in the environment or the settings file only"),
        (("rollback", "9"), "There is no revision 9"),
        (("reset", "auth.idle_minutes"), "Nothing would change"),
        (("import", "/nowhere/x.toml"), "/nowhere/x.toml could not be read: No such file"),
    ],
)
def test_what_cannot_be_done_says_why_and_ends_with_an_error(run: Run, words: tuple[str, ...], said: str) -> None:
    code, out, err = run(*words)
    assert (code, out) == (1, "")
    assert said in err


async def test_a_running_product_takes_over_what_the_command_sets(run: Run, tmp_path: Path) -> None:
    import asyncio

    await asyncio.to_thread(run, "set", "ingest.samples_max", "7")
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'pdm.sqlite'}")
    try:
        book = SettingsBook(Settings(data_dir=tmp_path), SqlUnitOfWork(database), HandClock())
        assert (await book.load()).ingest.samples_max == 7
        await asyncio.to_thread(run, "set", "ingest.samples_max", "8")
        await book.look()
        assert book.current.ingest.samples_max == 8
    finally:
        await database.close()
