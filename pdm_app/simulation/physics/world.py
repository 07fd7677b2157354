"""The whole plant at any moments: ``World.read`` gives what every machine does, before the noise of its sensors.

What is told of a moment follows from the seed, the plant's first start, the faults and the moment itself. Only what
lags, such as a temperature, is carried from one reading to the next; where nothing is carried it is made anew from the
hours before, so that a start in the middle goes on where a longer run would be.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import F8, I8, MICROS_PER_S
from pdm_app.simulation.physics import (
    compressed_air,
    compressor,
    cooling,
    gateways,
    machining,
    machining_readings,
    moulding,
    moulding_readings,
    packing,
    packing_readings,
    pumping,
    pumps,
)
from pdm_app.simulation.physics.cooling import CoolingState
from pdm_app.simulation.physics.moments import Columns, Moments
from pdm_app.simulation.physics.noise import SEED
from pdm_app.simulation.physics.pumps import PumpState

WARM_UP_S = 6 * 3600  # Ten times the longest time constant.
WARM_UP_STEP_S = 60

PUMPS = frozenset(pumps.CODES)
COOLING = frozenset({"HX-101", "TK-101", "CT-101"})
AIR = frozenset({"C-201", "C-202", "D-201", "AH-201"})
MOULDING = frozenset({*moulding.CODES, *(mould for pair in moulding.MOULDS.values() for mould in pair), "R-1"})
MACHINING = frozenset({*machining.CODES, machining_readings.WASHER})
PACKING = frozenset(packing.CODES)
GATEWAYS = frozenset(gateways.CODES)
COOLED = COOLING | AIR | MOULDING | MACHINING
CODES = PUMPS | COOLED | PACKING | GATEWAYS


@dataclass(frozen=True, slots=True)
class Memory:
    """What the plant remembers of a moment.

    Attributes:
        at: The moment, microseconds UTC.
        pumps: Shape (pumps,) each.
        cooling: Of the cooling water.
        spindles: How warm the lathes' spindles are, shape (lathes,).
    """

    at: int
    pumps: PumpState
    cooling: CoolingState
    spindles: F8


class World:
    """The plant of one seed and first start."""

    def __init__(self, since: int, seed: int = SEED) -> None:
        self.since = since
        self.seed = seed

    def remembered(self, at: int, faults: Sequence[InjectedFault]) -> Memory:
        """Return what the plant remembers of a moment, from the hours before it.

        The hours are told minute by minute, the minutes being those of the clock.
        """
        step = WARM_UP_STEP_S * MICROS_PER_S
        last = (at - 1) // step
        minutes = np.arange(last - WARM_UP_S // WARM_UP_STEP_S, last + 1, dtype=np.int64) * step
        moments = Moments(self.seed, self.since, minutes, float(WARM_UP_STEP_S), faults)
        acts = pumping.inputs(moments)
        first = pumps.PumpInputs(*(getattr(acts, name)[0] for name in pumps.PumpInputs.__slots__))
        state = pumping.followed(moments, acts, pumps.settled(first))
        flow, compressor_kw = self._flow(state, acts), self._air(moments).average_kw
        _, cooled = cooling.read(moments, flow, moulding_readings.running(moments), compressor_kw, cooling.SETTLED)
        spindles = machining_readings.warmth(moments, np.full(len(machining.CODES), 0.7))
        return Memory(int(minutes[-1]), pumping.last(state), cooled, spindles)

    def read(
        self,
        at: I8,
        faults: Sequence[InjectedFault] = (),
        memory: Memory | None = None,
        codes: Collection[str] = CODES,
    ) -> tuple[Columns, Memory]:
        """Return the readings of the machines asked for, and what is remembered of the last moment.

        Args:
            at: Microseconds UTC, ascending and evenly spaced, shape (times,), at least one.
            faults: All that may act.
            memory: Of the moment before; None makes it anew.
            codes: Machines; others may be told as well.
        """
        before = memory if memory is not None else self.remembered(int(at[0]), faults)
        moments = Moments(self.seed, self.since, at, (int(at[0]) - before.at) / MICROS_PER_S, faults)
        wanted = frozenset(codes)
        told: Columns = {}
        excess = np.zeros(len(at))
        state, cooled, spindles = before.pumps, before.cooling, before.spindles
        air = self._air(moments) if wanted & COOLED else None
        if wanted & (PUMPS | COOLED):
            acts = pumping.inputs(moments)
            course = pumping.followed(moments, acts, before.pumps)
            state = pumping.last(course)
            pumped = pumps.read(course, acts)
            told |= pumping.columns(moments, pumped)
            if air is not None:
                flow = pumped.flow[:, 0]
                machines = moulding_readings.running(moments)
                water, cooled = cooling.read(moments, flow, machines, air.average_kw, before.cooling)
                excess = water.excess_k
                told |= cooling.columns(moments, water, flow)
        if air is not None:
            told |= compressed_air.columns(moments, air, excess)
        if wanted & MOULDING:
            told |= moulding_readings.columns(moments, excess)
        if wanted & MACHINING:
            machined, spindles = machining_readings.columns(moments, excess, before.spindles)
            told |= machined
        if wanted & PACKING:
            told |= packing_readings.columns(moments)
        if wanted & GATEWAYS:
            told |= gateways.columns(moments)
        return told, Memory(int(at[-1]), state, cooled, spindles)

    def _air(self, moments: Moments) -> compressor.AirReadings:
        return compressor.read(self.seed, moments.at, moments.faults)

    @staticmethod
    def _flow(state: PumpState, acts: pumps.PumpInputs) -> F8:
        flow: F8 = pumps.read(state, acts).flow[:, 0]
        return flow
