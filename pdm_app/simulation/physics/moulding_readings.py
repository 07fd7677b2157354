"""The readings of the moulding line under their signals' names: machines, their moulds, and the robot behind them."""

from dataclasses import dataclass

import numpy as np

from pdm_app.domain.samples import F8, I8, MICROS_PER_S
from pdm_app.simulation.physics import acting, counting, moulding
from pdm_app.simulation.physics.acting import Acting
from pdm_app.simulation.physics.moments import Columns, Moments, joined
from pdm_app.simulation.physics.moulding import CAVITIES, CODES, LIFE_SHOTS, MOULDS, PHASES_S, MouldingDay
from pdm_app.simulation.physics.noise import channel_key, normal
from pdm_app.simulation.physics.reasons import Reason
from pdm_app.simulation.physics.states import IDLE, RUNNING, STOPPED, of_reasons
from pdm_app.simulation.physics.work_days import WorkDay, day_at

PEAK_BAR, PEAK_SPREAD_BAR = 1180.0, 9.0
CUSHION_MM, CUSHION_SPREAD_MM = 4.2, 0.1
MELT_C, MOULD_C, CLAMP_KN = 228.0, 42.0, 1650.0
MOULD_FOLLOWS_COOLING = 0.7
HOT_RUNNER_MELT_K = -8.0
PHASE_POWER_KW = np.array([18.0, 42.0, 26.0, 14.0, 16.0])
IDLE_POWER_KW = 6.0
PHASE_CLAMP = np.array([0.6, 1.0, 1.0, 1.0, 0.1])
ROBOT = "R-1"
_FIRST_SHOTS = {
    "M-7001": 11_400,
    "M-7002": 27_150,
    "M-7003": 48_000,
    "M-7004": 35_600,
    "M-7005": 4_900,
    "M-7006": 20_300,
}
"""Shots of each mould since its last service, at the plant's first start."""


@dataclass(frozen=True, slots=True)
class _Read:
    """One machine over one day: its columns, and running sums for what belongs to several machines."""

    columns: dict[str, F8]
    shots: I8
    mould_shots: tuple[I8, I8]
    mould: I8
    runs: F8
    cycle_s: F8


def running(moments: Moments) -> F8:
    """Return how many machines run, shape (times,); for what only wants their heat."""
    count = np.zeros(len(moments.at))
    for day, part in moments.days():
        elapsed = (moments.at[part] - day.begin) / MICROS_PER_S
        for code in CODES:
            told = moulding.moulding_day(moments.seed, code, day.number, moments.faults)
            count[part] += told.timeline.at(elapsed) == Reason.RUNNING
    return count


def columns(moments: Moments, excess_k: F8) -> Columns:
    """Return the readings before the noise of the sensors; ``excess_k`` is by how much the water is too warm."""
    return joined([_day(moments, day, part, excess_k[part]) for day, part in moments.days()])


def _day(moments: Moments, day: WorkDay, part: slice, excess_k: F8) -> Columns:
    elapsed = (moments.at[part] - day.begin) / MICROS_PER_S
    told: Columns = {}
    picked, cycle = np.zeros(len(elapsed), dtype=np.int64), np.zeros(len(elapsed))
    runs = np.zeros(len(elapsed))
    for code in CODES:
        own = _machine(moments, code, day, part, elapsed)
        own.columns["Mould_Temperature_C"] = MOULD_C + MOULD_FOLLOWS_COOLING * excess_k
        told[code] = own.columns
        picked, cycle, runs = picked + own.shots, np.maximum(cycle, own.cycle_s), np.maximum(runs, own.runs)
        for which, name in enumerate(MOULDS[code]):
            used = (own.mould == which) & (own.runs > 0)
            told[name] = {
                "Shots_Since_Service": (own.mould_shots[which] % LIFE_SHOTS).astype(np.float64),
                "State": np.where(used, RUNNING, np.where(own.mould == which, STOPPED, IDLE)),
            }
    told[ROBOT] = {
        "Pick_Count": picked.astype(np.float64),
        "Cycle_Time_s": cycle / len(CODES),
        "State": np.where(runs > 0, RUNNING, IDLE),
    }
    return told


