"""A checkout in miniature: the real entry and set-up, a lock of one package, an index in a folder."""

import base64
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASE_PYTHON = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"

COMMAND_LINE = '''
"""Stands for the real command line: says what reached it."""
import json, os, sys

def main(words):
    import tiny
    print(json.dumps({"words": list(words), "cwd": os.getcwd(), "prefix": sys.prefix, "tiny": tiny.VERSION}))
    return 7 if words[:1] == ["fail"] else 0
'''


@dataclass
class MiniCheckout:
    """A folder in which `python -m pdm_app` sets itself up from a folder of wheels, without any network."""

    root: Path
    wheels: Path
    home: Path
    python: Path = BASE_PYTHON
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    def environment(self, **more: str) -> dict[str, str]:
        """No uv on PATH, no index but the folder of wheels, nothing inherited from the person who runs the tests."""
        return {
            "PATH": "/usr/bin:/bin", "HOME": str(self.home), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels),
            "PIP_CONFIG_FILE": os.devnull, "PYTHONDONTWRITEBYTECODE": "1", **more,
        }  # fmt: skip

    def start(
        self, *words: str, by_path: bool = False, cwd: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start a command and return at once; it leads a process group of its own."""
        how = [str(self.root / "pdm_app")] if by_path else ["-m", "pdm_app"]
        process = subprocess.Popen(
            [self.python, *how, *words], cwd=cwd or self.root, env=self.environment(**(settings or {})), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self.started.append(process)
        return process

    def run(
        self, *words: str, by_path: bool = False, cwd: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        process = self.start(*words, by_path=by_path, cwd=cwd, settings=settings)
        output, errors = process.communicate(timeout=120)
        return subprocess.CompletedProcess(words, process.returncode, output, errors)

    def offer(self, version: str) -> None:
        """Put a release of the package `tiny` into the folder of wheels and into the locks."""
        wheel = self.wheels / f"tiny-{version}-py3-none-any.whl"
        write_wheel(wheel, version)
        pinned = f"tiny=={version} \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
        for name in ("run", "test"):
            (self.root / ".ci" / "locks" / f"{name}.txt").write_text(pinned)


def write_wheel(wheel: Path, version: str) -> None:
    """A wheel by hand: one module, metadata, and the record of both."""
    info = f"tiny-{version}.dist-info"
    files = {
        "tiny.py": f'VERSION = "{version}"\n',
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},\n"
        for name, text in files.items()
    )
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record + f"{info}/RECORD,,\n"}.items():
            archive.writestr(name, text)


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[MiniCheckout]:
    mini = MiniCheckout(tmp_path / "checkout", tmp_path / "wheels", tmp_path / "home")
    for folder in (mini.root / "pdm_app" / "cli", mini.root / ".ci" / "locks", mini.wheels, mini.home):
        folder.mkdir(parents=True)
    for name in ("__init__.py", "__main__.py"):
        shutil.copy(ROOT / "pdm_app" / name, mini.root / "pdm_app")
    shutil.copytree(
        ROOT / "pdm_app" / "bootstrap",
        mini.root / "pdm_app" / "bootstrap",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (mini.root / "pdm_app" / "cli" / "__init__.py").touch()
    (mini.root / "pdm_app" / "cli" / "main.py").write_text(COMMAND_LINE)
    (mini.root / "pyproject.toml").touch()
    shutil.copy(ROOT / ".ci" / "locks" / "installer.txt", mini.root / ".ci" / "locks")
    mini.offer("1.0")
    yield mini
    for process in mini.started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    """Wait for a condition of another process, for at most 30 s."""
    import time

    def wait(holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 120
        while not holds():
            assert time.monotonic() < deadline, "the condition did not come true within 30 s"
            time.sleep(0.02)

    return wait
