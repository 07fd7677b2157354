"""What is known of production before anything runs: machines and how their time is read, products, reasons, prices."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Annotated

import numpy as np
from pydantic import Field, field_validator, model_validator

from pdm_app.domain.counters import Increments, increments
from pdm_app.domain.machine_states import RULES_MAX, STOPS, MachineState, StateRule
from pdm_app.domain.oee import CostRates
from pdm_app.domain.record import Code, Facts, Finite, Id, Instant, Name, Position, Revision, SignalNumber
from pdm_app.domain.samples import MICROS_PER_S, QUALITY_BAD_MIN, Stretch
from pdm_app.domain.start_ups import Pieces

CYCLES_MAX = 400
PRODUCTS_MAX = 2_000
REASONS_MAX = 500
"""Of one site."""

Ratio = Annotated[float, Field(gt=0, le=1)]
Named = Annotated[
    dict[
        Annotated[str, Field(pattern=r"^[a-z]{2,3}$", max_length=3)], Annotated[str, Field(min_length=1, max_length=80)]
    ],
    Field(max_length=12, description="By language, such as de."),
]


class IdealCycle(Facts):
    """The planned run time per piece from a moment on; that of a product, or of all that have none of their own."""

    product_id: Id | None = None
    from_at: Instant = 0
    seconds: float = Field(gt=0, le=864_000)


class ProductionUnitFacts(Facts):
    """How a machine's time and pieces are read from its signals.

    Of pieces made, good, scrapped and reworked, what has no counter follows from the others.
    """

    rules: tuple[StateRule, ...] = Field(default=(), max_length=RULES_MAX)
    gap_s: float = Field(default=600, ge=1, le=86_400, description="So long a value stands without another sample.")
    minor_stop_s: float = Field(default=120, ge=0, le=3_600, description="Shorter stops stay in production time.")
    made_signal_id: SignalNumber | None = None
    good_signal_id: SignalNumber | None = None
    scrap_signal_id: SignalNumber | None = None
    rework_signal_id: SignalNumber | None = None
    counter_modulus: float | None = Field(default=None, gt=1, le=2**53, description="Where counters begin again.")
    pieces_per_count: float = Field(default=1, gt=0, le=1_000_000, description="Such as the cavities of a mould.")
    energy_signal_id: SignalNumber | None = Field(default=None, description="A meter of the machine, in kWh.")
    startup_pieces: int = Field(
        default=0, ge=0, le=1_000_000, description="So many good pieces end a start; scrap before is start-up scrap."
    )
    product_signal_id: SignalNumber | None = Field(default=None, description="Its value is a product's number.")
    cycles: tuple[IdealCycle, ...] = Field(default=(), max_length=CYCLES_MAX)
    is_constraint: bool = Field(default=False, description="Whether the line is rated by this machine.")
    target_oee: Ratio | None = None

    @field_validator("cycles")
    @classmethod
    def _one_at_a_time(cls, given: tuple[IdealCycle, ...]) -> tuple[IdealCycle, ...]:
        keys = {(cycle.product_id, cycle.from_at) for cycle in given}
        if len(keys) < len(given):
            raise ValueError("two ideal cycles of one product begin at the same time")
        return tuple(sorted(given, key=lambda cycle: cycle.from_at))

    @model_validator(mode="after")
    def _counts_once(self) -> "ProductionUnitFacts":
        counters = [number for number in self.counters.values() if number is not None]
        if len(set(counters)) < len(counters):
            raise ValueError("one signal cannot count two kinds of pieces")
        return self

    @property
    def counters(self) -> dict[str, int | None]:
        return {
            "made": self.made_signal_id,
            "good": self.good_signal_id,
            "scrap": self.scrap_signal_id,
            "rework": self.rework_signal_id,
        }

    @property
    def read_on(self) -> tuple[int, ...]:
        """Return the signals that count on, such as pieces and energy."""
        return tuple(number for number in (*self.counters.values(), self.energy_signal_id) if number is not None)

    @property
    def signals(self) -> tuple[int, ...]:
        """Return every signal that is looked at, in order."""
        others = {*self.counters.values(), self.product_signal_id, self.energy_signal_id}
        numbers = {rule.signal_id for rule in self.rules} | others
        return tuple(sorted(number for number in numbers if number is not None))

    @property
    def gap_us(self) -> int:
        return int(self.gap_s * MICROS_PER_S)

    @property
    def minor_us(self) -> int:
        return int(self.minor_stop_s * MICROS_PER_S)


class ProductionUnit(ProductionUnitFacts):
    """A machine that is rated; its id is the asset's."""

    id: Id
    site_id: Id
    asset_id: Id
    line_id: Id
    revision: Revision = 0


