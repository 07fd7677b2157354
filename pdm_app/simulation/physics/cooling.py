"""Cooling water in Graz: heat exchanger, tank and cooling tower, closed in heat and in water.

The process circuit gives its heat to the cooling water in HX-101 (effectiveness and number of transfer units, counter
flow), the tower gives it to the air, and what evaporates and is drained off is made up in the tank. Heat in kW, flow in
m³/h, temperatures in °C. Source: VDI Heat Atlas, C1.
"""

from dataclasses import dataclass

import numpy as np

from pdm_app.domain.samples import F8, MICROS_PER_S
from pdm_app.simulation.physics import acting, surroundings
from pdm_app.simulation.physics.acting import DAY_S
from pdm_app.simulation.physics.moments import Columns, Moments
from pdm_app.simulation.physics.states import RUNNING, running

KW_PER_K_PER_M3_H = 998.0 * 4.186 / 3600
HOT_FLOW_M3_H = 100.0
UA_CLEAN_KW_K = 350.0
FOULING_PER_DAY = 0.004
CLEANED_EVERY_D = 60
HOT_KJ_K = 6_000.0  # Of the process circuit.
BASIN_KJ_K = 84_000.0  # Of 20 m³.
BASE_HEAT_KW = 230.0
HEAT_PER_MACHINE_KW = 55.0
HEAT_OF_COMPRESSOR = 0.7  # Share of its power that goes into the water.
HEAT_TIME_CONSTANT_S = 600.0

BASIN_SET_C = 24.0
FAN_AT_SET, FAN_PER_K, FAN_LEAST = 0.55, 0.15, 0.2
TOWER_EFFECTIVENESS = 0.42  # At full fan speed, in proportion to it.
FAN_POWER_KW = 11.0
FAN_RPM = 360.0
FAN_VIBRATION_MM_S = 1.4
FAN_ONCE_MM_S = 0.9
IMBALANCE_MM_S = 5.2

EVAPORATION_KJ_KG = 2430.0
DRAINED_SHARE = 0.35
LEVEL_SET_PCT = 75.0
MAKE_UP_M3_H_PER_PCT = 0.25
M3_PER_PCT = 0.2
EXCESS_FROM_C = 27.0


@dataclass(frozen=True, slots=True)
class CoolingState:
    """What the cooling water remembers."""

    heat_kw: float
    hot_c: float
    basin_c: float
    level_pct: float


@dataclass(frozen=True, slots=True)
class CoolingReadings:
    """What ideal sensors read; all arrays have shape (times,)."""

    hot_in_c: F8
    hot_out_c: F8
    cold_in_c: F8
    cold_out_c: F8
    heat_kw: F8
    fan: F8
    tower_kw: F8
    wet_bulb_c: F8
    level_pct: F8
    make_up_m3_h: F8
    loss_m3_h: F8
    fouling: F8

    @property
    def excess_k(self) -> F8:
        """By how much the process water is warmer than it should be; machines that it cools follow."""
        return np.maximum(self.hot_out_c - EXCESS_FROM_C, 0.0)


SETTLED = CoolingState(heat_kw=430.0, hot_c=28.5, basin_c=24.0, level_pct=72.0)


def effectiveness(ua_kw_k: F8, hot_kw_k: float, cold_kw_k: F8) -> F8:
    """Return the share of the greatest possible heat that a counter flow exchanger passes on."""
    least = np.minimum(hot_kw_k, cold_kw_k)
    ratio = least / np.maximum(hot_kw_k, cold_kw_k)
    units = ua_kw_k / np.maximum(least, 1e-9)
    apart = np.maximum(1 - ratio, 1e-7)  # Equal flows are the limit of flows that come ever closer.
    decay = np.exp(-units * apart)
    share: F8 = (1 - decay) / (1 - (1 - apart) * decay)
    return share


def fouling(at: F8) -> F8:
    """Return the growth of the thermal resistance since the last cleaning; ``at`` in microseconds UTC."""
    grown: F8 = FOULING_PER_DAY * (at / MICROS_PER_S / DAY_S % CLEANED_EVERY_D)
    return grown


def read(
    moments: Moments, flow_m3_h: F8, machines: F8, compressor_kw: F8, before: CoolingState
) -> tuple[CoolingReadings, CoolingState]:
    """Return the readings, and what is remembered of the last moment.

    Args:
        moments: When.
        flow_m3_h: Of the cooling water, shape (times,).
        machines: How many moulding machines run, shape (times,).
        compressor_kw: Power of the compressor, averaged over its cycles, shape (times,).
        before: What is remembered before the first moment.
    """
    wanted = BASE_HEAT_KW + HEAT_PER_MACHINE_KW * machines + HEAT_OF_COMPRESSOR * compressor_kw
    heat = moments.follow(wanted, before.heat_kw, HEAT_TIME_CONSTANT_S)
    fouled = fouling(moments.at.astype(np.float64))
    cold_kw_k = flow_m3_h * KW_PER_K_PER_M3_H
    hot_kw_k = HOT_FLOW_M3_H * KW_PER_K_PER_M3_H
    passed_kw_k = effectiveness(UA_CLEAN_KW_K / (1 + fouled), hot_kw_k, cold_kw_k) * np.minimum(hot_kw_k, cold_kw_k)
    wet_bulb = surroundings.wet_bulb_c(moments.seed, moments.at)
    hot, basin, level = _course(moments, heat, passed_kw_k, cold_kw_k, wet_bulb, before)
    given = passed_kw_k * (hot - basin)
    cold_out = basin + given / np.maximum(cold_kw_k, 1e-9) * (cold_kw_k > 1)
    fan = _fan(basin)
    tower = TOWER_EFFECTIVENESS * fan * cold_kw_k * (cold_out - wet_bulb)
    told = CoolingReadings(
        hot_in_c=hot,
        hot_out_c=hot - given / hot_kw_k,
        cold_in_c=basin,
        cold_out_c=cold_out,
        heat_kw=given,
        fan=fan,
        tower_kw=tower,
        wet_bulb_c=wet_bulb,
        level_pct=level,
        make_up_m3_h=_make_up(level),
        loss_m3_h=_loss(tower),
        fouling=fouled,
    )
    return told, CoolingState(float(heat[-1]), float(hot[-1]), float(basin[-1]), float(level[-1]))


