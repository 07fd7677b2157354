"""Machining cell A: two lathes whose tools wear with every part, and the washer behind both.

A working day begins with a new tool in each lathe, so that any day can be told without those before it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import F8, I8, MICROS_PER_S
from pdm_app.simulation.physics import acting
from pdm_app.simulation.physics.acting import Acting
from pdm_app.simulation.physics.reasons import Reason
from pdm_app.simulation.physics.timeline import Stop, StopKind, Timeline, timeline
from pdm_app.simulation.physics.trips import trips
from pdm_app.simulation.physics.work_days import WorkDay, breaks, work_day

CODES = ("CNC-31", "CNC-32")
PART_S = 142.0
PART_SPREAD_S = 1.2
TOOL_S = 6 * 3600.0  # Cutting time at the usual speed. Source: Taylor, v T^n = C with n = 0.25.
CHANGE_S = 6 * 60.0
WEAR_MOST = 2.5  # How much faster the tool wears at the worst of the fault.
CHATTERS_FROM = 0.85
DEVIATION_NEW_UM = 3.0
DEVIATION_WORN_UM = 18.0
TOLERANCE_UM = 22.0
WASHED_AFTER_S = 180.0

_STOPS = (
    StopKind(Reason.MINOR_STOP, 1.5, 60, 300),
    StopKind(Reason.BREAKDOWN, 0.17, 1200, 5400),
    StopKind(Reason.SET_UP, 0.12, 1200, 3000),
)
_SCRAP = 0.008
_KEYS = (acting.TOOL_WEAR, acting.POWER_DIP)


@dataclass(frozen=True, slots=True)
class MachiningDay:
    """One working day of one lathe; arrays have shape (parts,).

    Attributes:
        day: Which.
        timeline: When the lathe may cut, tool changes included.
        begins_s: Begin of each part, in seconds after that of the day.
        lengths_s: Cycle time of each part.
        wear: Of the tool after each part, 0 new to 1 worn out.
        deviation_um: Of each part's diameter.
        scrapped: 1 where the part was scrapped.
    """

    day: WorkDay
    timeline: Timeline
    begins_s: F8
    lengths_s: F8
    wear: F8
    deviation_um: F8
    scrapped: I8

    @property
    def ends_s(self) -> F8:
        return self.begins_s + self.lengths_s

    def parts(self, elapsed_s: F8) -> I8:
        """Return how many parts of the day have ended at each moment."""
        ended: I8 = np.searchsorted(self.ends_s, elapsed_s, "right")
        return ended

    def scrap(self, parts: I8) -> I8:
        """Return how many of the first ``parts`` parts were scrapped."""
        summed: I8 = np.concatenate([[0], np.cumsum(self.scrapped)])[parts]
        return summed


def own_faults(faults: Iterable[InjectedFault], code: str, day: WorkDay) -> tuple[InjectedFault, ...]:
    """Return the faults that can change a day of this lathe."""
    return tuple(
        fault
        for fault in faults
        if fault.key in _KEYS
        and (fault.asset_code == code or fault.key == acting.POWER_DIP)
        and fault.injected_at < day.end
        and (fault.cleared_at is None or fault.cleared_at > day.begin)
    )


def machining_day(seed: int, code: str, number: int, faults: Iterable[InjectedFault] = ()) -> MachiningDay:
    """Return one working day of one lathe; the latest few are remembered."""
    return _machining_day(seed, code, number, own_faults(faults, code, work_day(number)))


def totals(seed: int, code: str, number: int, faults: Iterable[InjectedFault] = ()) -> tuple[int, int]:
    """Return parts made and scrapped in one day."""
    return _totals(seed, code, number, own_faults(faults, code, work_day(number)))


@lru_cache(maxsize=1024)
def _totals(seed: int, code: str, number: int, faults: tuple[InjectedFault, ...]) -> tuple[int, int]:
    day = _machining_day(seed, code, number, faults)
    parts = day.parts(np.array([day.day.length_s]))
    return int(parts[0]), int(day.scrap(parts)[0])


@lru_cache(maxsize=8)
def _machining_day(seed: int, code: str, number: int, faults: tuple[InjectedFault, ...]) -> MachiningDay:
    day = work_day(number)
    draws = day.draws(seed, code)
    most = int(day.length_s / (PART_S - 4 * PART_SPREAD_S)) + 2
    lengths = PART_S + np.clip(draws.standard_normal(most), -3, 3) * PART_SPREAD_S
    spread, chance = draws.standard_normal(most), draws.random(most)
    stops = [stop for kind in _STOPS for stop in kind.drawn(draws, day.length_s)]
    stops += [*breaks(day), *trips(faults, day, seed, code)]
    begins, wear, changes = _cut(day, lengths, timeline(stops, day.length_s), faults)
    parts = len(begins)
    deviation = DEVIATION_NEW_UM + DEVIATION_WORN_UM * wear + 0.9 * spread[:parts]
    scrapped = ((chance[:parts] < _SCRAP) | (deviation > TOLERANCE_UM)).astype(np.int64)
    return MachiningDay(
        day, timeline([*stops, *changes], day.length_s), begins, lengths[:parts], wear, deviation, scrapped
    )


def _cut(day: WorkDay, lengths: F8, line: Timeline, faults: tuple[InjectedFault, ...]) -> tuple[F8, F8, list[Stop]]:
    """Return the begin of each part, the wear after it, and the tool changes; a worn tool is changed at once."""
    begins: list[float] = []
    wears: list[float] = []
    changes: list[Stop] = []
    wear, free_s, part = 0.0, 0.0, 0
    for window_begin, window_end in line.windows():
        free_s = max(free_s, window_begin)
        while free_s < window_end and part < len(lengths):
            if wear >= 1.0:
                changes.append(Stop(free_s, free_s + CHANGE_S, Reason.TOOL_CHANGE))
                free_s, wear = free_s + CHANGE_S, 0.0
                continue
            length = float(lengths[part])
            if free_s + length > day.length_s:  # One that the day's end would cut is not begun.
                break
            at = np.array([day.begin + round(free_s * MICROS_PER_S)])
            worse = float(Acting(faults, at).of(acting.TOOL_WEAR)[0]) if faults else 0.0
            wear = min(wear + length / TOOL_S * (1 + (WEAR_MOST - 1) * worse), 1.0)
            begins.append(free_s)
            wears.append(wear)
            free_s, part = free_s + length, part + 1
    return np.array(begins), np.array(wears), changes
