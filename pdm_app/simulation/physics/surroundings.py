"""What acts on the machines from outside: time of day, weather, demand, and all noise.

Local times are those of a plant without daylight saving; nobody notices an hour in a daily profile.
"""

from dataclasses import dataclass

import numpy as np

from pdm_app.domain.samples import F8, MICROS_PER_S
from pdm_app.simulation.physics.noise import autoregress

DAY_S = 86_400.0
GRAZ_AHEAD_OF_UTC_H = 1.0
PUNE_AHEAD_OF_UTC_H = 5.5

AMBIENT_MEAN_C = 24.0
AMBIENT_SWING_PUNE_K = 5.0
AMBIENT_SWING_HALL_K = 0.4  # The utilities building in Graz keeps its temperature.
DEMAND_MEAN_M3_MIN = 7.0
DEMAND_SWING_M3_MIN = 0.5
LEAK_M3_MIN = 0.4
VALVE_MEAN = 0.70
VALVE_SWING = 0.03

# channel: standard deviation and correlation time in seconds. Process noise first, then each sensor's own.
CHANNELS: tuple[tuple[str, float, float], ...] = (
    ("valve/P-101A", 0.006, 120.0),
    ("valve/P-501", 0.010, 90.0),
    ("level/P-101A", 0.015, 300.0),
    ("level/P-501", 0.015, 300.0),
    ("ambient/hall", 0.05, 600.0),
    ("ambient/Pune", 0.20, 600.0),
    ("demand", 0.45, 45.0),
    ("flutter", 1.0, 0.2),
    ("P-101A/Vibration_mm_s", 0.045, 3.0),
    ("P-101A/Envelope_BPFO_g", 0.004, 3.0),
    ("P-101A/Bearing_Temperature_C", 0.06, 20.0),
    ("P-101A/Flow_Rate_m3_h", 0.25, 2.0),
    ("P-101A/Discharge_Pressure_bar", 0.008, 1.0),
    ("P-101A/Motor_Current_A", 0.06, 1.0),
    ("P-101A/Motor_RPM", 0.5, 1.0),
    ("P-101A/Suction_Pressure_bar", 0.006, 1.0),
    ("P-101A/Motor_Power_kW", 0.03, 1.0),
    ("P-101A/Vibration_Axial_mm_s", 0.035, 3.0),
    ("P-101A/Kurtosis", 0.08, 3.0),
    ("P-101A/Crest_Factor", 0.06, 3.0),
    ("P-101A/Casing_Temperature_C", 0.05, 20.0),
    ("P-101A/Ambient_Temperature_C", 0.03, 20.0),
    ("C-201/Header_Pressure_bar", 0.004, 0.5),
    ("C-201/Discharge_Temperature_C", 0.08, 10.0),
    ("C-201/Motor_Power_kW", 0.25, 1.0),
    ("C-201/Filter_Differential_Pressure_bar", 0.003, 2.0),
    ("C-201/Dew_Point_C", 0.15, 120.0),
    ("C-201/Air_Demand_m3_min", 0.03, 1.0),
    ("C-201/Oil_Temperature_C", 0.08, 10.0),
    ("C-201/Oil_Pressure_bar", 0.01, 1.0),
    ("C-201/Ambient_Temperature_C", 0.03, 20.0),
    ("P-501/Motor_RPM", 0.5, 1.0),
    ("P-501/Bearing_Temperature_C", 0.08, 20.0),
    ("P-501/Oil_Pressure_bar", 0.015, 2.0),
    ("P-501/Vibration_mm_s", 0.05, 3.0),
    ("P-501/Flow_Rate_L_min", 0.5, 2.0),
    ("P-501/Suction_Pressure_bar", 0.010, 1.0),
    ("P-501/Discharge_Pressure_bar", 0.012, 1.0),
    ("P-501/Motor_Current_A", 0.10, 1.0),
    ("P-501/Casing_Temperature_C", 0.06, 20.0),
    ("P-501/Ambient_Temperature_C", 0.05, 20.0),
    *((f"G-{number}/rssi_dbm", 1.6, 30.0) for number in range(1, 7)),
    *((f"G-{number}/heap_free_kb", 1.5, 5.0) for number in range(1, 7)),
    *((f"G-{number}/battery_pct", 0.4, 900.0) for number in range(1, 7)),
)
CHANNEL_OF = {name: row for row, (name, _, _) in enumerate(CHANNELS)}
DEVIATION = np.array([deviation for _, deviation, _ in CHANNELS])
CORRELATION_S = np.array([correlation_s for _, _, correlation_s in CHANNELS])


@dataclass(frozen=True, slots=True)
class Noise:
    """Correlated noise of unit variance, shape (channels,), scaled where it is read."""

    unit: F8

    def __getitem__(self, channel: str) -> float:
        """Return the noise of one channel in its signal's unit; 0 for a channel that has none."""
        row = CHANNEL_OF.get(channel)
        return 0.0 if row is None else float(self.unit[row] * DEVIATION[row])

    def after(self, draws: F8, dt_s: float) -> "Noise":
        """Return the noise one step later."""
        return Noise(autoregress(self.unit, draws, CORRELATION_S, dt_s))


def _daily(at: int, ahead_of_utc_h: float, peak_h: float) -> float:
    """Return a daily wave from -1 to 1 that is highest at the local hour ``peak_h``."""
    hour = at / MICROS_PER_S / 3600 + ahead_of_utc_h
    return float(np.cos(2 * np.pi * (hour - peak_h) / 24))


def ambient_c(at: int, noise: Noise) -> tuple[float, float]:
    """Return the temperature around the machines in Graz and in Pune, warmest at 15:00."""
    return (
        AMBIENT_MEAN_C + AMBIENT_SWING_HALL_K * _daily(at, GRAZ_AHEAD_OF_UTC_H, 15) + noise["ambient/hall"],
        AMBIENT_MEAN_C + AMBIENT_SWING_PUNE_K * _daily(at, PUNE_AHEAD_OF_UTC_H, 15) + noise["ambient/Pune"],
    )


def valves(at: int, noise: Noise) -> F8:
    """Return the throttling of P-101A and P-501, least at 14:00 and 9:00 local time, when most water is drawn."""
    return np.array(
        [
            VALVE_MEAN - VALVE_SWING * _daily(at, GRAZ_AHEAD_OF_UTC_H, 14) + noise["valve/P-101A"],
            VALVE_MEAN - VALVE_SWING * _daily(at, PUNE_AHEAD_OF_UTC_H, 9) + noise["valve/P-501"],
        ]
    )


def air_demand_m3_min(at: int, noise: Noise) -> float:
    """Return what the consumers draw, most at 11:00 local time, never less than nothing."""
    wave = DEMAND_SWING_M3_MIN * _daily(at, GRAZ_AHEAD_OF_UTC_H, 11)
    return max(DEMAND_MEAN_M3_MIN + wave + noise["demand"], 0.0)
