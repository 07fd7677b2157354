"""Screw compressors that load and unload to hold the pressure of their air header.

The header is a volume into which loaded machines deliver and from which consumers and leaks draw:
``dP/dt = (delivery - demand - leak) * p0 / V``. Pressure in bar above atmosphere, flows in m³/min of free air.

Four times a day, at 0, 6, 12 and 18 h UTC, the header has just been filled to its upper limit and held there for the
blow-down of its condensate. From there on the course of the pressure follows from the demand alone, so that any quarter
of a day can be told without those before it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import F8, I8, MICROS_PER_S
from pdm_app.simulation.physics import acting, surroundings
from pdm_app.simulation.physics.acting import Acting
from pdm_app.simulation.physics.lag import lagged

CAPACITY_M3_MIN = 12.0
SECOND_CAPACITY_M3_MIN = 8.0
HEADER_M3 = 4.0
FREE_AIR_BAR = 1.01325
LOAD_BELOW_BAR = 6.6
UNLOAD_ABOVE_BAR = 7.3
SECOND_STARTS_BELOW_BAR = 6.4
SECOND_STOPS_ABOVE_BAR = 7.2

QUARTER_S = 6 * 3600
QUARTER_US = QUARTER_S * MICROS_PER_S
FILLED_FOR_S = 180  # Before the end of a quarter; filling from the lower limit takes half a minute to two.
REMEMBERED_S = 3600  # Six times the longest time constant below.

POWER_LOADED_KW, POWER_IDLE_KW = 78.0, 24.0
DISCHARGE_LOADED_C, DISCHARGE_IDLE_C = 92.0, 74.0
FILTER_LOADED_BAR, FILTER_IDLE_BAR = 0.34, 0.22
FILTER_CLOGGED_TIMES = 2.4  # Of the clean one; the growth is exponential.
DEW_POINT_C = 3.0

POWER_TIME_CONSTANT_S = 0.8
DISCHARGE_TIME_CONSTANT_S = 150.0
FILTER_TIME_CONSTANT_S = 1.5
LOAD_SHARE_TIME_CONSTANT_S = 600.0
LEAK_MOST_M3_MIN = 2.4

_KEYS = (acting.AIR_LEAK, acting.FILTER_CLOG)


@dataclass(frozen=True, slots=True)
class AirQuarter:
    """Six hours of the compressed air, second by second; all arrays have shape (seconds,).

    Attributes:
        begin: First moment, microseconds UTC.
        demand: What consumers draw.
        leak: What leaks.
        header_bar: Pressure at the begin of each second.
        delivery: Of the first compressor, during each second.
        second_delivery: Of the second, during each second.
    """

    begin: int
    demand: F8
    leak: F8
    header_bar: F8
    delivery: F8
    second_delivery: F8

    @property
    def loaded(self) -> F8:
        return np.where(self.delivery > 0, 1.0, 0.0)

    @property
    def second_loaded(self) -> F8:
        return np.where(self.second_delivery > 0, 1.0, 0.0)


def course(demand: F8, leak: F8, step_s: float = 1.0) -> tuple[F8, F8, F8]:
    """Return header pressure, delivery of the first and of the second compressor at and after every second.

    Begins at the upper limit and unloaded, and ends there; the valves switch where the pressure is measured.
    """
    bar_per_m3_min = FREE_AIR_BAR / HEADER_M3 / 60 * step_s
    drawn = (demand + leak).tolist()
    fills_from = len(drawn) - round(FILLED_FOR_S / step_s)
    pressures, first, second = [0.0] * len(drawn), [0.0] * len(drawn), [0.0] * len(drawn)
    bar, is_loaded, helps = UNLOAD_ABOVE_BAR, False, False
    for second_number, draw in enumerate(drawn):
        fills = second_number >= fills_from
        if bar >= UNLOAD_ABOVE_BAR:
            is_loaded = False
        elif bar <= LOAD_BELOW_BAR or fills:
            is_loaded = True
        helps = bar <= SECOND_STARTS_BELOW_BAR or (helps and bar < SECOND_STOPS_ABOVE_BAR)
        delivered = CAPACITY_M3_MIN if is_loaded else 0.0
        if fills and not helps:  # The inlet valve throttles so that the pressure ends at its limit and stays there.
            delivered = min(CAPACITY_M3_MIN, max(draw + (UNLOAD_ABOVE_BAR - bar) / bar_per_m3_min, 0.0))
        helped = SECOND_CAPACITY_M3_MIN if helps else 0.0
        pressures[second_number], first[second_number], second[second_number] = bar, delivered, helped
        bar += (delivered + helped - draw) * bar_per_m3_min
        if bar < 0.0:
            bar = 0.0
    return np.array(pressures), np.array(first), np.array(second)


@lru_cache(maxsize=10)
def _quarter(seed: int, number: int, faults: tuple[InjectedFault, ...]) -> AirQuarter:
    begin = number * QUARTER_US
    at = begin + np.arange(QUARTER_S, dtype=np.int64) * MICROS_PER_S
    demand = surroundings.air_demand_m3_min(seed, at)
    leak = surroundings.LEAK_M3_MIN + (LEAK_MOST_M3_MIN - surroundings.LEAK_M3_MIN) * Acting(faults, at).of(
        acting.AIR_LEAK
    )
    return AirQuarter(begin, demand, leak, *course(demand, leak))


@dataclass(frozen=True, slots=True)
class AirReadings:
    """What ideal sensors read; all arrays have shape (times,)."""

    header_bar: F8
    demand: F8
    leak: F8
    delivery: F8
    second_delivery: F8
    is_loaded: F8
    second_is_loaded: F8
    power_kw: F8
    second_power_kw: F8
    discharge_c: F8
    second_discharge_c: F8
    filter_bar: F8
    load_share: F8
    second_load_share: F8

    @property
    def average_kw(self) -> F8:
        """Power of the first compressor without its loading and unloading."""
        return POWER_IDLE_KW + (POWER_LOADED_KW - POWER_IDLE_KW) * self.load_share


@lru_cache(maxsize=6)
def _told(seed: int, number: int, faults: tuple[InjectedFault, ...]) -> AirReadings:
    """Return the readings of one quarter, shape (seconds,)."""
    now, past = _quarter(seed, number, faults), _quarter(seed, number - 1, faults)

    def followed(loaded: F8, loaded_before: F8, time_constant_s: float) -> F8:
        course_of_load = np.concatenate([loaded_before[-REMEMBERED_S:], loaded])
        return lagged(course_of_load, float(loaded_before[-REMEMBERED_S]), 1.0, time_constant_s)[REMEMBERED_S:]

    def between(share: F8, idle: float, loaded: float) -> F8:
        return idle + (loaded - idle) * share

    at = now.begin + np.arange(QUARTER_S, dtype=np.int64) * MICROS_PER_S
    clog = FILTER_CLOGGED_TIMES ** Acting(faults, at).of(acting.FILTER_CLOG)
    first, second = (now.loaded, past.loaded), (now.second_loaded, past.second_loaded)
    return AirReadings(
        header_bar=now.header_bar,
        demand=now.demand,
        leak=now.leak,
        delivery=now.delivery,
        second_delivery=now.second_delivery,
        is_loaded=now.loaded,
        second_is_loaded=now.second_loaded,
        power_kw=between(followed(*first, POWER_TIME_CONSTANT_S), POWER_IDLE_KW, POWER_LOADED_KW),
        second_power_kw=0.55 * POWER_LOADED_KW * followed(*second, POWER_TIME_CONSTANT_S),
        discharge_c=between(followed(*first, DISCHARGE_TIME_CONSTANT_S), DISCHARGE_IDLE_C, DISCHARGE_LOADED_C),
        second_discharge_c=between(followed(*second, DISCHARGE_TIME_CONSTANT_S), 30.0, DISCHARGE_LOADED_C),
        filter_bar=between(followed(*first, FILTER_TIME_CONSTANT_S), FILTER_IDLE_BAR, FILTER_LOADED_BAR) * clog,
        load_share=followed(
            now.delivery / CAPACITY_M3_MIN, past.delivery / CAPACITY_M3_MIN, LOAD_SHARE_TIME_CONSTANT_S
        ),
        second_load_share=followed(*second, LOAD_SHARE_TIME_CONSTANT_S),
    )


def own_faults(faults: Iterable[InjectedFault], number: int) -> tuple[InjectedFault, ...]:
    """Return the faults that can change a quarter or what is remembered of the one before."""
    begin, end = (number - 1) * QUARTER_US, (number + 1) * QUARTER_US
    return tuple(
        fault
        for fault in faults
        if fault.key in _KEYS and fault.injected_at < end and (fault.cleared_at is None or fault.cleared_at > begin)
    )


def quarter(seed: int, number: int, faults: Iterable[InjectedFault] = ()) -> AirQuarter:
    """Return six hours of the compressed air; the latest few are remembered."""
    return _quarter(seed, number, own_faults(faults, number))


def read(seed: int, at: I8, faults: Iterable[InjectedFault]) -> AirReadings:
    """Return what ideal sensors read at any moments, ascending."""
    acting_ones = tuple(faults)
    numbers = at // QUARTER_US
    parts = []
    for number in range(int(numbers[0]), int(numbers[-1]) + 1):
        told = _told(seed, number, own_faults(acting_ones, number))
        row = (at[numbers == number] - number * QUARTER_US) // MICROS_PER_S
        parts.append({name: getattr(told, name)[row] for name in AirReadings.__slots__})
    return AirReadings(**{name: np.concatenate([part[name] for part in parts]) for name in AirReadings.__slots__})
