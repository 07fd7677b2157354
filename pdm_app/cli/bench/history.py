"""`bench history`: a long past in each store, and how long the questions of a trend take.

The product on SQLite and on MariaDB, beside DuckDB over Parquet, PostgreSQL and InfluxDB where they are installed. Each
is asked by a process of its own, one store after the other, so that none disturbs another; a database server is one
more process. SQLite and DuckDB live inside the one that asks.
"""

import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from pdm_app.cli.bench.figures import Figure, Report
from pdm_app.cli.bench.history_plan import HistoryPlan, Question
from pdm_app.cli.bench.machine import busy_percent, machine
from pdm_app.cli.bench.mariadb import find_mariadbd, private_mariadb
from pdm_app.cli.bench.peer_influxdb import find_influxd
from pdm_app.cli.bench.peer_postgresql import find_postgresql
from pdm_app.cli.bench.peer_servers import private_influxdb, private_postgresql
from pdm_app.cli.bench.processes import Child, child
from pdm_app.cli.bench.record import DATABASE, check_empty, make_database
from pdm_app.cli.bench.tables import Tables
from pdm_app.cli.bench.usage import Usage, metered, split
from pdm_app.storage.database import Database

MODULE = "pdm_app.cli.bench.history_child"
START_S_MAX = 60.0
LOAD_S_MAX = 7200.0
TURN_S_MAX = 30.0
NAMES = {"duckdb": "DuckDB", "postgresql": "PostgreSQL", "influxdb": "InfluxDB"}
PEER_OF = {"SQLite": "duckdb", "MariaDB": "postgresql", "MySQL": "postgresql"}
"""The peer of the same kind: inside the process that asks, or a server beside it."""
COLD_BYTES_MUST, COLD_BYTES_GOAL = 10, 5


@dataclass(frozen=True, slots=True)
class Found:
    """What one store took to be filled and asked."""

    label: str
    loaded: dict[str, Any]
    usage: dict[str, Usage]
    took_ms: tuple[tuple[float, ...], ...]

    def p95_ms(self, question: int) -> float:
        """Return what 95 of 100 turns keep."""
        return float(np.percentile(self.took_ms[question], 95))


async def bench_history(points: int, turns: int, database_url: str) -> Report:
    """Run the whole benchmark; everything it starts has ended when it returns, is cancelled or fails.

    Args:
        points: About how many samples each store gets.
        turns: How often each question is asked, over other spans each time.
        database_url: An empty MySQL or MariaDB database, emptied again at the end. Without it a private MariaDB is
            started where it is installed.

    Raises:
        InvalidInputError: The database is not empty, or no MySQL.
        UnavailableError: Something did not start or answer.
    """
    busy = busy_percent()
    plan = HistoryPlan(points)
    if database_url:
        await check_empty(database_url)
    left_out: list[str] = []
    with tempfile.TemporaryDirectory(prefix="pdm-bench-") as name:
        folder = Path(name)
        where = machine(folder)
        own = [await _sqlite(plan, turns, folder)]
        if database_url or find_mariadbd() is not None:
            own.append(await _mysql(plan, turns, folder, database_url))
        else:
            left_out.append("MariaDB was left out: mariadbd is not installed and no --database-url was given.")
        peers = {kind: await _peer(kind, plan, turns, folder) for kind in _peers(left_out)}
    notes = [*map(_note, [*own, *peers.values()]), *left_out]
    notes.append(f"Before the run the machine was {busy:.0f} % busy with other work.")
    return Report(
        title="bench history: a long past and the questions of a trend",
        machine=where,
        load=f"{own[0].loaded['samples']:,} samples: 10 signals over {plan.days} days, 10 at 10 Hz and 100 at 1 Hz "
        f"over the last hours, values of two decimals; p95 of {turns} turns over other spans, the first not counted",
        peer="DuckDB over a Parquet file per day beside SQLite, PostgreSQL beside MariaDB; both of raw samples alone",
        figures=tuple(_figures(plan, own, peers)),
        notes=tuple(notes),
        facts={found.label: {"loaded": found.loaded, "took_ms": found.took_ms} for found in [*own, *peers.values()]},
    )


def _peers(left_out: list[str]) -> Iterator[str]:
    here = {
        "duckdb": find_spec("duckdb") is not None,
        "postgresql": find_postgresql() is not None,
        "influxdb": find_influxd() is not None,
    }
    packages = {"duckdb": "PyPI: duckdb", "postgresql": "Debian: postgresql", "influxdb": "Debian: influxdb"}
    for kind, is_here in here.items():
        if is_here:
            yield kind
        else:
            left_out.append(f"{NAMES[kind]} was left out: it is not installed ({packages[kind]}).")


async def _sqlite(plan: HistoryPlan, turns: int, folder: Path) -> Found:
    url = f"sqlite+aiosqlite:///{(folder / 'history.sqlite').as_posix()}"
    return await _found("SQLite", "product", url, folder / "sqlite", plan, turns, {})


