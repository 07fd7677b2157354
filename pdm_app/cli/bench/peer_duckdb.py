"""DuckDB over Parquet as a peer: one zstd file per day, sorted by signal and time, no rollups."""

import importlib
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from pdm_app.cli.bench.history_plan import PIXELS, HistoryPlan, Portion, Question, Span

WHERE = "signal BETWEEN {first} AND {last} AND source_at >= {start} AND source_at < {end}"
ENVELOPE = f"""SELECT signal, source_at // {{width}}, MIN(value), MAX(value), AVG(value), COUNT(*),
    arg_max(value, source_at) FROM history WHERE {WHERE} GROUP BY 1, 2 ORDER BY 1, 2"""  # noqa: S608 - numbers only.
SAMPLES = f"SELECT signal, source_at, value, quality FROM history WHERE {WHERE} ORDER BY 1, 2"  # noqa: S608
LATEST = "SELECT signal, MAX(source_at), arg_max(value, source_at) FROM history GROUP BY signal"


class DuckdbStore:
    """A folder of Parquet files."""

    def __init__(self, folder: Path, plan: HistoryPlan) -> None:
        self._duckdb: Any = importlib.import_module("duckdb")
        self._connection = self._duckdb.connect()
        self._folder = folder
        self._plan = plan

    async def load(self) -> Mapping[str, object]:
        """Write a file per day."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._connection.execute(
            "CREATE TABLE day (signal UINTEGER, source_at BIGINT, value DOUBLE, quality USMALLINT)"
        )
        samples = 0
        for number, day in enumerate(self._plan.day_starts()):
            for portion in chain([self._plan.lonely()] if number == 0 else [], self._plan.portions(day)):
                self._insert(portion)
                samples += len(portion)
            file = self._folder / f"{number:03}.parquet"
            rows = "SELECT * FROM day ORDER BY signal, source_at"
            self._connection.execute(f"COPY ({rows}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")
            self._connection.execute("DELETE FROM day")
        self._connection.execute(
            f"CREATE VIEW history AS SELECT * FROM read_parquet('{self._folder}/*.parquet')"  # noqa: S608
        )
        return {
            "samples": samples,
            "stored": self._connection.execute("SELECT COUNT(*) FROM history").fetchone()[0],
            "bytes": sum(file.stat().st_size for file in self._folder.glob("*.parquet")),
            "version": self._duckdb.__version__,
        }

    async def ask(self, question: Question, span: Span) -> int:
        """Answer into columns, as the product does."""
        statement = {"envelope": ENVELOPE, "samples": SAMPLES, "latest": LATEST}[question.kind].format(
            first=question.signals.start, last=question.signals.stop - 1, start=span.start, end=span.end,
            width=max(1, (span.end - span.start) // PIXELS),
        )  # fmt: skip
        columns = self._connection.execute(statement).fetchnumpy()
        return len(columns["signal"])

    async def close(self) -> None:
        self._connection.close()

    def _insert(self, portion: Portion) -> None:
        """Hand the columns over as they are; DuckDB finds them by their name."""
        columns = {"signal": portion.signal, "source_at": portion.source_at, "value": portion.value}
        self._connection.register("portion", columns)
        self._connection.execute("INSERT INTO day SELECT signal, source_at, value, 0 FROM portion")
        self._connection.unregister("portion")
