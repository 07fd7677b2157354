"""Packages from npm, installed once per lock and kept between runs."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".cache"
INSTALL_TIMEOUT_S = 180


def find_program(name: str) -> str | None:
    """Return Node or npm: the one beside this Python first, else the machine's."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name)


def install_locked(project: Path, cache_name: str) -> Path | str:
    """Install what the lock of a project names.

    Args:
        project: Folder with ``package.json`` and ``package-lock.json``; nothing is written into it.
        cache_name: Folder in the cache, one per project.

    Returns:
        The folder that holds ``node_modules``, or what is missing on this machine.
    """
    npm = find_program("npm")
    if npm is None or find_program("node") is None:
        return "node and npm"
    names = ("package.json", "package-lock.json")
    key = hashlib.sha256(b"".join((project / name).read_bytes() for name in names)).hexdigest()[:16]
    folder = CACHE / cache_name / key
    if (folder / "complete").exists():
        return folder
    own = folder.with_name(f"{key}.{os.getpid()}")  # Two processes that install one project must not meet.
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir(parents=True)
    for name in names:
        shutil.copy(project / name, own)
    path = f"{Path(npm).parent}{os.pathsep}{os.environ['PATH']}"
    made = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=own,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=INSTALL_TIMEOUT_S,
        check=False,
    )
    if made.returncode != 0:
        shutil.rmtree(own, ignore_errors=True)
        return f"the npm packages of {project.name} (npm ci: {made.stderr.strip()[-200:]})"
    (own / "complete").touch()
    try:
        own.rename(folder)
    except OSError:  # Another process was first, or an older run left half of one there.
        if not (folder / "complete").exists():
            shutil.rmtree(folder)
            own.rename(folder)
        else:
            shutil.rmtree(own)
    return folder
