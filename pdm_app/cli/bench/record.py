"""`bench record`: how many samples a second get from the durable buffer into the database and its rollups.

Load generator and recorder are one process, the database server is another; SQLite lives inside the recorder. The peer
writes the same samples with plain multi-row inserts, from the same process, into the same server.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pdm_app.cli.bench.figures import Figure, Report
from pdm_app.cli.bench.machine import busy_percent, machine
from pdm_app.cli.bench.mariadb import find_mariadbd, private_mariadb
from pdm_app.cli.bench.processes import child
from pdm_app.cli.bench.tables import Tables
from pdm_app.cli.bench.usage import Usage, metered, split
from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.storage.database import Database

MODULE = "pdm_app.cli.bench.recording"
SIGNALS = 1000
START_S_MAX = 60.0
DRAIN_S_MAX = 600.0  # After offering: for what is still to be recorded and rolled up.
MUST_PER_S, GOAL_PER_S = 10_000, 100_000
REPLAY_MUST_PER_S, REPLAY_GOAL_PER_S = 50_000, 100_000
SHORT_S = 20.0  # At most, for the peer and for what is written again: sustained is asked of recording alone.
DATABASE = "pdm_bench"
NO_USAGE = Usage(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one way of writing did with one database."""

    offered: int
    stored: int
    recorded_s: float
    bytes: int
    usage: dict[str, Usage]
    rolled_up: int = 0
    rolled_up_due: int = 0
    rolled_up_s: float = 0.0
    version: str = ""

    @property
    def per_s(self) -> float:
        return self.stored / self.recorded_s

    def cpu_us(self, process: str) -> float:
        """Microseconds of processor time per sample."""
        return 1e6 * self.usage.get(process, NO_USAGE).cpu_s / max(1, self.stored)


async def bench_record(seconds: float, database_url: str) -> Report:
    """Run the whole benchmark; everything it starts has ended when it returns, is cancelled or fails.

    Args:
        seconds: How long batches are offered, for each way of writing.
        database_url: An empty MySQL or MariaDB database, emptied again at the end. Without it a private MariaDB is
            started where it is installed.

    Raises:
        InvalidInputError: The database is not empty, or no MySQL.
        UnavailableError: Something did not start or answer.
    """
    busy = busy_percent()
    figures: list[Figure] = []
    notes: list[str] = []
    if database_url:
        await check_empty(database_url)
    with tempfile.TemporaryDirectory(prefix="pdm-bench-") as name:
        folder = Path(name)
        where = machine(folder)
        sqlite_url = f"sqlite+aiosqlite:///{(folder / 'record.sqlite').as_posix()}"
        _note("SQLite", await _all("SQLite", sqlite_url, None, seconds, folder), None, figures, notes)
        if not database_url and find_mariadbd() is None:
            notes.append("MariaDB was left out: mariadbd is not installed and no --database-url was given.")
        else:
            with _server(database_url, folder) as (url, pid):
                if not database_url:
                    await make_database(url)
                found = await _all("MySQL", url, pid, seconds, folder)
                _note(_brand(found["record"].version), found, pid, figures, notes)
    notes.append(f"Before the run the machine was {busy:.0f} % busy with other work.")
    return Report(
        title="bench record: from the buffer to the database",
        machine=where,
        load=f"batches of {SIGNALS:,} signals as fast as they get out of the buffer, {seconds:g} s each; every commit "
        "flushed to disk; latest values and 10 s rollups included",
        peer="plain multi-row executemany of 10,000 rows per commit into the same columns, without latest and rollups",
        figures=tuple(figures),
        notes=tuple(notes),
    )


@contextmanager
def _server(database_url: str, folder: Path) -> Iterator[tuple[str, int | None]]:
    """Yield a database URL and the server's process id, None for a server that is not ours."""
    if database_url:
        yield database_url, None
        return
    with private_mariadb(folder / "mariadb") as server:
        yield f"{server.url}{DATABASE}", server.pid


