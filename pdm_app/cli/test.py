"""`test`: bring everything the tests need, then style, tests, and beside them types and architecture.

Where a system package cannot be brought, the rest runs and the end says what did not; under CI=true that is a failure.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import psutil
import typer

from pdm_app.bootstrap.checkout import Checkout, find_checkout
from pdm_app.bootstrap.environment import product_environment
from pdm_app.bootstrap.frontend import ensure_frontend
from pdm_app.bootstrap.logged import run_logged
from pdm_app.bootstrap.npm_lock import npm_lock_drift
from pdm_app.bootstrap.problems import SetupError
from pdm_app.bootstrap.progress import Phase

Command = Sequence[str | Path]

SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])


@dataclass(frozen=True)
class Component:
    """A program the tests talk to, and the Debian packages it comes in."""

    program: str
    packages: tuple[str, ...]
    needed_for: str

    @property
    def is_here(self) -> bool:
        return shutil.which(self.program, path=SYSTEM_PATH) is not None


PROCESSES = min((os.cpu_count() or 1) + 1, 4)
"""One more than cores, up to four: many tests wait for a process, a database or a page."""
PARALLEL = (f"--numprocesses={PROCESSES}", "--dist=loadfile", "--no-loadscope-reorder")
"""The tests of a file share its servers and stay together; files come in the order of `tests/conftest.py`."""

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder with a name of its own is made in it.
MEMORY_BYTES_MIN = 8 * 1024**3
"""What the quick gate writes is 4 GB. The long one writes to a disk, as a plant does."""

LONG_PARALLEL = (f"--numprocesses={PROCESSES}", "--dist=worksteal")
"""Rounds of one file are each for themselves: whoever is free takes the next."""
LONG_TURNS = {"long rounds": ("-m", "long and not alone", *LONG_PARALLEL), "timed rounds": ("-m", "long and alone")}
"""What measures time comes last and has the machine for itself."""
REPORT = Path(".pytest_cache", "report.xml")
"""What pytest says of each test; the failed are named once more at the end, where a build machine cuts the rest."""
MOST_NAMED = 12
UNSTEADY_MAX = 2
"""So many tests of thousands may fail beside others and pass alone; more of them are no coincidence."""
ALONE_TIMES = 2
NO_TESTS = 5
"""pytest's exit code where an argument leaves one of the two turns without a test."""

COMPONENTS = (
    Component("mariadbd", ("mariadb-server",), "storage on MariaDB"),
    Component("psql", ("postgresql",), "PostgreSQL as a peer of the historian"),
    Component("influxd", ("influxdb",), "InfluxDB as a peer of the historian"),
    Component("mosquitto", ("mosquitto",), "the MQTT driver against a broker of its own"),
    Component("slapd", ("slapd", "ldap-utils"), "sign-in with a directory, against OpenLDAP"),
    Component("pebble", ("pebble",), "certificates of a real ACME directory"),
    Component("swupdate", ("swupdate",), "firmware by the update client that devices have"),
    Component("chromium", ("chromium", "fonts-dejavu-core", "fonts-noto-core"), "the journeys in a browser"),
)


def test(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PYTEST ARGUMENTS]...", help="With any, only pytest runs, with these."),
    ] = None,
    long: Annotated[bool, typer.Option("--long", help="Only the long gate: fault rounds and long loads.")] = False,
) -> None:
    """Check style, types and architecture and run all tests, on a bare machine too."""
    checkout = find_checkout()
    if checkout is None:
        raise SetupError("The tests are part of the source tree: run this command in a checkout.")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # Some tests start a program of ours: each would compile it anew.
    missing = _bring_components(checkout)
    started = time.monotonic()
    (checkout.root / REPORT).unlink(missing_ok=True)
    failed = (_run_long if long else _run_gates)(checkout, arguments or [])
    _name_failed_tests(checkout.root / REPORT, "Failed tests" if failed else "Unsteady tests, to be traced")
    if missing:
        print("\nNot run on this machine, for want of:")
        for component in missing:
            print(f"  {component.program:12} {component.needed_for} (Debian: {' '.join(component.packages)})")
        if is_ci():
            failed.append("components (under CI=true nothing may be left out)")
    print(f"\n{'FAILED: ' + ', '.join(failed) if failed else 'All passed'} · {time.monotonic() - started:.0f} s")
    raise typer.Exit(1 if failed else 0)


def is_ci() -> bool:
    """Whether this is a build machine, where a part left out would go unnoticed."""
    return os.environ.get("CI", "").lower() == "true"


def _bring_components(checkout: Checkout) -> list[Component]:
    """Install what is missing where apt may be used; return what is still missing."""
    missing = [component for component in COMPONENTS if not component.is_here]
    if missing and shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        doing = "Installing system packages"
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        packages = [package for component in missing for package in component.packages]
        try:
            with Phase(f"{doing}: {' '.join(packages)}") as phase:
                for command in (
                    ["apt-get", "update"],
                    ["apt-get", "install", "-y", "--no-install-recommends", *packages],
                ):
                    run_logged(
                        command, doing=doing, log=checkout.log, on_line=lambda line: phase.show(line[:50]),
                        environment=environment,
                    )  # fmt: skip
        except SetupError as error:
            sys.stderr.write(f"{error}\n")
    return [component for component in missing if not component.is_here]


