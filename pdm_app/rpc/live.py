"""Procedures about the present."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import lru_cache
from typing import Annotated, NamedTuple

from pydantic import Field
from typing_extensions import TypedDict

from pdm_app.domain.record import SignalNumber
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.live import SIGNALS_MAX
from pdm_app.trpc import Encoded

live = procedures()

WatchedSignals = Annotated[list[SignalNumber], Field(min_length=1, max_length=SIGNALS_MAX)]


class LiveRow(NamedTuple):
    """The newest reading of one signal; times in microseconds UTC, 0 where there never was one."""

    signal: int
    value: float | str | None
    quality: int
    source_at: int
    received_at: int


class LiveFrame(TypedDict):
    """The server's time and the rows that changed since the frame before; the first frame has all rows."""

    now: int
    rows: list[LiveRow]


FRAMES_SHARED = 64  # More than are under way at one time: each goes to all its viewers before the next.


@lru_cache(FRAMES_SHARED)
def _shared(frame: bytes) -> Encoded[LiveFrame]:
    """Return one frame for all viewers of the same signals, so that its text is made once for all of them."""
    return Encoded(frame)


@live.subscription(permission="signals.read", coalesce=False)
async def values(ctx: Ctx, *, signals: WatchedSignals) -> AsyncIterator[Encoded[LiveFrame]]:
    """Send a snapshot of the signals, then what changes, and at least one frame a second."""
    async with aclosing(ctx.services.live.watch(ctx.actor, signals)) as frames:
        async for frame in frames:
            yield _shared(frame)


@live.query(permission="signals.read", rest="GET /live")
async def latest(ctx: Ctx, *, signals: WatchedSignals) -> Encoded[LiveFrame]:
    """Return the newest values once, for viewers that can only poll."""
    return Encoded(await ctx.services.live.snapshot(ctx.actor, signals))
