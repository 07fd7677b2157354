"""Samples of the past that are imported answer as if they had been recorded day by day, in whatever order they come."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from pdm_app.domain.errors import FencedError
from pdm_app.domain.history import HistoryQuery
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Batch, Micros
from pdm_app.storage import past_import, rollup_portions
from pdm_app.storage.cold_files import ColdFileError
from pdm_app.storage.compaction import DAY_US
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.summary_rows import put_summaries
from tests.contracts.cold_stores import each_store_in_time, names_kept
from tests.contracts.historian_checks import QUERIES, assert_answers, deliveries, rolled_up, table
from tests.contracts.test_cold_tier import (
    COLD_TABLES,
    RAW,
    TWO_DAYS_S,
    assert_all,
    cold_historian,
    compacted,
    hot_rows,
    roll_over,
)
from tests.contracts.test_historian import fence
from tests.counterparts.s3_server import s3_server
from tests.storage.data import NOON, S, batch, ramp
from tests.storage.reference import Reference

__all__ = ["each_store_in_time", "fence", "s3_server"]

pytestmark = pytest.mark.usefixtures("each_store_in_time")

DAY = NOON - NOON % DAY_US
WHOLE_DAY = HistoryQuery(signals=(1,), start_at=Micros(DAY), end_at=Micros(DAY + DAY_US), buckets=24)


@pytest.fixture
def historian(database: Database, tmp_path: Path) -> SqlHistorian:
    return cold_historian(database, tmp_path)


async def files(database: Database) -> list[dict[str, object]]:
    return await table(database, "SELECT * FROM cold_files ORDER BY start_at")


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=deliveries(), ways=st.lists(st.sampled_from(["import", "write", "roll", "cool"]), min_size=8, max_size=8))
async def test_imported_and_recorded_samples_answer_alike_in_any_order(
    database: Database,
    fence: Fence,
    tmp_path: Path,
    writes: list[tuple[list[Batch], bool]],
    ways: list[str],
) -> None:
    async with database.writing("forget the example before") as connection:
        for name in COLD_TABLES:
            await connection.execute(text(f"DELETE FROM {name}"))  # noqa: S608
    historian, reference = cold_historian(database, tmp_path / str(id(writes))), Reference()
    await roll_over(historian, fence)
    for place, (batches, _) in enumerate(writes):
        way = ways[place % len(ways)]
        if way == "write":
            await historian.write(batches, fence)
        else:
            await historian.import_past(batches, fence)
        reference.deliver(batches)
        if way == "roll":
            await historian.roll_up(fence)
        elif way == "cool":
            await rolled_up(historian, fence)
            await compacted(historian, fence)
        await assert_answers(historian, reference, [RAW, QUERIES[1], QUERIES[-2]])
    await rolled_up(historian, fence)
    await assert_all(database, historian, reference)
    await compacted(historian, fence)
    assert await hot_rows(database) == 0
    await assert_all(database, historian, reference)


async def test_an_import_leaves_no_row_per_sample_and_doing_it_again_changes_nothing(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await roll_over(historian, fence)
    given = [ramp(1, 0, 5000), ramp(2, 0, 5000, seq=2)]
    done = await historian.import_past(given, fence)
    assert (done.samples, done.days, done.hot) == (10_000, 1, 0)
    assert await hot_rows(database) == 0
    before = await everything(database)
    await historian.import_past(list(reversed(given)), fence)
    assert await everything(database) == before
    assert await historian.count(1, NOON, Micros(NOON + 5000 * S)) == 5000
    assert not await table(database, "SELECT * FROM rollup_marks")


async def everything(database: Database) -> list[list[dict[str, object]]]:
    tables = ("samples", "latest", "rollups_10s", "rollups_1h")
    rows = [await table(database, f"SELECT * FROM {name}") for name in tables]  # noqa: S608
    what_counts = "SELECT start_at, end_at, samples, signals, bytes, sha256 FROM cold_files"
    return [*rows, await table(database, what_counts)]


async def test_an_import_before_anything_was_recorded_goes_into_files(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    done = await historian.import_past([ramp(1, 0, 100), ramp(1, 86_400, 100, seq=2)], fence)
    assert (done.days, done.hot) == (2, 0)
    [newest] = await historian.latest([1])
    assert newest.source_at == NOON + (86_400 + 99) * S
    await historian.write([batch([(1, 10 * 86_400, 5.0)], seq=9, received_s=10 * 86_400 + 60)], fence)
    await rolled_up(historian, fence)
    assert await historian.count(1, NOON, Micros(NOON + 11 * DAY_US)) == 201
    [before, _] = (await historian.beside([1], Micros(NOON + 5 * DAY_US)))[1]
    assert before is not None
    assert before.at == newest.source_at


async def test_what_is_too_young_for_a_file_is_recorded_as_ever(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await historian.write([batch([(77, 0, 1.0)], seq=1, received_s=7000)], fence)
    await rolled_up(historian, fence)
    [position] = await table(database, "SELECT rolled_to FROM rollup_positions")
    closed = position["rolled_to"] - position["rolled_to"] % 3_600_000_000
    done = await historian.import_past([ramp(1, 0, 9000, seq=2)], fence)
    young = NOON + 9000 * S - closed
    assert done.hot == young // S
    assert done.days == 1
    await rolled_up(historian, fence)
    assert await historian.count(1, NOON, Micros(NOON + 9000 * S)) == 9000
    [found] = await files(database)
    assert found["end_at"] == closed


async def test_a_text_that_was_imported_is_read_though_an_older_one_is_hot(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await historian.write([batch([(2, 5, "alt")], seq=1, received_s=1)], fence)
    await roll_over(historian, fence)
    await historian.import_past([batch([(2, 5, "läuft")], seq=3, received_s=2)], fence)
    beside = await historian.beside([2], Micros(NOON + 6 * S))
    assert beside[2][0] is not None
    assert beside[2][0].value == "läuft"


async def test_an_erased_span_can_be_imported_anew(database: Database, historian: SqlHistorian, fence: Fence) -> None:
    await roll_over(historian, fence)
    await historian.import_past([ramp(1, 0, 1000)], fence)
    nothing = batch([])
    await historian.rewrite(1, Micros(NOON + 100 * S), Micros(NOON + 200 * S), nothing, fence)
    await rolled_up(historian, fence)
    assert await historian.count(1, NOON, Micros(NOON + 1000 * S)) == 900
    await historian.import_past([ramp(1, 150, 10, seq=4)], fence)
    assert await historian.count(1, NOON, Micros(NOON + 1000 * S)) == 910
    assert not await table(database, "SELECT * FROM cold_erasures")


@pytest.mark.parametrize("dies_at", ["after the file", "in the transaction"])
async def test_a_day_is_there_whole_or_not_at_all(
    database: Database, historian: SqlHistorian, fence: Fence, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    await roll_over(historian, fence)
    await historian.import_past([ramp(1, 0, 100)], fence)
    before = await everything(database)

    async def dies(*_: object, **__: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        if dies_at == "after the file":
            patched.setattr(past_import.PastImport, "_take_over", dies)
        else:
            patched.setattr(past_import, "put_latest", dies)
        with pytest.raises(RuntimeError):
            await historian.import_past([ramp(1, 0.5, 100, seq=2), ramp(3, 0, 10, seq=3)], fence)
    assert await everything(database) == before
    assert len(await names_kept(historian)) == 1
    await historian.import_past([ramp(1, 0.5, 100, seq=2), ramp(3, 0, 10, seq=3)], fence)
    assert await historian.count(1, NOON, Micros(NOON + 1000 * S)) == 200


async def test_a_full_disk_says_so_and_leaves_the_day_as_it_was(
    database: Database, historian: SqlHistorian, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    await roll_over(historian, fence)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ColdFileError, match="No space left"):
        await historian.import_past([ramp(1, 0, 100)], fence)
    assert not await files(database)
    assert await historian.count(1, NOON, Micros(NOON + 1000 * S)) == 0


async def test_who_lost_the_lease_imports_nothing(database: Database, historian: SqlHistorian, fence: Fence) -> None:
    await roll_over(historian, fence)
    with pytest.raises(FencedError):
        await historian.import_past([ramp(1, 0, 100)], Fence(token=fence.token + 1))
    assert not await files(database)


async def test_recording_into_the_day_goes_on_while_it_is_imported(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    reference = Reference()
    await roll_over(historian, fence)
    imported = [ramp(number, 0, 150, seq=number) for number in range(1, 5)]
    late = [batch([(1, second + 0.25, 7.0)], seq=100 + second, received_s=TWO_DAYS_S) for second in range(20)]

    async def record() -> None:
        for one in late:
            await historian.write([one], fence)
            await historian.roll_up(fence)

    await asyncio.gather(historian.import_past(imported, fence), record())
    reference.deliver([*imported, *late])
    await rolled_up(historian, fence)
    await assert_all(database, historian, reference)


async def test_days_without_a_cold_tier_are_recorded_row_by_row(database: Database, fence: Fence) -> None:
    historian = SqlHistorian(database, cold_historian(database, Path("unused"))._clock)
    done = await historian.import_past([ramp(1, 0, 25_000)], fence)
    assert (done.days, done.hot) == (0, 25_000)
    assert await historian.count(1, NOON, Micros(NOON + 25_000 * S)) == 25_000
    assert (await historian.envelope(WHOLE_DAY))[0].count


async def test_signals_that_come_alone_are_put_beside_many_that_are_there(
    database: Database, historian: SqlHistorian, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    await roll_over(historian, fence)
    await historian.import_past([ramp(number, 0, 100, seq=number) for number in (1, 2, 3)], fence)
    monkeypatch.setattr(past_import, "ROWS_AT_ONCE", 150)
    await historian.import_past([ramp(9, 0, 100, seq=9)], fence)
    for number in (1, 2, 3, 9):
        assert await historian.count(number, NOON, Micros(NOON + 100 * S)) == 100, number


async def test_a_part_of_a_day_is_as_much_work_for_the_database_as_it_is_long(
    database: Database, historian: SqlHistorian, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    await roll_over(historian, fence)
    await historian.import_past([ramp(1, 0, 8 * 3600)], fence)
    put: list[int] = []

    async def counted(*given: Any, **ways: Any) -> None:
        put.append(len(given[2]))
        await put_summaries(*given, **ways)

    monkeypatch.setattr(rollup_portions, "put_summaries", counted)
    await historian.import_past([ramp(1, 3600.5, 600, seq=2)], fence)
    assert put == [360, 60, 1], "an hour of the eight"
    assert await historian.count(1, NOON, Micros(NOON + 8 * 3600 * S)) == 8 * 3600 + 600
    reference = Reference()
    reference.deliver([ramp(1, 0, 8 * 3600), ramp(1, 3600.5, 600, seq=2)])
    await assert_answers(historian, reference, [RAW, *QUERIES])
