"""A virtual environment that holds exactly what a hash lock names.

A marker with the lock's SHA-256 and the Python is written last. Without it the environment counts as interrupted: what
this program made is cleared and made again, what a person made is completed but never cleared.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pdm_app.bootstrap.checkout import Checkout
from pdm_app.bootstrap.exclusive import exclusive
from pdm_app.bootstrap.installer import install
from pdm_app.bootstrap.problems import SetupError, explained, require_space
from pdm_app.bootstrap.progress import Phase

MARKER = "pdm-setup.json"
BEGUN = "pdm-setup.begun"

CONTAINS = {"run": ("run", "test"), "test": ("test",), "build": ("build",)}
"""Locks that satisfy a wish: the test lock is the run lock and more."""

NEEDED_MB = {"run": 700, "test": 1200, "build": 250}
"""Disk space of a fresh set-up, measured on x86-64 Linux and rounded up."""

PINNED = re.compile(r"^[A-Za-z0-9._-]+==", re.MULTILINE)


@dataclass(frozen=True)
class Environment:
    """A virtual environment of a checkout: ``.venv``, or Node's own for the build."""

    checkout: Checkout
    folder: Path
    title: str

    @property
    def scripts(self) -> Path:
        return self.folder / ("Scripts" if os.name == "nt" else "bin")

    @property
    def python(self) -> Path:
        return self.scripts / ("python.exe" if os.name == "nt" else "python")

    @property
    def packages(self) -> Path:
        """Folder of what is installed in it."""
        inside = "Lib/site-packages" if os.name == "nt" else "lib/python*/site-packages"
        return next(iter(sorted(self.folder.glob(inside))), self.folder)

    @property
    def is_running_here(self) -> bool:
        """Whether this very process runs in it."""
        return Path(sys.prefix).resolve() == self.folder.resolve()

    def is_ready(self, lock: str) -> bool:
        """Whether it holds the lock, complete; cheap enough for every start (two small files are read)."""
        marker = self._marker()
        return (
            marker.get("python") == this_python()
            and any(marker.get("lock") == [name, self._lock_hash(name)] for name in CONTAINS[lock])
            and self.python.exists()
        )

    def ensure(self, lock: str) -> None:
        """Make it hold the lock, waiting for another set-up that is doing so already.

        Raises:
            SetupError: It could not be made; what is half-made is repaired by the next call.
        """
        if self.is_ready(lock):
            return
        doing = f"Setting up {self.title}"
        with exclusive(self.checkout.cache / "setup.lock", doing):
            if not self.is_ready(lock):  # The one we waited for may have made it.
                self._make(lock, doing)

    def _make(self, lock: str, doing: str) -> None:
        made_by = "user" if self._is_a_persons() else "pdm_app"
        lock_file = self.checkout.lock_file(lock)
        packages = len(PINNED.findall(lock_file.read_text(encoding="utf-8")))
        with explained(doing, self.folder):
            grows = made_by == "user" or self.is_running_here or self._holds_part_of(lock)
            if not grows:
                require_space(doing, self.checkout.root, NEEDED_MB[lock])
                self._create()
            elif this_python() != self._python_inside():
                raise SetupError(
                    f"{doing} stopped: {self.folder} was made by somebody else with another Python; left alone.\n"
                    "Move it away, or start with its own Python."
                )
            with Phase(f"Installing {packages} {self.title}") as phase:
                install(self.checkout, self.python, lock_file, packages=packages, doing=doing, phase=phase)
            written = self.folder / f"{MARKER}.new"
            written.write_text(
                json.dumps({"python": this_python(), "lock": [lock, self._lock_hash(lock)], "made_by": made_by})
            )
            written.replace(self.folder / MARKER)
            (self.folder / BEGUN).unlink(missing_ok=True)

    def _create(self) -> None:
        """Start from nothing, leaving a trace of having begun before anything else."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / BEGUN).touch()
        (self.folder / MARKER).unlink(missing_ok=True)
        for entry in self.folder.iterdir():
            if entry.name != BEGUN:
                _remove(entry)
        # Without pip: the installer brings its own, which saves two seconds and works where ensurepip is missing.
        venv.EnvBuilder(symlinks=os.name != "nt", with_pip=False).create(self.folder)

    def _is_a_persons(self) -> bool:
        if not (self.folder / "pyvenv.cfg").exists():
            return False
        return self._marker().get("made_by") == "user" or not (
            (self.folder / BEGUN).exists() or (self.folder / MARKER).exists()
        )

    def _holds_part_of(self, lock: str) -> bool:
        return lock == "test" and self.is_ready("run")

    def _python_inside(self) -> str:
        try:
            asked = subprocess.run(
                [self.python, "-c", "import sys, sysconfig as s;print(sys.implementation.cache_tag, s.get_platform())"],
                capture_output=True, text=True, timeout=30, check=True,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError):
            return "none that runs"
        return asked.stdout.strip()

    def _marker(self) -> dict[str, object]:
        try:
            found = json.loads((self.folder / MARKER).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _lock_hash(self, name: str) -> str:
        return hashlib.sha256(self.checkout.lock_file(name).read_bytes()).hexdigest()


def this_python() -> str:
    """What compiled packages depend on: implementation, minor version, machine. A patch release changes none of it."""
    return f"{sys.implementation.cache_tag} {sysconfig.get_platform()}"


def product_environment(checkout: Checkout) -> Environment:
    return Environment(checkout, checkout.venv, "Python packages")


def node_environment(checkout: Checkout) -> Environment:
    """Node.js from the Python package index, in an environment of its own: serving never needs it."""
    return Environment(checkout, checkout.cache / "node", "packages with Node.js for the front-end build")


def run_in(environment: Environment, arguments: Sequence[str]) -> int:
    """Hand over to the environment's Python; on POSIX this process becomes it and the call does not return."""
    command = [os.fspath(environment.python), os.fspath(environment.checkout.root / "pdm_app"), *arguments]
    if os.name == "nt":  # exec on Windows leaves the console before the new process is done.
        return subprocess.run(command, check=False).returncode
    return os.execv(command[0], command)  # Typed as never returning.


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()
