"""How long a year of machines takes to be derived from its samples, and a quarter to be summed up for a page.

The same functions as the engine's, over samples as history holds them: states as they change, with one a minute at
least, counters every ten seconds. Reading them from a store is measured by `bench history`. The CPU time of this
process counts, so other load on the machine does not.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pdm_app.cli.bench.figures import Figure, Report
from pdm_app.cli.bench.machine import machine
from pdm_app.domain.machine_states import MachineState, StateRule
from pdm_app.domain.oee import Totals, added, figures
from pdm_app.domain.production import IdealCycle, ProductionUnitFacts
from pdm_app.domain.production_intervals import totals_of
from pdm_app.domain.production_plan import OrderRun, Plan
from pdm_app.domain.samples import F8, I8, MICROS_PER_S, Stretch
from pdm_app.domain.shift_derivation import intervals_of
from pdm_app.domain.stop_edits import edited

SHIFT_S = 8 * 3600
SHIFTS_PER_YEAR = 3 * 365
COUNTED_EVERY_S, TOLD_EVERY_S = 10, 60
STOPS_PER_SHIFT = 40
LINE_MACHINES = 5
BREAKS_S = ((2 * 3600, 900), (4 * 3600, 1800), (6 * 3600, 900))
YEAR_OF_A_LINE_S = 10.0
QUARTER_S = 1.0
STATE, MADE, GOOD = 1, 2, 3

UNIT = ProductionUnitFacts(
    rules=(
        StateRule(signal_id=STATE, low=0, high=1, state=MachineState.RUNNING),
        StateRule(signal_id=STATE, low=1, high=2, state=MachineState.IDLE),
        StateRule(signal_id=STATE, low=2, high=3, state=MachineState.DOWN, may_be_minor=False),
        StateRule(signal_id=STATE, low=3, high=4, state=MachineState.PLANNED, may_be_minor=False),
    ),
    made_signal_id=MADE,
    good_signal_id=GOOD,
    counter_modulus=65_536,
    cycles=(IdealCycle(seconds=0.5),),
)


@dataclass(frozen=True, slots=True)
class OeeLoad:
    """How many machines, and how many shifts of each are derived; what is more is reckoned from these."""

    machines: int
    shifts: int


def bench_oee(load: OeeLoad) -> Report:
    """Derive the shifts, sum them up, and say what a year of a line and of all the machines comes to."""
    sums: list[Totals] = []
    derived_s, samples = 0.0, 0
    for begin_at, stretches in shifts_of(load):
        samples += sum(len(stretch) for stretch in stretches.values())
        began = time.process_time()
        sums.append(derived_sums(stretches, begin_at))
        derived_s += time.process_time() - began
    per_shift_s = derived_s / len(sums)
    quarter = [sums[place % len(sums)] for place in range(LINE_MACHINES * 90 * 3)]
    began = time.process_time()
    figures(added(quarter))
    summed_s = time.process_time() - began
    line_s = per_shift_s * SHIFTS_PER_YEAR * LINE_MACHINES
    return Report(
        title="bench oee: samples to shifts, shifts to figures",
        machine=machine(Path.cwd()),
        load=f"{len(sums):,} shifts of {samples // len(sums):,} samples, {STOPS_PER_SHIFT} stops, 3 breaks, 2 orders",
        peer="none",
        figures=(
            Figure("a shift of a machine derived", per_shift_s * 1_000, "ms"),
            Figure(f"a year of a line of {LINE_MACHINES}", line_s, "s", YEAR_OF_A_LINE_S, YEAR_OF_A_LINE_S / 3),
            Figure(f"a year of {load.machines} machines", per_shift_s * SHIFTS_PER_YEAR * load.machines, "s"),
            Figure(f"90 days of a line of {LINE_MACHINES} summed up", summed_s, "s", QUARTER_S, QUARTER_S / 3),
        ),
        notes=("Years are reckoned from the shifts that were derived; CPU time of deriving alone.",),
    )


def derived_sums(stretches: dict[int, Stretch], begin_at: int) -> Totals:
    """Return what a shift comes to, as the engine finds it."""
    found = intervals_of(UNIT, (), stretches, begin_at, begin_at + SHIFT_S * MICROS_PER_S, planned(begin_at))
    return totals_of(edited(found, (), {}, UNIT.minor_us))


def planned(begin_at: int) -> Plan:
    """Return the breaks of a shift, and a change of order in the middle of it."""
    breaks = tuple(
        (begin_at + begin_s * MICROS_PER_S, begin_at + (begin_s + length_s) * MICROS_PER_S)
        for begin_s, length_s in BREAKS_S
    )
    ends = (begin_at + SHIFT_S // 2 * MICROS_PER_S, None)
    runs = tuple(
        OrderRun(
            id=order, site_id="site", line_id="line", order_id=order, product_id=None, begin_at=at, end_at=end,
            begun_by="bench",
        )
        for order, at, end in zip(("first", "second"), (begin_at, ends[0]), ends, strict=True)
    )  # fmt: skip
    return Plan(breaks, runs)


def shifts_of(load: OeeLoad) -> Iterator[tuple[int, dict[int, Stretch]]]:
    """Give shifts one after the other, each with its beginning and the samples of its machine."""
    draws = np.random.default_rng(42)
    for number in range(load.shifts):
        begin_at = (1_700_000_000 + number * SHIFT_S) * MICROS_PER_S
        begins = np.sort(draws.choice(SHIFT_S - 600, STOPS_PER_SHIFT, replace=False))
        ends = begins + draws.integers(20, 400, STOPS_PER_SHIFT)
        state = np.zeros(SHIFT_S)
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
            state[begin:end] = draws.integers(1, 4)
        changes = np.flatnonzero(np.diff(state)) + 1
        told = np.unique(np.concatenate([np.arange(0, SHIFT_S, TOLD_EVERY_S), changes]))
        counted = np.arange(0, SHIFT_S, COUNTED_EVERY_S)
        made = (np.cumsum(state == 0) * 2.0)[counted] % 65_536
        good = np.floor(np.cumsum(state == 0) * 1.96)[counted] % 65_536
        yield (
            begin_at,
            {
                STATE: _stretch(begin_at, told, state[told]),
                MADE: _stretch(begin_at, counted, made),
                GOOD: _stretch(begin_at, counted, good),
            },
        )


def _stretch(begin_at: int, seconds: I8, value: F8) -> Stretch:
    return Stretch(begin_at + seconds * MICROS_PER_S, value, np.zeros(len(seconds), np.uint16))
