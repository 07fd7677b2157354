"""A screen that watches every live value of the plant and remembers what it was shown, and when."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise

from pdm_app.domain.samples import QUALITY_BAD_MIN, QUALITY_UNCERTAIN_MIN
from pdm_app.domain.signals import Signal
from pdm_app.trpc.client import TrpcClient


@dataclass(frozen=True, slots=True)
class Shown:
    """One reading as it came over the wire; ``at`` is this process's steady clock in seconds."""

    at: float
    value: float | str | None
    quality: int
    source_at: int


class Screen:
    """Everything that ``live.values`` has sent so far, by signal."""

    def __init__(self, signals: Sequence[Signal]) -> None:
        self.signals = tuple(signals)
        self.shown: dict[int, list[Shown]] = defaultdict(list)

    def note(self, frame: dict[str, list[list[object]]]) -> None:
        at = time.monotonic()
        for signal, value, quality, source_at, _ in frame["rows"]:
            self.shown[signal].append(Shown(at, value, quality, source_at))  # type: ignore[index,arg-type]

    def newest(self, signals: Sequence[Signal]) -> list[Shown]:
        """The newest reading of each that was ever shown."""
        return [self.shown[signal.id][-1] for signal in signals if self.shown[signal.id]]

    def of(self, connection_id: str) -> list[Signal]:
        return [signal for signal in self.signals if signal.connection_id == connection_id]

    def all_good(self, connection_id: str) -> bool:
        """Whether each signal of a connection has a good value on the screen now."""
        newest = self.newest(self.of(connection_id))
        return len(newest) == len(self.of(connection_id)) and all(
            shown.quality < QUALITY_UNCERTAIN_MIN for shown in newest
        )

    def each_was_bad(self, connection_id: str, since: float) -> bool:
        """Whether every signal of a connection was shown as bad at some moment since then."""
        return all(
            any(shown.at >= since and shown.quality >= QUALITY_BAD_MIN for shown in self.shown[signal.id])
            for signal in self.of(connection_id)
        )

    def bad_since(self, connection_id: str, since: float) -> list[Shown]:
        """Every reading of a connection that was shown as bad since then."""
        return [
            shown
            for signal in self.of(connection_id)
            for shown in self.shown[signal.id]
            if shown.at >= since and shown.quality >= QUALITY_BAD_MIN
        ]

    def longest_pause_s(self, connection_id: str, since: float, until: float) -> float:
        """The longest time in which nothing new of a connection was shown."""
        times = [
            shown.at
            for signal in self.of(connection_id)
            for shown in self.shown[signal.id]
            if since <= shown.at <= until
        ]
        moments = [since, *sorted(times), until]
        return max(later - earlier for earlier, later in pairwise(moments))


@asynccontextmanager
async def watching(client: TrpcClient) -> AsyncIterator[Screen]:
    """Watch all signals in reach during the block."""
    screen = Screen(await client.query("signals.list", result=list[Signal]))

    async def watch() -> None:
        ids = [signal.id for signal in screen.signals]
        async with aclosing(client.subscribe("live.values", {"signals": ids})) as frames:  # type: ignore[type-var]
            async for frame in frames:
                screen.note(frame)

    task = asyncio.create_task(watch())
    try:
        yield screen
        assert not task.done(), "the subscription ended by itself"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
