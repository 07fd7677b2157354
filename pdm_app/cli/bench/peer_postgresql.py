"""PostgreSQL as a peer: one table with the key (signal, source_at), filled by binary COPY, asked through psql.

psql runs beside the questions and throws the rows away, so the peer is spared what the product pays for turning them
into columns.
"""

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pdm_app.cli.bench.history_plan import PIXELS, HistoryPlan, Portion, Question, Span
from pdm_app.domain.errors import UnavailableError

MAKE = """CREATE TABLE samples (signal INTEGER NOT NULL, source_at BIGINT NOT NULL, value DOUBLE PRECISION,
    quality SMALLINT NOT NULL, PRIMARY KEY (signal, source_at))"""
WHERE = "signal BETWEEN {first} AND {last} AND source_at >= {start} AND source_at < {end}"
ENVELOPE = f"""SELECT signal, source_at / {{width}}, MIN(value), MAX(value), AVG(value), COUNT(*) FROM samples
    WHERE {WHERE} GROUP BY 1, 2 ORDER BY 1, 2"""  # noqa: S608 - numbers only.
SAMPLES = f"SELECT signal, source_at, value, quality FROM samples WHERE {WHERE} ORDER BY 1, 2"  # noqa: S608
LATEST = """SELECT signals.signal, newest.source_at, newest.value FROM signals, LATERAL (SELECT source_at, value
    FROM samples WHERE samples.signal = signals.signal ORDER BY source_at DESC LIMIT 1) newest"""
SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
TUPLE = np.dtype(
    [
        ("fields", ">i2"), ("signal_size", ">i4"), ("signal", ">i4"), ("at_size", ">i4"), ("at", ">i8"),
        ("value_size", ">i4"), ("value", ">f8"), ("quality_size", ">i4"), ("quality", ">i2"),
    ]
)  # fmt: skip
"""One row of PostgreSQL's binary COPY: the number of fields, then the size and the bytes of each."""
ENDED = "-- answered --"
COPIED_AT_ONCE = 500_000


class PostgresqlStore:
    """One database, through one psql that stays open."""

    def __init__(self, url: str, process: asyncio.subprocess.Process, plan: HistoryPlan) -> None:
        self._url = url
        self._process = process
        self._plan = plan

    @classmethod
    async def connected(cls, url: str, plan: HistoryPlan) -> "PostgresqlStore":
        """Start psql."""
        process = await asyncio.create_subprocess_exec(
            shutil.which("psql") or "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", url,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        return cls(url, process, plan)

    async def load(self) -> Mapping[str, object]:
        """Copy everything, then let the server learn what it has."""
        await self._told(MAKE + ";")
        samples = await self._copy(self._plan.lonely())
        for day in self._plan.day_starts():
            for portion in self._plan.portions(day):
                samples += await self._copy(portion)
        await self._told("CREATE TABLE signals AS SELECT DISTINCT signal FROM samples;")
        await self._told("VACUUM ANALYZE;")
        (stored,) = await self._told("SELECT COUNT(*) FROM samples;")
        (size,) = await self._told("SELECT pg_total_relation_size('samples');")
        (version,) = await self._told("SHOW server_version;")
        return {"samples": samples, "stored": int(stored), "bytes": int(size), "version": version}

    async def ask(self, question: Question, span: Span) -> int:
        r"""Answer, rows thrown away; psql says nothing of them, so they are not counted."""
        statement = {"envelope": ENVELOPE, "samples": SAMPLES, "latest": LATEST}[question.kind].format(
            first=question.signals.start, last=question.signals.stop - 1, start=span.start, end=span.end,
            width=max(1, (span.end - span.start) // PIXELS),
        )  # fmt: skip
        await self._told(f"\\o /dev/null\n{statement};\n\\o")
        return 0

    async def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()

    async def _told(self, statement: str) -> list[str]:
        """Run a statement and return the lines of its answer."""
        assert self._process.stdin is not None  # noqa: S101 - asked for above.
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(f"{statement}\n\\echo {ENDED}\n".encode())
        lines: list[str] = []
        while True:
            line = (await self._process.stdout.readline()).decode()
            if not line:
                raise UnavailableError(f"psql ended while it ran: {statement[:200]}")
            if line.strip() == ENDED:
                return lines
            lines.append(line.strip())

    async def _copy(self, portion: Portion) -> int:
        for begin in range(0, len(portion), COPIED_AT_ONCE):
            rows = slice(begin, begin + COPIED_AT_ONCE)
            some = Portion(portion.signal[rows], portion.source_at[rows], portion.value[rows])
            if len(some):
                await _sent(self._url, copied(some))
        return len(portion)


def copied(portion: Portion) -> bytes:
    """Return rows in the format of binary COPY."""
    rows = np.zeros(len(portion), TUPLE)
    rows["fields"] = 4
    rows["signal_size"], rows["at_size"], rows["value_size"], rows["quality_size"] = 4, 8, 8, 2
    rows["signal"], rows["at"], rows["value"] = portion.signal, portion.source_at, portion.value
    return SIGNATURE + rows.tobytes() + TRAILER


async def _sent(url: str, content: bytes) -> None:
    process = await asyncio.create_subprocess_exec(
        shutil.which("psql") or "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c",
        "COPY samples FROM STDIN (FORMAT binary)", url, stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await process.communicate(content)
    if process.returncode != 0:
        raise UnavailableError(f"PostgreSQL refused a COPY of {len(content):,} bytes: {said.decode()[-500:]}")


def find_postgresql() -> Path | None:
    """Return the folder of the server's programs, None where it is not installed."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return places[-1].parent if places and shutil.which("psql") else None
