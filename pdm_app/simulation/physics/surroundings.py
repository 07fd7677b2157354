"""What acts on the machines from outside: time of day, weather, demand, and their noise.

Local times are those of a plant without daylight saving; nobody notices an hour in a daily profile.
All functions take moments in microseconds UTC, shape (times,), and return that shape.
"""

import numpy as np

from pdm_app.domain.samples import F8, I8, MICROS_PER_S
from pdm_app.simulation.physics.noise import channel_key, lattice

GRAZ_AHEAD_OF_UTC_H = 1.0
PUNE_AHEAD_OF_UTC_H = 5.5

AMBIENT_MEAN_C = 24.0
AMBIENT_SWING_PUNE_K = 5.0
AMBIENT_SWING_HALL_K = 0.4  # The utilities building in Graz keeps its temperature.
WET_BULB_MEAN_C = 14.0
WET_BULB_SWING_K = 3.0
DEMAND_MEAN_M3_MIN = 7.0
DEMAND_SWING_M3_MIN = 0.5
LEAK_M3_MIN = 0.4
VALVE_MEAN = 0.70
VALVE_SWING = 0.03

# channel: standard deviation and correlation time in seconds.
_PROCESS_NOISE = {
    "valve/graz": (0.006, 120.0),
    "valve/pune": (0.010, 90.0),
    "level/graz": (0.015, 300.0),
    "level/pune": (0.015, 300.0),
    "ambient/graz": (0.05, 600.0),
    "ambient/pune": (0.20, 600.0),
    "wet bulb": (0.6, 7200.0),
    "demand": (0.45, 45.0),
    "flutter": (1.0, 0.2),
    "level of glue": (1.0, 2.0),
}


def process_noise(seed: int, channel: str, at: I8, own: str = "") -> F8:
    """Return the noise of something that several sensors see; ``own`` tells machines of one kind apart."""
    deviation, correlation_s = _PROCESS_NOISE[channel]
    keys = np.array([channel_key(channel + own)], dtype=np.uint64)
    noise: F8 = deviation * lattice(seed, keys, correlation_s, at)[0]
    return noise


def daily(at: I8, ahead_of_utc_h: float, peak_h: float) -> F8:
    """Return a daily wave from -1 to 1 that is highest at the local hour ``peak_h``."""
    hour = at / MICROS_PER_S / 3600 + ahead_of_utc_h
    wave: F8 = np.cos(2 * np.pi * (hour - peak_h) / 24)
    return wave


def ambient_graz_c(seed: int, at: I8) -> F8:
    """Return the temperature around the machines in Graz, warmest at 15:00."""
    swing = AMBIENT_SWING_HALL_K * daily(at, GRAZ_AHEAD_OF_UTC_H, 15)
    return AMBIENT_MEAN_C + swing + process_noise(seed, "ambient/graz", at)


def ambient_pune_c(seed: int, at: I8) -> F8:
    """Return the temperature around the machines in Pune, warmest at 15:00."""
    swing = AMBIENT_SWING_PUNE_K * daily(at, PUNE_AHEAD_OF_UTC_H, 15)
    return AMBIENT_MEAN_C + swing + process_noise(seed, "ambient/pune", at)


def wet_bulb_c(seed: int, at: I8) -> F8:
    """Return the wet bulb temperature outside in Graz, down to which a cooling tower can cool at most."""
    swing = WET_BULB_SWING_K * daily(at, GRAZ_AHEAD_OF_UTC_H, 15)
    return WET_BULB_MEAN_C + swing + process_noise(seed, "wet bulb", at)


def valve(seed: int, at: I8, site: str, own: str) -> F8:
    """Return the throttling of a pump, least at 14:00 in Graz and 9:00 in Pune, when most water is drawn."""
    ahead, peak = (GRAZ_AHEAD_OF_UTC_H, 14) if site == "graz" else (PUNE_AHEAD_OF_UTC_H, 9)
    return VALVE_MEAN - VALVE_SWING * daily(at, ahead, peak) + process_noise(seed, f"valve/{site}", at, own)


def air_demand_m3_min(seed: int, at: I8) -> F8:
    """Return what the consumers draw, most at 11:00 local time, never less than nothing."""
    wave = DEMAND_SWING_M3_MIN * daily(at, GRAZ_AHEAD_OF_UTC_H, 11)
    return np.maximum(DEMAND_MEAN_M3_MIN + wave + process_noise(seed, "demand", at), 0.0)
