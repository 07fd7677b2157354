"""An import that is taken back leaves history as if it had never been, whatever happened before and after it."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from pdm_app.domain.errors import FencedError
from pdm_app.domain.past import IMPORT_SEQ
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Batch, Micros
from pdm_app.storage import past_import, taking_back
from pdm_app.storage.cold_files import ColdFileError
from pdm_app.storage.compaction import DAY_US
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from tests.contracts.cold_stores import each_store_in_time, file_at
from tests.contracts.historian_checks import QUERIES, SIGNALS, assert_answers, deliveries, rolled_up, rows, table
from tests.contracts.test_cold_tier import COLD_TABLES, RAW, cold_historian, compacted, hot_rows, roll_over
from tests.contracts.test_historian import fence
from tests.counterparts.s3_server import s3_server
from tests.storage.data import NOON, S, batch, ramp
from tests.storage.reference import Reference

__all__ = ["each_store_in_time", "fence", "s3_server"]

pytestmark = pytest.mark.usefixtures("each_store_in_time")

RECEIVED_S = 50_000
MARK = Micros(NOON + RECEIVED_S * S)
SPAN = (Micros(0), Micros(NOON + 10 * DAY_US))


@pytest.fixture
def historian(database: Database, tmp_path: Path) -> SqlHistorian:
    return cold_historian(database, tmp_path)


def imported(one: Batch, number: int = 1) -> Batch:
    """The same samples as an import brings them."""
    return Batch(one.device, one.signal, one.source_at, one.value, one.quality, MARK, IMPORT_SEQ + number, one.text)


async def newest(historian: SqlHistorian) -> dict[int, object]:
    return {int(one.signal): (one.source_at, one.value, one.quality) for one in await historian.latest()}


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=deliveries(),
    given_rows=st.lists(rows, min_size=1, max_size=30, unique_by=lambda row: row[:2]),
    after=deliveries(),
    steps=st.lists(st.sampled_from(["nothing", "roll", "cool"]), min_size=3, max_size=3),
    is_early=st.booleans(),
)
async def test_history_is_as_if_the_import_had_never_been(
    database: Database,
    fence: Fence,
    tmp_path: Path,
    before: list[tuple[list[Batch], bool]],
    given_rows: list[tuple[int, float, float | str | None, int]],
    after: list[tuple[list[Batch], bool]],
    steps: list[str],
    is_early: bool,
) -> None:
    async with database.writing("forget the example before") as connection:
        for name in COLD_TABLES:
            await connection.execute(text(f"DELETE FROM {name}"))  # noqa: S608
    historian, reference = cold_historian(database, tmp_path / str(id(before))), Reference()

    async def step(number: int) -> None:
        if steps[number] != "nothing":
            await rolled_up(historian, fence)
        if steps[number] == "cool":
            await compacted(historian, fence)

    for batches, _ in before:
        await historian.write(batches, fence)
        reference.deliver(batches)
    if is_early:
        await roll_over(historian, fence)
        reference.deliver([batch([(77, 2 * 86_400, 1.0)], seq=900, received_s=2 * 86_400 + 60)])
    await step(0)
    await historian.import_past([imported(batch(given_rows))], fence)
    await step(1)
    for batches, _ in after:
        late = [one.numbered(one.seq + 100) for one in batches]  # No two batches share a number.
        await historian.write(late, fence)
        reference.deliver(late)
    await step(2)
    await historian.take_back(SIGNALS, *SPAN, MARK, fence)
    await assert_answers(historian, reference, [RAW, QUERIES[1]])
    await rolled_up(historian, fence)
    await assert_answers(historian, reference, [*QUERIES, RAW])
    assert await newest(historian) == reference.latest()
    assert await historian.take_back(SIGNALS, *SPAN, MARK, fence) == 0
    await compacted(historian, fence)
    await assert_answers(historian, reference, [*QUERIES, RAW])


async def test_what_was_imported_goes_with_files_rollups_and_latest_values(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await roll_over(historian, fence)
    await historian.import_past([imported(ramp(1, 0, 3000)), imported(ramp(2, 0, 2000), 2)], fence)
    assert await table(database, "SELECT * FROM cold_files")
    assert await historian.take_back([1, 2], *SPAN, MARK, fence) == 5000
    for name in ("cold_files", "rollup_marks"):
        assert not await table(database, f"SELECT * FROM {name}"), name  # noqa: S608
    for name in ("rollups_10s", "rollups_60s", "rollups_1h"):
        assert not await table(database, f"SELECT * FROM {name} WHERE signal_id IN (1, 2)"), name  # noqa: S608
    assert not list((await newest(historian)).keys() & {1, 2})
    assert await hot_rows(database) == 0


async def test_only_the_signals_and_the_import_that_are_named_go(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await roll_over(historian, fence)
    await historian.write([ramp(1, 0, 50)], fence)
    await historian.import_past([imported(ramp(1, 100, 50)), imported(ramp(2, 0, 50), 2)], fence)
    assert await historian.take_back([1], *SPAN, Micros(MARK + 1), fence) == 0
    assert await historian.take_back([1], *SPAN, MARK, fence) == 50
    assert await historian.count(1, *SPAN) == 50
    assert await historian.count(2, *SPAN) == 50


async def test_a_sample_that_was_replaced_counts_again_also_as_latest_value_and_as_text(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await historian.write([batch([(1, 5, 1.5), (2, 5, "alt")], seq=1, received_s=6)], fence)
    await historian.import_past([imported(batch([(1, 5, 9.0), (2, 5, "neu"), (2, 7, "neuer")]))], fence)
    assert (await newest(historian))[1] == (NOON + 5 * S, 9.0, 0)
    assert await historian.take_back([1, 2], *SPAN, MARK, fence) == 3
    assert await newest(historian) == {1: (NOON + 5 * S, 1.5, 0), 2: (NOON + 5 * S, "alt", 0)}


async def test_a_correction_that_came_after_the_import_stays(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await historian.import_past([imported(batch([(1, 5, 9.0), (1, 6, 9.0)]))], fence)
    await historian.write([batch([(1, 5, 2.0)], seq=7, received_s=RECEIVED_S + 1)], fence)
    await historian.take_back([1], *SPAN, MARK, fence)
    assert (await newest(historian))[1] == (NOON + 5 * S, 2.0, 0)
    assert await historian.count(1, *SPAN) == 1


async def test_many_hot_rows_and_many_signals_go_in_portions(
    database: Database, historian: SqlHistorian, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking_back, "HOT_AT_ONCE", 7)
    monkeypatch.setattr(taking_back, "ROWS_AT_ONCE", 50)
    monkeypatch.setattr(past_import, "ROWS_AT_ONCE", 50)
    await historian.import_past([imported(ramp(1, 0, 30))], fence)
    assert await historian.take_back([1], *SPAN, MARK, fence) == 30
    await roll_over(historian, fence)
    await historian.write([ramp(1, 0, 20, seq=3)], fence)
    given = [imported(ramp(number, 100, 40), number) for number in (1, 2, 3, 4)]
    await historian.import_past(given, fence)
    assert await historian.take_back([1, 2, 3], *SPAN, MARK, fence) == 120
    assert [await historian.count(number, *SPAN) for number in (1, 2, 3, 4)] == [20, 0, 0, 40]


async def test_who_does_not_lead_takes_nothing_back(database: Database, historian: SqlHistorian, fence: Fence) -> None:
    await roll_over(historian, fence)
    await historian.import_past([imported(ramp(1, 0, 50))], fence)
    with pytest.raises(FencedError):
        await historian.take_back([1], *SPAN, MARK, Fence(fence.token - 1))
    assert await historian.count(1, *SPAN) == 50


async def test_a_damaged_file_stops_it_and_loses_nothing(
    database: Database, historian: SqlHistorian, fence: Fence, tmp_path: Path
) -> None:
    await roll_over(historian, fence)
    await historian.import_past([imported(ramp(1, 0, 50))], fence)
    path = file_at(historian)
    whole = path.read_bytes()
    path.write_bytes(whole[:60] + b"\0" * 40 + whole[100:])
    with pytest.raises(ColdFileError):
        await historian.take_back([1], *SPAN, MARK, fence)
    path.write_bytes(whole)
    assert await historian.count(1, *SPAN) == 50
    assert await historian.take_back([1], *SPAN, MARK, fence) == 50
