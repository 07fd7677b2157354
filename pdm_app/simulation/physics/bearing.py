"""The life of a rolling bearing with an outer-race defect: 27 days from the first spall to seizure.

Day 0 is the first spall; ``-inf`` stands for a sound bearing. Every function takes and returns arrays of one shape.
"""

import numpy as np

from pdm_app.domain.samples import F8

LIFE_D = 27.0
GROWTH_TIME_CONSTANT_D = 7.4
KURTOSIS_PEAK_D = 24.0

VIBRATION_AT_END_MM_S = 9.3
HEAT_AT_END_K = 22.0
ENVELOPE_FLOOR_G = 0.10
ENVELOPE_AT_ONSET_G = 0.02
FRICTION_AT_END = 0.02
KURTOSIS_SOUND = 3.0
KURTOSIS_PEAK = 7.0
KURTOSIS_AT_END = 4.0


def wear(day: F8) -> F8:
    """Return the damage, growing exponentially from 0 (sound) to 1 at the end of the life."""
    grown: F8 = np.exp((np.minimum(day, LIFE_D) - LIFE_D) / GROWTH_TIME_CONSTANT_D)
    return grown


def vibration_mm_s(day: F8) -> F8:
    """Return the defect's own share of the velocity, RMS."""
    return VIBRATION_AT_END_MM_S * wear(day)


def heat_k(day: F8) -> F8:
    """Return by how much the defect warms the bearing once the heat has settled."""
    return HEAT_AT_END_K * wear(day)


def envelope_g(day: F8) -> F8:
    """Return the envelope amplitude at the outer race's ball pass frequency; floor and defect add in quadrature."""
    defect = ENVELOPE_AT_ONSET_G * np.exp(np.minimum(day, LIFE_D) / GROWTH_TIME_CONSTANT_D)
    return np.hypot(ENVELOPE_FLOOR_G, defect)


def kurtosis(day: F8) -> F8:
    """Return the kurtosis of the acceleration.

    It climbs while the defect gives single sharp shocks, and falls again when damage all around fills the gaps.
    """
    shocks = np.clip(day, 0.0, KURTOSIS_PEAK_D) / KURTOSIS_PEAK_D
    filled = np.clip(day - KURTOSIS_PEAK_D, 0.0, LIFE_D - KURTOSIS_PEAK_D) / (LIFE_D - KURTOSIS_PEAK_D)
    climbed = KURTOSIS_SOUND + (KURTOSIS_PEAK - KURTOSIS_SOUND) * shocks**1.1
    fallen: F8 = climbed - (KURTOSIS_PEAK - KURTOSIS_AT_END) * filled
    return fallen


def friction(day: F8) -> F8:
    """Return the share by which the defect raises the power that the shaft takes."""
    return FRICTION_AT_END * wear(day)
