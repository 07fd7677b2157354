"""A machine that is rated, for the tests of what may be done with production."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pdm_app.domain.handovers import Handover, HandoverLine
from pdm_app.domain.machine_states import MachineState, StateRule
from pdm_app.domain.oee import Totals
from pdm_app.domain.orders import Order, OrderState
from pdm_app.domain.production import IdealCycle, Product, ProductionUnit, SiteRates, StopReason
from pdm_app.domain.production_intervals import Interval
from pdm_app.domain.production_plan import OrderRun, PlannedStop
from pdm_app.domain.production_shifts import ProductionShift, columns_of, shift_id, summed
from pdm_app.domain.repositories import Work
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.shifts import Shift, ShiftCalendar, ShiftDay
from pdm_app.domain.stop_edits import EditKind, StopEdit

S = MICROS_PER_S
HOUR_US = 3_600 * S
BEGIN_AT = 1_800_000_000 * S - 27 * HOUR_US
"""05:00 UTC on a day before the tests' noon: in Graz a shift from 06:00 begins."""
REVISION = 5
LOCKED_AT, OPEN_AT = BEGIN_AT - 24 * HOUR_US, BEGIN_AT - 40 * HOUR_US
THREE = ShiftDay(
    shifts=(
        Shift(name="Early", begin="06:00", end="14:00", crew="A"),
        Shift(name="Late", begin="14:00", end="22:00", crew="B"),
        Shift(name="Night", begin="22:00", end="06:00", crew="C"),
    )
)


def calendar(site_id: str) -> ShiftCalendar:
    return ShiftCalendar(id=site_id, site_id=site_id, anchor=date(2026, 11, 16), days=(THREE,), revision=REVISION)


def reason_id(site_id: str, use: str = "jam") -> str:
    return f"{use}-{site_id}"


def product_id(site_id: str) -> str:
    return f"cap-{site_id}"


def reasons(site_id: str) -> tuple[StopReason, ...]:
    kinds: Mapping[str, MachineState] = {
        "jam": MachineState.DOWN,
        "crew": MachineState.IDLE,
        "mould": MachineState.SETUP,
    }
    return tuple(
        StopReason(id=reason_id(site_id, use), site_id=site_id, name=use.title(), state=state, revision=REVISION)
        for use, state in kinds.items()
    )


def unit(site_id: str, asset_id: str, line_id: str, signal_id: int, **facts: object) -> ProductionUnit:
    states = {0: MachineState.RUNNING, 1: MachineState.STARVED, 3: MachineState.IDLE, 5: MachineState.DOWN}
    rules = tuple(
        StateRule(signal_id=signal_id, low=low, high=low + 1, state=state, may_be_minor=low != 5)
        for low, state in states.items()
    )
    given = {"rules": rules, "cycles": (IdealCycle(seconds=0.5),), "is_constraint": True, "target_oee": 0.75,
             "revision": REVISION, **facts}  # fmt: skip
    return ProductionUnit.model_validate(
        {"id": asset_id, "asset_id": asset_id, "site_id": site_id, "line_id": line_id, **given}
    )


def shift(site_id: str, asset_id: str, begin_at: int = BEGIN_AT, *, is_locked: bool = False) -> ProductionShift:
    """Eight hours: seven of running with 50,000 pieces, 49,000 of them good, and one of standing for no reason yet."""
    hours = [(0, 4, MachineState.RUNNING), (4, 5, MachineState.IDLE), (5, 8, MachineState.RUNNING)]
    counted: dict[str, Any] = {
        "made": 25_000, "good": 24_500, "scrap": 500, "ideal_made_s": 12_500, "ideal_good_s": 12_250,
    }  # fmt: skip
    intervals = [
        Interval(
            begin_at + begin * HOUR_US, begin_at + end * HOUR_US, state, may_be_minor=state is MachineState.IDLE,
            **(counted if state is MachineState.RUNNING else {}),
        )
        for begin, end, state in hours
    ]  # fmt: skip
    raw = ProductionShift(
        id=shift_id(asset_id, begin_at), site_id=site_id, asset_id=asset_id, name="Early", crew="A",
        day=date(2027, 1, 14), begin_at=begin_at, end_at=begin_at + 8 * HOUR_US, known_to=begin_at + 8 * HOUR_US,
        totals=Totals(), derived=columns_of(intervals), is_locked=is_locked, locked_by="max" if is_locked else "",
    )  # fmt: skip
    return summed(raw, [], {}, 120 * S)[0]


