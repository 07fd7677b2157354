"""The shifts that run now, by machine: fed with samples as they come, told whenever somebody asks.

What is asked is worked out when it is asked, so that a hundred machines that nobody looks at cost next to nothing, and
an answer is never older than its newest sample.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from pdm_app.domain.machine_states import MachineState
from pdm_app.domain.oee import Totals
from pdm_app.domain.production import Product, ProductionUnit
from pdm_app.domain.production_intervals import Interval
from pdm_app.domain.production_plan import NOTHING, Plan
from pdm_app.domain.production_shifts import ProductionShift, columns_of, shift_id, summed
from pdm_app.domain.samples import MICROS_PER_S, Stretch
from pdm_app.domain.shift_derivation import ShiftDerivation
from pdm_app.domain.shifts import ShiftSpan
from pdm_app.domain.stop_edits import StopEdit

TOLD_FOR_US = MICROS_PER_S // 2
OWED_MAX = 100_000  # Shifts that are to be derived again: three years of thirty machines.


class LiveShift:
    """A shift that runs on a machine.

    Args:
        unit: The machine.
        products: Of its site.
        span: The shift.
        states: The kind of time that each reason of the site is.
        went_on: It began in the state in which the shift before it ended.
        edits: What was said of its stops already.
        plan: What is planned for the machine in it.
    """

    def __init__(
        self,
        unit: ProductionUnit,
        products: Sequence[Product],
        span: ShiftSpan,
        states: Mapping[str, MachineState],
        edits: Sequence[StopEdit],
        *,
        went_on: bool,
        plan: Plan = NOTHING,
    ) -> None:
        self.unit = unit
        self.span = span
        self.plan = plan
        self.id = shift_id(unit.asset_id, span.begin_at)
        self._states = states
        self._went_on = went_on
        self._derivation = ShiftDerivation(unit, products, span.begin_at, span.end_at, plan)
        self._edits = tuple(edits)
        self._told: tuple[int, ProductionShift, list[Interval]] | None = None

    def take(self, stretches: Mapping[int, Stretch]) -> bool:
        """Add samples; False where they come too late, and the shift is to be derived from history again."""
        return self._derivation.take(stretches)

    def say(self, edits: Sequence[StopEdit]) -> None:
        """Put what people say of its stops in the place of what they had said."""
        self._edits, self._told = tuple(edits), None

    def told(self, now: int) -> tuple[ProductionShift, list[Interval]]:
        """Return the shift up to now, with what people said in its sums, and its intervals with it."""
        if self._told is None or not 0 <= now - self._told[0] < TOLD_FOR_US:
            until = min(now, self.span.end_at)
            shift = shift_of(self.unit, self.span, self._derivation.until(until), until, went_on=self._went_on)
            self._told = (now, *summed(shift, self._edits, self._states, self.unit.minor_us))
        return self._told[1], self._told[2]


def shift_of(
    unit: ProductionUnit, span: ShiftSpan, intervals: Sequence[Interval], known_to: int, *, went_on: bool
) -> ProductionShift:
    """Return the record of a shift from the intervals that were derived; its sums are still to be made."""
    day: date = span.on
    return ProductionShift(
        id=shift_id(unit.asset_id, span.begin_at), site_id=unit.site_id, asset_id=unit.asset_id, name=span.name,
        crew=span.crew, day=day, begin_at=span.begin_at, end_at=span.end_at, known_to=known_to, totals=Totals(),
        went_on=went_on, derived=columns_of(intervals),
    )  # fmt: skip


class ProductionBook:
    """What runs now, and what is owed: passive; the engine feeds it, services ask it."""

    def __init__(self) -> None:
        self.live: dict[str, LiveShift] = {}
        self._edited: set[str] = set()
        self._owed: dict[tuple[str, int], None] = {}
        self.is_stale = True

    def shift(self, asset_id: str, now: int) -> tuple[ProductionShift, list[Interval]] | None:
        """Return the shift that runs on a machine, up to now."""
        live = self.live.get(asset_id)
        return live.told(now) if live is not None and live.span.begin_at < now else None

    def configuration_changed(self) -> None:
        """Note that machines, products or reasons are to be read again."""
        self.is_stale = True

    def edits_changed(self, shift: str) -> None:
        """Note that somebody said something of the stops of a shift."""
        self._edited.add(shift)

    def take_edited(self) -> set[str]:
        """Return the shifts of whose stops something was said since this was asked last."""
        edited, self._edited = self._edited, set()
        return edited

    def owe(self, asset_id: str, at: int) -> bool:
        """Note that the shift of a machine at a moment is to be derived from history; False where too many are."""
        if len(self._owed) >= OWED_MAX:
            return False
        self._owed[(asset_id, at)] = None
        return True

    def take_owed(self) -> list[tuple[str, int]]:
        """Return what is owed, oldest debt first."""
        owed, self._owed = list(self._owed), {}
        return owed

    @property
    def owed(self) -> int:
        return len(self._owed)
