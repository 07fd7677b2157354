"""Of all processes on one database, one collects; a token tells the newest holder from all before it."""

import asyncio

import pytest

from pdm_app.domain.errors import FencedError
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Micros
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from tests.storage.data import NOON, S, SteppedClock, ramp


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


async def test_the_first_gets_it_and_the_second_has_to_wait(database: Database, clock: SteppedClock) -> None:
    one, two = SqlLease(database, clock), SqlLease(database, clock)
    assert await one.acquire("one", 10) == Fence(token=1)
    assert await two.acquire("two", 10) is None
    clock.at += 9 * S
    assert await one.acquire("one", 10) == Fence(token=1)
    clock.at += 9 * S
    assert await two.acquire("two", 10) is None
    clock.at += 2 * S
    assert await two.acquire("two", 10) == Fence(token=2)
    assert await one.acquire("one", 10) is None


async def test_a_holder_whose_lease_ran_out_keeps_it_if_nobody_took_it(database: Database, clock: SteppedClock) -> None:
    lease = SqlLease(database, clock)
    await lease.acquire("one", 10)
    clock.at += 3600 * S
    assert await lease.acquire("one", 10) == Fence(token=1)


async def test_released_it_is_free_at_once(database: Database, clock: SteppedClock) -> None:
    one, two = SqlLease(database, clock), SqlLease(database, clock)
    fence = await one.acquire("one", 3600)
    assert fence is not None
    await one.release(fence)
    assert await two.acquire("two", 10) == Fence(token=2)


async def test_releasing_what_has_changed_hands_does_nothing(database: Database, clock: SteppedClock) -> None:
    one, two = SqlLease(database, clock), SqlLease(database, clock)
    old = await one.acquire("one", 1)
    assert old is not None
    clock.at += 2 * S
    assert await two.acquire("two", 60) is not None
    await one.release(old)
    assert await SqlLease(database, clock).acquire("three", 10) is None


async def test_after_a_restart_the_same_installation_takes_over_at_once_and_fences_its_past(
    database: Database, clock: SteppedClock
) -> None:
    before = SqlLease(database, clock)
    old = await before.acquire("installation", 60)
    assert old is not None
    new = await SqlLease(database, clock).acquire("installation", 60)  # Killed and started again.
    assert new == Fence(token=2)
    with pytest.raises(FencedError, match="must stop"):
        await SqlHistorian(database, clock).write([ramp(1, 0, 3)], old)
    assert await before.acquire("installation", 60) is None  # A twin that still runs does not steal it back.


async def test_of_many_that_start_at_once_one_gets_it(database: Database, clock: SteppedClock) -> None:
    got = await asyncio.gather(*(SqlLease(database, clock).acquire(f"process-{n}", 60) for n in range(6)))
    assert [fence for fence in got if fence is not None] == [Fence(token=1)]


async def test_a_lease_changes_hands_between_writes_never_inside_one(database: Database, clock: SteppedClock) -> None:
    """Whoever takes over sees everything that was written before, and nothing is written after."""
    historian = SqlHistorian(database, clock)
    old = await SqlLease(database, clock).acquire("one", 1)
    assert old is not None
    fence = old
    clock.at += 2 * S
    first, end = Micros(NOON), Micros(NOON + 10**12)

    under_way = asyncio.Event()

    async def write() -> None:
        for number in range(2000):
            await historian.write([ramp(1, number * 10, 10, seq=number + 1)], fence)
            if number == 5:
                under_way.set()

    writing = asyncio.ensure_future(write())
    async with asyncio.timeout(60):
        await under_way.wait()
        assert await SqlLease(database, clock).acquire("two", 60) is not None
        seen = await historian.count(1, first, end)
        with pytest.raises(FencedError):
            await writing
    assert await historian.count(1, first, end) == seen
