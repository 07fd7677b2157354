"""The bus hands everything to everybody, and says what overflow means."""

import asyncio

import pytest

from pdm_app.stream.bus import Bus, FellBehindError, Overflow


async def test_every_reader_gets_every_item_in_order() -> None:
    bus = Bus[int]()
    with bus.reader(10, Overflow.DROP_OLDEST) as first, bus.reader(10, Overflow.FALL_BEHIND) as second:
        for item in (1, 2, 3):
            bus.publish(item)
        assert [await first.get() for _ in range(3)] == [1, 2, 3]
        assert [await second.get() for _ in range(3)] == [1, 2, 3]


async def test_a_viewer_that_is_too_slow_loses_the_oldest_and_the_loss_is_counted() -> None:
    bus = Bus[int]()
    with bus.reader(2, Overflow.DROP_OLDEST) as viewer:
        for item in range(5):
            bus.publish(item)
        assert viewer.drain() == [3, 4]
        assert viewer.dropped == 3
        assert bus.dropped == 3


async def test_a_reader_that_must_not_miss_anything_is_told_once_and_then_reads_on() -> None:
    bus = Bus[int]()
    with bus.reader(2, Overflow.FALL_BEHIND) as watch:
        for item in range(3):
            bus.publish(item)
        with pytest.raises(FellBehindError):
            await watch.get()
        bus.publish(7)
        assert await watch.get() == 7


async def test_items_published_after_an_overflow_wait_behind_the_notice() -> None:
    bus = Bus[int]()
    with bus.reader(2, Overflow.FALL_BEHIND) as watch:
        for item in range(4):
            bus.publish(item)
        with pytest.raises(FellBehindError):
            await watch.get()
        assert await watch.get() == 3


async def test_a_waiting_reader_wakes_when_an_item_comes() -> None:
    bus = Bus[str]()
    with bus.reader(2, Overflow.DROP_OLDEST) as viewer:
        async with asyncio.timeout(90), asyncio.TaskGroup() as group:
            got = group.create_task(viewer.get())
            await asyncio.sleep(0)
            bus.publish("now")
        assert got.result() == "now"


async def test_a_reader_that_left_is_forgotten() -> None:
    bus = Bus[int]()
    with bus.reader(1, Overflow.DROP_OLDEST):
        assert bus.readers == 1
    assert bus.readers == 0
    bus.publish(1)
