"""The intervals of one shift of one machine, found as samples come; the same as if all had come before.

What lies far enough behind the newest sample is settled and its samples are let go. A sample that comes later than
that is not taken: the shift has to be derived from history again.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from pdm_app.domain.counters import increments
from pdm_app.domain.machine_states import PLANNED_STOP, UNKNOWN, MachineState, Spells, planned, spells
from pdm_app.domain.production import Product, ProductionUnitFacts, pieces_of
from pdm_app.domain.production_intervals import Interval, derived, joined
from pdm_app.domain.production_plan import NOTHING, OPEN_END, OrderRun, Plan
from pdm_app.domain.samples import MICROS_PER_S, QUALITY_BAD_MIN, Stretch
from pdm_app.domain.start_ups import COLD

SETTLED_AFTER_US = 120 * MICROS_PER_S  # So late a sample may come without history being asked.
SETTLE_EVERY_US = 300 * MICROS_PER_S


def intervals_of(
    unit: ProductionUnitFacts,
    products: Sequence[Product],
    stretches: Mapping[int, Stretch],
    begin_at: int,
    end_at: int,
    plan: Plan = NOTHING,
) -> list[Interval]:
    """Return the intervals of a span from all of its samples; nothing for a span without length.

    Args:
        unit: The machine.
        products: Of its site.
        stretches: Samples of its signals, what stood before the span first.
        begin_at: Microseconds UTC, included.
        end_at: Excluded.
        plan: What is planned for the machine in that time.
    """
    if end_at <= begin_at:
        return []
    orders = _in_work(plan.runs, lambda run: run.order_id)
    found = _held(unit, stretches, begin_at, end_at, plan)
    pieces = pieces_of(unit, stretches, products, begin_at, _in_work(plan.runs, lambda run: run.product_id))
    # Where nothing is known of the time before, a counter that was read hours ago tells what was made in those hours.
    before = int(_held(unit, stretches, begin_at - 1, begin_at, plan).rule[0])
    return derived(
        found, unit.rules, pieces, end_at,
        since_at=begin_at - unit.gap_us if before == UNKNOWN else None,
        startup_pieces=unit.startup_pieces,
        begins_cold=before == PLANNED_STOP or (before >= 0 and unit.rules[before].state in COLD),
        orders=orders,
    )  # fmt: skip


def _held(
    unit: ProductionUnitFacts, stretches: Mapping[int, Stretch], begin_at: int, end_at: int, plan: Plan
) -> Spells:
    """Return which rule held when, with what was planned laid over it."""
    stops = [(max(begin, begin_at), min(end, end_at)) for begin, end in plan.stops if begin < end_at and end > begin_at]
    changes = _in_work(plan.runs, lambda run: run.order_id)
    found = spells(unit.rules, stretches, begin_at, end_at, unit.gap_us)
    laid = planned(found, unit.rules, stops, [at for at, _ in changes if begin_at <= at < end_at])
    inside = laid.begin_at < end_at  # The end of planned time, where it is that of the span, begins nothing.
    return Spells(laid.begin_at[inside], laid.rule[inside])


def _in_work(runs: Sequence[OrderRun], of: Callable[[OrderRun], str | None]) -> list[tuple[int, str | None]]:
    """Return what was in work from which moment on; None where no order was."""
    found: list[tuple[int, str | None]] = []
    for run in runs:
        if found and found[-1] == (run.begin_at, None):
            found.pop()
        found.append((run.begin_at, of(run)))
        if run.until < OPEN_END:
            found.append((run.until, None))
    return found


class ShiftDerivation:
    """One shift of one machine.

    Args:
        unit: The machine.
        products: Of its site.
        begin_at: Of the shift, microseconds UTC.
        end_at: Of the shift, excluded.
        plan: What is planned for the machine in it.
    """

    def __init__(
        self,
        unit: ProductionUnitFacts,
        products: Sequence[Product],
        begin_at: int,
        end_at: int,
        plan: Plan = NOTHING,
    ) -> None:
        self._plan = plan
        self.begin_at, self.end_at = begin_at, end_at
        self._unit = unit
        self._products = tuple(products)
        self._tail: dict[int, Stretch] = {}
        self._settled: list[Interval] = []
        self._settled_to = begin_at
        self._looked_at = begin_at

    @property
    def settled_to(self) -> int:
        return self._settled_to

    def take(self, stretches: Mapping[int, Stretch]) -> bool:
        """Add samples; those of before the shift say what stood when it began.

        Returns:
            False where one of them lies in what is settled: derive the shift from history again.
        """
        for number, stretch in stretches.items():
            if not len(stretch):
                continue
            if self._settled_to > self.begin_at and int(stretch.source_at.min()) < self._settled_to:
                return False
            self._tail[number] = _merged(self._tail.get(number), stretch)
        return True

    def until(self, now: int) -> list[Interval]:
        """Return the intervals from the shift's beginning up to ``now``, or to its end."""
        end_at = min(now, self.end_at)
        tail = intervals_of(self._unit, self._products, self._tail, self._settled_to, end_at, self._plan)
        if end_at - self._looked_at >= SETTLE_EVERY_US:
            self._looked_at = end_at
            self._settle(tail, end_at - SETTLED_AFTER_US)
            tail = intervals_of(self._unit, self._products, self._tail, self._settled_to, end_at, self._plan)
        return joined([*self._settled, *tail])

    def _settle(self, tail: Sequence[Interval], before: int) -> None:
        """Settle what ends before a moment, if what follows can be found without the samples of it."""
        known = [place for place, one in enumerate(tail) if one.end_at <= before and self._stands_alone(one)]
        if not known:
            return
        place = known[-1]
        self._settled = joined([*self._settled, *tail[: place + 1]])
        self._settled_to = tail[place].end_at
        self._tail = {number: _from(stretch, self._settled_to) for number, stretch in self._tail.items()}

    def _stands_alone(self, interval: Interval) -> bool:
        """Whether no counter, and no start, spans the end of the interval: what is counted next begins inside of it."""
        if interval.state is MachineState.NO_DATA or interval.in_startup:
            return False
        for number in self._unit.read_on:
            stretch = self._tail.get(number)
            if stretch is None or not len(stretch):
                continue
            usable = (stretch.quality < QUALITY_BAD_MIN) & np.isfinite(stretch.value)
            at = stretch.source_at[usable]
            inside = (at >= interval.begin_at) & (at < interval.end_at)
            if len(at) and not inside.any():
                return False
        return True


