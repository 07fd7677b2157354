"""Hot rows by day: nothing is lost while days come, are missing, are cut anew and go; answers stay what they were."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from pdm_app.domain.errors import FencedError, UnavailableError
from pdm_app.domain.history import HistoryQuery, Tier
from pdm_app.domain.partitions import RolledForward
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Micros
from pdm_app.storage import partitions as storage_partitions
from pdm_app.storage.cold_places import ColdFolder
from pdm_app.storage.compaction import DAY_US
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.storage_facts import SqlStorageFacts
from tests.contracts.historian_checks import rolled_up, table
from tests.contracts.test_cold_tier import (
    DAY,
    TWO_DAYS_S,
    cold_historian,
    compacted,
    compaction_of,
    hot_rows,
    roll_over,
)
from tests.contracts.test_historian import fence
from tests.contracts.test_removal import carried_out, order
from tests.storage.data import NOON, S, SteppedClock, batch, ramp

__all__ = ["fence"]

D = "d202511"
RAW = HistoryQuery(signals=(1, 2), start_at=NOON, end_at=NOON + 300 * S, buckets=60)


@pytest.fixture
def database_url(mariadb_url: str) -> str:
    """Only MySQL and MariaDB keep days apart."""
    return mariadb_url


@pytest.fixture
def historian(database: Database, tmp_path: Path) -> SqlHistorian:
    return cold_historian(database, tmp_path)


async def rolled_forward(historian: SqlHistorian, fence: Fence, days: int = 0, hot_days: int = 2) -> RolledForward:
    """Roll forward so many days after the one of the samples."""
    return await historian.partitions.roll_forward(fence, Micros(NOON + days * DAY_US), hot_days)


async def rows_by_name(database: Database, historian: SqlHistorian) -> dict[str, int]:
    names = [one.name for one in await historian.partitions.all()]
    found = {}
    for name in names:
        statement = f"SELECT COUNT(*) AS there FROM samples PARTITION ({name})"  # noqa: S608 - the server's own name of it.
        found[name] = int((await table(database, statement))[0]["there"])
    return found


def none_row_by_row(historian: SqlHistorian, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_: Any) -> None:
        raise AssertionError("rows were deleted one by one")

    monkeypatch.setattr(compaction_of(historian), "_forget_hot", refused)


async def test_sqlite_has_no_partitions_and_nothing_is_rolled_forward(sqlite_url: str, tmp_path: Path) -> None:
    database = Database(sqlite_url)
    await database.migrate()
    partitions = cold_historian(database, tmp_path).partitions
    assert await partitions.roll_forward(Fence(1), NOON, 2) == RolledForward()
    assert await partitions.all() == []
    assert not await partitions.let_go(Fence(1), DAY)
    await database.close()


async def test_days_have_partitions_before_they_begin_and_each_day_adds_one(
    historian: SqlHistorian, fence: Fence
) -> None:
    assert [one.name for one in await historian.partitions.all()] == ["rest"]
    assert (await rolled_forward(historian, fence)).added[0] == "past"
    parts = await historian.partitions.all()
    assert [one.name for one in parts] == ["past", f"{D}19", f"{D}20", f"{D}21", f"{D}22", f"{D}23", "rest"]
    assert parts[2].holds_just(DAY)
    assert [one.start_at for one in parts[1:]] == [one.end_at for one in parts[:-1]]
    assert await rolled_forward(historian, fence) == RolledForward()
    assert await rolled_forward(historian, fence, days=1) == RolledForward(added=(f"{D}24",), joined=(f"{D}19",))
    assert [one.name for one in await historian.partitions.all()][:2] == ["past", f"{D}20"]


async def test_a_closed_day_goes_with_its_partition_and_late_samples_of_it_still_land(
    database: Database, historian: SqlHistorian, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rolled_forward(historian, fence)
    await historian.write([ramp(1, 0, 300, seq=1), ramp(2, 0, 40, seq=2)], fence)
    await roll_over(historian, fence)
    before = await historian.envelope(RAW)
    assert (await rows_by_name(database, historian))[f"{D}20"] == 340
    with monkeypatch.context() as patched:
        none_row_by_row(historian, patched)
        [done] = await compacted(historian, fence)
    assert done is not None
    assert (done.samples, done.file.samples, await hot_rows(database)) == (340, 340, 0)
    assert await historian.envelope(RAW) == before
    assert (await rolled_forward(historian, fence, days=2)).joined == (f"{D}19", f"{D}20")
    late = batch([(1, 50.5, 1e6), (2, 900.0, 7.0)], seq=950, received_s=TWO_DAYS_S + 70)
    await historian.write([late], fence)
    assert (await rows_by_name(database, historian))["past"] == 2
    await rolled_up(historian, fence)
    [again] = [one for one in await compacted(historian, fence) if one is not None]
    assert (again.samples, again.file.samples, await hot_rows(database)) == (2, 342, 0)
    found = await historian.samples([1, 2], Micros(NOON), Micros(NOON + 3600 * S), 1000)
    assert [len(found[1]), len(found[2])] == [301, 41]


async def test_samples_of_days_that_nobody_rolled_forward_to_move_to_their_own_and_none_is_lost(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await rolled_forward(historian, fence, days=-20)
    days = [ramp(1, day * 86_400, 50, seq=day + 1) for day in range(6)]
    await historian.write(days, fence)
    await rolled_up(historian, fence)
    assert (await rows_by_name(database, historian))["rest"] == 300
    before = await table(database, "SELECT * FROM samples ORDER BY signal_id, source_at")
    changed = await rolled_forward(historian, fence, days=2, hot_days=3)
    assert f"{D}20" in changed.added
    there = {name: rows for name, rows in (await rows_by_name(database, historian)).items() if rows}
    assert there == {f"{D}{20 + day}": 50 for day in range(6)}
    assert await table(database, "SELECT * FROM samples ORDER BY signal_id, source_at") == before


async def test_a_partition_with_too_many_rows_is_left_as_it_is_and_said_so(
    database: Database, historian: SqlHistorian, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rolled_forward(historian, fence)
    await historian.write([ramp(1, 0, 300, seq=1), ramp(1, 20 * 86_400, 300, seq=2)], fence)
    async with database.connected("count") as connection:
        await connection.execute(text("ANALYZE TABLE samples"))
    monkeypatch.setattr(storage_partitions, "ROWS_MOVED_MAX", 100)
    before = await historian.partitions.all()
    assert await rolled_forward(historian, fence, days=1) == RolledForward(joined=(f"{D}19",), too_full=("rest",))
    assert (await historian.partitions.all())[1:] == before[2:]
    monkeypatch.setattr(storage_partitions, "ROWS_MOVED_MAX", 1000)
    assert (await rolled_forward(historian, fence, days=1)).added == (f"{D}24",)


async def test_where_the_server_refuses_the_lock_rows_go_one_by_one(
    database: Database, historian: SqlHistorian, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rolled_forward(historian, fence)
    await historian.write([ramp(1, 0, 300)], fence)
    await roll_over(historian, fence)
    monkeypatch.setattr(storage_partitions, "LOCKED", "samples WRITE, leases READ")
    [done] = await compacted(historian, fence)
    assert done is not None
    assert (done.samples, await hot_rows(database)) == (300, 0)
    await historian.write([ramp(1, 3600, 10, seq=950)], fence)  # Nobody holds a lock that was left behind.


async def test_the_storage_page_lists_the_days_with_their_rows(
    database: Database, historian: SqlHistorian, fence: Fence, tmp_path: Path
) -> None:
    await rolled_forward(historian, fence)
    await historian.write([ramp(1, 0, 300)], fence)
    async with database.connected("count") as connection:
        await connection.execute(text("ANALYZE TABLE samples"))
    facts = SqlStorageFacts(database, compaction_of(historian), historian.partitions, tmp_path, ColdFolder(tmp_path))
    parts = await facts.partitions()
    assert [(one.start_at, one.end_at) for one in (parts[0], parts[-1])] == [
        (None, DAY - DAY_US),
        (DAY + 4 * DAY_US, None),
    ]
    [day] = [one for one in parts if one.rows]
    assert (day.name, day.start_at) == (f"{D}20", DAY)
    assert 250 < day.rows < 350, "the server counts roughly"
    assert day.bytes > 0
    [raw, *_] = await facts.sizes()
    assert (raw.rows, raw.is_estimated) == (day.rows, True), "empty partitions do not count as rows"


async def test_a_clock_that_was_years_ahead_and_is_set_back_costs_no_sample(
    database: Database, historian: SqlHistorian, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rolled_forward(historian, fence)
    await rolled_forward(historian, fence, days=4000)
    assert "d20361103" in [one.name for one in await historian.partitions.all()]
    await historian.write([ramp(1, 0, 100)], fence)
    changed = await rolled_forward(historian, fence)
    assert changed.added
    there = {name: rows for name, rows in (await rows_by_name(database, historian)).items() if rows}
    assert there == {f"{D}20": 100}
    await roll_over(historian, fence)
    none_row_by_row(historian, monkeypatch)
    assert [one.samples for one in await compacted(historian, fence) if one is not None] == [100]


async def test_a_sample_that_comes_before_the_partition_goes_keeps_it(
    database: Database, historian: SqlHistorian, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rolled_forward(historian, fence)
    await historian.write([ramp(1, 0, 100, seq=1), ramp(2, 0, 40, seq=2)], fence)
    await roll_over(historian, fence)
    compaction = compaction_of(historian)
    take_over = compaction._take_over

    async def then_late(*arguments: Any) -> bool:
        done = await take_over(*arguments)
        await historian.write([batch([(1, 50.5, 1e6)], seq=950, received_s=TWO_DAYS_S + 70)], fence)
        await historian.roll_up(fence)
        return done

    monkeypatch.setattr(compaction, "_take_over", then_late)
    assert await compaction.compact(fence, DAY) is not None
    assert await hot_rows(database) == 101, "the other signal's rows went one by one"
    monkeypatch.setattr(compaction, "_take_over", take_over)
    await rolled_up(historian, fence)
    found = await historian.samples([1, 2], Micros(NOON), Micros(NOON + 100 * S), 1000)
    assert [len(found[1]), len(found[2])] == [101, 40]
    await compacted(historian, fence)
    assert await hot_rows(database) == 0
    found = await historian.samples([1, 2], Micros(NOON), Micros(NOON + 100 * S), 1000)
    assert [len(found[1]), len(found[2])] == [101, 40]


async def test_who_reads_for_long_sees_one_instant_and_the_day_goes_row_by_row(
    database: Database, historian: SqlHistorian, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_partitions, "TRIES", 2)
    await rolled_forward(historian, fence)
    await historian.write([ramp(1, 0, 300)], fence)
    await roll_over(historian, fence)
    count = text(f"SELECT COUNT(*) FROM samples WHERE signal_id = 1 AND source_at < {NOON + DAY_US}")  # noqa: S608
    async with database.snapshot("read for long") as reader:
        assert await reader.scalar(count) == 300
        [done] = await compacted(historian, fence)
        assert done is not None
        assert await hot_rows(database) == 0
        with pytest.raises(UnavailableError, match="Lock wait timeout"):
            await rolled_forward(historian, fence, days=1)
        assert await reader.scalar(count) == 300
    assert (await rolled_forward(historian, fence, days=1)).added == (f"{D}24",)


async def test_a_reader_that_has_begun_keeps_partitions_until_it_looks_at_samples(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    """Else the server refuses to read a partition that is younger than the instant that is read."""
    await historian.write([ramp(1, 0, 10)], fence)
    async with database.snapshot("read for long") as reader:
        assert await reader.scalar(text("SELECT COUNT(*) FROM latest")) == 1
        with pytest.raises(UnavailableError, match="Lock wait timeout"):
            await rolled_forward(historian, fence)
        assert await reader.scalar(text("SELECT COUNT(*) FROM samples")) == 10
    assert (await rolled_forward(historian, fence)).added


async def test_who_has_lost_the_lease_changes_no_partition(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await rolled_forward(historian, fence)
    await historian.write([ramp(1, 0, 10)], fence)
    await roll_over(historian, fence)
    newer = await SqlLease(database, SteppedClock(NOON + 7200 * S)).acquire("other", 3600)
    assert newer is not None
    with pytest.raises(FencedError):
        await historian.partitions.let_go(fence, DAY)
    with pytest.raises(FencedError):
        await rolled_forward(historian, fence, days=9)
    assert await hot_rows(database) == 10
    assert await historian.partitions.let_go(newer, DAY), "and nobody holds a lock that was left behind"
    assert await hot_rows(database) == 0


async def test_a_day_that_is_not_rolled_up_yet_is_not_let_go(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await rolled_forward(historian, fence)
    await historian.write([ramp(1, 0, 100)], fence)
    await rolled_up(historian, fence)
    assert not await historian.partitions.let_go(fence, DAY)
    assert await hot_rows(database) == 100


async def test_retention_lets_a_day_go_with_its_partition_only_if_it_takes_all_of_it(
    database: Database, historian: SqlHistorian, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rolled_forward(historian, fence)
    await historian.write([ramp(1, 0, 300, seq=1), ramp(2, 0, 20, seq=2)], fence)
    await roll_over(historian, fence)
    [part] = await carried_out(historian, fence, order(Tier.RAW, 2))
    assert (part.rows, part.blocked, await hot_rows(database)) == (20, 0, 300)

    async def refused(*_: Any) -> int:
        raise AssertionError("rows were deleted one by one")

    assert historian.removal is not None
    monkeypatch.setattr(historian.removal, "_delete", refused)
    [whole] = await carried_out(historian, fence, order(Tier.RAW, 1, 2))
    assert (whole.rows, whole.blocked, await hot_rows(database)) == (300, 0, 0)
    (envelope,) = await historian.envelope(HistoryQuery(signals=(1,), start_at=NOON, end_at=NOON + 300 * S, buckets=30))
    assert sum(envelope.count) == 300, "rollups still answer"
