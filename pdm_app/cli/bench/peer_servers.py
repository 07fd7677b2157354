"""PostgreSQL and InfluxDB servers of one's own for a benchmark: own folder, free port on loopback, ended with it."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pdm_app.cli.bench.peer_influxdb import find_influxd
from pdm_app.cli.bench.peer_postgresql import find_postgresql
from pdm_app.domain.errors import UnavailableError

HOST = "127.0.0.1"
STARTS_WITHIN_S = 60.0
ENDS_WITHIN_S = 60.0
SERVER_USER = "postgres"  # Debian's; the server refuses to run as root.
POSTGRESQL_OPTIONS = ("-c", "shared_buffers=256MB", "-c", "fsync=on", "-c", "max_wal_size=4GB")
"""The same memory as the MariaDB beside it, and commits that reach the disk."""
INFLUXDB_CONFIGURATION = """reporting-enabled = false
bind-address = "{host}:{rpc_port}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
  cache-max-memory-size = "1g"
  index-version = "tsi1"
[http]
  bind-address = "{host}:{port}"
  log-enabled = false
  max-row-limit = 0
[monitor]
  store-enabled = false
[logging]
  level = "error"
"""


@dataclass(frozen=True, slots=True)
class PeerServer:
    """A running server: its address and its process."""

    url: str
    pid: int


@contextmanager
def private_postgresql() -> Iterator[PeerServer]:
    """Run a new, empty server for as long as the block lasts; ``url`` names its database.

    It has a folder of its own right under the system's for temporary files: it refuses to run as root, and its own user
    may not be able to reach another one.

    Raises:
        UnavailableError: It is not installed, or did not start; says what it wrote.
    """
    programs = find_postgresql()
    if programs is None:
        raise UnavailableError("PostgreSQL is not installed (Debian: postgresql).")
    with tempfile.TemporaryDirectory(prefix="pdm-postgresql-") as name:
        folder = Path(name)
        as_user = _as_server_user(folder)
        made = subprocess.run(
            [*as_user, programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8"],
            capture_output=True, text=True, check=False, cwd=folder,
        )  # fmt: skip
        if made.returncode != 0:
            raise UnavailableError(f"initdb could not make {folder / 'data'}: {made.stderr[-500:]}")
        port = _free_port()
        command: list[str | Path] = [
            *as_user, programs / "postgres", "-D", folder / "data", "-p", str(port), "-h", HOST, "-k", folder,
            *POSTGRESQL_OPTIONS,
        ]  # fmt: skip
        with _running(command, folder / "server.log", lambda: _is_ready(programs / "pg_isready", port)) as pid:
            yield PeerServer(f"postgresql://postgres@{HOST}:{port}/postgres", pid)


@contextmanager
def private_influxdb(folder: Path) -> Iterator[PeerServer]:
    """Run a new, empty server for as long as the block lasts.

    Raises:
        UnavailableError: It is not installed, or did not start; says what it wrote.
    """
    program = find_influxd()
    if program is None:
        raise UnavailableError("InfluxDB is not installed (Debian: influxdb).")
    folder.mkdir(parents=True, exist_ok=True)
    port, rpc_port = _free_port(), _free_port()
    configuration = folder / "influxdb.conf"
    configuration.write_text(
        INFLUXDB_CONFIGURATION.format(host=HOST, port=port, rpc_port=rpc_port, folder=folder), encoding="utf-8"
    )
    with _running([program, "-config", configuration], folder / "server.log", lambda: _listens(port)) as pid:
        yield PeerServer(f"http://{HOST}:{port}", pid)


@contextmanager
def _running(command: Sequence[str | Path], log: Path, is_ready: Callable[[], bool]) -> Iterator[int]:
    """Run a server; yields the process id once it answers."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    try:
        give_up_at = time.monotonic() + STARTS_WITHIN_S
        while not is_ready():
            if process.poll() is not None or time.monotonic() > give_up_at:
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
                raise UnavailableError(f"{Path(str(command[0])).name} did not start. It wrote last:\n{tail}")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _as_server_user(folder: Path) -> list[str]:
    """Return what makes a command run as the server's own user where we are root, and give the folder to it."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return []
    user = pwd.getpwnam(SERVER_USER)
    os.chown(folder, user.pw_uid, user.pw_gid)
    return [shutil.which("setpriv") or "setpriv", f"--reuid={SERVER_USER}", f"--regid={SERVER_USER}", "--init-groups"]


def _is_ready(pg_isready: Path, port: int) -> bool:
    return subprocess.run([pg_isready, "-q", "-h", HOST, "-p", str(port)], check=False).returncode == 0


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