def _run_gates(checkout: Checkout, arguments: Sequence[str]) -> list[str]:
    """Run each gate to its end, also after one failed; return the names of those that did.

    Types and architecture are looked at beside the tests, which leave them time, and reported after them.
    """
    scripts = product_environment(checkout).scripts
    quick: dict[str, Command] = {}
    beside: dict[str, Command] = {}
    if not arguments:
        quick = {"style": [scripts / "ruff", "check", "."], "format": [scripts / "ruff", "format", "--check", "."]}
        beside = {"types": [scripts / "mypy"], "architecture": [scripts / "lint-imports", "--no-cache"]}
    failed = [name for name, command in quick.items() if not _passes(checkout, name, command)]
    with ThreadPoolExecutor(1) as thread:
        ended = {
            name: thread.submit(
                subprocess.run, command, cwd=checkout.root, stdin=subprocess.DEVNULL, check=False, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )
            for name, command in beside.items()
        }  # fmt: skip
        if _drives_a_browser(checkout, arguments):
            ensure_frontend()
            drift = npm_lock_drift(checkout)
            if drift:
                print(drift)
                failed.append("npm lock")
        pytest: list[str | Path] = [scripts / "python", "-m", "pytest"]
        with _written_to_memory() as place:
            run: Command = [*pytest, f"--junit-xml={REPORT}", *place, *(arguments or PARALLEL)]
            tests_pass = _passes(checkout, "tests", run)
        if not tests_pass and (arguments or not _pass_alone(checkout, pytest)):
            failed.append("tests")
        for name, command in beside.items():
            _announce(name, command)
            done = ended[name].result()
            print(done.stdout, end="", flush=True)
            if done.returncode != 0:
                failed.append(name)
    return failed


@contextmanager
def _written_to_memory() -> Iterator[tuple[str, ...]]:
    """Yield pytest's argument for a folder in memory, where there is enough: every commit of a test is flushed.

    A database of the tests promises nothing beyond the end of its process, and that survives there as well.
    """
    if (
        not MEMORY.is_dir()
        or min(psutil.virtual_memory().available, psutil.disk_usage(str(MEMORY)).free) < MEMORY_BYTES_MIN
    ):
        yield ()
        return
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="pdm-tests-", ignore_cleanup_errors=True) as folder:
        yield (f"--basetemp={folder}/all",)


def _pass_alone(checkout: Checkout, pytest: Command) -> bool:
    """Run the few tests that failed beside others by themselves; whether each passes, and does so again.

    Where two cores are shared by three processes and browsers, a test may fail of the company that it had. What fails
    of the program fails alone, too. The run ends with the names of both kinds.
    """
    failed = [name for name, _ in _failed_tests(checkout.root / REPORT)]
    if not 0 < len(failed) <= UNSTEADY_MAX:
        return False
    return all(
        _passes(checkout, f"alone, {turn + 1} of {ALONE_TIMES}", [*pytest, *failed]) for turn in range(ALONE_TIMES)
    )


def _name_failed_tests(report: Path, heading: str) -> None:
    """Print each test that failed with the first line of why."""
    failed = _failed_tests(report)
    if failed:
        print(f"\n{heading}: {len(failed)}")
    for name, why in failed[:MOST_NAMED]:
        print(f"  {name}\n      {why[:160]}")


def _failed_tests(report: Path) -> list[tuple[str, str]]:
    """Return pytest's names of the tests that failed and the first line of why; none where nothing was reported."""
    if not report.exists():
        return []
    found = {}
    for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314 - written by our own pytest
        for outcome in (*case.iterfind("failure"), *case.iterfind("error")):
            file = case.get("classname", "").replace(".", "/") + ".py"
            lines = outcome.get("message", "").strip().splitlines()
            found[f"{file}::{case.get('name')}"] = lines[0] if lines else ""
    return list(found.items())


def _run_long(checkout: Checkout, arguments: Sequence[str]) -> list[str]:
    """Run both turns of the long gate, the second also after the first failed; return the names of those that did."""
    ensure_frontend()
    python = product_environment(checkout).scripts / "python"
    commands: dict[str, Command] = {
        name: [python, "-m", "pytest", *turn, *arguments] for name, turn in LONG_TURNS.items()
    }
    return [name for name, command in commands.items() if not _passes(checkout, name, command, (0, NO_TESTS))]


def _passes(checkout: Checkout, name: str, command: Command, good: Sequence[int] = (0,)) -> bool:
    _announce(name, command)
    return subprocess.run(command, cwd=checkout.root, stdin=subprocess.DEVNULL, check=False).returncode in good


def _announce(name: str, command: Command) -> None:
    print(f"\n== {name}: {' '.join([Path(command[0]).name, *map(str, command[1:])])}", flush=True)


def _drives_a_browser(checkout: Checkout, arguments: Sequence[str]) -> bool:
    wanted = not [word for word in arguments if "tests" in word] or any("journeys" in word for word in arguments)
    return wanted and (checkout.root / "tests" / "journeys").is_dir()
