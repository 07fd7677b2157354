"""Live frames: the values of one set of signals, encoded once for all who watch that set.

A frame is a JSON object ``{"now": µs, "rows": [[signal, value, quality, source_at, received_at], …]}``. The first
frame a watcher gets is a snapshot of the whole set; later ones hold only what has changed. A watcher that is slower
than the history of frames is long gets a snapshot instead of what it missed: it loses steps between, never the newest
value. Once a second comes a frame even if nothing changed, so that silence on screen always means a broken link.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence

import numpy as np
import orjson

from pdm_app.domain.ports import Clock
from pdm_app.domain.samples import I8, Micros
from pdm_app.stream.latest import Latest

COALESCE_S = 0.008  # Batches of one publish arrive within a few milliseconds; together they make one frame.
EVERY_S_MIN = 0.033  # No faster than a screen of 30 frames a second.
HEARTBEAT_S = 1.0
FRAMES_KEPT = 32


def encode(latest: Latest, slots: I8, now: Micros) -> bytes:
    """Return one frame with the newest reading of each slot; a value that is no number becomes null."""
    rows = zip(
        latest.signal[slots].tolist(),
        latest.value[slots].tolist(),
        latest.quality[slots].tolist(),
        latest.source_at[slots].tolist(),
        latest.received_at[slots].tolist(),
        strict=True,
    )
    if latest.text:
        named = zip(slots.tolist(), rows, strict=True)
        table = [(row[0], latest.text.get(slot, row[1]), *row[2:]) for slot, row in named]
    else:
        table = list(rows)
    return orjson.dumps({"now": now, "rows": table})


class SignalSet:
    """One set of signals with its recent frames; alive while somebody watches."""

    def __init__(self, latest: Latest, clock: Clock, signals: Sequence[int]) -> None:
        self._latest = latest
        self._clock = clock
        self._slots = latest.slots(signals)
        self._is_mine = np.zeros(int(self._slots.max()) + 1, dtype=bool)
        self._is_mine[self._slots] = True
        self._dirty = np.zeros_like(self._is_mine)
        self._frames: deque[bytes] = deque(maxlen=FRAMES_KEPT)
        self._number = 0  # of the newest frame
        self._snapshot: tuple[int, bytes] | None = None
        self._arrived: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due_at = 0.0
        self._flushed_at = 0.0
        self.watchers = 0
        self.encoded = 0

    def note(self, slots: I8) -> None:
        """Take note of changed slots of the whole plant and plan a frame if some are of this set."""
        inside = slots[slots < len(self._is_mine)]
        mine = inside[self._is_mine[inside]]
        if not mine.size:
            return
        self._dirty[mine] = True
        loop = asyncio.get_running_loop()
        self._plan(max(loop.time() + COALESCE_S, self._flushed_at + EVERY_S_MIN))

    def start(self) -> None:
        self._plan(asyncio.get_running_loop().time() + HEARTBEAT_S)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _plan(self, due_at: float) -> None:
        if self._timer is not None:
            if self._due_at <= due_at:
                return
            self._timer.cancel()
        self._due_at = due_at
        self._timer = asyncio.get_running_loop().call_at(due_at, self._flush)

    def _flush(self) -> None:
        self._timer = None
        changed = np.flatnonzero(self._dirty)
        self._dirty[changed] = False
        self._frames.append(self._encode(changed))
        self._number += 1
        now = asyncio.get_running_loop().time()
        self._flushed_at = now
        self._plan(now + HEARTBEAT_S)
        if self._arrived is not None:
            self._arrived.set_result(None)
            self._arrived = None

    def _encode(self, slots: I8) -> bytes:
        self.encoded += 1
        return encode(self._latest, slots, self._clock.now())

    async def follow(self) -> AsyncGenerator[bytes, None]:
        """Yield a snapshot, then frames as they come; never more than the newest matter to a slow watcher."""
        seen, frame = self._snapshot_now()
        yield frame
        while True:
            while seen < self._number:
                missed = self._number - seen
                if missed > len(self._frames):
                    seen, frame = self._snapshot_now()
                else:
                    seen, frame = seen + 1, self._frames[-missed]
                yield frame
            if self._arrived is None:
                self._arrived = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._arrived)  # One future serves all watchers; one that leaves must not cancel it.

    def _snapshot_now(self) -> tuple[int, bytes]:
        if self._snapshot is None or self._snapshot[0] != self._number:
            self._snapshot = (self._number, self._encode(self._slots))
        return self._snapshot


class LiveFrames:
    """All sets of signals that are watched now."""

    def __init__(self, latest: Latest, clock: Clock) -> None:
        self._latest = latest
        self._clock = clock
        self._sets: dict[tuple[int, ...], SignalSet] = {}

    def note(self, slots: I8) -> None:
        """Hand changed slots to every set; plug this into `Latest.listening`."""
        for signal_set in self._sets.values():
            signal_set.note(slots)

    async def watch(self, signals: Sequence[int]) -> AsyncGenerator[bytes, None]:
        """Yield encoded frames of ``signals`` until the caller leaves."""
        key = tuple(sorted(set(signals)))
        signal_set = self._sets.get(key)
        if signal_set is None:
            signal_set = self._sets[key] = SignalSet(self._latest, self._clock, key)
            signal_set.start()
        signal_set.watchers += 1
        try:
            async for frame in signal_set.follow():
                yield frame
        finally:
            signal_set.watchers -= 1
            if not signal_set.watchers:
                signal_set.stop()
                del self._sets[key]

    def snapshot(self, signals: Sequence[int]) -> bytes:
        """Return one frame with the newest values, for a viewer that cannot hold a stream open."""
        return encode(self._latest, self._latest.slots(sorted(set(signals))), self._clock.now())

    @property
    def watchers(self) -> int:
        return sum(signal_set.watchers for signal_set in self._sets.values())

    @property
    def encoded(self) -> int:
        return sum(signal_set.encoded for signal_set in self._sets.values())
