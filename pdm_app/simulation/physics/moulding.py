"""Injection moulding: machines of 180 t with four cavities, shot by shot.

A shot begins when the one before has ended and the machine may run; one begun is ended. Everything that can be measured
of a shot follows from its number within the working day, so that any day can be told without those before it.
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
from pdm_app.simulation.physics.work_days import WorkDay, work_day

CODES = ("IM-11", "IM-12", "IM-13")
MOULDS = {"IM-11": ("M-7001", "M-7004"), "IM-12": ("M-7002", "M-7005"), "IM-13": ("M-7003", "M-7006")}
CAVITIES = 4
SHOT_S = 24.0
SHOT_SPREAD_S = 0.13
PHASES_S = (1.5, 2.0, 4.0, 12.0, 4.5)
"""Close, inject, pack, cool, open; the last takes what is left of the shot."""
BLOCKED_COOLING_S = 2.6
SCRAP = 0.012
SCRAP_AT_WORST = 0.09
LIFE_SHOTS = 50_000  # Between two preventive maintenances of a mould.

_SET_UP_S = 75 * 60.0
_SET_UP_AT = (0.28, 0.62)  # Share of the day at which the mould is changed, on days when it is.
_MOULDS_CHANGE = {"IM-11": (6, 3), "IM-12": (8, 4), "IM-13": (14, 1)}
"""Of so many working days, on how many a machine carries its second mould."""
_STOPS = (
    StopKind(Reason.MINOR_STOP, 2.4, 30, 240),
    StopKind(Reason.BREAKDOWN, 0.16, 900, 3600),
)
_KEYS = (acting.VENT_CLOG, acting.HOT_RUNNER, acting.COOL_BLOCKED, acting.POWER_DIP)


@dataclass(frozen=True, slots=True)
class MouldingDay:
    """One working day of one machine; all arrays have shape (shots,).

    Attributes:
        day: Which.
        timeline: When the machine may run, and why not.
        begins_s: Begin of each shot, in seconds after that of the day.
        lengths_s: Length of each shot.
        cooling_s: Of that, cooling.
        scrapped: Parts of each shot that were scrapped.
        mould: Which of the machine's two moulds made it, 0 or 1.
        mounted: The mould at the begin of the day and the one at its end.
        changed_s: From when on the second of these is in use.
    """

    day: WorkDay
    timeline: Timeline
    begins_s: F8
    lengths_s: F8
    cooling_s: F8
    scrapped: I8
    mould: I8
    mounted: tuple[int, int]
    changed_s: float

    @property
    def ends_s(self) -> F8:
        return self.begins_s + self.lengths_s

    def shots(self, elapsed_s: F8) -> I8:
        """Return how many shots of the day have ended at each moment."""
        ended: I8 = np.searchsorted(self.ends_s, elapsed_s, "right")
        return ended

    def scrap(self, shots: I8) -> I8:
        """Return how many parts of the first ``shots`` shots were scrapped."""
        summed: I8 = np.concatenate([[0], np.cumsum(self.scrapped)])[shots]
        return summed

    def shots_of(self, mould: int, shots: I8) -> I8:
        """Return how many of the first ``shots`` shots a mould made."""
        summed: I8 = np.concatenate([[0], np.cumsum(self.mould == mould)])[shots]
        return summed


def own_faults(faults: Iterable[InjectedFault], code: str, day: WorkDay) -> tuple[InjectedFault, ...]:
    """Return the faults that can change a day of this machine."""
    return tuple(
        fault
        for fault in faults
        if fault.key in _KEYS
        and (fault.asset_code in (code, *MOULDS[code]) or fault.key == acting.POWER_DIP)
        and fault.injected_at < day.end
        and (fault.cleared_at is None or fault.cleared_at > day.begin)
    )


def moulding_day(seed: int, code: str, number: int, faults: Iterable[InjectedFault] = ()) -> MouldingDay:
    """Return one working day of one machine; the latest few are remembered."""
    return _moulding_day(seed, code, number, own_faults(faults, code, work_day(number)))


def totals(seed: int, code: str, number: int, faults: Iterable[InjectedFault] = ()) -> tuple[int, int, int, int]:
    """Return shots, scrapped parts, shots of the first and of the second mould of one day."""
    return _totals(seed, code, number, own_faults(faults, code, work_day(number)))


@lru_cache(maxsize=1024)
def _totals(seed: int, code: str, number: int, faults: tuple[InjectedFault, ...]) -> tuple[int, int, int, int]:
    day = _moulding_day(seed, code, number, faults)
    shots = day.shots(np.array([day.day.length_s]))
    return int(shots[0]), int(day.scrap(shots)[0]), int(day.shots_of(0, shots)[0]), int(day.shots_of(1, shots)[0])


def mounted(code: str, number: int) -> tuple[int, int]:
    """Return which of its two moulds a machine carries at the begin and at the end of a working day."""
    days, second = _MOULDS_CHANGE[code]
    return int(number % days < second), int((number + 1) % days < second)


@lru_cache(maxsize=12)
def _moulding_day(seed: int, code: str, number: int, faults: tuple[InjectedFault, ...]) -> MouldingDay:
    day = work_day(number)
    draws = day.draws(seed, code)
    most = int(day.length_s / (SHOT_S - 4 * SHOT_SPREAD_S)) + 2
    spread = np.clip(draws.standard_normal(most), -3, 3) * SHOT_SPREAD_S
    chance = draws.random((most, CAVITIES))
    line, change_s = _timeline(day, code, draws, faults, seed)
    lengths = SHOT_S + spread
    begins = _begins(lengths, line)
    cooling = np.full(most, PHASES_S[3])
    for _ in range(2):  # A shot's length depends on when it begins, which depends on those before it.
        at = day.begin + (begins * MICROS_PER_S).astype(np.int64)
        added = BLOCKED_COOLING_S * Acting(faults, at).of(acting.COOL_BLOCKED)
        lengths[: len(begins)] = SHOT_S + spread[: len(begins)] + added
        cooling[: len(begins)] = PHASES_S[3] + added
        begins = _begins(lengths, line)
    shots = len(begins)
    at = day.begin + (begins * MICROS_PER_S).astype(np.int64)
    first, last = mounted(code, number)
    mould = np.where(begins < change_s, first, last)
    scrapped = _scrapped(chance[:shots], mould, code, faults, at)
    return MouldingDay(day, line, begins, lengths[:shots], cooling[:shots], scrapped, mould, (first, last), change_s)


def _scrapped(chance: F8, mould: I8, code: str, faults: tuple[InjectedFault, ...], at: I8) -> I8:
    """Return the scrapped parts of each shot; a fault of a mould spoils parts only while that mould is in use."""
    acts = Acting(faults, at)
    worse = np.zeros(len(at))
    for which, name in enumerate(MOULDS[code]):
        bad = np.maximum(acts.of(acting.VENT_CLOG, name), acts.of(acting.HOT_RUNNER, name))
        worse = np.where(mould == which, bad, worse)
    spoilt = SCRAP + (SCRAP_AT_WORST - SCRAP) * worse
    scrapped: I8 = np.sum(chance < spoilt[:, None], axis=1)
    return scrapped


def _timeline(
    day: WorkDay, code: str, draws: np.random.Generator, faults: tuple[InjectedFault, ...], seed: int
) -> tuple[Timeline, float]:
    """Return when the machine may run, and from when on the day's second mould is in use."""
    stops = [stop for kind in _STOPS for stop in kind.drawn(draws, day.length_s)]
    share = float(draws.uniform(*_SET_UP_AT))
    change_s = day.length_s
    first, last = mounted(code, day.number)
    if first != last:
        change_s = share * day.length_s
        stops.append(Stop(change_s, change_s + _SET_UP_S, Reason.SET_UP))
    return timeline([*stops, *trips(faults, day, seed, code)], day.length_s), change_s


def _begins(lengths: F8, line: Timeline) -> F8:
    """Return when each shot begins: one after the other wherever the machine may run."""
    summed = np.concatenate([[0.0], np.cumsum(lengths)])
    begins: list[F8] = []
    done, free_s = 0, 0.0
    for window_begin, window_end in line.windows():
        begin = max(window_begin, free_s)
        count = int(np.searchsorted(summed[done:-1] - summed[done], window_end - begin, "left"))
        if count <= 0:
            continue
        begins.append(begin + summed[done : done + count] - summed[done])
        done += count
        free_s = begin + float(summed[done] - summed[done - count])
    begun = np.concatenate(begins) if begins else np.empty(0)
    ended: F8 = begun[begun + lengths[: len(begun)] <= line.edges_s[-1]]
    return ended  # One that the day's end would cut is not begun.
