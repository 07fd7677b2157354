"""Waiting for what another process does, never longer than a deadline."""

import asyncio
import time
from collections.abc import Awaitable, Callable

LOOK_EVERY_S = 0.05


async def eventually(condition: Callable[[], Awaitable[object]], *, within_s: float, what: str) -> float:
    """Ask again and again until the answer is true; return how many seconds that took.

    Raises:
        AssertionError: It was not true in time; says what was waited for.
    """
    began = time.monotonic()
    while not await condition():
        assert time.monotonic() - began < within_s, f"{what}: not within {within_s:g} s"
        await asyncio.sleep(LOOK_EVERY_S)
    return time.monotonic() - began
