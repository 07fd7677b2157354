"""Packing line 1: filler, capper (the constraint), labeller with the reject camera, case packer, palletiser.

A working day begins with empty buffers, because the day before ends with a clean-down: the filler stops first and the
others run until the line is empty. So every day stands by itself, and what was filled was packed or rejected.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import F8, I8, MICROS_PER_S
from pdm_app.simulation.physics import acting, line_flow
from pdm_app.simulation.physics.acting import Acting
from pdm_app.simulation.physics.line_flow import Conditions, Flow
from pdm_app.simulation.physics.reasons import Reason
from pdm_app.simulation.physics.timeline import Stop, StopKind, Timeline, timeline
from pdm_app.simulation.physics.trips import trips
from pdm_app.simulation.physics.work_days import WorkDay, breaks, work_day

CODES = ("F-41", "C-42", "L-43", "K-44", "Z-45")
CAPPER, CAMERA = 1, 2
BUFFER = 240

PRODUCTS = {28: 0.5, 38: 0.6}
"""Ideal seconds per part, by product: caps P-28 and P-38."""
SPEED_OF_IDEAL = (1.10, 0.935, 1.14, 1.18, 1.25)  # The machines around the constraint are faster, as a line is built.
REJECTED = 0.006
REJECTED_AT_START = 0.36
START_UP_S = 240.0

SET_UP_S = 14 * 60.0
ORDERS_PER_DAY = (4, 6)
DRAIN_S = 14 * 60.0
CLEANING_S = 60.0

_JAMS_PER_HOUR, _JAMS_PER_HOUR_MOST = 4.0, 14.0
_JAM_S = (20.0, 90.0)
_STOPS: tuple[tuple[StopKind, ...], ...] = (
    (StopKind(Reason.MINOR_STOP, 1.2, 15, 60), StopKind(Reason.BREAKDOWN, 0.06, 480, 1500)),
    (StopKind(Reason.MINOR_STOP, _JAMS_PER_HOUR, *_JAM_S), StopKind(Reason.BREAKDOWN, 0.22, 420, 1080)),
    (StopKind(Reason.MINOR_STOP, 1.5, 20, 60), StopKind(Reason.BREAKDOWN, 0.05, 480, 1200)),
    (StopKind(Reason.MINOR_STOP, 1.0, 20, 90), StopKind(Reason.BREAKDOWN, 0.05, 480, 1200)),
    (StopKind(Reason.MINOR_STOP, 0.8, 30, 120), StopKind(Reason.BREAKDOWN, 0.04, 600, 1500)),
)
_KEYS = (acting.CAPPER_JAM, acting.POWER_DIP)


@dataclass(frozen=True, slots=True)
class PackingDay:
    """One working day of the line.

    Attributes:
        day: Which.
        flow: What flowed.
        order_edges_s: Begin of each order.
        products: Product of each order.
    """

    day: WorkDay
    flow: Flow
    order_edges_s: F8
    products: I8

    def elapsed_s(self, at: I8) -> F8:
        """Return seconds since the begin of the day."""
        elapsed: F8 = (at - self.day.begin) / MICROS_PER_S
        return elapsed

    def product(self, elapsed_s: F8) -> I8:
        """Return the product in work at each moment."""
        order = np.searchsorted(self.order_edges_s, elapsed_s, "right") - 1
        made: I8 = self.products[np.clip(order, 0, None)]
        return made

    def timeline(self, place: int) -> Timeline:
        """Return what one machine did, starved and blocked spans included."""
        return Timeline(self.flow.at_s, self.flow.reasons[:-1, place])


def own_faults(faults: Iterable[InjectedFault], day: WorkDay) -> tuple[InjectedFault, ...]:
    """Return the faults that can change a day of this line."""
    return tuple(
        fault
        for fault in faults
        if fault.key in _KEYS
        and fault.injected_at < day.end
        and (fault.cleared_at is None or fault.cleared_at > day.begin)
    )


def packing_day(seed: int, number: int, faults: Iterable[InjectedFault] = ()) -> PackingDay:
    """Return one working day of the line; the latest few are remembered."""
    return _packing_day(seed, number, own_faults(faults, work_day(number)))


def totals(seed: int, number: int, faults: Iterable[InjectedFault] = ()) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the whole parts each machine took in and passed on over one day."""
    return _totals(seed, number, own_faults(faults, work_day(number)))