def edit(site_id: str, asset_id: str, begin_at: int = BEGIN_AT) -> StopEdit:
    return StopEdit(
        id=f"edit-{site_id}", site_id=site_id, asset_id=asset_id, shift_id=shift_id(asset_id, begin_at), said_at=1,
        said_by="olga", kind=EditKind.CUT, at=begin_at + 4 * HOUR_US + 1_800 * S,
    )  # fmt: skip


def handover(site_id: str, line_id: str) -> Handover:
    """A shift that somebody has handed over and nobody has taken yet."""
    line = HandoverLine(
        line_id=line_id, name="Line 1", made=50_000, good=49_000, scrap=1_000, oee=0.85, target_oee=0.75,
        stopped_s=3_600, waiting=1,
    )  # fmt: skip
    return Handover(
        id=f"handover-{site_id}", site_id=site_id, name="Early", crew="A", day=date(2027, 1, 13), begin_at=LOCKED_AT,
        end_at=LOCKED_AT + 8 * HOUR_US, until_at=LOCKED_AT + 8 * HOUR_US, lines=(line,), alarms=(),
        notes="Glue is low.", handed_by_id="nobody", handed_by="Nora", handed_at=LOCKED_AT + 8 * HOUR_US,
        revision=REVISION,
    )  # fmt: skip


def order(site_id: str, line_id: str, state: OrderState = OrderState.PLANNED) -> Order:
    return Order(
        id=f"order-{state}-{site_id}", site_id=site_id, line_id=line_id, number=f"4711-{state}", quantity=60_000,
        product_id=product_id(site_id), due_at=BEGIN_AT + 30 * HOUR_US, state=state, revision=REVISION,
    )  # fmt: skip


def order_run(site_id: str, line_id: str, end_at: int | None = None) -> OrderRun:
    """Work on the order that is in work, since the third hour of the shift."""
    return OrderRun(
        id=f"run-{site_id}", site_id=site_id, line_id=line_id, order_id=f"order-running-{site_id}",
        product_id=product_id(site_id), begin_at=BEGIN_AT + 2 * HOUR_US, end_at=end_at, begun_by="Nora",
    )  # fmt: skip


def planned_stop(site_id: str, line_id: str) -> PlannedStop:
    return PlannedStop(
        id=f"planned-{site_id}", site_id=site_id, line_id=line_id, begin_at=BEGIN_AT + 72 * HOUR_US,
        end_at=BEGIN_AT + 74 * HOUR_US, name="Grease", said_by="Nora", revision=REVISION,
    )  # fmt: skip


async def put_plan(work: Work, site_id: str, line_id: str) -> None:
    """An order that is planned, one that is in work, and planned time in three days."""
    await work.plans.put_order(order(site_id, line_id))
    await work.plans.put_order(order(site_id, line_id, OrderState.RUNNING))
    await work.plans.put_run(order_run(site_id, line_id))
    await work.plans.put_stop(planned_stop(site_id, line_id))


async def put_production(work: Work, site_id: str, asset_id: str, line_id: str, signal_id: int) -> None:
    """A machine that is rated, a product, reasons, prices, shifts that are over, one of them locked."""
    await work.production.put_product(
        Product(id=product_id(site_id), site_id=site_id, code="P-28", name="Cap", number=28, revision=REVISION)
    )
    for reason in reasons(site_id):
        await work.production.put_reason(reason)
    await work.production.put_unit(unit(site_id, asset_id, line_id, signal_id))
    await work.production.put_rates(SiteRates(id=site_id, site_id=site_id, machine_hour=240, revision=REVISION))
    await work.production.put_shifts(
        [
            shift(site_id, asset_id),
            shift(site_id, asset_id, LOCKED_AT, is_locked=True),
            shift(site_id, asset_id, OPEN_AT),
        ]
    )
    await work.production.put_edits([edit(site_id, asset_id)])
    await work.handovers.put(handover(site_id, line_id))
    await work.shifts.put(calendar(site_id))
    await put_plan(work, site_id, line_id)
