"""Rollups are made of what was just written, without reading it back, and only where that is all there is."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Micros
from pdm_app.storage.database import Database
from pdm_app.storage.fresh_rows import FreshRows
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from tests.contracts.historian_checks import rolled_up, table
from tests.storage.data import NOON, S, SteppedClock, batch

LATER_S = 60  # All of the first ten seconds is due by then.


@pytest.fixture
async def fence(database: Database) -> Fence:
    fence = await SqlLease(database, SteppedClock()).acquire("test", 3600)
    assert fence is not None
    return fence


@pytest.fixture
async def historian(database: Database, fence: Fence) -> SqlHistorian:
    """One that has nothing to read back: it keeps what is written from the first sample on."""
    historian = SqlHistorian(database, SteppedClock())
    await historian.roll_up(fence)
    return historian


async def later(historian: SqlHistorian, fence: Fence, at_s: int = LATER_S) -> None:
    """Have time go on, by a sample of another signal, and roll up."""
    await historian.write([batch([(9, at_s, 0.0)], seq=at_s, received_s=at_s)], fence)
    await rolled_up(historian, fence)


async def buckets(database: Database, *what: str) -> list[tuple[Any, ...]]:
    names = ", ".join(("signal_id", *what))
    rows = await table(database, f"SELECT {names} FROM rollups_10s WHERE signal_id < 9 ORDER BY signal_id, bucket_at")  # noqa: S608
    return [tuple(row.values()) for row in rows]


async def forget_raw(database: Database, signal: int) -> None:
    """Take samples away behind the historian's back: whoever reads them finds none."""
    async with database.writing("take samples away") as connection:
        await connection.execute(text(f"DELETE FROM samples WHERE signal_id = {signal}"))  # noqa: S608


class Interrupted:
    """Lets a database do its work and then answers in another way than it would."""

    def __init__(self, database: Database, then: Callable[[], Awaitable[None]]) -> None:
        self._twice, self._then = database.twice, then

    async def __call__(self, what: str, work: Callable[[], Awaitable[Any]]) -> Any:
        done = await self._twice(what, work)
        if what.startswith("store"):
            await self._then()
        return done


