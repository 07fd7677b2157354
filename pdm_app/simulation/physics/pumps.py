"""Centrifugal pumps: the intersection of pump curve and system curve, and what power, heat and vibration follow.

All pumps are told at once; every array has a last axis of the pumps, those of `TYPES` have no other. Flow is in each
pump's own unit (m³/h or L/min), head in metres, pressure in bar above atmosphere, speed in 1/min, temperature in °C.
The hydraulics settle within two seconds and are told settled; speed and temperatures follow with their lags.
"""

from dataclasses import dataclass

import numpy as np

from pdm_app.domain.samples import F8
from pdm_app.simulation.physics import bearing

WATER_KG_M3 = 998.0
GRAVITY_M_S2 = 9.81
PA_PER_BAR = 1e5
LINE_VOLTAGE_V = 400.0
POWER_FACTOR = 0.86

SPEED_TIME_CONSTANT_S = 1.5
BEARING_TIME_CONSTANT_S = 18 * 60.0
CASING_TIME_CONSTANT_S = 35 * 60.0

CAVITATION_HEAD_LOSS = 0.182  # Takes 15 % of the flow of a station pump at full cavitation.
CAVITATION_SPAN_BAR = 0.45
SEAL_LEAK_BAR = 1.44  # Of oil pressure, in three days: 0.02 bar an hour.
MISALIGNED_MM_S = 3.6  # At twice the speed, radial.
MISALIGNED_AXIAL_MM_S = 3.1
AMBIENT_REFERENCE_C = 24.0

COOLING = ("P-101A", "P-101B")
STATION = ("P-501", "P-502", "P-503", "P-504", "P-505", "P-506")
CODES = (*COOLING, *STATION)

_ITERATIONS = 12
_FLOW_RATED_L_MIN = 145.0


@dataclass(frozen=True, slots=True)
class PumpTypes:
    """What distinguishes the pumps; every attribute has shape (pumps,).

    The pump curve is ``head_shutoff_m * (n / rpm_rated)**2 - curve_k * Q**2``, the system curve
    ``head_static_m + system_k * valve * Q**2``, where a larger ``valve`` means more throttling.
    """

    rpm_synchronous: F8
    rpm_rated: F8
    slip: F8
    head_shutoff_m: F8
    curve_k: F8
    head_static_m: F8
    system_k: F8
    flow_to_m3_s: F8
    flow_best: F8
    efficiency_best: F8
    motor_efficiency: F8
    power_rated_kw: F8
    current_empirical_a: F8  # At rated flow and speed; 0 where current follows from hydraulics.
    suction_static_bar: F8
    suction_loss_k: F8
    clog_k: F8
    cavitation_onset_bar: F8
    cavitation_vibration_mm_s: F8
    vibration_mm_s: F8
    bearing_rise_k: F8
    casing_rise_k: F8
    casing_follows_ambient: F8


def _kinds(cooling: float, station: float) -> F8:
    return np.array([cooling] * len(COOLING) + [station] * len(STATION))


TYPES = PumpTypes(
    rpm_synchronous=_kinds(1500.0, 1500.0),
    rpm_rated=_kinds(1480.0, 1480.0),
    slip=_kinds(0.0190, 0.0255),
    head_shutoff_m=_kinds(46.0, 58.0),
    curve_k=_kinds(8.0 / 120**2, 10.1 / 145**2),
    head_static_m=_kinds(14.0, 20.0),
    system_k=_kinds(24.0 / 120**2 / 0.70, 27.9 / 145**2 / 0.70),
    flow_to_m3_s=_kinds(1 / 3600, 1 / 60_000),
    flow_best=_kinds(124.0, 150.0),
    efficiency_best=_kinds(0.748, 0.70),
    motor_efficiency=_kinds(0.914, 0.92),
    power_rated_kw=_kinds(22.0, 30.0),
    current_empirical_a=_kinds(0.0, 28.4),
    suction_static_bar=_kinds(1.72, 2.05),
    suction_loss_k=_kinds(0.14 / 120**2, 0.25 / 145**2),
    clog_k=_kinds(0.9 / 102**2, 0.92 / 123**2),
    cavitation_onset_bar=_kinds(0.2, 1.45),
    cavitation_vibration_mm_s=_kinds(3.4, 3.46),
    vibration_mm_s=np.array([1.9, 1.75, 2.05, 1.95, 2.15, 1.9, 2.0, 2.1]),
    bearing_rise_k=np.array([42.0, 41.0, 43.0, 42.4, 43.4, 42.8, 42.1, 43.2]),
    casing_rise_k=_kinds(26.0, 32.0),
    casing_follows_ambient=_kinds(1.0, 0.4),
)


