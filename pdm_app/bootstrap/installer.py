"""Install a hash lock into a virtual environment: through uv in seconds, through pip where uv is not to be had.

Both keep the machine's own index settings: pip reads them itself, for uv pip's are translated. Locks hold hashes, so an
index can refuse to serve a package but cannot replace one.
"""

import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pdm_app.bootstrap.checkout import Checkout
from pdm_app.bootstrap.logged import run_logged
from pdm_app.bootstrap.problems import NoNetworkError, NoSpaceError, SetupError
from pdm_app.bootstrap.progress import Phase

PIP_PATIENCE = (
    "--retries",
    "2",
    "--timeout",
    "30",
    "--disable-pip-version-check",
    "--no-input",
    "--progress-bar",
    "off",
)

UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
}
"""pip's settings (without their section) and the environment variables that tell uv the same."""


def install(checkout: Checkout, python: Path, lock_file: Path, *, packages: int, doing: str, phase: Phase) -> None:
    """Install every package of the lock into the environment of ``python``, each checked against its hashes.

    Raises:
        SetupError: Neither uv nor pip could; the message is about the last one tried.
    """
    what = ["--require-hashes", "--only-binary=:all:", "--requirement", os.fspath(lock_file)]
    count = _counter(packages, phase)
    uv = shutil.which("uv") or _fetch_uv(checkout, python, doing, count)
    if uv is not None:
        # Best match, as pip does it: with hashes it does not matter which index answers.
        # Compiling now takes seconds once and saves more than a second of every start.
        command = [
            uv, "pip", "install", "--python", os.fspath(python), "--index-strategy=unsafe-best-match",
            "--compile-bytecode", *what,
        ]  # fmt: skip
        environment = {**uv_settings(pip_settings()), **os.environ}
        try:
            run_logged(command, doing=doing, log=checkout.log, on_line=count, environment=environment)
        except NoSpaceError:
            raise
        except SetupError:
            phase.show("uv could not; trying pip")
        else:
            return
    command = [*_pip_for(python, doing), "install", *PIP_PATIENCE, *what]
    run_logged(command, doing=doing, log=checkout.log, on_line=count)


def pip_settings() -> dict[str, str]:
    """What pip is configured to do on this machine: files first, the environment over them."""
    try:
        asked = subprocess.run(
            [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    settings: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in asked.stdout.splitlines():
        key, equals, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if equals and section in settings:
            settings[section][name] = str(ast.literal_eval(value))
    return {**settings["global"], **settings["install"], **settings[":env:"]}


def uv_settings(pip: Mapping[str, str]) -> dict[str, str]:
    """The environment that tells uv what pip's settings say. Links are separated by commas there, indexes by spaces."""
    told = {UV_NAMES[name]: " ".join(value.split()) for name, value in pip.items() if name in UV_NAMES}
    if "UV_FIND_LINKS" in told:
        told["UV_FIND_LINKS"] = told["UV_FIND_LINKS"].replace(" ", ",")
    return told


def _counter(packages: int, phase: Phase) -> Callable[[str], None]:
    """Read progress from what uv or pip print: pip names every package it collects, uv the larger ones it downloads."""
    collected: set[str] = set()

    def count(line: str) -> None:
        found = re.match(r"\s*(?:Collecting|Downloaded|Building|\+) +([A-Za-z0-9._-]+)", line)
        if found:
            collected.add(found[1])
        phase.show(f"{min(len(collected), packages)} of {packages} · {line.strip()[:60]}")

    return count


def _fetch_uv(checkout: Checkout, python: Path, doing: str, on_line: Callable[[str], None]) -> str | None:
    """Bring uv through pip: seconds that save half a minute. None where the index has none for this machine."""
    lock_file = checkout.lock_file("installer")
    folder = checkout.cache / f"installer-{hashlib.sha256(lock_file.read_bytes()).hexdigest()[:12]}"
    uv = folder / "bin" / ("uv.exe" if os.name == "nt" else "uv")
    if not uv.exists():
        try:
            what: list[str | Path] = [
                "--require-hashes",
                "--only-binary=:all:",
                "--requirement",
                lock_file,
                "--upgrade",
                "--target",
                folder,
            ]
            command = [*_pip_for(python, doing), "install", *PIP_PATIENCE, *what]
            run_logged(command, doing=doing, log=checkout.log, on_line=on_line)
        except (NoNetworkError, NoSpaceError):
            raise
        except SetupError:
            return None
    return os.fspath(uv) if uv.exists() else None


def _pip_for(python: Path, doing: str) -> Sequence[str]:
    """The command of a pip that installs into the environment of ``python``.

    Raises:
        SetupError: There is neither a pip nor the ensurepip that could make one.
    """
    if _runs([sys.executable, "-m", "pip", "--python", python, "--version"]):
        return (sys.executable, "-m", "pip", "--python", os.fspath(python))
    inside = (os.fspath(python), "-m", "pip")
    if _runs([*inside, "--version"]) or _runs([python, "-m", "ensurepip", "--default-pip"]):
        return inside
    raise SetupError(
        f"{doing} stopped: {sys.executable} has neither pip nor ensurepip, so nothing can be installed.\n"
        "On Debian and Ubuntu: apt install python3-venv (or python3-pip). Elsewhere: Python from python.org, or uv."
    )


def _runs(command: Sequence[str | os.PathLike[str]]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=120, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False
