"""The whole plant as one pure step: ``step(state, dt_s, inputs)`` gives the next state, ``read`` what the sensors say.

Two runs with the same seed, start and inputs agree to the last bit. A start in the middle begins at the settled state.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.simulation.machines import gateways
from pdm_app.simulation.machines.parts import STATE_RUNNING, STATE_STOPPED
from pdm_app.simulation.physics import compressor, pumps, surroundings
from pdm_app.simulation.physics.noise import SEED, standard_normal
from pdm_app.simulation.physics.surroundings import CHANNELS, Noise

TICK_S = 0.1
SOUND = float("-inf")
"""Bearing day of a bearing without a defect."""

LINK_LOST_AT = 0.8
"""Share of the way to the weakest signal at which the radio link breaks."""

Reading = float | int | str
Readings = dict[str, dict[str, Reading]]
"""Signal values by machine code and signal name."""

_RSSI_DBM = (-58.0, -63.0, -66.0, -61.0, -69.0, -68.0)
_RSSI_LOST_DBM = -95.0
_HEAP_TOP_KB = 214.0
_HEAP_USE_KB_S = 0.09
_HEAP_COLLECT_EVERY_S = 540
_BOOTED_BEFORE_D = (41.3, 12.8, 3.4, 41.3, 27.9, 8.1)  # Before the plant's first start.
_CURRENT_FLUTTER_A = 1.2
_SUCTION_FLUTTER_BAR = 0.03


@dataclass(frozen=True, slots=True)
class WorldInputs:
    """What the fault scripts ask of the plant at one moment.

    Attributes:
        at: Moment at the end of the step, microseconds UTC.
        bearing_day: Day of the bearing defect of P-101A; ``SOUND`` without one.
        clog: Suction strainer of P-501, 0 clean to 1 fully clogged.
        link_loss: How far the radio link of a gateway has sunk, 0 to 1, by gateway code.
        since: First start of the plant, microseconds UTC; up times count from it.
    """

    at: int
    bearing_day: float = SOUND
    clog: float = 0.0
    link_loss: Mapping[str, float] | None = None
    since: int = 0

    def link_lost(self, code: str) -> bool:
        """Return whether the gateway's radio link is broken."""
        return (self.link_loss or {}).get(code, 0.0) >= LINK_LOST_AT


@dataclass(frozen=True, slots=True)
class WorldState:
    """Everything the plant remembers from tick to tick."""

    tick: int
    seed: int
    noise: Noise
    pumps: pumps.PumpState
    compressor: compressor.CompressorState


def _pump_inputs(inputs: WorldInputs, noise: Noise) -> pumps.PumpInputs:
    return pumps.PumpInputs(
        valve=surroundings.valves(inputs.at, noise),
        level_bar=np.array([noise["level/P-101A"], noise["level/P-501"]]),
        ambient_c=np.array(surroundings.ambient_c(inputs.at, noise)),
        bearing_day=np.array([inputs.bearing_day, SOUND]),
        clog=np.array([0.0, inputs.clog]),
    )


def _compressor_inputs(inputs: WorldInputs, noise: Noise) -> compressor.CompressorInputs:
    return compressor.CompressorInputs(
        demand_m3_min=surroundings.air_demand_m3_min(inputs.at, noise),
        leak_m3_min=surroundings.LEAK_M3_MIN,
        ambient_c=surroundings.ambient_c(inputs.at, noise)[0],
    )


def begin(inputs: WorldInputs, seed: int = SEED) -> WorldState:
    """Return the settled plant at ``inputs.at``; its tick number follows from the time, so that restarts differ."""
    tick = round(inputs.at / MICROS_PER_S / TICK_S)
    noise = Noise(standard_normal(seed, tick, len(CHANNELS)))
    return WorldState(
        tick=tick,
        seed=seed,
        noise=noise,
        pumps=pumps.settled(_pump_inputs(inputs, noise)),
        compressor=compressor.settled(_compressor_inputs(inputs, noise)),
    )


def step(state: WorldState, dt_s: float, inputs: WorldInputs) -> WorldState:
    """Advance the plant by ``dt_s`` seconds, to the moment ``inputs.at``."""
    tick = state.tick + 1
    noise = state.noise.after(standard_normal(state.seed, tick, len(CHANNELS)), dt_s)
    return WorldState(
        tick=tick,
        seed=state.seed,
        noise=noise,
        pumps=pumps.step(state.pumps, dt_s, _pump_inputs(inputs, noise)),
        compressor=compressor.step(state.compressor, dt_s, _compressor_inputs(inputs, noise)),
    )