@dataclass(frozen=True, slots=True)
class PumpInputs:
    """What acts on the pumps from outside; every attribute has shape (times, pumps) or (pumps,)."""

    running: F8  # 1 where the pump is asked to run.
    valve: F8
    level_bar: F8  # Rise of the suction side's static pressure by its tank level.
    ambient_c: F8
    bearing_day: F8
    clog: F8  # Suction strainer, 0 clean to 1 fully clogged.
    misaligned: F8
    seal_leak: F8


@dataclass(frozen=True, slots=True)
class PumpState:
    """What the pumps remember; same shape as the inputs."""

    turning: F8  # Share of the speed at which the pump would run.
    bearing_c: F8
    casing_c: F8


@dataclass(frozen=True, slots=True)
class PumpReadings:
    """What ideal sensors would read; same shape as the inputs."""

    running: F8
    rpm: F8
    flow: F8
    head_m: F8
    suction_bar: F8
    discharge_bar: F8
    power_kw: F8
    current_a: F8
    vibration_mm_s: F8
    axial_mm_s: F8
    envelope_g: F8
    kurtosis: F8
    crest: F8
    bearing_c: F8
    casing_c: F8
    ambient_c: F8
    oil_bar: F8
    cavitation: F8


def is_running(inputs: PumpInputs) -> F8:
    """Return 1 where the pump runs, 0 where nobody asks it to or its bearing has seized and the motor has tripped."""
    return np.where((inputs.bearing_day < bearing.LIFE_D) & (inputs.running > 0), 1.0, 0.0)


def cavitation(suction_bar: F8) -> F8:
    """Return how hard the pumps cavitate, 0 to 1, from how far suction lies below what the impeller needs."""
    depth: F8 = np.clip((TYPES.cavitation_onset_bar - suction_bar) / CAVITATION_SPAN_BAR, 0.0, 1.0)
    return depth


@dataclass(frozen=True, slots=True)
class _Hydraulics:
    rpm: F8
    flow: F8
    suction_bar: F8
    cavitating: F8
    head_m: F8
    power_kw: F8


def _hydraulics(turning: F8, inputs: PumpInputs) -> _Hydraulics:
    """Return the point at which each pump works.

    Speed depends on the load, the load on the flow, the flow on cavitation, and that on the flow again: a fixed point,
    approached by half of each step because cavitation takes back almost as much flow as brought it about.
    """
    load = np.full_like(turning, 0.75)
    cavitating = np.zeros_like(turning)
    resistance = TYPES.curve_k + TYPES.system_k * inputs.valve
    suction_k = TYPES.suction_loss_k + TYPES.clog_k * inputs.clog
    for _ in range(_ITERATIONS):
        rpm = turning * TYPES.rpm_synchronous * (1 - TYPES.slip * load)
        shutoff = TYPES.head_shutoff_m * (rpm / TYPES.rpm_rated) ** 2 * (1 - CAVITATION_HEAD_LOSS * cavitating)
        flow = np.sqrt(np.maximum(shutoff - TYPES.head_static_m, 0.0) / resistance)
        suction = TYPES.suction_static_bar + inputs.level_bar - suction_k * flow**2
        head_m = np.maximum(shutoff - TYPES.curve_k * flow**2, 0.0)
        power_kw = _power_kw(rpm, flow, head_m, inputs)
        load = power_kw * TYPES.motor_efficiency / TYPES.power_rated_kw
        cavitating = (cavitating + cavitation(suction)) / 2
    return _Hydraulics(rpm, flow, suction, cavitating, head_m, power_kw)


