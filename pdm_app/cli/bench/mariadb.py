"""A MariaDB server of one's own for a benchmark or a test: own data directory, free port, commits flushed to disk."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pdm_app.domain.errors import UnavailableError

# Debian puts the server in sbin, which is not on every user's PATH.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/usr/local/bin"])
HOST = "127.0.0.1"
CREATED_WITHIN_S = 120.0
SERVES_WITHIN_S = 60.0
ENDS_WITHIN_S = 60.0
SAID_LAST_LINES = 15


def find_mariadbd() -> str | None:
    """Return the path of the server's program, None where it is not installed."""
    return shutil.which("mariadbd", path=SEARCH_PATH)


class MariadbServer:
    """One server process; ``stop`` and ``start`` bring the same data back, ``kill`` is a power cut.

    Args:
        folder: Where it keeps everything.
        options: Further ones of its command line, which win over those given here.
    """

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        self._folder = folder
        self._options = tuple(options)
        self._temporary = folder / "tmp"  # A server deletes the temporary tables it finds, also another server's.
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        self.log = folder / "server.log"

    @property
    def url(self) -> str:
        """URL of the server, without a database."""
        return f"mysql+asyncmy://root@{HOST}:{self.port}/"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("The MariaDB server is not running.")
        return self._process.pid

    def create(self) -> None:
        """Make the system tables, with a root user that needs no password on loopback.

        Raises:
            UnavailableError: They cannot be made; says what the installer said.
        """
        installer = shutil.which("mariadb-install-db", path=SEARCH_PATH) or "mariadb-install-db"
        self._temporary.mkdir(parents=True, exist_ok=True)
        try:
            subprocess.run(
                [
                    installer, "--no-defaults", f"--datadir={self._folder / 'data'}", f"--tmpdir={self._temporary}",
                    *_user(), "--auth-root-authentication-method=normal", "--skip-test-db",
                ],
                check=True, capture_output=True, timeout=CREATED_WITHIN_S,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            said = (getattr(error, "stderr", b"") or str(error).encode()).decode(errors="replace").strip()
            raise UnavailableError(
                f"A MariaDB data directory could not be made in {self._folder}. {installer} said:\n{said[-500:]}"
            ) from error

    def start(self) -> None:
        """Run until reachable; commits are flushed to disk, as in production.

        Raises:
            UnavailableError: It ended or did not listen in time; holds what it wrote last.
        """
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    find_mariadbd() or "mariadbd", "--no-defaults", *_user(), f"--datadir={self._folder / 'data'}",
                    f"--tmpdir={self._temporary}", f"--socket={self._folder / 'sock'}",
                    f"--pid-file={self._folder / 'pid'}",
                    f"--port={self.port}", f"--bind-address={HOST}", "--innodb-flush-log-at-trx-commit=1",
                    "--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin", "--max-connections=300",
                    "--innodb-buffer-pool-size=256M", "--skip-name-resolve",
                    *self._options,
                ],
                stdout=log, stderr=log,
            )  # fmt: skip
        give_up_at = time.monotonic() + SERVES_WITHIN_S
        while not _listens(self.port):
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                self.kill()
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-SAID_LAST_LINES:])
                raise UnavailableError(f"mariadbd did not start on port {self.port}. It wrote last:\n{tail}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Shut down in order; safe to call twice."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=ENDS_WITHIN_S)
            self._process = None

    def kill(self) -> None:
        """End the server without a chance to flush anything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=ENDS_WITHIN_S)
            self._process = None


@contextmanager
def private_mariadb(folder: Path) -> Iterator[MariadbServer]:
    """Run a new, empty server in ``folder`` for as long as the block lasts."""
    folder.mkdir(parents=True)
    server = MariadbServer(folder)
    server.create()
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _user() -> list[str]:
    return ["--user=root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