def read(state: WorldState, inputs: WorldInputs) -> Readings:
    """Return what every sensor of the plant says, its own noise included, in the signals' units."""
    pump = pumps.read(state.pumps, _pump_inputs(inputs, state.noise))
    readings: Readings = {
        "P-101A": _cooling_pump(pump, 0),
        "P-501": _station_pump(pump, 1, state.noise),
        "C-201": _compressor(state, inputs),
        **{code: _gateway(row, code, inputs) for row, code in enumerate(gateways.CODES)},
    }
    for code, values in readings.items():
        for name, value in values.items():
            if isinstance(value, float):
                values[name] = round(value + state.noise[f"{code}/{name}"], 5)
    return readings


def _state(running: float) -> int:
    return STATE_RUNNING if running else STATE_STOPPED


def _cooling_pump(pump: pumps.PumpReadings, row: int) -> dict[str, Reading]:
    return {
        "Vibration_mm_s": float(pump.vibration_mm_s[row]),
        "Envelope_BPFO_g": float(pump.envelope_g[row]),
        "Bearing_Temperature_C": float(pump.bearing_c[row]),
        "Flow_Rate_m3_h": float(pump.flow[row]),
        "Discharge_Pressure_bar": float(pump.discharge_bar[row]),
        "Motor_Current_A": float(pump.current_a[row]),
        "Motor_RPM": float(pump.rpm[row]),
        "Suction_Pressure_bar": float(pump.suction_bar[row]),
        "Motor_Power_kW": float(pump.power_kw[row]),
        "Vibration_Axial_mm_s": float(pump.axial_mm_s[row]),
        "Kurtosis": float(pump.kurtosis[row]),
        "Crest_Factor": float(pump.crest[row]),
        "Casing_Temperature_C": float(pump.casing_c[row]),
        "Ambient_Temperature_C": float(pump.ambient_c[row]),
        "State": _state(float(pump.running[row])),
    }


def _station_pump(pump: pumps.PumpReadings, row: int, noise: Noise) -> dict[str, Reading]:
    flutter = float(pump.cavitation[row]) * noise["flutter"]
    return {
        "Motor_RPM": float(pump.rpm[row]),
        "Bearing_Temperature_C": float(pump.bearing_c[row]),
        "Oil_Pressure_bar": float(pump.oil_bar[row]),
        "Vibration_mm_s": float(pump.vibration_mm_s[row]),
        "Flow_Rate_L_min": float(pump.flow[row]),
        "Suction_Pressure_bar": float(pump.suction_bar[row]) + _SUCTION_FLUTTER_BAR * flutter,
        "Discharge_Pressure_bar": float(pump.discharge_bar[row]),
        "Motor_Current_A": float(pump.current_a[row]) + _CURRENT_FLUTTER_A * flutter,
        "Casing_Temperature_C": float(pump.casing_c[row]),
        "Ambient_Temperature_C": float(pump.ambient_c[row]),
        "State": _state(float(pump.running[row])),
    }


def _compressor(state: WorldState, inputs: WorldInputs) -> dict[str, Reading]:
    machine, acting = state.compressor, _compressor_inputs(inputs, state.noise)
    return {
        "Header_Pressure_bar": machine.header_bar,
        "Discharge_Temperature_C": machine.discharge_c,
        "Motor_Power_kW": machine.power_kw,
        "Filter_Differential_Pressure_bar": machine.filter_bar,
        "Dew_Point_C": 3.0,
        "Load_Share_pct": 100 * machine.load_share,
        "Air_Demand_m3_min": acting.demand_m3_min,
        "Air_Delivery_m3_min": machine.delivery_m3_min,
        "Oil_Temperature_C": machine.oil_c,
        "Oil_Pressure_bar": machine.oil_bar,
        "Ambient_Temperature_C": acting.ambient_c,
        "Loaded": int(machine.is_loaded),
        "State": STATE_RUNNING,
    }


def _gateway(row: int, code: str, inputs: WorldInputs) -> dict[str, Reading]:
    loss = (inputs.link_loss or {}).get(code, 0.0)
    up_s = int((inputs.at - inputs.since) / MICROS_PER_S + _BOOTED_BEFORE_D[row] * surroundings.DAY_S)
    return {
        "rssi_dbm": _RSSI_DBM[row] + (_RSSI_LOST_DBM - _RSSI_DBM[row]) * loss,
        "battery_pct": 98.0 - 0.7 * row,
        "heap_free_kb": _HEAP_TOP_KB - _HEAP_USE_KB_S * (up_s % _HEAP_COLLECT_EVERY_S),
        "uptime_s": up_s,
        "firmware_version": gateways.FIRMWARE,
        "State": STATE_RUNNING,
    }