def _efficiency(flow: F8) -> F8:
    """Return the pump efficiency, a parabola around the best point, never below 0.1."""
    return np.maximum(TYPES.efficiency_best * (1 - (flow / TYPES.flow_best - 1) ** 2), 0.1)


def _power_kw(rpm: F8, flow: F8, head_m: F8, inputs: PumpInputs) -> F8:
    """Return electrical power: hydraulic over both efficiencies, more by friction; empirical where so declared."""
    hydraulic_w = WATER_KG_M3 * GRAVITY_M_S2 * flow * TYPES.flow_to_m3_s * head_m
    electric_w = hydraulic_w * (1 + bearing.friction(inputs.bearing_day))
    electric_w = electric_w / (_efficiency(flow) * TYPES.motor_efficiency)
    empirical_a = TYPES.current_empirical_a * (0.55 + 0.45 * flow / _FLOW_RATED_L_MIN) * (rpm / TYPES.rpm_rated)
    empirical_w = empirical_a * np.sqrt(3) * LINE_VOLTAGE_V * POWER_FACTOR
    power: F8 = np.where(TYPES.current_empirical_a > 0, empirical_w, electric_w) / 1000
    return power


def bearing_settles_c(turning: F8, inputs: PumpInputs) -> F8:
    """Return the bearing temperature to which the pumps tend."""
    settled: F8 = inputs.ambient_c + (TYPES.bearing_rise_k + bearing.heat_k(inputs.bearing_day)) * turning
    return settled


def casing_settles_c(turning: F8, inputs: PumpInputs) -> F8:
    """Return the casing temperature to which the pumps tend."""
    follows = TYPES.casing_follows_ambient * (inputs.ambient_c - AMBIENT_REFERENCE_C)
    settled: F8 = AMBIENT_REFERENCE_C + follows + TYPES.casing_rise_k * turning
    return settled


def settled(inputs: PumpInputs) -> PumpState:
    """Return the state to which the pumps tend under constant inputs; where a start or a replay begins."""
    turning = is_running(inputs)
    return PumpState(turning, bearing_settles_c(turning, inputs), casing_settles_c(turning, inputs))


def read(state: PumpState, inputs: PumpInputs) -> PumpReadings:
    """Return what ideal sensors read in this state."""
    at_work = _hydraulics(state.turning, inputs)
    turning = at_work.rpm / TYPES.rpm_rated
    defect = bearing.vibration_mm_s(inputs.bearing_day)
    bubbles = TYPES.cavitation_vibration_mm_s * at_work.cavitating
    shocks = bearing.kurtosis(inputs.bearing_day)
    twice, axial = MISALIGNED_MM_S * inputs.misaligned, MISALIGNED_AXIAL_MM_S * inputs.misaligned
    own_axial = np.sqrt((0.55 * TYPES.vibration_mm_s) ** 2 + (0.25 * defect) ** 2 + (0.4 * bubbles) ** 2 + axial**2)
    oil_bar = 4.15 - 0.012 * (state.bearing_c - 67.0) - SEAL_LEAK_BAR * inputs.seal_leak
    return PumpReadings(
        running=is_running(inputs),
        rpm=at_work.rpm,
        flow=at_work.flow,
        head_m=at_work.head_m,
        suction_bar=at_work.suction_bar,
        discharge_bar=at_work.suction_bar + WATER_KG_M3 * GRAVITY_M_S2 * at_work.head_m / PA_PER_BAR,
        power_kw=at_work.power_kw,
        current_a=at_work.power_kw * 1000 / (np.sqrt(3) * LINE_VOLTAGE_V * POWER_FACTOR),
        vibration_mm_s=np.sqrt(TYPES.vibration_mm_s**2 + defect**2 + bubbles**2 + twice**2) * turning**2,
        axial_mm_s=own_axial * turning**2,
        envelope_g=bearing.envelope_g(inputs.bearing_day) * turning**2,
        kurtosis=shocks,
        crest=3.2 + 0.35 * (shocks - bearing.KURTOSIS_SOUND),
        bearing_c=state.bearing_c,
        casing_c=state.casing_c,
        ambient_c=inputs.ambient_c,
        oil_bar=np.maximum(oil_bar, 0.0) * np.minimum(turning, 1.0),
        cavitation=at_work.cavitating,
    )
