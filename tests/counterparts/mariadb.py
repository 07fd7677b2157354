"""A MariaDB server of the tests' own: own data directory, free port, real durability settings."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncmy

from tests.counterparts.ports import free_port, wait_for_port

# Debian puts the server in sbin, which is not on every user's PATH.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/usr/local/bin"])


def find_mariadbd() -> str | None:
    return shutil.which("mariadbd", path=SEARCH_PATH)


class MariadbServer:
    """One server process; ``stop`` and ``start`` bring the same data back, ``kill`` is a power cut."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.log = folder / "server.log"

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the server, without a database."""
        return f"mysql+asyncmy://root@127.0.0.1:{self.port}/"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("The MariaDB server is not running.")
        return self._process.pid

    def create(self) -> None:
        """Make the system tables, with a root user that needs no password on loopback."""
        installer = shutil.which("mariadb-install-db", path=SEARCH_PATH) or "mariadb-install-db"
        subprocess.run(
            [
                installer, "--no-defaults", f"--datadir={self._folder / 'data'}", *self._user(),
                "--auth-root-authentication-method=normal", "--skip-test-db",
            ],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip

    def start(self) -> None:
        """Run until reachable; commits are flushed to disk, as in production."""
        mariadbd = find_mariadbd() or "mariadbd"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    mariadbd, "--no-defaults", *self._user(), f"--datadir={self._folder / 'data'}",
                    f"--socket={self._folder / 'sock'}", f"--pid-file={self._folder / 'pid'}",
                    f"--port={self.port}", "--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=1",
                    "--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin", "--max-connections=300",
                    "--innodb-buffer-pool-size=256M", "--skip-name-resolve",
                ],
                stdout=log, stderr=log,
            )  # fmt: skip
        process = self._process
        try:
            wait_for_port(self.port, within_s=60, still_running=lambda: process.poll() is None)
        except TimeoutError as error:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
            raise RuntimeError(f"mariadbd did not start:\n{tail}") from error

    def stop(self) -> None:
        """Shut down in order; safe to call twice."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=60)
            self._process = None

    def kill(self) -> None:
        """End the server without a chance to flush anything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=60)
            self._process = None

    @staticmethod
    def _user() -> list[str]:
        return ["--user=root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


def database_on(server_url: str, name: str) -> str:
    """URL of one database of a server given as URL."""
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}", query="charset=utf8mb4"))


def execute(server_url: str, *statements: str) -> None:
    """Run statements on a server, from synchronous code, whether or not an event loop runs in this thread."""

    async def run() -> None:
        parts = urlsplit(server_url)
        connection = await asyncmy.connect(
            host=parts.hostname or "127.0.0.1", port=parts.port or 3306, user=parts.username or "root",
            password=parts.password or "", autocommit=True,
        )  # fmt: skip
        try:
            async with connection.cursor() as cursor:
                for statement in statements:
                    await cursor.execute(statement)
        finally:
            await connection.ensure_closed()

    _in_own_thread(run())


def _in_own_thread(work: Coroutine[Any, Any, None]) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result(timeout=60)