def unexplained(unit: ProductionUnitFacts, stretches: Mapping[int, Stretch]) -> int:
    """Return how often a counter fell in a way nobody can explain."""
    numbers = [number for number in unit.counters.values() if number is not None]
    return sum(increments(stretches.get(number), unit.counter_modulus).unexplained for number in numbers)


def _merged(one: Stretch | None, other: Stretch) -> Stretch:
    """Return both in the order of time; of two samples of one moment that of the newer stretch counts."""
    at, value, quality = other.source_at, other.value, other.quality
    if one is not None:
        at = np.concatenate([one.source_at, at])
        value = np.concatenate([one.value, value])
        quality = np.concatenate([one.quality, quality])
    order = np.argsort(at, kind="stable")
    at, value, quality = at[order], value[order], quality[order]
    last = np.append(at[1:] != at[:-1], [True])
    return Stretch(at[last], value[last], quality[last])


def _from(stretch: Stretch, at: int) -> Stretch:
    """Return the samples from a moment on, and before them the last one and the last usable one."""
    first = int(np.searchsorted(stretch.source_at, at, side="left"))
    usable = np.flatnonzero((stretch.quality[:first] < QUALITY_BAD_MIN) & np.isfinite(stretch.value[:first]))
    kept = sorted({*usable[-1:].tolist(), *([first - 1] if first else [])})
    rows = np.array([*kept, *range(first, len(stretch))], dtype=np.int64)
    return Stretch(stretch.source_at[rows], stretch.value[rows], stretch.quality[rows])
