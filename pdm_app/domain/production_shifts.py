"""A shift of a machine as it is kept: its sums for reports over months, and the intervals they were made from."""

from collections.abc import Mapping, Sequence, Sized
from datetime import date
from typing import Any, Protocol

from pydantic import Field, model_validator

from pdm_app.domain.identifiers import derived_id
from pdm_app.domain.machine_states import MachineState
from pdm_app.domain.oee import Totals
from pdm_app.domain.production import Product, ProductionUnit, SiteRates, StopReason
from pdm_app.domain.production_intervals import SUMMED, Interval, ReasonTotal, by_reason, totals_of
from pdm_app.domain.record import Id, Record, Revision
from pdm_app.domain.samples import Micros
from pdm_app.domain.stop_edits import StopEdit, edited

INTERVALS_MAX = 50_000
"""Of one shift: one every half second."""


class IntervalColumns(Record):
    """Intervals that follow each other, as columns of one length; ``edge_at`` has one entry more, the end of the last.

    ``pieces`` are lists by what was summed, of which only those that are not all zero are kept.
    """

    edge_at: list[int] = Field(default_factory=list, max_length=INTERVALS_MAX + 1)
    state: list[MachineState] = Field(default_factory=list, max_length=INTERVALS_MAX)
    may_be_minor: list[bool] = Field(default_factory=list, max_length=INTERVALS_MAX)
    reason_id: list[str | None] = Field(default_factory=list, max_length=INTERVALS_MAX)
    order_id: list[str | None] = Field(
        default_factory=list, max_length=INTERVALS_MAX, description="Empty where no order was in work."
    )
    pieces: dict[str, list[float]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_rectangular(self) -> "IntervalColumns":
        count = len(self.state)
        columns: tuple[Sized, ...] = (self.may_be_minor, self.reason_id, *self.pieces.values())
        if len(self.edge_at) != (count + 1 if count else 0) or any(len(column) != count for column in columns):
            raise ValueError("columns of intervals must have one length")
        if len(self.order_id) not in (0, count):
            raise ValueError("orders of intervals must be those of all of them, or none")
        return self

    def intervals(self) -> list[Interval]:
        pieces: list[dict[str, Any]] = [
            {name: column[place] for name, column in self.pieces.items()} for place in range(len(self.state))
        ]
        return [
            Interval(
                begin_at=self.edge_at[place], end_at=self.edge_at[place + 1], state=state,
                may_be_minor=self.may_be_minor[place], reason_id=self.reason_id[place],
                order_id=self.order_id[place] if self.order_id else None,
                **{**pieces[place], "order_us": int(pieces[place].get("order_us", 0))},
            )
            for place, state in enumerate(self.state)
        ]  # fmt: skip


def columns_of(intervals: Sequence[Interval]) -> IntervalColumns:
    """Return derived intervals as columns; they must follow each other."""
    pieces = {name: [float(getattr(one, name)) for one in intervals] for name in SUMMED}
    orders = [one.order_id for one in intervals]
    return IntervalColumns(
        edge_at=[one.begin_at for one in intervals] + [one.end_at for one in intervals[-1:]],
        state=[one.state for one in intervals],
        may_be_minor=[one.may_be_minor for one in intervals],
        reason_id=[one.reason_id for one in intervals],
        order_id=orders if any(orders) else [],
        pieces={name: column for name, column in pieces.items() if any(column)},
    )


class ShiftSums(Record):
    """One shift of one machine in sums, with what people said of its stops in them.

    ``known_to`` is up to when it is told: the end of a shift that is over.
    """

    id: Id
    site_id: Id
    asset_id: Id
    name: str
    crew: str
    day: date = Field(description="The date to which the shift belongs.")
    begin_at: int
    end_at: int
    known_to: int
    totals: Totals
    reasons: tuple[ReasonTotal, ...] = ()
    is_locked: bool = Field(default=False, description="Nobody changes its stops, and late samples do not either.")
    locked_by: str = Field(default="", max_length=120)
    revision: Revision = 0

    @property
    def is_over(self) -> bool:
        return self.known_to >= self.end_at


class ProductionShift(ShiftSums):
    """A shift with its intervals as they were derived, without what people said."""

    went_on: bool = Field(default=False, description="It began in the state in which the shift before it ended.")
    derived: IntervalColumns = IntervalColumns()


def shift_id(asset_id: str, begin_at: int) -> str:
    """Return the id of a machine's shift; derived again it is the same."""
    return derived_id(Micros(begin_at), asset_id, "shift")


def summed(
    shift: ProductionShift, edits: Sequence[StopEdit], states: Mapping[str, MachineState], minor_us: int
) -> tuple[ProductionShift, list[Interval]]:
    """Return a shift with sums in which the edits are, and its intervals with them."""
    intervals = edited(shift.derived.intervals(), edits, states, minor_us)
    totals = totals_of(intervals, began_before=shift.went_on)
    return shift.model_copy(update={"totals": totals, "reasons": tuple(by_reason(intervals))}), intervals


class Production(Protocol):
    """Where all of it is kept; reads and writes only what the scope covers."""

    async def units(self) -> Sequence[ProductionUnit]: ...
    async def unit(self, asset_id: str) -> ProductionUnit | None: ...
    async def put_unit(self, unit: ProductionUnit) -> None: ...
    async def products(self) -> Sequence[Product]: ...
    async def put_product(self, product: Product) -> None: ...
    async def reasons(self) -> Sequence[StopReason]: ...
    async def put_reason(self, reason: StopReason) -> None: ...
    async def rates(self) -> Sequence[SiteRates]: ...
    async def put_rates(self, rates: SiteRates) -> None: ...

    async def sums(self, asset_ids: Sequence[str], begin_at: int, end_at: int) -> Sequence[ShiftSums]:
        """Return the shifts of machines that touch a span, oldest first."""
        ...

    async def shift(self, shift_id: str) -> ProductionShift | None: ...

    async def shifts(self, asset_ids: Sequence[str], begin_at: int, end_at: int) -> Sequence[ProductionShift]:
        """Return as `sums` does, with intervals."""
        ...

    async def put_shifts(self, shifts: Sequence[ProductionShift]) -> None: ...

    async def edits(self, shift_ids: Sequence[str]) -> Sequence[StopEdit]:
        """Return what was said of stops of some shifts and not undone, oldest first."""
        ...

    async def put_edits(self, edits: Sequence[StopEdit]) -> None: ...