@lru_cache(maxsize=512)
def _totals(seed: int, number: int, faults: tuple[InjectedFault, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    day = _packing_day(seed, number, faults)
    taken, passed = day.flow.counted(day.flow.at_s[-1:])
    return tuple(taken[0].tolist()), tuple(passed[0].tolist())


@lru_cache(maxsize=6)
def _packing_day(seed: int, number: int, faults: tuple[InjectedFault, ...]) -> PackingDay:
    day = work_day(number)
    set_ups, products = _orders(day, seed)
    stops = _stops(day, seed, faults, set_ups)
    starts = sorted(stop.end_s for stop in [*breaks(day), *set_ups]) or [0.0]
    lines = [timeline(own, day.length_s) for own in stops]
    edges = np.unique(
        np.concatenate(
            [
                *(line.edges_s for line in lines),
                [min(start + added, day.length_s) for start in [0.0, *starts] for added in (0.0, START_UP_S)],
            ]
        )
    )
    middles = (edges[:-1] + edges[1:]) / 2
    order_edges = np.array([0.0, *(stop.end_s for stop in set_ups)])
    made = np.array(products)[np.searchsorted(order_edges, middles, "right") - 1]
    ideal_per_s = 1.0 / np.vectorize(PRODUCTS.__getitem__)(made)
    after_start = np.any([(middles >= start) & (middles < start + START_UP_S) for start in [0.0, *starts]], axis=0)
    kept = np.ones((len(middles), len(CODES)))
    kept[:, CAMERA] = 1.0 - np.where(after_start, REJECTED_AT_START, REJECTED)
    flow = line_flow.run(
        Conditions(
            edges_s=edges,
            reasons=np.stack([line.at(middles) for line in lines], axis=1),
            caps=ideal_per_s[:, None] * np.array(SPEED_OF_IDEAL),
            kept=kept,
        ),
        BUFFER,
    )
    return PackingDay(day, flow, order_edges, np.array(products))


def _orders(day: WorkDay, seed: int) -> tuple[list[Stop], list[int]]:
    """Return the set-ups of a day and the product of each of its orders."""
    draws = day.draws(seed, "packing orders")
    count = int(draws.integers(*ORDERS_PER_DAY))
    share = day.length_s / count
    begins = [share * order + float(draws.uniform(-0.2, 0.2)) * share for order in range(1, count)]
    first = day.number % 2
    products = [list(PRODUCTS)[(first + order) % 2] for order in range(count)]
    return [Stop(begin, begin + SET_UP_S, Reason.SET_UP) for begin in begins], products


def _stops(day: WorkDay, seed: int, faults: tuple[InjectedFault, ...], set_ups: list[Stop]) -> list[list[Stop]]:
    drain_from_s = day.length_s - DRAIN_S
    shared = [*breaks(day), *set_ups, *trips(faults, day, seed, "packing")]
    stops = []
    for place, kinds in enumerate(_STOPS):
        draws = day.draws(seed, CODES[place])
        own = [*shared, *(stop for kind in kinds for stop in kind.drawn(draws, day.length_s))]
        if place == CAPPER:
            own += _jams(day, seed, faults)
        own = [Stop(stop.begin_s, min(stop.end_s, drain_from_s), stop.reason) for stop in own]
        cleaned_from_s = drain_from_s if place == 0 else day.length_s - CLEANING_S
        stops.append([*own, Stop(cleaned_from_s, day.length_s, Reason.CLEANING)])
    return stops


def _jams(day: WorkDay, seed: int, faults: tuple[InjectedFault, ...]) -> list[Stop]:
    """Return the jams that a fault of the capper adds: of evenly drawn ones, a share as large as its severity."""
    draws = day.draws(seed, "capper jams")
    count = int(draws.poisson((_JAMS_PER_HOUR_MOST - _JAMS_PER_HOUR) * day.length_s / 3600))
    begins = np.sort(draws.uniform(0.0, day.length_s, count))
    lengths, chance = draws.uniform(*_JAM_S, count), draws.uniform(0.0, 1.0, count)
    at = day.begin + (begins * MICROS_PER_S).astype(np.int64)
    happens = chance < Acting(faults, at).of(acting.CAPPER_JAM)
    return [
        Stop(begin, begin + length, Reason.MINOR_STOP)
        for begin, length in zip(begins[happens].tolist(), lengths[happens].tolist(), strict=True)
    ]
