"""What the machine below the product does to it: a disk that fills, a clock that jumps."""

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import psutil

from pdm_app.domain.ports import Clock
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.services.system import Check

FREE_SHARE_MIN = 0.1
FREE_BYTES_ENOUGH = 5_000_000_000  # Hours of a busy plant; of a large disk nobody is called for a tenth of it.
JUMP_S_MIN = 2.0  # Far above what synchronisation does step by step.
JUMPS_KEPT = 8
SAID_FOR_US = 600 * MICROS_PER_S  # So long a jump is told: longer than the delay of any alarm about it.


class Usage(Protocol):
    """Room on a disk, in bytes."""

    total: int
    free: int


class DiskCheck:
    """Whether the disk of the data directory has room."""

    def __init__(self, folder: Path, usage: Callable[[str], Usage] = psutil.disk_usage) -> None:
        self._folder = folder
        self._usage = usage

    async def check(self) -> Check:
        """Look at the room there is; not sound below a tenth of the disk, unless that is still 5 GB."""
        try:
            usage = self._usage(str(self._folder))
        except OSError as error:
            return Check(name="disk", ok=False, detail=f"the data directory cannot be read: {error}", needed=False)
        share = usage.free / usage.total if usage.total else 0.0
        is_sound = share >= FREE_SHARE_MIN or usage.free >= FREE_BYTES_ENOUGH
        detail = f"{usage.free / 1e9:.1f} GB free, {share:.0%} of the disk of the data directory"
        return Check(name="disk", ok=is_sound, detail=detail, needed=False)


def elapsed_s() -> float:
    """Return seconds of a clock that nobody sets and that runs on while the machine sleeps."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


class ClockCheck:
    """Whether the wall clock goes as fast as time does, from one look to the next."""

    def __init__(self, clock: Clock, elapsed: Callable[[], float] = elapsed_s) -> None:
        self._clock = clock
        self._elapsed = elapsed
        self._seen = (clock.now(), elapsed())
        self._jumps: deque[tuple[int, float]] = deque(maxlen=JUMPS_KEPT)  # When it was noticed, and by how much.

    async def check(self) -> Check:
        """Compare the two clocks; a jump is told for ten minutes."""
        now, elapsed = self._clock.now(), self._elapsed()
        at, before = self._seen
        self._seen = (now, elapsed)
        jump_s = (now - at) / MICROS_PER_S - (elapsed - before)
        if abs(jump_s) >= JUMP_S_MIN:
            self._jumps.append((now, jump_s))
        # After a jump back, what was noticed "later" is still news.
        recent = [by_s for noticed, by_s in self._jumps if abs(now - noticed) < SAID_FOR_US]
        if recent:
            said = ", ".join(f"{by_s:+.0f} s" for by_s in recent)
            return Check(name="clock", ok=False, detail=f"the clock of this machine jumped by {said}", needed=False)
        return Check(name="clock", ok=True, detail="runs evenly", needed=False)