def _fan(basin_c: F8) -> F8:
    speed: F8 = np.clip(FAN_AT_SET + FAN_PER_K * (basin_c - BASIN_SET_C), FAN_LEAST, 1.0)
    return speed


def _loss(tower_kw: F8) -> F8:
    """Return evaporation and drain in m³/h."""
    lost: F8 = np.maximum(tower_kw, 0.0) / EVAPORATION_KJ_KG * 3600 / 998.0 * (1 + DRAINED_SHARE)
    return lost


def _make_up(level_pct: F8) -> F8:
    """Return what the float valve lets in, m³/h."""
    return np.maximum(MAKE_UP_M3_H_PER_PCT * (LEVEL_SET_PCT - level_pct), 0.0)


def _course(
    moments: Moments, heat: F8, passed_kw_k: F8, cold_kw_k: F8, wet_bulb: F8, before: CoolingState
) -> tuple[F8, F8, F8]:
    """Integrate the temperatures of both circuits and the level of the tank."""
    hot, basin, level = before.hot_c, before.basin_c, before.level_pct
    told: list[tuple[float, float, float]] = []
    hot_gain, basin_gain = 1 / HOT_KJ_K, 1 / BASIN_KJ_K
    per_kw = 3600 / 998.0 * (1 + DRAINED_SHARE) / EVAPORATION_KJ_KG
    rows = zip(
        moments.gaps_s(), heat.tolist(), passed_kw_k.tolist(), cold_kw_k.tolist(), wet_bulb.tolist(), strict=True
    )
    for gap_s, load, passed, cold, wet in rows:
        rate = passed * hot_gain * gap_s
        share = (1 - np.exp(-rate)) / rate if rate > 1e-9 else 1.0
        given = passed * (hot - basin)
        hot += (load - given) * hot_gain * gap_s * float(share)
        fan = min(max(FAN_AT_SET + FAN_PER_K * (basin - BASIN_SET_C), FAN_LEAST), 1.0)
        returned = basin + (given / cold if cold > 1 else 0.0)
        tower = TOWER_EFFECTIVENESS * fan * cold * (returned - wet)
        basin += (given - tower) * basin_gain * gap_s
        made_up = max(MAKE_UP_M3_H_PER_PCT * (LEVEL_SET_PCT - level), 0.0)
        level += (made_up - max(tower, 0.0) * per_kw) / M3_PER_PCT * gap_s / 3600
        told.append((hot, basin, level))
    course = np.array(told)
    return course[:, 0], course[:, 1], course[:, 2]


def columns(moments: Moments, told: CoolingReadings, flow_m3_h: F8) -> Columns:
    """Return the readings under their signals' names, before the noise of the sensors."""
    unbalanced = IMBALANCE_MM_S * moments.acting.of(acting.IMPELLER_IMBALANCE, "CT-101")
    once = (FAN_ONCE_MM_S + unbalanced) * told.fan
    rest = np.sqrt(FAN_VIBRATION_MM_S**2 - FAN_ONCE_MM_S**2) * told.fan
    stays = np.full(len(moments.at), RUNNING)
    return {
        "HX-101": {
            "Hot_Inlet_C": told.hot_in_c,
            "Hot_Outlet_C": told.hot_out_c,
            "Cold_Inlet_C": told.cold_in_c,
            "Cold_Outlet_C": told.cold_out_c,
            "Heat_kW": told.heat_kw,
            "Pressure_Drop_bar": 0.28 * (flow_m3_h / 120) ** 2 * (1 + 2 * told.fouling),
            "State": running(flow_m3_h - 1),
        },
        "TK-101": {
            "Level_pct": told.level_pct,
            "Make_Up_m3_h": told.make_up_m3_h,
            "Loss_m3_h": told.loss_m3_h,
            "State": stays,
        },
        "CT-101": {
            "Fan_Speed_rpm": FAN_RPM * told.fan,
            "Vibration_mm_s": np.sqrt(once**2 + rest**2),
            "Vibration_1x_mm_s": once,
            "Fan_Power_kW": FAN_POWER_KW * told.fan**3,
            "Basin_Temperature_C": told.cold_in_c,
            "Wet_Bulb_C": told.wet_bulb_c,
            "State": stays,
        },
    }