class ProductFacts(Facts):
    """What is said of a product."""

    site_id: Id
    code: Code
    name: Name
    number: Finite | None = Field(default=None, description="How controllers call it.")


class Product(ProductFacts):
    """Something that is made."""

    id: Id
    revision: Revision = 0


class StopReasonFacts(Facts):
    """Why a machine stands, as a leaf or a branch of the site's tree; the kind of time says which loss it is."""

    site_id: Id
    parent_id: Id | None = None
    name: Annotated[str, Field(min_length=1, max_length=80)]
    names: Named = Field(default_factory=dict)
    state: MachineState = MachineState.DOWN
    position: Position = 0
    is_retired: bool = Field(default=False, description="Not offered any more; old stops keep it.")

    @model_validator(mode="after")
    def _is_a_stop(self) -> "StopReasonFacts":
        if self.state not in STOPS or self.state is MachineState.MINOR_STOP:
            raise ValueError(f"{self.state} is no kind of stop that a reason can be")
        return self


class StopReason(StopReasonFacts):
    """A reason."""

    id: Id
    revision: Revision = 0


class SiteRates(CostRates):
    """What losses cost at a site; its id is the site's."""

    id: Id
    site_id: Id
    revision: Revision = 0


def pieces_of(
    unit: ProductionUnitFacts, stretches: Mapping[int, Stretch], products: Sequence[Product], begin_at: int,
    ordered: Sequence[tuple[int, str | None]] = (),
) -> Pieces:  # fmt: skip
    """Return what was counted on a machine, and the ideal cycle in force at each moment.

    Args:
        unit: The machine.
        stretches: Samples of its signals, what stood before the span first.
        products: Of its site.
        begin_at: Beginning of the span.
        ordered: The product of the order in work from which moment on; counts where no signal says it.
    """
    counted: dict[str, Increments | None] = {}
    for kind, number in unit.counters.items():
        grown = None if number is None else increments(stretches.get(number), unit.counter_modulus)
        counted[kind] = (
            None if grown is None else Increments(grown.since_at, grown.at, grown.count * unit.pieces_per_count)
        )
    at, product_ids = _products(unit, stretches, products, begin_at, ordered)
    changes = sorted({*at, *(cycle.from_at for cycle in unit.cycles if cycle.from_at > at[0])})
    cycle_s, is_known = [], []
    place = 0
    for change in changes:
        while place + 1 < len(at) and at[place + 1] <= change:
            place += 1
        cycle_s.append(_cycle_s(unit.cycles, product_ids[place], change))
        is_known.append(product_ids[place] is not None or unit.product_signal_id is None)
    return Pieces(
        made=counted["made"],
        good=counted["good"],
        scrap=counted["scrap"],
        rework=counted["rework"],
        product_at=np.array(changes, np.int64),
        cycle_s=np.array(cycle_s, np.float64),
        is_known=np.array(is_known, np.bool_),
        energy=None if unit.energy_signal_id is None else increments(stretches.get(unit.energy_signal_id), None),
    )


def _products(
    unit: ProductionUnitFacts, stretches: Mapping[int, Stretch], products: Sequence[Product], begin_at: int,
    ordered: Sequence[tuple[int, str | None]],
) -> tuple[list[int], list[str | None]]:  # fmt: skip
    """Return which product was in work from when: by the machine's signal, else by orders, else always the same."""
    if unit.product_signal_id is None:
        return [0, *(at for at, _ in ordered)], [None, *(product_id for _, product_id in ordered)]
    stretch = stretches.get(unit.product_signal_id)
    if stretch is None or not len(stretch):
        return [begin_at], [None]
    by_number = {product.number: product.id for product in products if product.number is not None}
    usable = (stretch.quality < QUALITY_BAD_MIN) & np.isfinite(stretch.value)  # A lost link changes no product.
    at, value = stretch.source_at[usable], stretch.value[usable]
    if not len(at):
        return [begin_at], [None]
    new = np.concatenate([[True], value[1:] != value[:-1]])
    return at[new].tolist(), [by_number.get(number) for number in value[new].tolist()]


def cycle_in_force(unit: ProductionUnitFacts, product_id: str | None, at: int) -> float | None:
    """Return the ideal cycle of a product at a moment; None where none is known."""
    found = _cycle_s(unit.cycles, product_id, at)
    return found if isfinite(found) else None


def _cycle_s(cycles: Sequence[IdealCycle], product_id: str | None, at: int) -> float:
    """Return the youngest cycle of a product at a moment, else the youngest of those for all products."""
    for wanted in dict.fromkeys((product_id, None)):
        known = [cycle.seconds for cycle in cycles if cycle.product_id == wanted and cycle.from_at <= at]
        if known:
            return known[-1]
    return float("nan")
