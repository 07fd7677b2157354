"""The compiled front end is built once per content and served by one process without Node, under any address."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pdm_app.bootstrap import frontend
from pdm_app.bootstrap.checkout import Checkout
from pdm_app.bootstrap.frontend import content_hash, serving_environment
from pdm_app.bootstrap.npm_lock import npm_lock_drift, update_npm_lock
from tests.bootstrap.conftest import ROOT
from tests.counterparts.ports import wait_for_port

PAGE = """
import reflex as rx
from pdm_app.ui.tile import Tile

class Counter(rx.State):
    count: int = 0

    @rx.event
    def more(self):
        self.count += 1

def index():
    more = rx.button("more", on_click=Counter.more, id="more")
    return rx.box(rx.text(Counter.count, id="count"), more, Tile.create())

app = rx.App()
app.add_page(index, route="/")
"""

TILE = """
import reflex as rx

class Tile(rx.Component):
    library = "$/public" + rx.asset("tile.jsx", shared=True)
    tag = "Tile"
    lib_dependencies: list[str] = ["uplot@1.6.32"]
"""

SCRIPT = """
import uPlot from "uplot";
export function Tile() { return <b id="tile">{typeof uPlot}</b>; }
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A tree with one page and one component of its own, and the real locks and configuration."""
    root = tmp_path / "sources"
    for folder in ("pdm_app/ui", "pdm_app/domain", "pdm_app/engine", "assets"):
        (root / folder).mkdir(parents=True)
    for name in ("pdm_app/__init__.py", "pyproject.toml", "rxconfig.py"):
        shutil.copy(ROOT / name, root / name)
    for name in ("pdm_app/bootstrap", ".ci"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "pdm_app" / "pdm_app.py").write_text(PAGE)
    (root / "pdm_app" / "ui" / "tile.py").write_text(TILE)
    (root / "pdm_app" / "ui" / "tile.jsx").write_text(SCRIPT)
    (root / "assets" / "slate.css").write_text("body { margin: 0 }")
    return root


@pytest.mark.parametrize(
    "name",
    [
        "pdm_app/pdm_app.py", "pdm_app/ui/tile.py", "pdm_app/ui/tile.jsx", "pdm_app/domain/units.py",
        "assets/slate.css", "assets/new.svg", ".ci/npm/package-lock.json", ".ci/locks/run.txt", "rxconfig.py",
    ],
)  # fmt: skip
def test_a_change_in_what_the_pages_are_made_of_builds_anew(sources: Path, name: str) -> None:
    before = content_hash(sources)
    with (sources / name).open("a") as file:
        file.write(" ")
    assert content_hash(sources) != before


@pytest.mark.parametrize(
    "name", ["pdm_app/engine/recorder.py", "pdm_app/ui/__pycache__/tile.pyc", "assets/external/link.jsx"]
)
def test_a_change_elsewhere_does_not(sources: Path, name: str) -> None:
    before = content_hash(sources)
    (sources / name).parent.mkdir(parents=True, exist_ok=True)
    (sources / name).touch()
    assert content_hash(sources) == before


def test_moving_a_line_from_one_file_to_the_next_is_a_change(sources: Path) -> None:
    (sources / "assets" / "a").write_text("12")
    (sources / "assets" / "b").write_text("3")
    before = content_hash(sources)
    (sources / "assets" / "a").write_text("1")
    (sources / "assets" / "b").write_text("23")
    assert content_hash(sources) != before


def test_reflex_knows_every_variable_the_serving_process_is_given(tmp_path: Path) -> None:
    probe = "from reflex_base.environment import EnvironmentVariables as e; print(*e.__dict__, *e.__annotations__)"
    known = set(
        subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.split()
    )
    of_config = {"REFLEX_TELEMETRY_ENABLED"}  # Read through rx.Config, which takes any of its fields as REFLEX_*.
    given = {name.removeprefix("__") for name in serving_environment(tmp_path)} - of_config
    assert given - known == set()


def test_the_npm_lock_is_taken_over_without_addresses(sources: Path) -> None:
    built = sources / ".cache" / "build" / "reflex.lock"
    built.mkdir(parents=True)
    (built / "package.json").write_text('{"name": "reflex"}')
    (built / "package-lock.json").write_text(
        '{"packages": {"": {"name": "reflex"}, "node_modules/echarts": {"version": "6.1.0", "integrity": "sha512-x",'
        ' "resolved": "https://registry.example/echarts.tgz", "funding": {"url": "https://fund.example"}}}}'
    )
    assert "The npm lock lacks echarts 6.1.0" in npm_lock_drift(Checkout(sources))
    update_npm_lock(Checkout(sources))
    assert npm_lock_drift(Checkout(sources)) == ""
    locked = (sources / ".ci" / "npm" / "package-lock.json").read_text()
    assert "sha512-x" in locked
    assert "https://" not in locked


@pytest.mark.parametrize(("killed", "kept"), [(True, False), (False, True)])
def test_packages_of_a_killed_build_are_not_trusted(sources: Path, killed: bool, kept: bool) -> None:
    stage = sources / ".cache" / "build"
    installed = stage / ".web" / "node_modules" / "uplot"
    installed.mkdir(parents=True)
    if killed:
        (stage / "build.begun").touch()
    frontend._stage(Checkout(sources), stage)
    assert installed.exists() is kept
    assert (stage / "pdm_app" / "ui" / "tile.py").is_file()
    assert (stage / "reflex.lock" / "package-lock.json").is_file()


@pytest.mark.long
@pytest.mark.journey
def test_a_built_page_works_under_an_address_nobody_baked_in(
    sources: Path, need: Callable[[str, object], None], free_port: int
) -> None:
    """Build, serve without Node and without writing anything beside the build, click a button in a real browser."""
    chromium = shutil.which("chromium")
    need("chromium", chromium)
    (sources / ".venv").symlink_to(ROOT / ".venv")
    command = [sys.executable, "-c", "from pdm_app.bootstrap.frontend import ensure_frontend; print(ensure_frontend())"]
    built = subprocess.run(command, cwd=sources, capture_output=True, text=True, check=False, timeout=300)
    assert built.returncode == 0, built.stderr
    folder = Path(built.stdout.strip())
    again = subprocess.run(command, cwd=sources, capture_output=True, text=True, check=True, timeout=60)
    assert (again.stdout, again.stderr) == (built.stdout, "")
    assert not (sources / "assets" / "external").exists()
    assert not (sources / ".web").exists()

    complete = sorted(folder.rglob("*"))
    environment = {"PATH": "/usr/bin", "PYTHONPATH": str(sources), **serving_environment(folder)}
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "--factory", "pdm_app.pdm_app:app", "--port", str(free_port)],
        cwd=folder, env={**environment, "HOME": os.environ.get("HOME", "/")}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for_port(free_port, within_s=120, still_running=lambda: server.poll() is None)
        assert _click(chromium or "", f"http://localhost:{free_port}/") == ("function", "1")
        assert _click(chromium or "", f"http://127.0.0.1:{free_port}/") == ("function", "1")
    finally:
        server.terminate()
        server.wait(timeout=90)
    assert [path for path in sorted(folder.rglob("*")) if "__pycache__" not in path.parts] == complete


def _click(chromium: str, address: str) -> tuple[str, str]:
    """Open the page, click once; what the component shows and what the counter says then."""
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(address)
        expect(page.locator("#count")).to_have_text("0", timeout=90_000)
        page.click("#more")
        expect(page.locator("#count")).to_have_text("1", timeout=90_000)
        shown = page.locator("#tile").inner_text(), page.locator("#count").inner_text()
        browser.close()
        return shown
