"""A screw compressor that loads and unloads to hold the pressure of its air header.

The header is a volume into which the loaded machine delivers and from which consumers and leaks draw:
``dP/dt = (delivery - demand - leak) * p0 / V``. Pressure in bar above atmosphere, flows in m³/min of free air.
"""

import math
from dataclasses import dataclass

CAPACITY_M3_MIN = 12.0
HEADER_M3 = 4.0
FREE_AIR_BAR = 1.01325
LOAD_BELOW_BAR = 6.6
UNLOAD_ABOVE_BAR = 7.3

POWER_LOADED_KW = 78.0
POWER_IDLE_KW = 24.0
DISCHARGE_LOADED_C = 92.0
DISCHARGE_IDLE_C = 74.0
DISCHARGE_FOLLOWS_AMBIENT = 0.3
OIL_BELOW_DISCHARGE_K = 9.0
FILTER_LOADED_BAR = 0.34
FILTER_IDLE_BAR = 0.22
AMBIENT_REFERENCE_C = 24.0

POWER_TIME_CONSTANT_S = 0.8
DISCHARGE_TIME_CONSTANT_S = 150.0
FILTER_TIME_CONSTANT_S = 1.5
LOAD_SHARE_TIME_CONSTANT_S = 600.0


@dataclass(frozen=True, slots=True)
class CompressorInputs:
    """What acts on the compressor from outside during a step."""

    demand_m3_min: float
    leak_m3_min: float
    ambient_c: float


@dataclass(frozen=True, slots=True)
class CompressorState:
    """What the compressor and its header remember."""

    header_bar: float
    is_loaded: bool
    power_kw: float
    discharge_c: float
    filter_bar: float
    load_share: float  # 0 to 1, averaged over about ten minutes.

    @property
    def delivery_m3_min(self) -> float:
        return CAPACITY_M3_MIN if self.is_loaded else 0.0

    @property
    def oil_c(self) -> float:
        return self.discharge_c - OIL_BELOW_DISCHARGE_K

    @property
    def oil_bar(self) -> float:
        """Injection pressure; the separator and the oil circuit take 2.3 bar of the header pressure."""
        return max(self.header_bar - 2.3, 0.0)


def pressure_rate_bar_min(delivery_m3_min: float, inputs: CompressorInputs) -> float:
    """Return dP/dt of the header."""
    return (delivery_m3_min - inputs.demand_m3_min - inputs.leak_m3_min) * FREE_AIR_BAR / HEADER_M3


def step(state: CompressorState, dt_s: float, inputs: CompressorInputs) -> CompressorState:
    """Advance by ``dt_s`` seconds; the load valve switches at the end of a step, where the pressure is measured."""
    header_bar = max(state.header_bar + pressure_rate_bar_min(state.delivery_m3_min, inputs) * dt_s / 60, 0.0)
    is_loaded = header_bar < UNLOAD_ABOVE_BAR if state.is_loaded else header_bar <= LOAD_BELOW_BAR
    warmth = DISCHARGE_FOLLOWS_AMBIENT * (inputs.ambient_c - AMBIENT_REFERENCE_C)
    return CompressorState(
        header_bar=header_bar,
        is_loaded=is_loaded,
        power_kw=_lagged(
            state.power_kw, POWER_LOADED_KW if state.is_loaded else POWER_IDLE_KW, POWER_TIME_CONSTANT_S, dt_s
        ),
        discharge_c=_lagged(
            state.discharge_c,
            (DISCHARGE_LOADED_C if state.is_loaded else DISCHARGE_IDLE_C) + warmth,
            DISCHARGE_TIME_CONSTANT_S,
            dt_s,
        ),
        filter_bar=_lagged(
            state.filter_bar, FILTER_LOADED_BAR if state.is_loaded else FILTER_IDLE_BAR, FILTER_TIME_CONSTANT_S, dt_s
        ),
        load_share=_lagged(state.load_share, float(state.is_loaded), LOAD_SHARE_TIME_CONSTANT_S, dt_s),
    )


def settled(inputs: CompressorInputs) -> CompressorState:
    """Return a state of the usual cycle, in the middle of the pressure band and loaded."""
    share = min((inputs.demand_m3_min + inputs.leak_m3_min) / CAPACITY_M3_MIN, 1.0)
    warmth = DISCHARGE_FOLLOWS_AMBIENT * (inputs.ambient_c - AMBIENT_REFERENCE_C)
    return CompressorState(
        header_bar=(LOAD_BELOW_BAR + UNLOAD_ABOVE_BAR) / 2,
        is_loaded=True,
        power_kw=POWER_LOADED_KW,
        discharge_c=share * DISCHARGE_LOADED_C + (1 - share) * DISCHARGE_IDLE_C + warmth,
        filter_bar=FILTER_LOADED_BAR,
        load_share=share,
    )


def _lagged(value: float, target: float, time_constant_s: float, dt_s: float) -> float:
    return target + (value - target) * math.exp(-dt_s / time_constant_s)
