"""The pumps of both sites over time: what acts on them, and their readings under their signals' names."""

import numpy as np

from pdm_app.domain.samples import F8
from pdm_app.simulation.physics import acting, bearing, pumps, surroundings
from pdm_app.simulation.physics.moments import Columns, Moments
from pdm_app.simulation.physics.pumps import CODES, COOLING, STATION, PumpInputs, PumpReadings, PumpState
from pdm_app.simulation.physics.states import running

SOUND = float("-inf")
"""Bearing day of a bearing without a defect."""

_CURRENT_FLUTTER_A = 1.2
_SUCTION_FLUTTER_BAR = 0.03
_DIP_SPEED_SHARE = 0.06
_DIP_CURRENT_SHARE = 0.5
_DIP_S = 1.5


def inputs(moments: Moments) -> PumpInputs:
    """Return what acts on all pumps, shape (times, pumps)."""
    acts, at = moments.acting, moments.at

    def each(key: str) -> F8:
        return np.stack([acts.of(key, code) for code in CODES], axis=1)

    wear = each(acting.BEARING_WEAR)
    asked = np.ones((len(at), len(CODES)))
    asked[:, 0] = np.where(acts.of(acting.ALARM_FLOOD, "P-101A") > 0, 0.0, 1.0)
    # The standby pump runs on its own bypass while it is checked after maintenance.
    asked[:, 1] = np.where(acts.of(acting.MISALIGNMENT, "P-101B") > 0, 1.0, 0.0)
    site_of = ["graz"] * len(COOLING) + ["pune"] * len(STATION)
    ambient = {"graz": moments.ambient_graz_c, "pune": moments.ambient_pune_c}
    level = {site: surroundings.process_noise(moments.seed, f"level/{site}", at) for site in ambient}
    return PumpInputs(
        running=asked,
        valve=np.stack(
            [surroundings.valve(moments.seed, at, site, code) for site, code in zip(site_of, CODES, strict=True)],
            axis=1,
        ),
        level_bar=np.stack([level[site] for site in site_of], axis=1),
        ambient_c=np.stack([ambient[site] for site in site_of], axis=1),
        bearing_day=np.where(wear > 0, wear * bearing.LIFE_D, SOUND),
        clog=each(acting.CAVITATION),
        misaligned=each(acting.MISALIGNMENT),
        seal_leak=each(acting.SEAL_LEAK),
    )


def followed(moments: Moments, acts: PumpInputs, before: PumpState) -> PumpState:
    """Return the states at all moments, from what is remembered before the first."""
    turning = moments.follow(pumps.is_running(acts), before.turning, pumps.SPEED_TIME_CONSTANT_S)
    return PumpState(
        turning,
        moments.follow(pumps.bearing_settles_c(turning, acts), before.bearing_c, pumps.BEARING_TIME_CONSTANT_S),
        moments.follow(pumps.casing_settles_c(turning, acts), before.casing_c, pumps.CASING_TIME_CONSTANT_S),
    )


def last(state: PumpState) -> PumpState:
    """Return what is remembered of the last moment."""
    return PumpState(state.turning[-1], state.bearing_c[-1], state.casing_c[-1])


def columns(moments: Moments, told: PumpReadings) -> Columns:
    """Return the readings under their signals' names, before the noise of the sensors."""
    sag = np.exp(-moments.acting.since_s(acting.POWER_DIP) / _DIP_S)
    flutter = surroundings.process_noise(moments.seed, "flutter", moments.at)
    return {
        **{code: _cooling(told, row, sag) for row, code in enumerate(COOLING)},
        **{code: _station(told, row, flutter) for row, code in enumerate(STATION, len(COOLING))},
    }


def _cooling(told: PumpReadings, row: int, sag: F8) -> dict[str, F8]:
    return {
        "Vibration_mm_s": told.vibration_mm_s[:, row],
        "Envelope_BPFO_g": told.envelope_g[:, row],
        "Bearing_Temperature_C": told.bearing_c[:, row],
        "Flow_Rate_m3_h": told.flow[:, row],
        "Discharge_Pressure_bar": told.discharge_bar[:, row],
        "Motor_Current_A": told.current_a[:, row] * (1 + _DIP_CURRENT_SHARE * sag),
        "Motor_RPM": told.rpm[:, row] * (1 - _DIP_SPEED_SHARE * sag),
        "Suction_Pressure_bar": told.suction_bar[:, row],
        "Motor_Power_kW": told.power_kw[:, row],
        "Vibration_Axial_mm_s": told.axial_mm_s[:, row],
        "Kurtosis": told.kurtosis[:, row],
        "Crest_Factor": told.crest[:, row],
        "Casing_Temperature_C": told.casing_c[:, row],
        "Ambient_Temperature_C": told.ambient_c[:, row],
        "State": running(told.running[:, row], standing=1.0 if row else 0.0),
    }


def _station(told: PumpReadings, row: int, flutter: F8) -> dict[str, F8]:
    shaken = told.cavitation[:, row] * flutter
    return {
        "Motor_RPM": told.rpm[:, row],
        "Bearing_Temperature_C": told.bearing_c[:, row],
        "Oil_Pressure_bar": told.oil_bar[:, row],
        "Vibration_mm_s": told.vibration_mm_s[:, row],
        "Flow_Rate_L_min": told.flow[:, row],
        "Suction_Pressure_bar": told.suction_bar[:, row] + _SUCTION_FLUTTER_BAR * shaken,
        "Discharge_Pressure_bar": told.discharge_bar[:, row],
        "Motor_Current_A": told.current_a[:, row] + _CURRENT_FLUTTER_A * shaken,
        "Casing_Temperature_C": told.casing_c[:, row],
        "Ambient_Temperature_C": told.ambient_c[:, row],
        "State": running(told.running[:, row]),
    }
