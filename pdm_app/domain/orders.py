"""Orders that lines work: how much of which product until when, how far they are, and when they will be done."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import Field

from pdm_app.domain.oee import OeePeriod
from pdm_app.domain.production_plan import OrderRun, PlannedStop
from pdm_app.domain.record import Facts, Finite, Id, Instant, Record, Revision, Text
from pdm_app.domain.samples import MICROS_PER_S

ORDERS_MAX = 1_000
"""Of one site that are not over."""
RUNS_MAX = 500
"""Of one order: twice a day for most of a year."""

OrderNumber = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^\S(.*\S)?$")]


class OrderState(StrEnum):
    """Where an order stands."""

    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    DROPPED = "dropped"

    @property
    def is_over(self) -> bool:
        return self in (OrderState.DONE, OrderState.DROPPED)


class OrderFacts(Facts):
    """What is said of an order."""

    site_id: Id
    line_id: Id
    number: OrderNumber
    product_id: Id | None = None
    quantity: float = Field(gt=0, le=1e9, allow_inf_nan=False, description="Good pieces.")
    setup_min: float = Field(default=0, ge=0, le=10_000, description="Minutes planned for setting up.")
    due_at: Instant | None = None
    note: Text = ""


class Order(OrderFacts):
    """An order that is kept."""

    id: Id
    state: OrderState = OrderState.PLANNED
    revision: Revision = 0


class OrderProgress(Record):
    """An order with what was made for it, of the machines that rate its line.

    ``done_at`` is when its quantity is expected to be made at the pace so far; None where nothing tells.
    """

    order: Order
    product: str = Field(description="Code of what is made; empty where nobody has said so.")
    product_name: str
    line: str
    begun_at: int | None
    ended_at: int | None
    runs: tuple[OrderRun, ...]
    period: OeePeriod | None = Field(description="None where no work on it is known yet.")
    good: Finite
    made: Finite
    scrap: Finite
    setup_s: Finite
    done_at: int | None
    is_late: bool = Field(description="It was not done when it was due, or is not expected to be.")


def expected_at(quantity: float, good: float, busy_us: int, now: int) -> int | None:
    """Return when an order will be done that goes on as it went.

    Args:
        quantity: Wanted, in good pieces.
        good: Made so far.
        busy_us: Time planned for work on it so far, stops of every kind included.
        now: Microseconds UTC.
    """
    if good >= quantity:
        return now
    if good <= 0 or busy_us < 60 * MICROS_PER_S:
        return None
    return now + int(busy_us / good * (quantity - good))


class ProductionPlans(Protocol):
    """Where orders, work on them and planned time are kept; reads and writes only what the scope covers."""

    async def orders(self, site_id: str, *, over: bool) -> Sequence[Order]:
        """Return the orders of a site that are over, the newest `ORDERS_MAX` of them, or all that are not."""
        ...

    async def order(self, order_id: str) -> Order | None: ...
    async def put_order(self, order: Order) -> None: ...

    async def runs(self, begin_at: int, end_at: int) -> Sequence[OrderRun]:
        """Return work on orders that touches a span, in the order of time."""
        ...

    async def runs_of(self, order_ids: Sequence[str]) -> Sequence[OrderRun]: ...
    async def going(self, line_id: str) -> OrderRun | None:
        """Return the run of a line that goes on."""
        ...

    async def put_run(self, run: OrderRun) -> None: ...

    async def stops(self, begin_at: int, end_at: int) -> Sequence[PlannedStop]:
        """Return planned time that touches a span, in the order of time, what was dropped included."""
        ...

    async def stop(self, stop_id: str) -> PlannedStop | None: ...
    async def put_stop(self, stop: PlannedStop) -> None: ...
