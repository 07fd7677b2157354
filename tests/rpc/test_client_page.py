"""The page for those who call the product from programs: each program on it is checked and run as it stands."""

import asyncio
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pdm_app.domain.access import Role
from pdm_app.rpc.description import python_client_text, typescript_types
from tests.counterparts.npm import find_program, install_locked
from tests.counterparts.whole_product import WholeProduct

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / ".docs" / "rpc-clients.md"
TYPES = ROOT / "tests" / "trpc" / "types"
MYPY_CACHE = ROOT / ".cache" / "mypy-clients"
RUN_S_MAX = 60.0
CHECK_S_MAX = 240.0
COMMANDS = """
import json, sys
from pdm_app.cli.main import main
sys.exit(max(main(words) for words in json.loads(sys.argv[1])))
"""


def programs(kind: str) -> list[str]:
    """Return the blocks of one language, in their order."""
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


async def printed(product: WholeProduct, *words: str, folder: Path) -> str:
    """Run a program as an operator and return what it printed; it must succeed."""
    token = (await product.sign_in(Role.OPERATOR)).access_token
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=folder,
        env={**os.environ, "PDM_URL": product.url, "PDM_TOKEN": token, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"},
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        async with asyncio.timeout(RUN_S_MAX):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()
    return out.decode()


@pytest.fixture(scope="module")
def python_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("python")
    (folder / "pdm_client.py").write_text(python_client_text(), encoding="utf-8")
    for number, text in enumerate(programs("python")):
        (folder / f"program_{number}.py").write_text(text, encoding="utf-8")
    return folder


def test_mypy_finds_nothing_in_the_python_programs(python_folder: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={MYPY_CACHE}", "."],
        cwd=python_folder,
        capture_output=True,
        text=True,
        timeout=CHECK_S_MAX,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, r"\d .+ over \d"),
        (1, r"gone: There is no alarm 'no-such-alarm'|gone: .+"),
        (2, r"\d+ .+ \d+ \d+\n"),
        (3, r"operator\.one sees 1 alarms and \d+ signals"),
    ],
)
async def test_the_python_programs_run(
    sqlite_product: WholeProduct, python_folder: Path, number: int, said: str
) -> None:
    assert len(programs("python")) == 4
    out = await printed(sqlite_product, sys.executable, f"program_{number}.py", folder=python_folder)
    assert re.match(said, out), out


@pytest.fixture
def typescript_folder(need: Callable[[str, object], None]) -> Iterator[Path]:
    packages = install_locked(TYPES, "trpc-types")
    need(packages if isinstance(packages, str) else "npm packages", isinstance(packages, Path))
    assert isinstance(packages, Path)
    folder = Path(tempfile.mkdtemp(prefix="page-", dir=packages))
    try:
        shutil.copy(TYPES / "tsconfig.json", folder)
        (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
        (folder / "app-router.d.ts").write_text(typescript_types(), encoding="utf-8")
        for number, text in enumerate(programs("typescript")):
            (folder / f"program_{number}.ts").write_text(text, encoding="utf-8")
        yield folder
    finally:
        shutil.rmtree(folder)


def test_typescript_finds_nothing_in_the_typescript_programs(typescript_folder: Path) -> None:
    assert len(programs("typescript")) == 2
    tsc = typescript_folder.parent / "node_modules" / "typescript" / "bin" / "tsc"
    ran = subprocess.run(
        [str(find_program("node")), str(tsc), "--project", str(typescript_folder)],
        capture_output=True,
        text=True,
        timeout=CHECK_S_MAX,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout


async def test_the_typescript_program_runs(sqlite_product: WholeProduct, typescript_folder: Path) -> None:
    program = typescript_folder / "program_0.ts"
    token = (await sqlite_product.sign_in(Role.OPERATOR)).access_token
    text = program.read_text(encoding="utf-8")
    for shown, real in (("http://127.0.0.1:8000", sqlite_product.url), ("the key of a service account", token)):
        assert shown in text
        text = text.replace(shown, real)
    program.write_text(text, encoding="utf-8")
    out = await printed(sqlite_product, str(find_program("node")), str(program), folder=typescript_folder)
    lines = out.splitlines()
    assert lines[0] == "operator.one sees 1 alarms"
    assert lines[1].startswith("NOT_FOUND ")
    assert lines[2] == "snapshot 1"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, r'\[\{"id":"alarm-graz-standing"'),
        (1, r'\{"result":\{"data":\{"entries":|\{"result":\{"data":\{"'),
        (2, r'\{"error":\{"message":".+"code":"NOT_FOUND"'),
        (3, r"event: connected\ndata: .+\n\ndata: .+\"kind\":\"snapshot\""),
    ],
)
async def test_the_curl_commands_run(sqlite_product: WholeProduct, tmp_path: Path, number: int, said: str) -> None:
    commands = programs("shell")
    assert len(commands) == 4
    out = await printed(sqlite_product, "bash", "-c", commands[number], folder=tmp_path)
    assert re.match(said, out), out


async def test_the_products_own_commands_run(sqlite_product: WholeProduct, tmp_path: Path) -> None:
    lines = [line for block in programs("sh") for line in block.splitlines()]
    assert len(lines) == 6
    words = [shlex.split(line) for line in lines]
    assert {tuple(found[:3]) for found in words} == {("python3", "-m", "pdm_app")}
    arguments = json.dumps([found[3:] for found in words])
    out = await printed(sqlite_product, sys.executable, "-c", COMMANDS, arguments, folder=tmp_path)
    assert '"kind": "snapshot"' in out
    assert (tmp_path / "pdm_client.py").read_text(encoding="utf-8") == python_client_text()
    assert (tmp_path / "app-router.d.ts").read_text(encoding="utf-8") == typescript_types()