async def check_empty(database_url: str) -> None:
    database = Database(database_url)
    try:
        if database.is_sqlite or not await Tables(database).is_empty():
            raise InvalidInputError(
                f"{database.place} cannot be used: the benchmark fills a database and empties it again at the end. "
                "Give an empty one on MySQL or MariaDB.",
                [FieldIssue("database_url", "is not an empty MySQL database", "give an empty one")],
            )
    finally:
        await database.close()


async def make_database(url: str) -> None:
    system = Database(url.removesuffix(DATABASE) + "mysql")  # The one that every server has.
    try:
        async with system.writing("make a database") as connection:
            await connection.exec_driver_sql(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    finally:
        await system.close()


async def _all(name: str, url: str, pid: int | None, seconds: float, folder: Path) -> dict[str, Recorded]:
    """Record in the product's way, write the same again, catch up after an outage, then write in the peer's way."""
    configuration = {"database_url": url, "folder": str(folder), "signals": SIGNALS}
    async with child(f"recording-{name}", MODULE, configuration, folder) as process:
        await process.hear(START_S_MAX)
        pids = {"recorder": process.pid, **({"database": pid} if pid else {})}
        found: dict[str, Recorded] = {}
        for what in ("record", "replay", "outage", "plain"):
            length_s = seconds if what == "record" else min(seconds, SHORT_S)
            with metered(pids) as meter:
                answer = await process.ask(seconds + DRAIN_S_MAX, what=what, seconds=length_s)
            found[what] = Recorded(**answer, usage=meter.usage)
        if not url.startswith("sqlite"):
            await process.ask(DRAIN_S_MAX, what="empty", seconds=0)
    return found


def _note(label: str, found: Mapping[str, Recorded], pid: int | None, figures: list[Figure], notes: list[str]) -> None:
    own, again, outage, peer = (found[what] for what in ("record", "replay", "outage", "plain"))
    must, goal = (MUST_PER_S, GOAL_PER_S) if label != "SQLite" else (None, None)
    stored, stored_by_peer = (100 * one.stored / one.offered for one in (own, peer))
    rolled_up = 100 * own.rolled_up / own.rolled_up_due if own.rolled_up_due else None
    figures += [
        Figure(f"recorded, {label}", own.per_s, "samples/s", must, goal, peer.per_s, more_is_better=True),
        Figure(f"recorded and rolled up, {label}", own.stored / own.rolled_up_s, "samples/s"),
        Figure(f"rollups after the last sample, {label}", own.rolled_up_s - own.recorded_s, "s"),
        Figure(
            f"written again, {label}",
            again.offered / again.recorded_s,
            "samples/s",
            *_replay(label),
            more_is_better=True,
        ),
        Figure(f"caught up after an outage, {label}", outage.per_s, "samples/s", *_replay(label), more_is_better=True),
        Figure(
            f"stored after an outage, {label}", 100 * outage.stored / outage.offered, "%", 100, 100, more_is_better=True
        ),
        Figure(f"recorder, {label}", own.usage.get("recorder", NO_USAGE).cpu_percent, "% of a core", 100, 100),
        Figure(f"stored of those offered, {label}", stored, "%", 100, 100, stored_by_peer, more_is_better=True),
        Figure(f"in rollups of those due, {label}", rolled_up, "%", 100, 100, more_is_better=True, note="none was due"),
        Figure(f"CPU of the recorder, {label}", own.cpu_us("recorder"), "µs/sample", peer=peer.cpu_us("recorder")),
        Figure(f"disk, {label}", own.bytes / own.stored, "bytes/sample", peer=peer.bytes / peer.stored),
    ]
    if pid is not None:
        server = Figure(
            f"CPU of the server, {label}", own.cpu_us("database"), "µs/sample", peer=peer.cpu_us("database")
        )
        figures.insert(-1, server)
    notes.append(
        f"{label} {own.version}: {own.stored:,} samples; CPU in % of one core: {split(own.usage)}; "
        f"peer: {split(peer.usage)}."
    )


def _replay(label: str) -> tuple[int | None, int | None]:
    return (None, None) if label == "SQLite" else (REPLAY_MUST_PER_S, REPLAY_GOAL_PER_S)


def _brand(version: str) -> str:
    return "MariaDB" if "mariadb" in version.lower() else "MySQL"
