"""Real servers for sinks, one of each for a session, that know who signs in; and what each holds, by its own client."""

import asyncio
import csv
import io
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pyarrow.parquet as pq
import pytest

from pdm_app.cli.bench.peer_influxdb import find_influxd
from pdm_app.cli.bench.peer_postgresql import find_postgresql
from pdm_app.cli.bench.peer_servers import private_influxdb, private_postgresql
from pdm_app.domain.samples import Quality, micros
from pdm_app.domain.sinks import FileOptions, InfluxdbOptions, Options, PostgresqlOptions, Sink, Value
from tests.counterparts.ports import free_port

USER, PASSWORD = "collector", "quiet-otter-7"
Row = tuple[str, int, Value, int]
"""Machine and signal, microseconds UTC, the value in its type, and the code of its quality."""
CODES = {quality.name.lower(): int(quality) for quality in Quality}


@dataclass(frozen=True)
class Server:
    """Where a server listens, and as whom the sink signs in."""

    host: str
    port: int
    admin: str


def sink(options: Options, **facts: Any) -> Sink:
    given = {"id": "sink-1", "site_id": "pune", "name": "Copy", "begins_at": 1, "revision": 1, **facts}
    return Sink(options=options, **given)


# --- PostgreSQL ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgresql(need: Callable[[str, object], None]) -> Iterator[Server]:
    """A server whose user `USER` must give a password."""
    need("postgresql", find_postgresql())
    with private_postgresql() as server:
        url = urlsplit(server.url)
        assert url.hostname is not None
        assert url.port is not None
        asyncio.run(_with_password(server.url))
        yield Server(url.hostname, url.port, server.url)


async def _with_password(url: str) -> None:
    connection = await asyncpg.connect(url)
    rules = await connection.fetchval("SHOW hba_file")
    await asyncio.to_thread(_put_first, Path(rules), f"host all {USER} 127.0.0.1/32 scram-sha-256\n")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
    await connection.execute(f"GRANT CREATE ON SCHEMA public TO {USER}")
    await connection.close()


def _put_first(path: Path, line: str) -> None:
    path.write_text(line + path.read_text())


class PostgresqlSide:
    """A table of its own."""

    secret = PASSWORD

    def __init__(self, server: Server) -> None:
        self.server = server
        self.options = PostgresqlOptions(
            host=server.host, port=server.port, database="postgres", username=USER, tls="none",
            table=f"t_{uuid.uuid4().hex[:8]}",
        )  # fmt: skip
        self.away = self.options.model_copy(update={"port": free_port()})

    async def rows(self) -> list[Row]:
        connection = await asyncpg.connect(self.server.admin)
        try:
            if await connection.fetchval("SELECT to_regclass($1)", self.options.table) is None:
                return []  # Nobody has opened it yet.
            found = await connection.fetch(f"SELECT * FROM {self.options.table} ORDER BY signal, at")  # noqa: S608
        finally:
            await connection.close()
        kinds = ("number", "integer", "boolean", "text")
        return [
            (row["signal"], micros(row["at"]), next((row[kind] for kind in kinds if row[kind] is not None), None),
             row["quality"])
            for row in found
        ]  # fmt: skip


# --- InfluxDB -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def influxdb(need: Callable[[str, object], None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that asks everybody for a password."""
    need("influxdb", find_influxd())
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("INFLUXDB_HTTP_AUTH_ENABLED", "true")
        with private_influxdb(tmp_path_factory.mktemp("influxdb")) as server:
            url = urlsplit(server.url)
            assert url.hostname is not None
            assert url.port is not None
            _asked(server.url, "CREATE USER admin WITH PASSWORD 'admin' WITH ALL PRIVILEGES", sign_in=False)
            _asked(server.url, f"CREATE USER {USER} WITH PASSWORD '{PASSWORD}'")
            yield Server(url.hostname, url.port, server.url)


def _asked(url: str, question: str, *, sign_in: bool = True) -> Any:
    auth = ("admin", "admin") if sign_in else None
    said = httpx.post(f"{url}/query", params={"q": question, "epoch": "u"}, auth=auth, timeout=90).text
    answer = json.loads(said, parse_int=lambda words: -0.0 if words == "-0" else int(words))
    assert "error" not in answer, answer
    return answer["results"][0].get("series", [])


class InfluxdbSide:
    """A database of its own."""

    secret = PASSWORD

    def __init__(self, server: Server) -> None:
        self.server = server
        name = f"d_{uuid.uuid4().hex[:8]}"
        _asked(server.admin, f'CREATE DATABASE "{name}"')
        _asked(server.admin, f'GRANT WRITE ON "{name}" TO "{USER}"')
        self.options = InfluxdbOptions(url=server.admin, database=name, username=USER)
        self.away = self.options.model_copy(update={"url": f"http://127.0.0.1:{free_port()}"})

    async def rows(self) -> list[Row]:
        question = f'SELECT * FROM "{self.options.database}".."{self.options.measurement}"'  # noqa: S608
        series = await asyncio.to_thread(_asked, self.server.admin, question)
        found: list[Row] = []
        for row in series[0]["values"] if series else []:
            cell = dict(zip(series[0]["columns"], row, strict=True))
            values = (cell.get(kind) for kind in ("number", "integer", "boolean", "text"))
            value: Value = next((value for value in values if value is not None), None)
            if isinstance(value, int) and cell.get("number") is not None:
                value = float(value)  # JSON says 42 of 42.0.
            found.append((f"{cell['machine']}.{cell['signal']}", cell["time"], value, cell["quality"]))
        return sorted(found, key=lambda row: row[:2])


# --- files --------------------------------------------------------------------------------------------------------


class FileSide:
    """A folder of its own; what is in parts counts, as it would after their end."""

    secret = None

    def __init__(self, root: Path, options: FileOptions) -> None:
        self.root = root
        self.options = options
        self.away = options.model_copy(update={"folder": "taken"})
        (root / "taken").write_text("a file, where a folder should be")

    @property
    def folder(self) -> Path:
        return self.root / self.options.folder

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.exists() else []

    def whole(self) -> list[Path]:
        return sorted(self.folder.glob(f"*.{self.options.kind}"))

    async def rows(self) -> list[Row]:
        return sorted(await asyncio.to_thread(self._rows, self.whole()), key=lambda row: row[:2])

    def _rows(self, paths: list[Path]) -> list[Row]:
        found: list[Row] = []
        for path in paths:
            if self.options.kind == "csv":
                content = io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")
                for row in csv.DictReader(content):
                    at = micros(datetime.fromisoformat(row["Time"]))
                    value = _valued(row["Value"] or None, row["Text"], row["Type"])
                    found.append((row["Signal"], at, value, CODES[row["Quality"]]))
            else:
                for row in pq.read_table(path).to_pylist():
                    value = _valued(row["Value"], row["Text"], row["Type"])
                    found.append((row["Signal"], micros(row["Time"]), value, CODES[row["Quality"]]))
        return found


def _valued(number: str | float | None, words: str | None, kind: str) -> Value:
    if kind == "text":
        return words or None
    if number is None:
        return None
    if kind == "boolean":
        return number == "true" if isinstance(number, str) else bool(number)
    return int(number) if kind == "integer" and float(number) == int(float(number)) else float(number)


Side = PostgresqlSide | InfluxdbSide | FileSide
