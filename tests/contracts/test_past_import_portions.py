"""Rollups of much of the past are put in place in portions: readers never see half of it, and writers wait for one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.history import HistoryQuery
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Batch, Micros
from pdm_app.storage import rollup_portions
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.rollup_portions import Portion
from tests.contracts.cold_stores import each_store_in_time
from tests.contracts.historian_checks import QUERIES, assert_answers, rolled_up, table
from tests.contracts.test_cold_tier import RAW, assert_all, cold_historian, compacted, roll_over
from tests.contracts.test_historian import fence
from tests.counterparts.s3_server import s3_server
from tests.counterparts.templates import begin_migrated
from tests.storage.data import NOON, S, SteppedClock, batch, ramp
from tests.storage.reference import Reference

__all__ = ["each_store_in_time", "fence", "s3_server"]

pytestmark = pytest.mark.usefixtures("each_store_in_time")

HOURS = 2
SIGNALS = (1, 2, 4_000_000_000)
ROWS = 50  # Each hour of a signal is a portion.
ASKED = [RAW, QUERIES[-3], HistoryQuery(signals=SIGNALS, start_at=NOON, end_at=Micros(NOON + 7200 * S), buckets=40)]


@pytest.fixture
def historian(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SqlHistorian:
    monkeypatch.setattr(rollup_portions, "ROWS_PER_PORTION", ROWS)
    return cold_historian(database, tmp_path)


def coarse() -> list[Batch]:
    return [ramp(signal, 0, HOURS, every_s=3600, seq=place) for place, signal in enumerate(SIGNALS, 1)]


def fine() -> list[Batch]:
    return [ramp(signal, 0.5, HOURS * 60, every_s=60, seq=place) for place, signal in enumerate(SIGNALS, 11)]


async def sketched(historian: SqlHistorian, fence: Fence) -> Reference:
    """Put one sample an hour where finer ones are to come."""
    await roll_over(historian, fence)
    await historian.import_past(coarse(), fence)
    reference = Reference()
    reference.deliver(coarse())
    return reference


def all_of_it() -> Reference:
    reference = Reference()
    reference.deliver([*coarse(), *fine()])
    return reference


def before_each(monkeypatch: pytest.MonkeyPatch, name: str, does: Callable[[int], Awaitable[None]]) -> None:
    """Have something done before each call of a method of portions; it is told how many came before."""
    whole, calls = getattr(Portion, name), 0

    async def after_it(self: Portion, *given: Any, **ways: Any) -> None:
        nonlocal calls
        calls += 1
        await does(calls - 1)
        await whole(self, *given, **ways)

    monkeypatch.setattr(Portion, name, after_it)


async def test_between_any_two_portions_all_questions_are_answered_from_all_samples(
    database: Database, historian: SqlHistorian, fence: Fence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await sketched(historian, fence)
    after = all_of_it()
    asked = {"mark": 0, "put_marked": 0}

    async def answers_as_before(_: int) -> None:
        asked["mark"] += 1
        await assert_answers(cold_historian(database, tmp_path), before, ASKED)

    async def answers_as_after(_: int) -> None:
        asked["put_marked"] += 1
        await assert_answers(cold_historian(database, tmp_path), after, ASKED)

    before_each(monkeypatch, "mark", answers_as_before)
    before_each(monkeypatch, "put_marked", answers_as_after)
    await historian.import_past(fine(), fence)
    assert asked["mark"] == asked["put_marked"] == len(SIGNALS) * HOURS
    await assert_all(database, historian, after)
    assert not await table(database, "SELECT * FROM rollup_marks")


async def test_no_transaction_puts_more_rows_in_place_than_one_portion_has(
    database: Database, historian: SqlHistorian, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    await roll_over(historian, fence)
    written: list[int] = []
    writing = Database.writing

    @asynccontextmanager
    async def counted(self: Database, what: str) -> AsyncIterator[AsyncConnection]:
        written.append(0)
        async with writing(self, what) as connection:
            yield connection

    def counting(name: str) -> None:
        whole = getattr(rollup_portions, name)

        async def put(connection: AsyncConnection, *given: Any, **ways: Any) -> None:
            written[-1] += len(given[-1])
            await whole(connection, *given, **ways)

        monkeypatch.setattr(rollup_portions, name, put)

    monkeypatch.setattr(Database, "writing", counted)
    for name in ("mark_buckets", "unmark_buckets", "put_summaries"):
        counting(name)
    await historian.import_past([ramp(signal, 0, HOURS * 360, every_s=10) for signal in range(1, 9)], fence)
    an_hour = 360 + 60 + 1
    assert sum(written) > 8 * HOURS * an_hour, "all of it went this way"
    assert max(written) <= 2 * (ROWS + an_hour) + ROWS // 6, "rows, and the marks that go with those of ten seconds"


async def test_somebody_who_writes_beside_an_import_waits_for_one_portion_only(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollup_portions, "ROWS_PER_PORTION", ROWS)
    database = Database(sqlite_url)
    await begin_migrated(database)
    fence = await SqlLease(database, SteppedClock(NOON)).acquire("test", 600)
    assert fence is not None
    historian = cold_historian(database, tmp_path)
    await roll_over(historian, fence)
    begun: list[str] = []
    begin_writing = Database.begin_writing

    async def noted(self: Database, connection: AsyncConnection) -> None:
        await begin_writing(self, connection)
        task = asyncio.current_task()
        begun.append(task.get_name() if task is not None else "")

    monkeypatch.setattr(Database, "begin_writing", noted)
    waited: list[int] = []

    async def write_again_and_again() -> None:
        while not importing.done():
            asked = len(begun)
            async with database.writing("write beside it"):
                waited.append(begun[asked:].count("import"))
            await asyncio.sleep(0)

    importing = asyncio.create_task(
        historian.import_past([ramp(signal, 0, HOURS * 360, every_s=10) for signal in range(1, 9)], fence),
        name="import",
    )
    await asyncio.gather(importing, write_again_and_again())
    assert begun.count("import") > 20
    assert max(waited) <= 1
    await database.close()


async def test_an_import_that_dies_between_portions_leaves_answers_right_and_marks_to_go_by(
    database: Database, historian: SqlHistorian, fence: Fence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sketched(historian, fence)
    after = all_of_it()

    async def dies_at_the_second(number: int) -> None:
        if number == 1:
            raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        before_each(patched, "put_marked", dies_at_the_second)
        with pytest.raises(RuntimeError):
            await historian.import_past(fine(), fence)
    again = cold_historian(database, tmp_path)
    assert await table(database, "SELECT * FROM rollup_marks")
    await assert_answers(again, after, ASKED)
    await rolled_up(again, fence)
    assert not await table(database, "SELECT * FROM rollup_marks")
    await assert_all(database, again, after)


@pytest.mark.parametrize("change", ["a late sample", "an erased span"])
async def test_what_changes_while_the_portions_are_put_is_in_the_rollups_as_well(
    database: Database,
    historian: SqlHistorian,
    fence: Fence,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    await sketched(historian, fence)
    after = all_of_it()
    late = [batch([(1, 7000.25, 1000.0)], seq=50, received_s=200_000)]
    other = cold_historian(database, tmp_path)
    whole = historian._past._put_portion  # type: ignore[union-attr]
    changed = False

    async def changed_before(*given: Any) -> None:
        nonlocal changed
        if not changed:
            changed = True
            if change == "a late sample":
                await other.write(late, fence)
            else:
                await other.rewrite(1, Micros(NOON + 6000 * S), Micros(NOON + 7200 * S), batch([]), fence)
        await whole(*given)

    monkeypatch.setattr(historian._past, "_put_portion", changed_before)
    await historian.import_past(fine(), fence)
    if change == "a late sample":
        after.deliver(late)
    else:
        gone = [key for key in after.instants if key[0] == 1 and NOON + 6000 * S <= key[1] < NOON + 7200 * S]
        for key in gone:
            del after.instants[key]
    fresh = cold_historian(database, tmp_path)
    await assert_answers(fresh, after, ASKED)
    await rolled_up(fresh, fence)
    assert not await table(database, "SELECT * FROM rollup_marks")
    await assert_answers(cold_historian(database, tmp_path), after, ASKED)
    await compacted(fresh, fence)
    await assert_answers(cold_historian(database, tmp_path), after, ASKED)