async def _mysql(plan: HistoryPlan, turns: int, folder: Path, database_url: str) -> Found:
    if database_url:
        try:
            return await _found("MySQL", "product", database_url, folder / "mysql", plan, turns, {})
        finally:
            database = Database(database_url)
            await Tables(database).empty()
            await database.close()
    with private_mariadb(folder / "mariadb") as server:
        url = f"{server.url}{DATABASE}"
        await make_database(url)
        return await _found("MySQL", "product", url, folder / "mysql", plan, turns, {"database": server.pid})


async def _peer(kind: str, plan: HistoryPlan, turns: int, folder: Path) -> Found:
    with _server(kind, folder / kind) as (url, pid):
        return await _found(NAMES[kind], kind, url, folder / kind, plan, turns, {"server": pid} if pid else {})


@contextmanager
def _server(kind: str, folder: Path) -> Iterator[tuple[str, int | None]]:
    """Yield the address and the process of a peer's server; the embedded one has none."""
    if kind == "duckdb":
        yield "", None
        return
    with private_postgresql() if kind == "postgresql" else private_influxdb(folder) as server:
        yield server.url, server.pid


async def _found(
    label: str, kind: str, url: str, folder: Path, plan: HistoryPlan, turns: int, servers: dict[str, int]
) -> Found:
    """Fill one store and ask it everything."""
    async with _asker(label, kind, url, folder, plan) as process:
        with metered({"process": process.pid, **servers}) as meter:
            loaded = await process.ask(LOAD_S_MAX, what="load")
        took_ms = []
        for number in range(len(plan.questions())):
            answer = await process.ask(TURN_S_MAX * (turns + 1), what="ask", question=number, turns=turns)
            took_ms.append(tuple(answer["took_ms"]))
    if kind == "product" and label == "MySQL":
        label = "MariaDB" if "mariadb" in str(loaded["version"]).lower() else "MySQL"
    found = Found(label, loaded, meter.usage, tuple(took_ms))
    p95 = ", ".join(f"{found.p95_ms(number):.1f}" for number in range(len(took_ms)))
    sys.stderr.write(f"{_note(found)} p95 in ms: {p95}\n")  # A whole run may take an hour.
    return found


@asynccontextmanager
async def _asker(label: str, kind: str, url: str, folder: Path, plan: HistoryPlan) -> AsyncIterator[Child]:
    configuration = {"kind": kind, "url": url, "folder": str(folder), "points": plan.points}
    async with child(f"history-{label}", MODULE, configuration, folder.parent) as process:
        await process.hear(START_S_MAX)
        yield process


def _figures(plan: HistoryPlan, own: list[Found], peers: dict[str, Found]) -> Iterator[Figure]:
    for number, question in enumerate(plan.questions()):
        for found in own:
            peer = peers.get(PEER_OF[found.label])
            yield _answered(question, number, found, peer)
        for kind, found in peers.items():
            if kind not in {PEER_OF[one.label] for one in own}:
                yield Figure(f"{question.name}, {found.label}", found.p95_ms(number), "ms")
    for found in own:
        peer = peers.get(PEER_OF[found.label])
        loaded = found.loaded
        cold = loaded["samples"] - loaded["hot"]
        yield Figure(
            f"stored of those written, {found.label}", 100 * loaded["stored"] / loaded["samples"], "%", 100, 100,
            more_is_better=True,
        )  # fmt: skip
        yield Figure(
            f"cold files, {found.label}", loaded["cold_bytes"] / cold if cold else None, "bytes/sample",
            COLD_BYTES_MUST, COLD_BYTES_GOAL, peer.loaded["bytes"] / peer.loaded["samples"] if peer else None,
            note="nothing is closed",
        )  # fmt: skip
        yield Figure(
            f"loaded, {found.label}", loaded["samples"] / loaded["took_s"], "samples/s",
            peer=peer.loaded["samples"] / peer.loaded["took_s"] if peer else None, more_is_better=True,
        )  # fmt: skip
    for kind, found in peers.items():
        if kind not in {PEER_OF[one.label] for one in own}:
            yield Figure(f"disk, {found.label}", found.loaded["bytes"] / found.loaded["samples"], "bytes/sample")


def _answered(question: Question, number: int, found: Found, peer: Found | None) -> Figure:
    return Figure(
        f"{question.name}, {found.label}", found.p95_ms(number), "ms", question.must_ms, question.goal_ms,
        peer.p95_ms(number) if peer else None,
    )  # fmt: skip


def _note(found: Found) -> str:
    loaded = found.loaded
    steps = [
        f"{loaded[what]:,} {what} at {loaded[what] / max(loaded[f'{what}_s'], 1e-9):,.0f}/s"
        for what in ("recorded", "imported")
        if what in loaded
    ]
    took = f"{loaded['took_s']:.0f} s" + (f" ({', '.join(steps)})" if steps else "")
    return (
        f"{found.label} {loaded['version']}: {loaded['samples']:,} samples in {took}, "
        f"{loaded['bytes'] / 1e6:,.0f} MB; CPU in % of one core while it was filled: {split(found.usage)}."
    )
