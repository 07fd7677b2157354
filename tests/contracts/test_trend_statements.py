"""What a trend costs the database: the same few statements for any number of signals, each along an index."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.history import HistoryQuery
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Batch, Micros
from pdm_app.storage.buckets import inside
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.raw_rows import read_raw
from tests.contracts.historian_checks import rolled_up
from tests.contracts.test_cold_tier import cold_historian, compacted, roll_over
from tests.contracts.test_historian import fence
from tests.storage.data import NOON, S, SteppedClock, batch, ramp

__all__ = ["fence"]

SIGNALS = tuple(range(1, 31))
LENGTH_S = 1200
STATEMENTS_MAX = 12


def many(start_s: int, length_s: int) -> Batch:
    """A sample a second of each signal, in the order in which a plant sends them."""
    at = np.repeat(NOON + (start_s + np.arange(length_s, dtype=np.int64)) * S, len(SIGNALS))
    signal = np.tile(np.array(SIGNALS, np.uint32), length_s)
    value = (signal + at % 977).astype(np.float64)
    received = Micros(NOON + (start_s + length_s) * S)
    return Batch("plant", signal, at, value, np.zeros(len(at), np.uint16), received, 1)


def query(signals: Sequence[int], start_s: int, end_s: int, buckets: int) -> HistoryQuery:
    return HistoryQuery(signals=tuple(signals), start_at=NOON + start_s * S, end_at=NOON + end_s * S, buckets=buckets)


@contextmanager
def heard(database: Database) -> Iterator[list[str]]:
    """Collect the statements that a database is given."""
    said: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        said.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)


KINDS = {
    "buckets of samples": (0, 1000, 300),
    "points": (0, 100, 300),
    "buckets of rollups": (0, 1000, 60),
    "rollups and what is not rolled up yet": (0, 1195, 60),
}


async def loaded(database: Database, fence: Fence) -> None:
    historian = SqlHistorian(database, SteppedClock())
    await historian.write([many(0, LENGTH_S)], fence)
    await rolled_up(historian, fence)


async def test_twenty_signals_take_as_many_statements_as_one(database: Database, fence: Fence) -> None:
    await loaded(database, fence)
    for kind, asked in KINDS.items():
        counts = []
        for signals in (SIGNALS[:1], SIGNALS[:20]):
            with heard(database) as said:  # By somebody who has nothing cached.
                found = await SqlHistorian(database, SteppedClock()).envelope(query(signals, *asked))
            assert [len(each.at) > 0 for each in found] == [True] * len(signals)
            counts.append(len(said))
        assert counts[0] == counts[1] <= STATEMENTS_MAX, kind


async def test_values_beside_a_time_take_as_many_statements_for_all_as_for_one(
    database: Database, tmp_path: Path, fence: Fence
) -> None:
    historian = cold_historian(database, tmp_path)
    await historian.write([many(0, 100)], fence)
    await roll_over(historian, fence)
    assert all(await compacted(historian, fence))
    await historian.write([batch([(1, 40.5, -1.0)], seq=950, received_s=1e6)], fence)
    counts, found = [], {}
    for signals in ([SIGNALS[1]], list(SIGNALS)):
        with heard(database) as said:
            found = dict(await historian.beside(signals, Micros(NOON + 40 * S + S // 2)))
        counts.append(len(said))
    assert counts[0] == counts[1] <= STATEMENTS_MAX
    for signal in SIGNALS[1:]:
        before, after = found[signal]
        assert before is not None
        assert after is not None
        assert (before.at, after.at) == (NOON + 40 * S, NOON + 41 * S)
    hot = found[1][0]
    assert hot is not None
    assert (hot.at, hot.value) == (NOON + 40 * S + S // 2, -1.0), "a late sample lies over the file"


async def test_where_the_rollup_of_the_nearest_samples_outlived_them_the_ones_before_are_found(
    database: Database, tmp_path: Path, fence: Fence
) -> None:
    historian = cold_historian(database, tmp_path)
    await historian.write([ramp(1, 0, 60)], fence)
    await roll_over(historian, fence)
    assert all(await compacted(historian, fence))
    for start_s, end_s in ((50, 60), (0, 10)):
        nothing = batch([], seq=960 + start_s, received_s=1e6)
        await historian.rewrite(1, Micros(NOON + start_s * S), Micros(NOON + end_s * S), nothing, fence)
    before, _ = (await historian.beside([1], Micros(NOON + 3000 * S)))[1]
    _, after = (await historian.beside([1], Micros(NOON - 3000 * S)))[1]
    assert before is not None
    assert after is not None
    assert (before.at, after.at) == (NOON + 49 * S, NOON + 10 * S)


async def test_each_statement_of_a_trend_goes_along_an_index(database: Database, fence: Fence) -> None:
    await loaded(database, fence)
    async with database.connected("learn about the tables") as connection:
        tables = ("samples", "rollups_10s", "rollups_60s", "rollups_1h")
        for statement in ["ANALYZE"] if database.is_sqlite else [f"ANALYZE TABLE {name}" for name in tables]:
            await connection.execute(text(statement))
        await connection.commit()
    with heard(database) as said:
        for asked in KINDS.values():
            await SqlHistorian(database, SteppedClock()).envelope(query(SIGNALS[:3], *asked))
    looked = [statement for statement in said if " FROM samples " in statement or " FROM rollups_" in statement]
    assert len(looked) >= len(KINDS)
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN FORMAT=TRADITIONAL"
    async with database.connected("explain") as connection:
        for statement in looked:
            for row in (await connection.exec_driver_sql(f"{explain} {statement}")).mappings():
                assert not is_scan(database, row), (dict(row), statement)


def is_scan(database: Database, row: Any) -> bool:
    """Whether a step of a plan reads a whole table, or a whole index of it."""
    if database.is_sqlite:
        return row["detail"].startswith(("SCAN samples", "SCAN s ", "SCAN r ", "SCAN rollups")) or row["detail"] in (
            "SCAN s", "SCAN r", "SCAN l",
        )  # fmt: skip
    return row["table"] in ("s", "r", "l") and row["type"] in ("ALL", "index")


@pytest.mark.mariadb
@pytest.mark.parametrize("signals", [999, 1000, 1500])
async def test_a_server_reads_of_many_signals_their_span_and_not_their_day(mariadb_url: str, signals: int) -> None:
    """MariaDB turns lists of 1,000 into a table unless told otherwise, and then reads by signal alone."""
    database = Database(mariadb_url)
    await database.migrate()
    async with database.writing("put a day of samples") as connection:
        rows = [(signal, NOON + at_s * S) for signal in range(1, signals + 1) for at_s in range(30)]
        await connection.exec_driver_sql(
            f"INSERT INTO samples (signal_id, source_at, value, quality, received_at, place) "  # noqa: S608
            f"VALUES (%s, %s, 1, 0, {NOON}, 0)",
            rows,
        )
    async with database.connected("count what is read") as connection:
        before = await _rows_read(connection)
        found = await read_raw(connection, inside(range(1, signals + 1), NOON + 10 * S, NOON + 12 * S))
        read = await _rows_read(connection) - before
    await database.close()
    assert len(found) == 2 * signals
    assert read < 4 * signals  # A signal's span and the row that ends it; the day has thirty.


async def _rows_read(connection: AsyncConnection) -> int:
    rows = await connection.execute(text("SHOW SESSION STATUS LIKE 'Handler_read%'"))
    return sum(int(row[1]) for row in rows)
