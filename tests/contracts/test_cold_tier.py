"""Closed days in files: the same answers as before, nothing lost whatever dies, and the rest is readable."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from pdm_app.domain.cold import Compacted
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.history import HistoryQuery
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Batch, Micros
from pdm_app.storage.cold import ColdTier
from pdm_app.storage.compaction import DAY_US, Compaction
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from tests.contracts.cold_stores import each_store, file_at, names_kept, place_at, tier_of
from tests.contracts.historian_checks import (
    QUERIES,
    SIGNALS,
    TABLES,
    assert_answers,
    assert_rollups,
    damage,
    deliveries,
    rolled_up,
    table,
)
from tests.contracts.test_historian import fence
from tests.contracts.test_history_figures import assert_same_figures
from tests.counterparts.s3_server import s3_server
from tests.storage.data import NOON, S, SteppedClock, batch, ramp
from tests.storage.reference import Reference

__all__ = ["each_store", "fence", "s3_server"]

pytestmark = pytest.mark.usefixtures("each_store")

DAY = NOON - NOON % DAY_US
TWO_DAYS_S = 2 * 86_400
COLD_TABLES = (*TABLES, "cold_files", "cold_erasures")
RAW = HistoryQuery(signals=SIGNALS, start_at=NOON, end_at=NOON + 60 * S, buckets=7)


@pytest.fixture
def historian(database: Database, tmp_path: Path) -> SqlHistorian:
    return cold_historian(database, tmp_path)


def cold_historian(database: Database, folder: Path) -> SqlHistorian:
    return SqlHistorian(database, SteppedClock(NOON + 10 * DAY_US), cold=ColdTier(database, place_at(folder / "cold")))


def compaction_of(historian: SqlHistorian) -> Compaction:
    assert historian.compaction is not None
    return historian.compaction


async def roll_over(historian: SqlHistorian, fence: Fence, seq: int = 900) -> None:
    """Let the plant run on for two days, so that the day of the samples is closed and rolled up."""
    await historian.write([batch([(77, TWO_DAYS_S, 1.0)], seq=seq, received_s=TWO_DAYS_S + 60)], fence)
    await rolled_up(historian, fence)


async def compacted(historian: SqlHistorian, fence: Fence) -> list[Compacted | None]:
    compaction = compaction_of(historian)
    return [await compaction.compact(fence, day.start_at) for day in await compaction.due(hot_days=1)]


async def hot_rows(database: Database) -> int:
    """Return the hot rows of closed days."""
    statement = f"SELECT COUNT(*) AS hot FROM samples WHERE source_at < {NOON + DAY_US}"  # noqa: S608
    return int((await table(database, statement))[0]["hot"])


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=deliveries(), late=deliveries(), times=st.integers(0, 10**9))
async def test_answers_are_the_same_before_and_after_compaction_and_after_late_samples(
    database: Database,
    fence: Fence,
    tmp_path: Path,
    writes: list[tuple[list[Batch], bool]],
    late: list[tuple[list[Batch], bool]],
    times: int,
) -> None:
    async with database.writing("forget the example before") as connection:
        for name in COLD_TABLES:
            await connection.execute(text(f"DELETE FROM {name}"))  # noqa: S608
    historian, reference = cold_historian(database, tmp_path / str(times)), Reference()
    for batches, _ in writes:
        await historian.write(batches, fence)
        reference.deliver(batches)
    await roll_over(historian, fence)
    for one in await compacted(historian, fence):
        assert one is not None
    assert await hot_rows(database) == 0
    await assert_all(database, historian, reference)
    for given_late, rolls in late:
        batches = [one.numbered(one.seq + 100) for one in given_late]  # No two batches share a number.
        await historian.write(batches, fence)
        reference.deliver(batches)
        if rolls:
            await historian.roll_up(fence)
        await assert_answers(historian, reference, [RAW, QUERIES[1]])
    await rolled_up(historian, fence)
    await compacted(historian, fence)
    assert await hot_rows(database) == 0
    await assert_all(database, historian, reference)


async def assert_all(database: Database, historian: SqlHistorian, reference: Reference) -> None:
    await assert_answers(historian, reference, [*QUERIES, RAW])
    await assert_same_figures(historian, reference, [NOON - 3, NOON + 17 * S, NOON + 3600 * S, NOON + 9000 * S])
    await assert_rollups_of(database, reference)


async def assert_rollups_of(database: Database, reference: Reference) -> None:
    reference.deliver([batch([(77, TWO_DAYS_S, 1.0)], seq=900, received_s=TWO_DAYS_S + 60)])
    await assert_rollups(database, reference)


async def test_both_samples_of_one_microsecond_survive_and_texts_do(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    early, later = (
        batch([(1, 5, 10.0), (2, 1, "läuft")], seq=1, received_s=6),
        batch([(1, 5, 20.0)], seq=2, received_s=7),
    )
    await historian.write([early], fence)
    await roll_over(historian, fence)
    await compacted(historian, fence)
    await historian.write([later], fence)
    await rolled_up(historian, fence)
    [found] = [one for one in await compacted(historian, fence) if one is not None]
    cold = tier_of(historian)
    async with database.connected("look") as connection:
        rows = (await cold.read_whole(connection, found.file, [1, 2])).table.to_pylist()
    assert [(row["signal"], row["value"], row["other_value"]) for row in rows][:1] == [(1, 20.0, 10.0)]
    assert rows[1]["text"] == "läuft"
    beside = await historian.beside([2], Micros(NOON + 2 * S))
    assert beside[2][0] is not None
    assert beside[2][0].value == "läuft"


async def test_a_sample_that_comes_while_a_day_is_compacted_keeps_the_day_hot(
    database: Database, historian: SqlHistorian, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    await historian.write([ramp(1, 0, 100)], fence)
    await roll_over(historian, fence)
    compaction = compaction_of(historian)
    take_over = compaction._take_over

    async def interrupted(*arguments: Any) -> bool:
        await historian.write([batch([(1, 50.5, 1e6)], seq=950, received_s=TWO_DAYS_S + 70)], fence)
        await historian.roll_up(fence)  # Leaves the mark alone, and with it the proof.
        return await take_over(*arguments)

    monkeypatch.setattr(compaction, "_take_over", interrupted)
    assert await compaction.compact(fence, DAY) is None
    assert await hot_rows(database) == 101
    assert await names_kept(historian) == []
    monkeypatch.setattr(compaction, "_take_over", take_over)
    await rolled_up(historian, fence)
    done = await compaction.compact(fence, DAY)
    assert done is not None
    assert (done.samples, await hot_rows(database)) == (101, 0)


async def test_a_round_that_died_after_taking_over_is_ended_by_the_next(
    database: Database, historian: SqlHistorian, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    await historian.write([ramp(1, 0, 300)], fence)
    await roll_over(historian, fence)
    before = await historian.envelope(RAW)

    async def killed(*_: Any) -> None:
        raise asyncio.CancelledError

    compaction = compaction_of(historian)
    with monkeypatch.context() as patched:
        patched.setattr(compaction, "_forget_hot", killed)
        with pytest.raises(asyncio.CancelledError):
            await compaction.compact(fence, DAY)
    assert await hot_rows(database) == 300
    assert await historian.envelope(RAW) == before, "hot and cold at once are counted once"
    whole = await historian.samples([1], Micros(NOON), Micros(NOON + 300 * S), 300)
    assert len(whole[1]) == 300, "and towards what an answer may hold, too"
    with pytest.raises(InvalidInputError, match="more than 299 samples"):
        await historian.samples([1], Micros(NOON), Micros(NOON + 300 * S), 299)
    await compacted(historian, fence)
    assert await hot_rows(database) == 0
    assert await historian.envelope(RAW) == before


async def test_a_damaged_file_costs_its_own_samples_only_and_says_so(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await historian.write([ramp(1, 0, 100), ramp(2, 86_400, 100, seq=2)], fence)
    await roll_over(historian, fence)
    first, second = [one for one in await compacted(historian, fence) if one is not None][:2]
    path = file_at(historian, first.file.name)
    damage(path)
    span = {"start_at": NOON, "end_at": NOON + 86_460 * S}
    rolled_up_answer = await historian.envelope(HistoryQuery(signals=(1, 2), **span, buckets=24))
    assert [sum(envelope.count) for envelope in rolled_up_answer] == [100, 100], "rollups do not need the file"
    raw = await historian.samples([1, 2], Micros(span["start_at"]), Micros(span["end_at"]), 1000)
    assert (len(raw[1]), len(raw[2])) == (0, 60)
    rows = await table(database, "SELECT name, trouble FROM cold_files ORDER BY start_at")
    assert rows[0]["name"] == first.file.name
    assert "cannot be read" in rows[0]["trouble"]
    assert rows[1]["trouble"] is None
    assert path.exists(), "a damaged file is not removed: somebody may mend it"
    assert second.file.samples == 100


async def test_putting_a_cold_span_anew_replaces_what_the_file_holds(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await historian.write([ramp(1, 0, 100)], fence)
    await roll_over(historian, fence)
    await compacted(historian, fence)
    anew = batch([(1, 30.5, 5e3)], seq=950, received_s=TWO_DAYS_S + 70)
    await historian.rewrite(1, Micros(NOON + 20 * S), Micros(NOON + 90 * S), anew, fence)
    for _ in range(2):
        found = await historian.samples([1], Micros(NOON), Micros(NOON + 100 * S), 1000)
        assert found[1].value.tolist() == [*map(float, range(20)), 5e3, *map(float, range(90, 100))]
        (envelope,) = await historian.envelope(
            HistoryQuery(signals=(1,), start_at=NOON, end_at=NOON + 100 * S, buckets=2)
        )
        assert sum(envelope.count) == 31
        await rolled_up(historian, fence)
        await compacted(historian, fence)
    assert await table(database, "SELECT * FROM cold_erasures") == []
    assert await hot_rows(database) == 0


async def test_what_is_due_is_told_before_anything_is_done(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await historian.write([ramp(1, 0, 100), ramp(2, 0, 50, seq=2)], fence)
    compaction = compaction_of(historian)
    assert await compaction.due(hot_days=1) == [], "not before the day is rolled up"
    await roll_over(historian, fence)
    [day] = await compaction.due(hot_days=1)
    assert (day.start_at, day.samples, day.signals) == (DAY, 150, 2)
    assert await compaction.due(hot_days=12) == [], "the last days stay hot"
    assert await hot_rows(database) == 150


async def test_what_a_dead_round_left_in_the_folder_is_removed_and_files_in_use_are_not(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    folder = compaction_of(historian)._cold.folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("2001-01-01.1.parquet", "2001-01-01.1.parquet.part"):
        (folder / name).write_bytes(b"left over")
    await historian.write([ramp(1, 0, 10)], fence)
    await roll_over(historian, fence)
    [done] = await compacted(historian, fence)
    assert done is not None
    assert await names_kept(historian) == [done.file.name]
