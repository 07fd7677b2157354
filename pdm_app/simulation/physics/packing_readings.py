"""The readings of packing line 1 under their signals' names. Counters are those of a controller: 16 bits."""

import numpy as np

from pdm_app.domain.samples import F8, MICROS_PER_S
from pdm_app.simulation.physics import acting, counting, packing, surroundings
from pdm_app.simulation.physics.acting import Acting
from pdm_app.simulation.physics.moments import Columns, Moments, joined
from pdm_app.simulation.physics.packing import CAMERA, CODES
from pdm_app.simulation.physics.states import of_reasons
from pdm_app.simulation.physics.work_days import WorkDay

ROLLS_OVER_AT = 65_536
IDLE_A, LOADED_A = 1.4, (9.2, 5.8, 4.6, 7.4, 11.5)
GLUE_SET_PCT = 20.0
GLUE_FILLED_PCT = 62.0
GLUE_SWING_PCT = 1.0
AIR_BAR = 6.0


def columns(moments: Moments) -> Columns:
    """Return the readings before the noise of the sensors."""
    return joined([_day(moments, day, part) for day, part in moments.days()])


def _day(moments: Moments, day: WorkDay, part: slice) -> Columns:
    seed, faults = moments.seed, moments.faults
    at = moments.at[part]
    told = packing.packing_day(seed, day.number, faults)
    elapsed = (at - day.begin) / MICROS_PER_S
    first, machines = counting.first_day(moments.since), len(CODES)
    before = counting.counted_before(
        lambda n: [count for row in packing.totals(seed, n, faults) for count in row], day.number, first, 2 * machines
    )
    taken, passed = told.flow.counted(elapsed)
    held = told.flow.events(elapsed)
    reasons, rates = told.flow.reasons[held], told.flow.rates[held]
    product = told.product(elapsed).astype(np.float64)
    columns: Columns = {}
    for place, code in enumerate(CODES):
        own_taken, own_passed = before[place] + taken[:, place], before[machines + place] + passed[:, place]
        waiting = passed[:, place - 1] - taken[:, place] if place else np.zeros(len(at))
        columns[code] = {
            "Speed_per_min": 60 * rates[:, place],
            "In_Count": _rolled(own_taken),
            "Out_Count": _rolled(own_passed),
            "Motor_Current_A": np.where(rates[:, place] > 0, LOADED_A[place], IDLE_A),
            "Product": product,
            "Stop_Reason": reasons[:, place].astype(np.float64),
            "State": of_reasons(reasons[:, place]),
        }
        if place:
            columns[code]["Buffer_Before"] = waiting.astype(np.float64)
        if place == CAMERA:
            # A part that is inside of the machine is not rejected yet: what is in and not out again is no counter.
            earlier = before[place] - before[machines + place]
            columns[code]["Reject_Count"] = _rolled(earlier + told.flow.rejected(elapsed, place))
            columns[code]["Glue_Level_pct"] = _glue(moments, part)
    return columns


def _rolled(count: F8) -> F8:
    return (count % ROLLS_OVER_AT).astype(np.float64)


def _glue(moments: Moments, part: slice) -> F8:
    """Return the level of the labeller's glue; with its fault it hovers around the limit at which glue is ordered."""
    at = moments.at[part]
    hovers = Acting(moments.faults, at).of(acting.CHATTERING, CODES[CAMERA])
    swing = GLUE_SWING_PCT * surroundings.process_noise(moments.seed, "level of glue", at)
    return np.where(hovers > 0, GLUE_SET_PCT + swing, GLUE_FILLED_PCT)