async def test_what_was_just_written_is_not_read_back(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await historian.write([batch([(1, 1, 5.0), (1, 2, 7.0), (2, 1, 1.0)], received_s=3)], fence)
    await historian.write([batch([(1, 3, 6.0, 200), (2, 8, "läuft")], seq=2, received_s=8)], fence)
    await forget_raw(database, 1)
    await later(historian, fence)
    found = await buckets(database, "samples", "good", "usable", "low", "high", "last", "ends_quality", "good_us")
    assert found == [(1, 3, 2, 2, 5.0, 7.0, 7.0, 200, 2 * S), (2, 2, 2, 1, 1.0, 1.0, 1.0, 0, 7 * S)]
    assert len(historian._rollups.fresh) == 1, "what is derived is not kept, what is not due yet is"


async def test_samples_of_the_process_before_are_read(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await historian.write([batch([(1, 1, 5.0), (2, 1, 1.0)], received_s=3)], fence)
    after = SqlHistorian(database, SteppedClock())
    await after.roll_up(fence)
    await after.write([batch([(1, 2, 7.0), (2, 11, 3.0)], seq=2, received_s=12)], fence)
    await later(after, fence)
    assert await buckets(database, "samples", "low", "high") == [(1, 2, 5.0, 7.0), (2, 1, 1.0, 1.0), (2, 1, 3.0, 3.0)]


async def test_a_sample_that_met_another_of_its_instant_is_read(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await historian.write([batch([(1, 1, 5.0)], seq=5, received_s=3)], fence)
    await historian.write([batch([(1, 1, 50.0), (1, 2, 6.0)], seq=2, received_s=2)], fence)  # Older: it loses.
    await historian.write([batch([(1, 3, 1.0), (1, 3, 9.0)], seq=7, received_s=4)], fence)  # Of one write: the last.
    await later(historian, fence)
    assert await buckets(database, "samples", "low", "high") == [(1, 3, 5.0, 9.0)]


async def test_a_write_that_failed_and_was_stored_all_the_same_is_read(
    database: Database, historian: SqlHistorian, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise UnavailableError("the answer was lost on its way")

    with monkeypatch.context() as patch:
        patch.setattr(database, "twice", Interrupted(database, fail))
        with pytest.raises(UnavailableError):
            await historian.write([batch([(1, 1, 5.0), (1, 2, 7.0)], received_s=3)], fence)
    await historian.write([batch([(1, 4, 6.0)], seq=2, received_s=5)], fence)
    await later(historian, fence)
    assert await buckets(database, "samples", "high") == [(1, 3, 7.0)]


async def test_a_write_that_is_stored_and_not_known_to_be_is_read(
    database: Database, historian: SqlHistorian, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_stored, goes_on = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        is_stored.set()
        await goes_on.wait()

    await historian.write([batch([(1, 1, 5.0)], received_s=3)], fence)
    await historian.write([batch([(9, LATER_S, 0.0)], seq=9, received_s=LATER_S)], fence)
    with monkeypatch.context() as patch:
        patch.setattr(database, "twice", Interrupted(database, wait))
        writing = asyncio.ensure_future(historian.write([batch([(1, 2, 7.0)], seq=2, received_s=3)], fence))
        await is_stored.wait()
    await rolled_up(historian, fence)
    assert await buckets(database, "samples", "high") == [(1, 2, 7.0)]
    goes_on.set()
    await writing


async def test_a_span_put_anew_before_it_was_rolled_up_is_read(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await historian.write([batch([(1, 1, 5.0), (1, 2, 7.0), (2, 1, 1.0)], received_s=3)], fence)
    start, end = Micros(NOON), Micros(NOON + 20 * S)
    await historian.rewrite(1, start, end, batch([(1, 4, 40.0)], seq=3), fence)
    await later(historian, fence)
    assert await buckets(database, "samples", "high") == [(1, 1, 40.0), (2, 1, 1.0)]


async def test_samples_of_another_holder_of_the_lease_are_read(database: Database, historian: SqlHistorian) -> None:
    clock = SteppedClock()
    mine, theirs = SqlLease(database, clock), SqlLease(database, clock)
    clock.at += 4000 * S
    old = await mine.acquire("mine", 1)
    assert old is not None
    await historian.roll_up(old)
    await historian.write([batch([(1, 1, 5.0)], received_s=3)], old)
    clock.at += 2 * S
    other = await theirs.acquire("theirs", 1)
    assert other is not None
    await SqlHistorian(database, clock).write([batch([(1, 2, 7.0)], seq=2, received_s=4)], other)
    clock.at += 2 * S
    again = await mine.acquire("mine", 3600)
    assert again is not None
    await historian.write([batch([(1, 3, 6.0)], seq=3, received_s=4)], again)
    await later(historian, again)
    assert await buckets(database, "samples", "high") == [(1, 3, 7.0)]


async def test_what_memory_has_no_room_for_is_read(database: Database, historian: SqlHistorian, fence: Fence) -> None:
    historian._rollups.fresh = FreshRows(rows_max=20)
    await historian.roll_up(fence)
    for second in range(30):
        rows = [(1, second, float(second)), (2, second, -1.0)]
        await historian.write([batch(rows, seq=second + 1, received_s=second)], fence)
        if second == 25:
            assert len(historian._rollups.fresh) <= 20
            await historian.roll_up(fence)
    await later(historian, fence)
    assert await buckets(database, "samples", "high") == [
        (1, 10, 9.0), (1, 10, 19.0), (1, 10, 29.0), (2, 10, -1.0), (2, 10, -1.0), (2, 10, -1.0),
    ]  # fmt: skip


async def test_a_clock_that_is_ahead_takes_no_room_and_is_read_when_its_time_comes(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await historian.write([batch([(1, 3600, 5.0), (2, 1, 1.0)], received_s=3)], fence)
    assert len(historian._rollups.fresh) == 1
    await historian.write([batch([(1, 3601, 6.0), (2, 3601, 3.0)], seq=2, received_s=3602)], fence)
    await later(historian, fence, 3660)
    assert await buckets(database, "samples", "high") == [(1, 2, 6.0), (2, 1, 1.0), (2, 1, 3.0)]
    assert int((await table(database, "SELECT COUNT(*) AS n FROM rollup_marks"))[0]["n"]) == 0


async def test_a_replay_of_what_is_rolled_up_leaves_nothing_due(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    given = batch([(1, 1, 5.0), (1, 2, 7.0)], received_s=3)
    await historian.write([given], fence)
    await later(historian, fence)
    await historian.write([given], fence)
    assert await table(database, "SELECT * FROM rollup_marks") == []
    await historian.write([batch([(1, 2, 8.0)], seq=9, received_s=70)], fence)
    assert len(await table(database, "SELECT * FROM rollup_marks")) == 1
    await rolled_up(historian, fence)
    assert await buckets(database, "samples", "high") == [(1, 2, 8.0)]
