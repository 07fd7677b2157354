"""The clock of a replay: it stands until it is moved, and whoever was woken is waited for."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.engine import replay_clock
from pdm_app.engine.replay_clock import ReplayClock

BEGIN = Micros(1_795_266_000 * MICROS_PER_S)


def after(seconds: float) -> Micros:
    return Micros(BEGIN + round(seconds * MICROS_PER_S))


async def started(run: Callable[[], Awaitable[None]]) -> "asyncio.Task[None]":
    """A loop that has begun, and sleeps if it is to."""

    async def called() -> None:
        await run()

    task = asyncio.create_task(called(), name="loop")
    await asyncio.sleep(0)
    return task


async def test_nobody_wakes_before_the_clock_was_moved_and_says_so() -> None:
    clock, seen = ReplayClock(BEGIN), []

    async def look() -> None:
        await clock.sleep(5)
        seen.append(clock.now())

    task = await started(look)
    clock.move(after(4.9))
    clock.wake()
    clock.move(after(60))
    await asyncio.sleep(0)
    assert seen == []
    clock.wake()
    await clock.settled()
    assert seen == [after(60)]
    assert task.done()


async def test_a_step_is_over_when_the_work_of_those_who_woke_is() -> None:
    clock, work, done = ReplayClock(BEGIN), asyncio.Event(), []

    async def loop() -> None:
        while True:
            await clock.sleep(1)
            await work.wait()
            done.append(clock.now())

    task = await started(loop)
    clock.move(after(10))
    clock.wake()
    settled = asyncio.create_task(clock.settled())
    await asyncio.sleep(0.01)
    assert not settled.done()
    work.set()
    await settled
    assert done == [after(10)]  # Once for the step, not once for each second of it.
    task.cancel()


async def test_they_wake_in_the_order_of_their_times() -> None:
    clock, seen = ReplayClock(BEGIN), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        seen.append(seconds)

    tasks = [await started(partial(sleeper, seconds)) for seconds in (3, 1, 2)]
    clock.move(after(10))
    clock.wake()
    await clock.settled()
    assert seen == [1, 2, 3]
    assert all(task.done() for task in tasks)


async def test_a_breath_needs_no_clock_and_a_cancelled_sleeper_is_forgotten() -> None:
    clock = ReplayClock(BEGIN)
    await clock.sleep(0.05)
    task = await started(partial(clock.sleep, 1))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    clock.move(after(2))
    clock.wake()
    await clock.settled()


async def test_it_goes_forward_only() -> None:
    clock = ReplayClock(BEGIN)
    with pytest.raises(ValueError, match="forward only"):
        clock.move(after(-1))


async def test_who_does_not_come_to_rest_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_clock, "SETTLED_WITHIN_S", 0.01)
    clock = ReplayClock(BEGIN)

    async def loop() -> None:
        await clock.sleep(1)
        await asyncio.Event().wait()

    task = await started(loop)
    clock.move(after(2))
    clock.wake()
    with pytest.raises(UnavailableError, match="loop did not come to rest"):
        await clock.settled()
    task.cancel()
