"""What each process takes while a load runs: processor time in % of one core, and memory.

``with metered({"server": pid}) as meter: …`` and then ``meter.usage``. A process counts with all its children, such as
the many of a browser.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one process with its children: seconds of processor time, % of one core, and resident memory at the end."""

    cpu_s: float
    cpu_percent: float
    rss_mb: float


class Meter:
    """Counts from being made until `stop`."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._before = {name: _cpu_s(pid) for name, pid in self._pids.items()}
        self._began_s = time.perf_counter()
        self.usage: dict[str, Usage] = {}

    def stop(self) -> None:
        """Read the counters again; a process that has ended meanwhile is left out."""
        elapsed_s = time.perf_counter() - self._began_s
        for name, pid in self._pids.items():
            before, after = self._before[name], _cpu_s(pid)
            if before is None or after is None:
                continue
            cpu_s = max(0.0, after - before)
            self.usage[name] = Usage(cpu_s, 100 * cpu_s / elapsed_s, _rss_mb(pid))


@contextmanager
def metered(pids: Mapping[str, int]) -> Iterator[Meter]:
    """Count while the block runs."""
    meter = Meter(pids)
    yield meter
    meter.stop()


def split(usage: Mapping[str, Usage]) -> str:
    """Write who took how much, in % of one core."""
    return ", ".join(f"{name} {taken.cpu_percent:.0f} %" for name, taken in usage.items())


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu_s(pid: int) -> float | None:
    total: float | None = None
    for process in _family(pid):
        try:
            times = process.cpu_times()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        total = (total or 0.0) + times.user + times.system
    return total


def _rss_mb(pid: int) -> float:
    total = 0
    for process in _family(pid):
        try:
            total += process.memory_info().rss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total / 1e6
