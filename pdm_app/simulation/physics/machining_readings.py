"""The readings of machining cell A under their signals' names: two lathes and the washer behind them."""

from dataclasses import dataclass

import numpy as np

from pdm_app.domain.samples import F8, I8, MICROS_PER_S
from pdm_app.simulation.physics import acting, counting, machining
from pdm_app.simulation.physics.machining import CHATTERS_FROM, CODES, WASHED_AFTER_S
from pdm_app.simulation.physics.moments import Columns, Moments, joined
from pdm_app.simulation.physics.reasons import Reason
from pdm_app.simulation.physics.states import IDLE, RUNNING, of_reasons
from pdm_app.simulation.physics.work_days import WorkDay

WASHER = "W-33"
LOAD_NEW_PCT, LOAD_WORN_PCT, LOAD_IDLE_PCT = 38.0, 13.0, 4.0
VIBRATION_NEW, VIBRATION_WORN, VIBRATION_CHATTER = 0.85, 0.45, 2.8
SPINDLE_RISE_K, SPINDLE_TIME_CONSTANT_S = 17.0, 900.0
SPINDLE_FOLLOWS_COOLING = 0.9
COOLANT_L_MIN = 20.0
BATH_C = 58.0
PUMP_BAR = 3.2


@dataclass(frozen=True, slots=True)
class _Read:
    columns: dict[str, F8]
    good: I8
    cuts: F8


def columns(moments: Moments, excess_k: F8, warmth: F8) -> tuple[Columns, F8]:
    """Return the readings before the noise of the sensors, and how warm the spindles have become.

    Args:
        moments: When.
        excess_k: By how much the cooling water is too warm.
        warmth: What is remembered of the spindles, 0 cold to 1 settled at full work, shape (lathes,).
    """
    told = joined([_day(moments, day, part) for day, part in moments.days()])
    cuts = np.stack([np.where(told[code]["State"] == RUNNING, 1.0, 0.0) for code in CODES], axis=1)
    warm = moments.follow(cuts, warmth, SPINDLE_TIME_CONSTANT_S)
    for row, code in enumerate(CODES):
        told[code]["Spindle_Temperature_C"] = (
            moments.ambient_graz_c + SPINDLE_RISE_K * warm[:, row] + SPINDLE_FOLLOWS_COOLING * excess_k
        )
    return told, warm[-1]


def warmth(moments: Moments, before: F8) -> F8:
    """Return how warm the spindles are at the last moment; for a start in the middle."""
    cuts = np.empty((len(moments.at), len(CODES)))
    for day, part in moments.days():
        elapsed = (moments.at[part] - day.begin) / MICROS_PER_S
        for row, code in enumerate(CODES):
            told = machining.machining_day(moments.seed, code, day.number, moments.faults)
            cuts[part, row] = told.timeline.at(elapsed) == Reason.RUNNING
    settled: F8 = moments.follow(cuts, before, SPINDLE_TIME_CONSTANT_S)[-1]
    return settled


def _day(moments: Moments, day: WorkDay, part: slice) -> Columns:
    elapsed = (moments.at[part] - day.begin) / MICROS_PER_S
    told: Columns = {}
    washed, cuts = np.zeros(len(elapsed), dtype=np.int64), np.zeros(len(elapsed))
    for code in CODES:
        own = _lathe(moments, code, day, part, elapsed)
        told[code] = own.columns
        washed, cuts = washed + own.good, np.maximum(cuts, own.cuts)
    told[WASHER] = {
        "Bath_Temperature_C": np.full(len(elapsed), BATH_C),
        "Pump_Pressure_bar": np.full(len(elapsed), PUMP_BAR),
        "Part_Count": washed.astype(np.float64),
        "State": np.where(cuts > 0, RUNNING, IDLE),
    }
    return told


def _lathe(moments: Moments, code: str, day: WorkDay, part: slice, elapsed: F8) -> _Read:
    seed, faults = moments.seed, moments.faults
    told = machining.machining_day(seed, code, day.number, faults)
    first = counting.first_day(moments.since)
    before = counting.counted_before(lambda n: machining.totals(seed, code, n, faults), day.number, first, 2)
    parts, reasons = told.parts(elapsed), told.timeline.at(elapsed)
    newest = np.maximum(parts - 1, 0)
    wear = np.where(parts > 0, told.wear[newest], 0.0)
    now = np.clip(np.searchsorted(told.begins_s, elapsed, "right") - 1, 0, None)
    into = elapsed - told.begins_s[now]
    in_cut = (into >= 0) & (into < told.lengths_s[now])
    worse = moments.acting.of(acting.TOOL_WEAR, code)[part]
    chatter = worse * VIBRATION_CHATTER * np.clip((wear - CHATTERS_FROM) / (1 - CHATTERS_FROM), 0.0, 1.0)
    good = before[0] - before[1] + parts - told.scrap(parts)
    # Every part is washed some time after it was made; what is on its way at 06:00 is washed in the new day.
    earlier = told.parts(elapsed - WASHED_AFTER_S)
    on_its_way = elapsed < WASHED_AFTER_S
    washed = before[0] - before[1] + earlier - told.scrap(earlier)
    if on_its_way.any():
        washed = np.where(on_its_way, washed - _unwashed(moments, code, day, elapsed), washed)
    values = {
        "Spindle_Load_pct": np.where(in_cut, LOAD_NEW_PCT + LOAD_WORN_PCT * wear, LOAD_IDLE_PCT),
        "Spindle_Vibration_mm_s": np.where(in_cut, VIBRATION_NEW + VIBRATION_WORN * wear + chatter, 0.15),
        "Spindle_Temperature_C": np.zeros(len(elapsed)),
        "Coolant_Flow_L_min": np.where(in_cut, COOLANT_L_MIN, 0.0),
        "Tool_Life_pct": 100 * (1 - wear),
        "Diameter_Deviation_um": told.deviation_um[newest],
        "Cycle_Time_s": told.lengths_s[newest],
        "Part_Count": (before[0] + parts).astype(np.float64),
        "Good_Count": good.astype(np.float64),
        "Scrap_Count": (before[1] + told.scrap(parts)).astype(np.float64),
        "Stop_Reason": np.where(in_cut, 0, reasons).astype(np.float64),
        "State": np.where(in_cut, RUNNING, of_reasons(reasons)),
    }
    return _Read(values, washed, in_cut.astype(np.float64))


def _unwashed(moments: Moments, code: str, day: WorkDay, elapsed: F8) -> I8:
    """Return how many good parts of the day before are not washed yet; none once counters have begun at zero."""
    first = counting.first_day(moments.since)
    if counting.zeroed_on(day.number, first) == day.number:
        return np.zeros(len(elapsed), dtype=np.int64)
    past = machining.machining_day(moments.seed, code, day.number - 1, moments.faults)
    all_parts = past.parts(np.array([past.day.length_s]))
    by_then = past.parts(past.day.length_s + elapsed - WASHED_AFTER_S)
    good: I8 = (all_parts - past.scrap(all_parts)) - (by_then - past.scrap(by_then))
    return good
