"""Time limits of calls."""

import asyncio

import pytest

from pdm_app.trpc.deadlines import Deadlines
from pdm_app.trpc.errors import TrpcError
from tests.trpc.conftest import until


async def test_a_block_in_time_is_left_alone_and_the_timer_rests() -> None:
    deadlines = Deadlines()
    with deadlines.limit(60, "it"):
        await asyncio.sleep(0)
    await until(lambda: deadlines._timer is None)


async def test_a_block_that_takes_too_long_is_cancelled_and_named() -> None:
    deadlines = Deadlines()
    with pytest.raises(TrpcError, match=r"TIMEOUT: it was cancelled after 0\.05 s"), deadlines.limit(0.05, "it"):
        await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_cancellation_from_outside_stays_one() -> None:
    deadlines = Deadlines()

    async def work() -> None:
        with deadlines.limit(10, "it"):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_own_error_of_the_block_passes_even_when_its_time_was_up() -> None:
    deadlines = Deadlines()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise RuntimeError("my own") from None

    with pytest.raises(RuntimeError, match="my own"), deadlines.limit(0.05, "it"):
        await stubborn()
    await asyncio.sleep(0)  # No cancellation is left over.


async def test_a_thousand_limits_share_one_timer() -> None:
    deadlines = Deadlines()

    async def work(limit_s: float) -> str:
        try:
            with deadlines.limit(limit_s, "it"):
                await (asyncio.Event().wait() if limit_s < 1 else asyncio.sleep(0.2))
        except TrpcError as error:
            return error.code
        return "OK"

    codes = await asyncio.gather(*(work(0.05 if number % 2 else 60) for number in range(1000)))
    assert codes == ["OK", "TIMEOUT"] * 500
