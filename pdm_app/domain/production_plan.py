"""What is planned for machines: time in which they are not to run, and the orders that they work.

Time in which a machine is not to run (a break, maintenance that was planned) turns a stop into planned time, whatever
the machine says of itself, and only within its edges: what stands longer is a stop again. A machine that runs through
a break is rated for it, as for any other minute in which it makes pieces. Nothing is planned of time without data.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, model_validator

from pdm_app.domain.production import ProductionUnit
from pdm_app.domain.record import Facts, Id, Instant, Record, Revision, Text
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.shifts import ShiftSpan

PLANNED_US_MAX = 60 * 86_400 * MICROS_PER_S
PLANNED_MAX = 2_000
"""Of one site, within the time that is asked for."""
OPEN_END = 2**62  # Of a run that goes on: no clock comes so far.


class PlannedStopFacts(Facts):
    """Time in which machines of a site are not to run, such as for maintenance: all of them, a line's, or one."""

    site_id: Id
    line_id: Id | None = None
    asset_id: Id | None = None
    begin_at: Instant
    end_at: Instant
    name: Annotated[str, Field(min_length=1, max_length=120, description="What is done, such as: new bearings.")]
    note: Text = ""

    @model_validator(mode="after")
    def _has_a_length(self) -> "PlannedStopFacts":
        if not self.begin_at < self.end_at <= self.begin_at + PLANNED_US_MAX:
            raise ValueError("planned time ends after it begins, and lasts 60 days at most")
        if self.line_id is not None and self.asset_id is not None:
            raise ValueError("name a line or a machine, not both")
        return self

    def is_of(self, unit: ProductionUnit) -> bool:
        """Whether it stops a machine."""
        if self.site_id != unit.site_id:
            return False
        if self.asset_id is not None:
            return self.asset_id == unit.asset_id
        return self.line_id is None or self.line_id == unit.line_id


class PlannedStop(PlannedStopFacts):
    """Planned time that is kept."""

    id: Id
    said_by: str = Field(max_length=120)
    is_dropped: bool = Field(default=False, description="It does not take place; kept so that it can be told.")
    revision: Revision = 0


class OrderRun(Record):
    """Work on an order by the machines of a line, from one moment up to, and without, another."""

    id: Id
    site_id: Id
    line_id: Id
    order_id: Id
    product_id: Id | None
    begin_at: int
    end_at: int | None = Field(default=None, description="None: it goes on.")
    begun_by: str = Field(max_length=120)

    @property
    def until(self) -> int:
        return OPEN_END if self.end_at is None else self.end_at


@dataclass(frozen=True, slots=True)
class Plan:
    """What is planned for one machine over one span.

    Attributes:
        stops: Time in which it is not to run, as begin and end; apart from each other, in order.
        runs: Work on orders, apart from each other, in order.
    """

    stops: tuple[tuple[int, int], ...] = ()
    runs: tuple[OrderRun, ...] = ()


NOTHING = Plan()


def plan_of(unit: ProductionUnit, span: ShiftSpan, stops: Iterable[PlannedStop], runs: Sequence[OrderRun]) -> Plan:
    """Return what is planned for a machine in a shift: breaks and planned stops as one, and the orders of its line."""
    planned = [(one.begin_at, one.end_at) for one in span.breaks]
    planned += [(one.begin_at, one.end_at) for one in stops if not one.is_dropped and one.is_of(unit)]
    inside = [(max(begin, span.begin_at), min(end, span.end_at)) for begin, end in sorted(planned)]
    whole: list[tuple[int, int]] = []
    for begin, end in inside:
        if begin >= end:
            continue
        if whole and begin <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(end, whole[-1][1]))
        else:
            whole.append((begin, end))
    own = [one for one in runs if one.line_id == unit.line_id]
    touching = [one for one in own if one.begin_at < span.end_at and one.until > span.begin_at]
    return Plan(tuple(whole), tuple(sorted(touching, key=lambda one: one.begin_at)))
