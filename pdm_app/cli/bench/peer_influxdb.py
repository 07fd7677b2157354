"""InfluxDB 1.x as a peer: one measurement, the signal as a tag, filled by line protocol, asked over HTTP."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import httpx

from pdm_app.cli.bench.history_plan import PIXELS, HistoryPlan, Portion, Question, Span
from pdm_app.domain.errors import UnavailableError

DATABASE = "bench"
LINES_PER_WRITE = 20_000
WITHIN_S = 300.0
WHERE = "{signals} AND time >= {start}u AND time < {end}u"
ENVELOPE = f"SELECT MIN(v), MAX(v), MEAN(v), COUNT(v) FROM s WHERE {WHERE} GROUP BY i, time({{width}}u) FILL(none)"  # noqa: S608 - numbers only.
SAMPLES = f"SELECT v FROM s WHERE {WHERE} GROUP BY i"  # noqa: S608
LATEST = "SELECT LAST(v) FROM s GROUP BY i"


class InfluxdbStore:
    """One database of a server."""

    def __init__(self, url: str, folder: Path, plan: HistoryPlan) -> None:
        self._folder = folder
        self._plan = plan
        self._client = httpx.AsyncClient(base_url=url, timeout=WITHIN_S)

    async def load(self) -> Mapping[str, object]:
        """Write everything as lines."""
        await self._get(f"CREATE DATABASE {DATABASE}")
        samples = await self._write(self._plan.lonely())
        for day in self._plan.day_starts():
            for portion in self._plan.portions(day):
                samples += await self._write(portion)
        counted = (await self._get("SELECT COUNT(v) FROM s")).json()
        return {
            "samples": samples,
            "stored": counted["results"][0]["series"][0]["values"][0][1],
            "bytes": sum(file.stat().st_size for file in self._folder.rglob("*") if file.is_file()),
            "version": (await self._client.get("/ping")).headers.get("x-influxdb-version", "?"),
        }

    async def ask(self, question: Question, span: Span) -> int:
        """Answer as MessagePack, its shortest form; the bytes are taken as they are."""
        signals = "(" + " OR ".join(f"i = '{signal}'" for signal in question.signals) + ")"
        statement = {"envelope": ENVELOPE, "samples": SAMPLES, "latest": LATEST}[question.kind].format(
            signals=signals, start=span.start, end=span.end, width=max(1, (span.end - span.start) // PIXELS)
        )
        return len((await self._get(statement, accept="application/x-msgpack")).content)

    async def close(self) -> None:
        await self._client.aclose()

    async def _get(self, statement: str, accept: str = "application/json") -> httpx.Response:
        answer = await self._client.post(
            "/query", params={"db": DATABASE, "q": statement, "epoch": "u"}, headers={"accept": accept}
        )
        return _checked(answer)

    async def _write(self, portion: Portion) -> int:
        for begin in range(0, len(portion), LINES_PER_WRITE):
            rows = slice(begin, begin + LINES_PER_WRITE)
            columns = (portion.signal[rows], portion.value[rows], portion.source_at[rows])
            lines = "\n".join(
                f"s,i={signal} v={value} {at}"
                for signal, value, at in zip(*(column.tolist() for column in columns), strict=True)
            )
            _checked(await self._client.post("/write", params={"db": DATABASE, "precision": "u"}, content=lines))
        return len(portion)


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.status_code >= 300:
        raise UnavailableError(f"InfluxDB answered {answer.status_code}: {answer.text[:500]}")
    return answer


def find_influxd() -> str | None:
    """Return the path of the server's program, None where it is not installed."""
    return shutil.which("influxd")
