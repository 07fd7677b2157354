"""Centrifugal pumps: the intersection of pump curve and system curve, and what power, heat and vibration follow.

All pumps are stepped at once; every array has shape (pumps,). Flow is in each pump's own unit (m³/h or L/min), head in
metres, pressure in bar above atmosphere, speed in 1/min, temperature in °C.
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

SPEED_TIME_CONSTANT_S = 0.6
COAST_TIME_CONSTANT_S = 3.0
FLOW_TIME_CONSTANT_S = 0.8
SUCTION_TIME_CONSTANT_S = 1.2
BEARING_TIME_CONSTANT_S = 18 * 60.0
CASING_TIME_CONSTANT_S = 35 * 60.0

CAVITATION_HEAD_LOSS = 0.182  # Takes 15 % of the flow of the station pump at full cavitation.
CAVITATION_SPAN_BAR = 0.45


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


# P-101A (m³/h), P-501 (L/min).
TYPES = PumpTypes(
    rpm_synchronous=np.array([1500.0, 1500.0]),
    rpm_rated=np.array([1480.0, 1480.0]),
    slip=np.array([0.0190, 0.0255]),
    head_shutoff_m=np.array([46.0, 58.0]),
    curve_k=np.array([8.0 / 120**2, 10.1 / 145**2]),
    head_static_m=np.array([14.0, 20.0]),
    system_k=np.array([24.0 / 120**2 / 0.70, 27.9 / 145**2 / 0.70]),
    flow_to_m3_s=np.array([1 / 3600, 1 / 60_000]),
    flow_best=np.array([124.0, 150.0]),
    efficiency_best=np.array([0.748, 0.70]),
    motor_efficiency=np.array([0.914, 0.92]),
    power_rated_kw=np.array([22.0, 30.0]),
    current_empirical_a=np.array([0.0, 28.4]),
    suction_static_bar=np.array([1.72, 2.05]),
    suction_loss_k=np.array([0.14 / 120**2, 0.25 / 145**2]),
    clog_k=np.array([0.9 / 102**2, 0.92 / 123**2]),
    cavitation_onset_bar=np.array([0.2, 1.45]),
    cavitation_vibration_mm_s=np.array([3.4, 3.46]),
    vibration_mm_s=np.array([1.9, 2.05]),
    bearing_rise_k=np.array([42.0, 43.0]),
    casing_rise_k=np.array([26.0, 32.0]),
    casing_follows_ambient=np.array([1.0, 0.4]),
)
AMBIENT_REFERENCE_C = 24.0


@dataclass(frozen=True, slots=True)
class PumpInputs:
    """What acts on the pumps from outside during a step; every attribute has shape (pumps,)."""

    valve: F8
    level_bar: F8  # Rise of the suction side's static pressure by its tank level.
    ambient_c: F8
    bearing_day: F8
    clog: F8  # Suction strainer, 0 clean to 1 fully clogged.


@dataclass(frozen=True, slots=True)
class PumpState:
    """What the pumps remember; every attribute has shape (pumps,)."""

    rpm: F8
    flow: F8
    suction_bar: F8
    load: F8  # Shaft power as a share of the motor's rating.
    bearing_c: F8
    casing_c: F8


@dataclass(frozen=True, slots=True)
class PumpReadings:
    """What ideal sensors would read; every attribute has shape (pumps,)."""

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
    """Return 1 where the pump runs and 0 where its bearing has seized and the motor protection has tripped."""
    return np.where(inputs.bearing_day < bearing.LIFE_D, 1.0, 0.0)


def cavitation(suction_bar: F8) -> F8:
    """Return how hard the pumps cavitate, 0 to 1, from how far suction lies below what the impeller needs."""
    depth: F8 = np.clip((TYPES.cavitation_onset_bar - suction_bar) / CAVITATION_SPAN_BAR, 0.0, 1.0)
    return depth


def _lagged(value: F8, target: F8, time_constant_s: F8 | float, dt_s: float) -> F8:
    moved: F8 = target + (value - target) * np.exp(-dt_s / np.asarray(time_constant_s))
    return moved


def _shutoff_m(rpm: F8, cavitating: F8) -> F8:
    head: F8 = TYPES.head_shutoff_m * (rpm / TYPES.rpm_rated) ** 2 * (1 - CAVITATION_HEAD_LOSS * cavitating)
    return head


def _head_m(state: PumpState) -> F8:
    return np.maximum(_shutoff_m(state.rpm, cavitation(state.suction_bar)) - TYPES.curve_k * state.flow**2, 0.0)


def _efficiency(flow: F8) -> F8:
    """Return the pump efficiency, a parabola around the best point, never below 0.1."""
    return np.maximum(TYPES.efficiency_best * (1 - (flow / TYPES.flow_best - 1) ** 2), 0.1)


def _power_kw(state: PumpState, inputs: PumpInputs) -> F8:
    """Return electrical power: hydraulic over both efficiencies, more by friction; empirical where so declared."""
    hydraulic_w = WATER_KG_M3 * GRAVITY_M_S2 * state.flow * TYPES.flow_to_m3_s * _head_m(state)
    electric_w = hydraulic_w * (1 + bearing.friction(inputs.bearing_day))
    electric_w = electric_w / (_efficiency(state.flow) * TYPES.motor_efficiency)
    rated_flow = 145.0
    empirical_a = TYPES.current_empirical_a * (0.55 + 0.45 * state.flow / rated_flow) * (state.rpm / TYPES.rpm_rated)
    empirical_w = empirical_a * np.sqrt(3) * LINE_VOLTAGE_V * POWER_FACTOR
    power: F8 = np.where(TYPES.current_empirical_a > 0, empirical_w, electric_w) / 1000
    return power


def step(state: PumpState, dt_s: float, inputs: PumpInputs) -> PumpState:
    """Advance all pumps by ``dt_s`` seconds with constant inputs."""
    running = is_running(inputs)
    rpm = _lagged(
        state.rpm,
        running * TYPES.rpm_synchronous * (1 - TYPES.slip * state.load),
        np.where(running > 0, SPEED_TIME_CONSTANT_S, COAST_TIME_CONSTANT_S),
        dt_s,
    )
    net_m = np.maximum(_shutoff_m(rpm, cavitation(state.suction_bar)) - TYPES.head_static_m, 0.0)
    flow = _lagged(
        state.flow,
        np.sqrt(net_m / (TYPES.curve_k + TYPES.system_k * inputs.valve)),
        FLOW_TIME_CONSTANT_S,
        dt_s,
    )
    losses = (TYPES.suction_loss_k + TYPES.clog_k * inputs.clog) * flow**2
    suction = _lagged(
        state.suction_bar, TYPES.suction_static_bar + inputs.level_bar - losses, SUCTION_TIME_CONSTANT_S, dt_s
    )
    moved = PumpState(rpm, flow, suction, state.load, state.bearing_c, state.casing_c)
    turning = rpm / TYPES.rpm_rated
    return PumpState(
        rpm=rpm,
        flow=flow,
        suction_bar=suction,
        load=_power_kw(moved, inputs) * TYPES.motor_efficiency / TYPES.power_rated_kw,
        bearing_c=_lagged(state.bearing_c, _bearing_c(turning, inputs), BEARING_TIME_CONSTANT_S, dt_s),
        casing_c=_lagged(state.casing_c, _casing_c(turning, inputs), CASING_TIME_CONSTANT_S, dt_s),
    )


def _bearing_c(turning: F8, inputs: PumpInputs) -> F8:
    settled: F8 = inputs.ambient_c + (TYPES.bearing_rise_k + bearing.heat_k(inputs.bearing_day)) * turning
    return settled


def _casing_c(turning: F8, inputs: PumpInputs) -> F8:
    follows = TYPES.casing_follows_ambient * (inputs.ambient_c - AMBIENT_REFERENCE_C)
    settled: F8 = AMBIENT_REFERENCE_C + follows + TYPES.casing_rise_k * turning
    return settled


def settled(inputs: PumpInputs) -> PumpState:
    """Return the state to which the pumps tend under constant inputs; where a start or a replay begins."""
    rpm = is_running(inputs) * TYPES.rpm_rated
    turning = rpm / TYPES.rpm_rated
    state = PumpState(
        rpm=rpm,
        flow=is_running(inputs) * TYPES.flow_best,
        suction_bar=TYPES.suction_static_bar.copy(),
        load=np.full_like(rpm, 0.75),
        bearing_c=_bearing_c(turning, inputs),
        casing_c=_casing_c(turning, inputs),
    )
    for _ in range(60):  # Half a minute of physics: the hydraulics settle in two seconds.
        state = step(state, 0.5, inputs)
    turning = state.rpm / TYPES.rpm_rated
    return PumpState(
        state.rpm, state.flow, state.suction_bar, state.load, _bearing_c(turning, inputs), _casing_c(turning, inputs)
    )


def read(state: PumpState, inputs: PumpInputs) -> PumpReadings:
    """Return what ideal sensors read in this state."""
    head_m = _head_m(state)
    power_kw = _power_kw(state, inputs)
    cavitating = cavitation(state.suction_bar)
    turning = state.rpm / TYPES.rpm_rated
    defect = bearing.vibration_mm_s(inputs.bearing_day)
    bubbles = TYPES.cavitation_vibration_mm_s * cavitating
    shocks = bearing.kurtosis(inputs.bearing_day)
    return PumpReadings(
        running=is_running(inputs),
        rpm=state.rpm,
        flow=state.flow,
        head_m=head_m,
        suction_bar=state.suction_bar,
        discharge_bar=state.suction_bar + WATER_KG_M3 * GRAVITY_M_S2 * head_m / PA_PER_BAR,
        power_kw=power_kw,
        current_a=power_kw * 1000 / (np.sqrt(3) * LINE_VOLTAGE_V * POWER_FACTOR),
        vibration_mm_s=np.sqrt(TYPES.vibration_mm_s**2 + defect**2 + bubbles**2) * turning**2,
        axial_mm_s=np.sqrt((0.55 * TYPES.vibration_mm_s) ** 2 + (0.25 * defect) ** 2 + (0.4 * bubbles) ** 2)
        * turning**2,
        envelope_g=bearing.envelope_g(inputs.bearing_day) * turning**2,
        kurtosis=shocks,
        crest=3.2 + 0.35 * (shocks - bearing.KURTOSIS_SOUND),
        bearing_c=state.bearing_c,
        casing_c=state.casing_c,
        ambient_c=inputs.ambient_c,
        oil_bar=(4.15 - 0.012 * (state.bearing_c - 67.0)) * np.minimum(turning, 1.0),
        cavitation=cavitating,
    )