def _machine(moments: Moments, code: str, day: WorkDay, part: slice, elapsed: F8) -> _Read:
    seed, faults = moments.seed, moments.faults
    told = moulding.moulding_day(seed, code, day.number, faults)
    first = counting.first_day(moments.since)
    before = counting.counted_before(lambda n: moulding.totals(seed, code, n, faults), day.number, first, 4)
    shots = told.shots(elapsed)
    reasons = told.timeline.at(elapsed)
    newest = np.maximum(shots - 1, 0)  # The shot that ended last; before the first of a day, that one.
    now = np.clip(np.searchsorted(told.begins_s, elapsed, "right") - 1, 0, None)
    into = elapsed - told.begins_s[now]
    in_shot = (into >= 0) & (into < told.lengths_s[now])
    phase = np.where(in_shot, _phase(into, told.cooling_s[now]), -1)
    numbered = day.number * 10_000 + newest
    runs = (in_shot | (reasons == Reason.RUNNING)).astype(np.float64)
    acts = Acting(faults, moments.at[part])
    on_it = [np.maximum(acts.of(acting.HOT_RUNNER, name), 0) for name in MOULDS[code]]
    mould = _mounted(told, elapsed)
    cooler = np.where(mould == 0, on_it[0], on_it[1])
    values = {
        "Cycle_Phase": phase + 1.0,
        "Cycle_Time_s": told.lengths_s[newest],
        "Cooling_Time_s": told.cooling_s[newest],
        "Injection_Pressure_bar": PEAK_BAR + PEAK_SPREAD_BAR * _drawn(seed, f"{code} peak", numbered),
        "Melt_Temperature_C": MELT_C + HOT_RUNNER_MELT_K * cooler,
        "Mould_Temperature_C": np.full(len(elapsed), MOULD_C),
        "Clamp_Force_kN": np.where(in_shot, CLAMP_KN * PHASE_CLAMP[phase], 0.0),
        "Cushion_mm": CUSHION_MM + CUSHION_SPREAD_MM * _drawn(seed, f"{code} cushion", numbered),
        "Motor_Power_kW": np.where(in_shot, PHASE_POWER_KW[phase], IDLE_POWER_KW),
        "Shot_Count": (before[0] + shots).astype(np.float64),
        "Part_Count": (CAVITIES * (before[0] + shots)).astype(np.float64),
        "Scrap_Count": (before[1] + told.scrap(shots)).astype(np.float64),
        "Stop_Reason": np.where(in_shot, 0, reasons).astype(np.float64),
        "State": np.where(in_shot, RUNNING, of_reasons(reasons)),
    }
    at_start = _shots_at_start(moments, code)
    first_mould, second_mould = (
        before[2 + which] + told.shots_of(which, shots) - at_start[which] + _FIRST_SHOTS[name]
        for which, name in enumerate(MOULDS[code])
    )
    return _Read(values, before[0] + shots, (first_mould, second_mould), mould, runs, told.lengths_s[newest])


def _phase(into_s: F8, cooling_s: F8) -> I8:
    """Return the phase, 0 to 4, of each moment within a shot."""
    close, inject, pack, _, _ = PHASES_S
    cools_from = close + inject + pack
    phase: I8 = (
        (into_s >= close).astype(np.int64)
        + (into_s >= close + inject)
        + (into_s >= cools_from)
        + (into_s >= cools_from + cooling_s)
    )
    return phase


def _mounted(told: MouldingDay, elapsed: F8) -> I8:
    first, last = told.mounted
    return np.where(elapsed < told.changed_s, first, last)


def _drawn(seed: int, name: str, number: I8) -> F8:
    drawn: F8 = np.clip(normal(seed, np.array([channel_key(name)], dtype=np.uint64), number), -2.6, 2.6)
    return drawn


def _shots_at_start(moments: Moments, code: str) -> tuple[int, int]:
    """Return what each of a machine's moulds had made when the plant was first started, since counters were zero."""
    day = day_at(moments.since)
    first = counting.first_day(moments.since)
    before = counting.counted_before(lambda n: moulding.totals(moments.seed, code, n), day.number, first, 4)
    told = moulding.moulding_day(moments.seed, code, day.number)
    shots = told.shots(np.array([(moments.since - day.begin) / MICROS_PER_S]))
    return int(before[2] + told.shots_of(0, shots)[0]), int(before[3] + told.shots_of(1, shots)[0])
