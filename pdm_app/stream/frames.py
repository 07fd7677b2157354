"""Live frames: what changed of a set of signals, encoded once for all who watch it.

A frame is a JSON object ``{"now": µs, "rows": [[signal, value, quality, source_at, received_at], …]}``. The first
frame a watcher gets is a snapshot of the whole set; later ones hold only what has changed. A watcher that is slower
than the history of frames is long gets a snapshot instead of what it missed: it loses steps between, never the newest
value. Once a second comes a frame even if nothing changed, so that silence on screen always means a broken link.

One timer serves all sets. At each tick a changed reading is encoded once, however many sets hold it, and each set's
frame is put together from those rows.
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
HEARTBEAT_EARLY_S = 0.2  # A heartbeat may come this early, so that those of many sets share a tick.
TIMER_SLACK_S = 0.002  # Timers of some event loops count in whole milliseconds and may be that much early.
FRAMES_KEPT = 32


def encoded_rows(latest: Latest, slots: I8) -> list[bytes]:
    """Return the newest reading of each slot as JSON; a value that is no number becomes null."""
    rows = zip(
        latest.signal[slots].tolist(),
        latest.value[slots].tolist(),
        latest.quality[slots].tolist(),
        latest.source_at[slots].tolist(),
        latest.received_at[slots].tolist(),
        strict=True,
    )
    if not latest.text:
        return [orjson.dumps(row) for row in rows]
    named = zip(slots.tolist(), rows, strict=True)
    return [orjson.dumps((row[0], latest.text.get(slot, row[1]), *row[2:])) for slot, row in named]


def frame_of(rows: Sequence[bytes], now: Micros) -> bytes:
    """Put a frame together."""
    return b'{"now":%d,"rows":[%b]}' % (now, b",".join(rows))


class SignalSet:
    """One set of signals with its recent frames; alive while somebody watches."""

    def __init__(self, slots: I8, tick: int, now_s: float) -> None:
        """Begin with nothing to say.

        Args:
            slots: Of the signals, shape (signals,).
            tick: Changes up to this tick are in every snapshot.
            now_s: Time of the event loop.
        """
        self.slots = slots
        self.told_tick = tick
        self.told_at_s = now_s
        self.number = 0  # of the newest frame
        self.frames: deque[bytes] = deque(maxlen=FRAMES_KEPT)
        self.snapshot: tuple[int, bytes] | None = None
        self.waiting: list[asyncio.Future[None]] = []
        self.watchers = 0

    def tell(self, frame: bytes, tick: int, now_s: float) -> None:
        """Hand a frame to everybody who waits."""
        self.frames.append(frame)
        self.number += 1
        self.told_tick, self.told_at_s = tick, now_s
        waiting, self.waiting = self.waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def next_frame(self) -> None:
        """Return once there is a newer frame."""
        waiter = asyncio.get_running_loop().create_future()
        self.waiting.append(waiter)
        await waiter


class LiveFrames:
    """All sets of signals that are watched now."""

    def __init__(self, latest: Latest, clock: Clock) -> None:
        self._latest = latest
        self._clock = clock
        self._sets: dict[tuple[int, ...], SignalSet] = {}
        self._watched: I8 = np.zeros(0, dtype=np.int64)  # By slot: in how many sets.
        self._changed_in: I8 = np.zeros(0, dtype=np.int64)  # By slot: the tick of the last change.
        self._rows: dict[int, bytes] = {}  # Newest encoded reading of slots that have changed while watched.
        self._pending: list[I8] = []
        self._tick = 0
        self._timer: asyncio.TimerHandle | None = None
        self._due_s = 0.0
        self.encoded = 0
        """Frames put together since the start."""

    def note(self, slots: I8) -> None:
        """Take note of changed slots of the whole plant; plug this into `Latest.listening`."""
        if not self._sets:
            return
        self._fit()
        watched = slots[self._watched[slots] > 0]
        if watched.size:
            self._pending.append(watched)
            self._plan(asyncio.get_running_loop().time() + COALESCE_S)

    def _fit(self) -> None:
        """Make room for slots that are new since the last call."""
        missing = len(self._latest.signal) - len(self._watched)
        if missing > 0:
            self._watched = np.concatenate([self._watched, np.zeros(missing, dtype=np.int64)])
            self._changed_in = np.concatenate([self._changed_in, np.zeros(missing, dtype=np.int64)])

    def _plan(self, due_s: float) -> None:
        if self._timer is not None:
            if self._due_s <= due_s:
                return
            self._timer.cancel()
        self._due_s = due_s
        self._timer = asyncio.get_running_loop().call_at(due_s, self._on_tick)

    def _on_tick(self) -> None:
        self._timer = None
        self._tick += 1
        if self._pending:
            changed = np.unique(np.concatenate(self._pending))
            self._pending.clear()
            changed = changed[self._watched[changed] > 0]  # Its last watcher may have left since.
            self._changed_in[changed] = self._tick
            self._rows.update(zip(changed.tolist(), encoded_rows(self._latest, changed), strict=True))
        now_s, now = asyncio.get_running_loop().time(), self._clock.now()
        if self._sets:
            self._plan(min(self._serve(signal_set, now_s, now) for signal_set in self._sets.values()))

    def _serve(self, signal_set: SignalSet, now_s: float, now: Micros) -> float:
        """Tell a set's watchers what is due; return when it has to be looked at again."""
        changed = signal_set.slots[self._changed_in[signal_set.slots] > signal_set.told_tick].tolist()
        paced_s = signal_set.told_at_s + EVERY_S_MIN
        if changed and paced_s > now_s + TIMER_SLACK_S:
            return paced_s
        if changed or now_s >= signal_set.told_at_s + HEARTBEAT_S - HEARTBEAT_EARLY_S:
            self.encoded += 1
            signal_set.tell(frame_of([self._rows[slot] for slot in changed], now), self._tick, now_s)
        return signal_set.told_at_s + HEARTBEAT_S

    async def watch(self, signals: Sequence[int]) -> AsyncGenerator[bytes, None]:
        """Yield a snapshot of ``signals``, then frames as they come, until the caller leaves.

        A slow caller never gets more than the newest values matter.
        """
        key = tuple(sorted(set(signals)))
        signal_set = self._enter(key)
        try:
            seen, frame = self._snapshot_of(signal_set)
            yield frame
            while True:
                while seen < signal_set.number:
                    missed = signal_set.number - seen
                    if missed > len(signal_set.frames):
                        seen, frame = self._snapshot_of(signal_set)
                    else:
                        seen, frame = seen + 1, signal_set.frames[-missed]
                    yield frame
                await signal_set.next_frame()
        finally:
            self._leave(key, signal_set)

    def _enter(self, key: tuple[int, ...]) -> SignalSet:
        signal_set = self._sets.get(key)
        if signal_set is None:
            slots = self._latest.slots(key)
            self._fit()
            now_s = asyncio.get_running_loop().time()
            signal_set = self._sets[key] = SignalSet(slots, self._tick, now_s)
            self._watched[slots] += 1
            self._plan(now_s + HEARTBEAT_S)
        signal_set.watchers += 1
        return signal_set

    def _leave(self, key: tuple[int, ...], signal_set: SignalSet) -> None:
        signal_set.watchers -= 1
        if signal_set.watchers:
            return
        del self._sets[key]
        self._watched[signal_set.slots] -= 1
        for slot in signal_set.slots[self._watched[signal_set.slots] == 0].tolist():
            self._rows.pop(slot, None)
        if not self._sets:
            self._pending.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _snapshot_of(self, signal_set: SignalSet) -> tuple[int, bytes]:
        if signal_set.snapshot is None or signal_set.snapshot[0] != signal_set.number:
            self.encoded += 1
            frame = frame_of(encoded_rows(self._latest, signal_set.slots), self._clock.now())
            signal_set.snapshot = (signal_set.number, frame)
        return signal_set.snapshot

    def snapshot(self, signals: Sequence[int]) -> bytes:
        """Return one frame with the newest values, for a viewer that cannot hold a stream open."""
        slots = self._latest.slots(sorted(set(signals)))
        return frame_of(encoded_rows(self._latest, slots), self._clock.now())

    @property
    def watchers(self) -> int:
        return sum(signal_set.watchers for signal_set in self._sets.values())
