"""What the documents tell a reader to type or to open works: every command is run by some test, every link is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from pdm_app.cli.main import command_line

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DOCUMENTS = sorted([README, *(ROOT / ".github").rglob("*.md"), *(ROOT / ".docs").rglob("*.md")])
# Every command that the README shows, with what runs it: a file, and the words in it that do.
RUN_BY: dict[str, tuple[str, str]] = {
    "python3 -m pdm_app demo": ("tests/counterparts/product.py", '"-m", "pdm_app", *words'),
    "python3 -m pdm_app serve": ("tests/faults/installations.py", 'RunningProduct(folder, "serve"'),
    "python3 -m pdm_app serve --https": ("tests/cli/test_https.py", '"--https"'),
    "python3 -m pdm_app audit verify": ("tests/cli/test_audit.py", '"verify"'),
    "python3 -m pdm_app test": (".ci/run", "-m pdm_app test"),
    "python3 -m pdm_app user list": ("tests/cli/test_people_and_keys.py", 'run("user", "list"'),
    "python3 -m pdm_app key list": ("tests/cli/test_people_and_keys.py", 'run("key", "list"'),
    "python3 -m pdm_app bench live": ("tests/cli/test_bench_live.py", '"-m", "pdm_app", "bench", "live"'),
    "python3 -m pdm_app bench record": ("tests/cli/test_bench_record.py", "bench_record("),
}
_BLOCK = re.compile(r"^```(?P<kind>\w*)\n(?P<lines>.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:python3 -m pdm_app|\.ci/)[^`]*)`")
_LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")


def commands(document: Path) -> Iterator[str]:
    """Every command line of a document, in blocks of shell and in running text, without its comment."""
    text = document.read_text(encoding="utf-8")
    for block in _BLOCK.finditer(text):
        if block["kind"] in {"sh", "bash"} or "python3 -m" in block["lines"]:
            for line in block["lines"].splitlines():
                if command := re.sub(r"\s+#\s.*", "", line).strip():
                    yield command
    for found in _INLINE.findall(_BLOCK.sub("", text)):
        if not found.endswith((".txt", "/", ".json")):
            yield found.strip()


def test_the_readme_shows_the_commands_that_set_everything_up() -> None:
    assert {"python3 -m pdm_app demo", "python3 -m pdm_app test"} <= set(commands(README))


def test_every_command_of_the_readme_is_run_by_a_test_or_by_the_gate() -> None:
    assert [command for command in commands(README) if command not in RUN_BY] == []


@pytest.mark.parametrize("command", RUN_BY)
def test_what_is_said_to_run_a_command_does(command: str) -> None:
    file, words = RUN_BY[command]
    assert words in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_of_a_document_exists(document: Path) -> None:
    for command in commands(document):
        program, _, words = command.partition("python3 -m pdm_app ")
        if not words:
            assert (ROOT / program.split()[0]).is_file(), command
            continue
        found = typer.main.get_command(command_line())
        for word in words.split():
            below = getattr(found, "commands", None)
            if below is None:
                break  # Arguments of its own begin here.
            assert word in below, f"{word!r} of {command!r}"
            found = below[word]
        offered = {option for parameter in found.params for option in parameter.opts}
        assert {word for word in words.split() if word.startswith("--")} <= offered, command


def test_every_command_that_exists_has_help() -> None:
    listed = getattr(typer.main.get_command(command_line()), "commands", {})
    assert listed
    assert [name for name, command in listed.items() if not (command.help or "").strip()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_leads_to_one(document: Path) -> None:
    links = _LINK.findall(document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_searches_find_what_they_look_for(tmp_path: Path) -> None:
    document = tmp_path / "one.md"
    document.write_text("```sh\npython3 -m pdm_app fly   # away\n```\nor `python3 -m pdm_app swim`, [there](gone.md)\n")
    assert list(commands(document)) == ["python3 -m pdm_app fly", "python3 -m pdm_app swim"]
    assert _LINK.findall(document.read_text()) == ["gone.md"]
