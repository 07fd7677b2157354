"""An S3 server of the tests' own in Node, which checks signatures, and which fails when it is told to."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pdm_app.domain.cold_bucket import BucketKey, BucketSettings
from tests.counterparts.npm import find_program, install_locked
from tests.counterparts.ports import free_port, wait_for_port

HERE = Path(__file__).parent / "s3"
BUCKET = "plant-history"
KEY = BucketKey("PLANTKEY", "otter/under+quartz=7")


class S3Server:
    """One server process.

    Attributes:
        folder: Where it keeps its objects.
        port: Where it listens, on loopback.
    """

    def __init__(self, packages: Path, folder: Path, certificate: Path | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.packages, self.folder, self.certificate = packages, folder, certificate
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http{'s' if self.certificate else ''}://127.0.0.1:{self.port}"

    def options(self, **facts: Any) -> BucketSettings:
        return BucketSettings(**{"endpoint": self.endpoint, "name": BUCKET, "timeout_s": 10.0, **facts})

    def start(self) -> None:
        node = find_program("node")
        assert node is not None
        given = [self.packages, self.folder, self.port, BUCKET, KEY.id, KEY.secret, self.certificate or ""]
        process = self._process = subprocess.Popen(
            [node, str(HERE / "server.cjs"), *map(str, given)], start_new_session=True
        )
        wait_for_port(self.port, within_s=60, still_running=lambda: process.poll() is None)

    def stop(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)  # Node may run below a program of its wheel.
            self._process.wait()
            self._process = None

    def fails(self, **fault: Any) -> None:
        """Fail from now on: ``status`` with ``code`` and perhaps for one ``method``, ``half``, or ``silent_ms``."""
        path = self.folder / "faults.json"
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(fault))
        fresh.replace(path)

    def asked(self) -> list[str]:
        """Return the requests so far: method, address and range."""
        path = self.folder / "asked.log"
        return path.read_text().splitlines() if path.exists() else []

    def stored(self, prefix: str = "pdm") -> dict[str, Path]:
        """Return the objects below a prefix by name, as the files that the server keeps them in."""
        ending = "._S3rver_object"
        below = (self.folder / BUCKET / prefix).glob(f"*{ending}")
        return {path.name.removesuffix(ending): path for path in below}


@pytest.fixture(scope="session")
def s3_server(need: Callable[[str, object], None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A server shared by the session; each test has a prefix of its own."""
    packages = install_locked(HERE, "s3")
    need(str(packages), isinstance(packages, Path))
    assert isinstance(packages, Path)
    server = S3Server(packages, tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_s3_server(need: Callable[[str, object], None], tmp_path: Path) -> Iterator[S3Server]:
    """A server that the test may stop and have fail."""
    packages = install_locked(HERE, "s3")
    need(str(packages), isinstance(packages, Path))
    assert isinstance(packages, Path)
    server = S3Server(packages, tmp_path / "s3")
    server.start()
    yield server
    server.stop()
